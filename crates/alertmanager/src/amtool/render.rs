//! `template render`: what a template makes of a notification, a sample one or one from a file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde::Deserialize;
use template::notification::{self, kv};
use template::{Escaping, Time};

use super::Session;
use crate::templates::Templates;
use crate::time::Clock;

#[derive(Debug, Args)]
pub(super) struct Render {
    /// Pattern of files with templates; may be repeated.
    #[arg(long = "template.glob", required = true, value_name = "PATTERN")]
    globs: Vec<PathBuf>,
    /// The template that will be rendered.
    #[arg(long = "template.text", required = true, value_name = "TEXT")]
    text: String,
    /// The type of the template.
    #[arg(long = "template.type", value_enum, default_value_t = Kind::Text)]
    kind: Kind,
    /// A JSON file with the data of a notification, in the form that webhooks get; a sample without one.
    #[arg(long = "template.data", value_name = "FILE")]
    data: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Text,
    Html,
}

/// A notification as webhooks get it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Notification {
    receiver: String,
    status: String,
    alerts: Vec<Alert>,
    #[serde(rename = "notification_reason")]
    notification_reason: String,
    group_labels: BTreeMap<String, String>,
    common_labels: BTreeMap<String, String>,
    common_annotations: BTreeMap<String, String>,
    route_labels: BTreeMap<String, String>,
    #[serde(rename = "externalURL")]
    external_url: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Alert {
    status: String,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    starts_at: String,
    ends_at: String,
    #[serde(rename = "generatorURL")]
    generator_url: String,
    fingerprint: String,
}

impl Render {
    pub(super) fn run(self, session: &mut Session<'_>) -> Result<()> {
        let templates = Templates::load(&self.globs, "", Clock::machine())?;
        let notification = match &self.data {
            None => sample(Timestamp::now()),
            Some(file) => {
                let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
                serde_json::from_str(&text).with_context(|| format!("{} is no notification", file.display()))?
            }
        };
        let escaping = match self.kind {
            Kind::Text => Escaping::None,
            Kind::Html => Escaping::Html,
        };
        let rendered = templates.render_value(&self.text, &notification.value(), escaping, false)?;
        write!(session.out, "{rendered}")?;
        Ok(())
    }
}

impl Notification {
    fn value(&self) -> template::Value {
        let alert = |alert: &Alert| notification::Alert {
            status: alert.status.clone(),
            labels: kv(&alert.labels),
            annotations: kv(&alert.annotations),
            starts_at: Time::from_rfc3339(&alert.starts_at).unwrap_or_else(|_| Time::zero()),
            ends_at: Time::from_rfc3339(&alert.ends_at).unwrap_or_else(|_| Time::zero()),
            generator_url: alert.generator_url.clone(),
            fingerprint: alert.fingerprint.clone(),
        };
        notification::Data {
            receiver: self.receiver.clone(),
            status: self.status.clone(),
            alerts: self.alerts.iter().map(alert).collect(),
            notification_reason: self.notification_reason.clone(),
            group_labels: kv(&self.group_labels),
            common_labels: kv(&self.common_labels),
            common_annotations: kv(&self.common_annotations),
            route_labels: kv(&self.route_labels),
            external_url: self.external_url.clone(),
        }
        .into_value()
    }
}

/// A notification with one alert that fires and one that is resolved.
fn sample(now: Timestamp) -> Notification {
    let map = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let common = |word: &str| -> [(String, String); 2] {
        [1, 2].map(|n| (format!("common{word}key{n}"), format!("common{word}value{n}")))
    };
    let alert = |status: &str, minutes: u64, labels: &[(&str, &str)], annotations: &[(&str, &str)], n: u8| {
        let (mut labels, mut annotations): (BTreeMap<_, _>, BTreeMap<_, _>) = (map(labels), map(annotations));
        labels.extend(common("label"));
        annotations.extend(common("annotation"));
        Alert {
            status: status.to_owned(),
            labels,
            annotations,
            starts_at: crate::time::before(now, std::time::Duration::from_secs(60 * minutes)).to_string(),
            ends_at: now.to_string(),
            generator_url: "https://generatorurl.com".to_owned(),
            fingerprint: format!("fingerprint{n}"),
        }
    };
    let first_labels = [("label1", "value1"), ("label2", "value2"), ("instance", "foo.bar:1234")];
    let first_annotations = [("annotation1", "value1"), ("annotation2", "value2")];
    Notification {
        receiver: "receiver".to_owned(),
        status: "alertstatus".to_owned(),
        alerts: vec![
            alert("firing", 5, &first_labels, &first_annotations, 1),
            alert("resolved", 10, &[("foo", "bar"), ("baz", "qux")], &[("aaa", "bbb"), ("ccc", "ddd")], 2),
        ],
        group_labels: map(&[("grouplabelkey1", "grouplabelvalue1"), ("grouplabelkey2", "grouplabelvalue2")]),
        common_labels: common("label").into(),
        common_annotations: common("annotation").into(),
        external_url: "https://example.com".to_owned(),
        ..Notification::default()
    }
}
