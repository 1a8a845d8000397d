//! The data of one notification: what templates see, and what webhooks are sent.

use std::collections::BTreeMap;

use jiff::Timestamp;
use metrics_model::Labels;
use serde::Serialize;

use crate::notify::{NotifyAlert, Reason};

/// One notification.
#[derive(Debug, Clone, Serialize)]
pub struct Data {
    /// The receiver's name, as a pattern that matches nothing else.
    pub receiver: String,
    /// `firing` as long as any alert fires, else `resolved`.
    pub status: &'static str,
    /// The alerts.
    pub alerts: Vec<AlertData>,
    /// Why it is sent.
    pub notification_reason: &'static str,
    /// The labels that name the group.
    #[serde(rename = "groupLabels")]
    pub group_labels: BTreeMap<String, String>,
    /// The labels that all alerts share.
    #[serde(rename = "commonLabels")]
    pub common_labels: BTreeMap<String, String>,
    /// The annotations that all alerts share.
    #[serde(rename = "commonAnnotations")]
    pub common_annotations: BTreeMap<String, String>,
    /// The route's labels.
    #[serde(rename = "routeLabels")]
    pub route_labels: BTreeMap<String, String>,
    /// Where this daemon is reached.
    #[serde(rename = "externalURL")]
    pub external_url: String,
}

/// One alert of a notification.
#[derive(Debug, Clone, Serialize)]
pub struct AlertData {
    /// `firing` or `resolved`.
    pub status: &'static str,
    /// What identifies it.
    pub labels: BTreeMap<String, String>,
    /// What people should read.
    pub annotations: BTreeMap<String, String>,
    /// Since when it fires.
    #[serde(rename = "startsAt", serialize_with = "time")]
    pub starts_at: Option<Timestamp>,
    /// Since when it is resolved; `None` while it fires.
    #[serde(rename = "endsAt", serialize_with = "time")]
    pub ends_at: Option<Timestamp>,
    /// A page that shows where it comes from.
    #[serde(rename = "generatorURL")]
    pub generator_url: String,
    /// The hash of its labels.
    pub fingerprint: String,
}

const FIRING: &str = "firing";
const RESOLVED: &str = "resolved";

impl Data {
    /// The data of a notification, without the route's labels.
    #[must_use]
    pub fn new(
        receiver: &str,
        group_labels: &Labels,
        reason: Reason,
        alerts: &[NotifyAlert],
        external_url: &str,
    ) -> Self {
        let any_fires = alerts.iter().any(|alert| !alert.resolved);
        let labels = |alert: &NotifyAlert| owned(alert.alert.labels.iter());
        let annotations = |alert: &NotifyAlert| owned(alert.alert.annotations.iter());
        Self {
            receiver: as_pattern(receiver),
            status: if any_fires { FIRING } else { RESOLVED },
            alerts: alerts.iter().map(AlertData::new).collect(),
            notification_reason: reason.as_str(),
            group_labels: owned(group_labels.iter()),
            common_labels: common(alerts, labels),
            common_annotations: common(alerts, annotations),
            route_labels: BTreeMap::new(),
            external_url: external_url.to_owned(),
        }
    }
}

impl AlertData {
    fn new(alert: &NotifyAlert) -> Self {
        let NotifyAlert { alert, resolved } = alert;
        Self {
            status: if *resolved { RESOLVED } else { FIRING },
            labels: owned(alert.labels.iter()),
            annotations: owned(alert.annotations.iter()),
            starts_at: Some(alert.starts_at),
            ends_at: resolved.then_some(alert.ends_at),
            generator_url: alert.generator_url.to_string(),
            fingerprint: alert.fingerprint.to_string(),
        }
    }
}

fn owned<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> BTreeMap<String, String> {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// What all alerts share; to lack a name is to have it with an empty value.
fn common(
    alerts: &[NotifyAlert],
    pairs: impl Fn(&NotifyAlert) -> BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let Some((first, others)) = alerts.split_first() else {
        return BTreeMap::new();
    };
    let mut common = pairs(first);
    for other in others {
        if common.is_empty() {
            break;
        }
        let other = pairs(other);
        common.retain(|name, value| other.get(name).map_or("", String::as_str) == value);
    }
    common
}

/// Escapes what has a meaning in regular expressions, because links to this daemon filter by receiver with one.
fn as_pattern(name: &str) -> String {
    let mut pattern = String::with_capacity(name.len());
    for c in name.chars() {
        if "\\.+*?()|[]{}^$".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

/// RFC 3339 with as many digits as there are; no time is Go's zero time.
fn time<S: serde::Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.collect_str(time),
        None => serializer.serialize_str("0001-01-01T00:00:00Z"),
    }
}
