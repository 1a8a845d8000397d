//! Groups: what one job pushed, under the labels that name it.

use std::collections::BTreeMap;

use metrics_model::Labels;
use metrics_model::family::MetricFamily;

/// The labels that name a group, sorted by name, always with `job`. Unlike labels of series they may be empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupKey {
    pairs: Vec<(String, String)>,
}

impl GroupKey {
    /// A key from pairs that are sorted by name and unique.
    #[must_use]
    pub fn from_sorted(pairs: Vec<(String, String)>) -> Self {
        Self { pairs }
    }

    /// Names and values in order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The number of labels.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there are no labels; no parsed key is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The labels that a metric of this group shows: its own, overwritten by the group's, and an `instance` that is
    /// empty where neither has one, so that the scraper does not put in the gateway's address.
    #[must_use]
    pub fn apply(&self, own: &Labels) -> Labels {
        let mut all: BTreeMap<&str, &str> = BTreeMap::from([("instance", "")]);
        all.extend(own.iter());
        all.extend(self.iter());
        Labels::from_sorted(all)
    }
}

/// A family as it was pushed, the group's labels applied.
#[derive(Debug, Clone, PartialEq)]
pub struct PushedFamily {
    /// The metrics.
    pub family: MetricFamily,
    /// When it was pushed, nanoseconds since the Unix epoch.
    pub pushed_ns: i64,
}

/// What one job pushed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Group {
    /// By name.
    pub families: BTreeMap<String, PushedFamily>,
    /// The last push that was taken, nanoseconds since the Unix epoch; 0 for none.
    pub succeeded_ns: i64,
    /// The last push that was refused, likewise.
    pub failed_ns: i64,
    /// When the group goes away by itself, likewise; 0 for never.
    pub expires_ns: i64,
}

impl Group {
    /// Whether the newest push was taken.
    #[must_use]
    pub fn is_last_push_successful(&self) -> bool {
        self.succeeded_ns > self.failed_ns
    }

    /// Whether the group's time is over.
    #[must_use]
    pub fn is_expired(&self, now_ns: i64) -> bool {
        self.expires_ns != 0 && self.expires_ns <= now_ns
    }

    /// The number of metrics.
    #[must_use]
    pub fn metrics(&self) -> usize {
        self.families.values().map(|pushed| pushed.family.metrics.len()).sum()
    }
}
