//! One thing that happened, as it is kept on disk and shown by the API.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::alert::Alert;
use crate::silence::Silence;

/// Names and values.
type LabelSet = BTreeMap<String, String>;

/// An event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When it was noted.
    pub time: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub enum What {
    /// An alert changed.
    Alert {
        /// Its labels.
        labels: LabelSet,
        /// Their hash.
        fingerprint: String,
        /// What it is now.
        state: AlertChange,
        /// Ids of silences, fingerprints of alerts, names of time intervals.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        by: Vec<String>,
        /// Whose notifications are concerned; for firing and resolved all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        receiver: Option<String>,
        /// Since when it fires.
        starts_at: Timestamp,
        /// Until when.
        ends_at: Timestamp,
        /// For people.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        annotations: LabelSet,
    },
    /// A receiver was told, or should have been.
    Notification {
        /// The receiver.
        receiver: String,
        /// The integration's kind.
        integration: String,
        /// Its position among those of its kind.
        index: usize,
        /// The group.
        group_key: String,
        /// Its labels.
        group_labels: LabelSet,
        /// Why.
        reason: String,
        /// What became of it.
        outcome: Outcome,
        /// Why it failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
        /// How long it took.
        milliseconds: u64,
        /// How many alerts it told of.
        alert_count: usize,
        /// The first of them.
        alerts: Vec<ToldAlert>,
    },
    /// A silence changed.
    Silence {
        /// Its id.
        id: String,
        /// What was done.
        change: SilenceChange,
        /// Its conditions.
        matchers: Vec<String>,
        /// What its conditions of equality ask for.
        labels: LabelSet,
        /// From when on it holds.
        starts_at: Timestamp,
        /// Until when.
        ends_at: Timestamp,
        /// Who made it.
        created_by: String,
        /// Why.
        comment: String,
        /// Whether another member of the cluster told of it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        from_peer: bool,
    },
}

/// What an alert can become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertChange {
    /// It began to fire.
    Firing,
    /// It is over.
    Resolved,
    /// A flush found it silenced.
    Silenced,
    /// A flush found it inhibited.
    Inhibited,
    /// A flush found its route muted.
    Muted,
    /// A flush found that nothing keeps it quiet any more.
    Active,
}

/// What can become of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The receiver has it.
    Sent,
    /// It was given up.
    Failed,
}

/// What can be done to a silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SilenceChange {
    /// It was made.
    Created,
    /// It was changed.
    Updated,
    /// It was ended before its time.
    Expired,
}

/// An alert of a notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldAlert {
    /// Its labels.
    pub labels: LabelSet,
    /// Whether it was told as resolved.
    pub resolved: bool,
}

fn owned<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> LabelSet {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

impl Event {
    /// Of an alert.
    #[must_use]
    pub fn alert(time: Timestamp, alert: &Alert, state: AlertChange, by: Vec<String>, receiver: Option<&str>) -> Self {
        let with_annotations = state == AlertChange::Firing;
        let what = What::Alert {
            labels: owned(alert.labels.iter()),
            fingerprint: alert.fingerprint.to_string(),
            state,
            by,
            receiver: receiver.map(str::to_owned),
            starts_at: alert.starts_at,
            ends_at: alert.ends_at,
            annotations: if with_annotations { owned(alert.annotations.iter()) } else { LabelSet::new() },
        };
        Self { time, what }
    }

    /// Of a silence.
    #[must_use]
    pub fn silence(time: Timestamp, silence: &Silence, change: SilenceChange, from_peer: bool) -> Self {
        let equal = silence.matchers.iter().filter(|matcher| matcher.op() == metrics_model::MatchOp::Equal);
        let what = What::Silence {
            id: silence.id.clone(),
            change,
            matchers: silence.matchers.iter().map(ToString::to_string).collect(),
            labels: owned(equal.map(|matcher| (matcher.name(), matcher.value()))),
            starts_at: silence.starts_at,
            ends_at: silence.ends_at,
            created_by: silence.created_by.clone(),
            comment: silence.comment.clone(),
            from_peer,
        };
        Self { time, what }
    }
}

impl What {
    /// The word for the kind of event.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Alert { .. } => "alert",
            Self::Notification { .. } => "notification",
            Self::Silence { .. } => "silence",
        }
    }

    /// The receiver concerned, if there is one.
    #[must_use]
    pub fn receiver(&self) -> Option<&str> {
        match self {
            Self::Alert { receiver, .. } => receiver.as_deref(),
            Self::Notification { receiver, .. } => Some(receiver),
            Self::Silence { .. } => None,
        }
    }

    /// The group concerned, if there is one.
    #[must_use]
    pub fn group_key(&self) -> Option<&str> {
        match self {
            Self::Notification { group_key, .. } => Some(group_key),
            Self::Alert { .. } | Self::Silence { .. } => None,
        }
    }

    /// The word for what became of it.
    #[must_use]
    pub fn outcome(&self) -> &'static str {
        match self {
            Self::Alert { state, .. } => match state {
                AlertChange::Firing => "firing",
                AlertChange::Resolved => "resolved",
                AlertChange::Silenced => "silenced",
                AlertChange::Inhibited => "inhibited",
                AlertChange::Muted => "muted",
                AlertChange::Active => "active",
            },
            Self::Notification { outcome: Outcome::Sent, .. } => "sent",
            Self::Notification { outcome: Outcome::Failed, .. } => "failed",
            Self::Silence { change: SilenceChange::Created, .. } => "created",
            Self::Silence { change: SilenceChange::Updated, .. } => "updated",
            Self::Silence { change: SilenceChange::Expired, .. } => "expired",
        }
    }

    /// The label sets it is about.
    pub fn label_sets(&self) -> impl Iterator<Item = &LabelSet> {
        let (single, told) = match self {
            Self::Alert { labels, .. } | Self::Silence { labels, .. } => (Some(labels), &[][..]),
            Self::Notification { alerts, .. } => (None, alerts.as_slice()),
        };
        single.into_iter().chain(told.iter().map(|alert| &alert.labels))
    }
}
