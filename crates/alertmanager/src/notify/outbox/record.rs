//! What the outbox holds, in memory and on disk.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use metrics_model::{Fingerprint, Labels};
use serde::{Deserialize, Serialize};

use super::{Key, Pending, Undelivered};
use crate::alert::{Alert, Pairs};
use crate::nflog::ReceiverKey;
use crate::notify::{NotifyAlert, Reason};

/// A notification, complete: it can be told without its group.
#[derive(Debug, Clone)]
pub struct Notification {
    /// The receiver of the route, whoever is told in the end.
    pub receiver: String,
    /// The key of the route.
    pub route_key: String,
    /// The labels that all alerts of the group share by construction.
    pub group_labels: Labels,
    /// The route's labels, templates rendered.
    pub route_labels: BTreeMap<String, String>,
    /// Why it is sent.
    pub reason: Reason,
    /// The alerts, in the order in which the receiver is told of them.
    pub alerts: Vec<NotifyAlert>,
}

/// A record of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Record {
    /// A notification came in, or another one took its place.
    Put(PutRecord),
    /// An attempt failed.
    Attempt(AttemptRecord),
    /// A notification was delivered, or is not wanted any more.
    Gone(KeyRecord),
    /// A notification was given up.
    Undelivered(UndeliveredRecord),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct KeyRecord {
    group_key: String,
    #[serde(flatten)]
    receiver: ReceiverKey,
}

impl From<&Key> for KeyRecord {
    fn from((group_key, receiver): &Key) -> Self {
        Self { group_key: group_key.clone(), receiver: receiver.clone() }
    }
}

impl From<KeyRecord> for Key {
    fn from(record: KeyRecord) -> Self {
        (record.group_key, record.receiver)
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PutRecord {
    key: KeyRecord,
    since: Timestamp,
    failures: u32,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    last_error: String,
    not_before: Timestamp,
    notification: NotificationRecord,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AttemptRecord {
    pub(super) key: KeyRecord,
    failures: u32,
    last_error: String,
    not_before: Timestamp,
    next_attempt: Timestamp,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UndeliveredRecord {
    key: KeyRecord,
    since: Timestamp,
    given_up_at: Timestamp,
    failures: u32,
    reason: String,
    notification: NotificationRecord,
}

#[derive(Debug, Serialize, Deserialize)]
struct NotificationRecord {
    receiver: String,
    route_key: String,
    group_labels: BTreeMap<String, String>,
    route_labels: BTreeMap<String, String>,
    reason: String,
    alerts: Vec<AlertRecord>,
}

#[derive(Debug, Serialize, Deserialize)]
struct AlertRecord {
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    starts_at: Timestamp,
    ends_at: Timestamp,
    updated_at: Timestamp,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    generator_url: String,
    ends_by_timeout: bool,
    resolved: bool,
}

impl Record {
    pub(super) fn put(key: &Key, pending: &Pending) -> Self {
        Self::Put(PutRecord {
            key: key.into(),
            since: pending.since,
            failures: pending.failures,
            last_error: pending.last_error.clone(),
            not_before: pending.not_before,
            notification: (&*pending.notification).into(),
        })
    }

    pub(super) fn attempt(key: &Key, pending: &Pending) -> Self {
        Self::Attempt(AttemptRecord {
            key: key.into(),
            failures: pending.failures,
            last_error: pending.last_error.clone(),
            not_before: pending.not_before,
            next_attempt: pending.next_attempt,
        })
    }

    pub(super) fn gone(key: &Key) -> Self {
        Self::Gone(key.into())
    }

    pub(super) fn undelivered(undelivered: &Undelivered) -> Self {
        Self::Undelivered(UndeliveredRecord {
            key: (&undelivered.key).into(),
            since: undelivered.since,
            given_up_at: undelivered.given_up_at,
            failures: undelivered.failures,
            reason: undelivered.reason.clone(),
            notification: (&*undelivered.notification).into(),
        })
    }
}

impl PutRecord {
    /// What waits. After a restart nobody delivers it but the outbox: it is due at once, unless its receiver asked to be
    /// left alone.
    pub(super) fn into_parts(self, now: Timestamp) -> (Key, Pending) {
        let pending = Pending {
            since: self.since,
            notification: Arc::new(self.notification.into()),
            failures: self.failures,
            last_error: self.last_error,
            not_before: self.not_before,
            next_attempt: self.not_before.max(now),
        };
        (self.key.into(), pending)
    }
}

impl AttemptRecord {
    pub(super) fn tell(self, pending: &mut Pending) {
        pending.failures = self.failures;
        pending.last_error = self.last_error;
        pending.not_before = self.not_before;
        pending.next_attempt = self.next_attempt;
    }
}

impl UndeliveredRecord {
    pub(super) fn into_undelivered(self) -> Undelivered {
        Undelivered {
            key: self.key.into(),
            notification: Arc::new(self.notification.into()),
            since: self.since,
            given_up_at: self.given_up_at,
            failures: self.failures,
            reason: self.reason,
        }
    }
}

fn owned<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> BTreeMap<String, String> {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

impl From<&Notification> for NotificationRecord {
    fn from(notification: &Notification) -> Self {
        Self {
            receiver: notification.receiver.clone(),
            route_key: notification.route_key.clone(),
            group_labels: owned(notification.group_labels.iter()),
            route_labels: notification.route_labels.clone(),
            reason: notification.reason.as_str().to_owned(),
            alerts: notification.alerts.iter().map(Into::into).collect(),
        }
    }
}

impl From<NotificationRecord> for Notification {
    fn from(record: NotificationRecord) -> Self {
        Self {
            receiver: record.receiver,
            route_key: record.route_key,
            group_labels: Labels::from_pairs(record.group_labels),
            route_labels: record.route_labels,
            reason: Reason::of(&record.reason),
            alerts: record.alerts.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<&NotifyAlert> for AlertRecord {
    fn from(NotifyAlert { alert, resolved }: &NotifyAlert) -> Self {
        Self {
            labels: owned(alert.labels.iter()),
            annotations: owned(alert.annotations.iter()),
            starts_at: alert.starts_at,
            ends_at: alert.ends_at,
            updated_at: alert.updated_at,
            generator_url: alert.generator_url.to_string(),
            ends_by_timeout: alert.ends_by_timeout,
            resolved: *resolved,
        }
    }
}

impl From<AlertRecord> for NotifyAlert {
    fn from(record: AlertRecord) -> Self {
        let labels = Labels::from_pairs(record.labels);
        let alert = Alert {
            fingerprint: Fingerprint::of(&labels),
            labels,
            annotations: Pairs::from_pairs(record.annotations),
            starts_at: record.starts_at,
            ends_at: record.ends_at,
            updated_at: record.updated_at,
            generator_url: Arc::from(record.generator_url),
            ends_by_timeout: record.ends_by_timeout,
        };
        Self { alert: Arc::new(alert), resolved: record.resolved }
    }
}
