//! The data of one notification: what templates see, and what webhooks are sent.

use std::collections::BTreeMap;

use jiff::Timestamp;
use metrics_model::Labels;
use serde::Serialize;
use template::{Time, Value, notification};

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
    /// All of this for templates, made once for all texts of a notification.
    #[serde(skip)]
    value: Value,
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
    /// The data of a notification.
    #[must_use]
    pub fn new(
        receiver: &str,
        group_labels: &Labels,
        route_labels: BTreeMap<String, String>,
        reason: Reason,
        alerts: &[NotifyAlert],
        external_url: &str,
    ) -> Self {
        let any_fires = alerts.iter().any(|alert| !alert.resolved);
        let labels = |alert: &NotifyAlert| owned(alert.alert.labels.iter());
        let annotations = |alert: &NotifyAlert| owned(alert.alert.annotations.iter());
        let mut data = Self {
            receiver: as_pattern(receiver),
            status: if any_fires { FIRING } else { RESOLVED },
            alerts: alerts.iter().map(AlertData::new).collect(),
            notification_reason: reason.as_str(),
            group_labels: owned(group_labels.iter()),
            common_labels: common(alerts, labels),
            common_annotations: common(alerts, annotations),
            route_labels,
            external_url: external_url.to_owned(),
            value: Value::Nil,
        };
        data.value = data.to_value();
        data
    }

    /// Whether any alert fires.
    #[must_use]
    pub fn fires(&self) -> bool {
        self.status == FIRING
    }

    /// What templates call `.`.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    fn to_value(&self) -> Value {
        notification::Data {
            receiver: self.receiver.clone(),
            status: self.status.to_owned(),
            alerts: self.alerts.iter().map(AlertData::to_value).collect(),
            notification_reason: self.notification_reason.to_owned(),
            group_labels: notification::kv(&self.group_labels),
            common_labels: notification::kv(&self.common_labels),
            common_annotations: notification::kv(&self.common_annotations),
            route_labels: notification::kv(&self.route_labels),
            external_url: self.external_url.clone(),
        }
        .into_value()
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

    fn to_value(&self) -> notification::Alert {
        notification::Alert {
            status: self.status.to_owned(),
            labels: notification::kv(&self.labels),
            annotations: notification::kv(&self.annotations),
            starts_at: template_time(self.starts_at),
            ends_at: template_time(self.ends_at),
            generator_url: self.generator_url.clone(),
            fingerprint: self.fingerprint.clone(),
        }
    }
}

/// A time for templates; those beyond the 292 years around 1970 that fit 64 bits of nanoseconds keep their seconds.
fn template_time(time: Option<Timestamp>) -> Time {
    let Some(time) = time else {
        return Time::zero();
    };
    match i64::try_from(time.as_nanosecond()) {
        Ok(nanoseconds) => Time::from_unix_ns(nanoseconds),
        Err(_) => Time::from_unix_ms(time.as_millisecond()),
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
