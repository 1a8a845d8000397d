//! The alert as this daemon keeps it: the shared vocabulary's words, with times to the nanosecond.
//!
//! Times keep the sender's full precision because receivers are told them (`.StartsAt` in templates, `startsAt` in
//! webhooks), and because two reports within one millisecond must still have an order.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::Timestamp;
use metrics_model::alert::ALERT_NAME;
use metrics_model::{Fingerprint, Labels};

/// One alert, firing or resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// What identifies the alert.
    pub labels: Labels,
    /// The hash of `labels`, kept because it is asked for at every step.
    pub fingerprint: Fingerprint,
    /// What people should read.
    pub annotations: Pairs,
    /// From when on it fires.
    pub starts_at: Timestamp,
    /// From when on it is resolved.
    pub ends_at: Timestamp,
    /// When this state was last heard of.
    pub updated_at: Timestamp,
    /// A page that shows where the alert comes from, or empty.
    pub generator_url: Arc<str>,
    /// Whether the sender left the end open and it was set to a time after which silence means resolved.
    pub ends_by_timeout: bool,
}

impl Alert {
    /// The value of the label `alertname`, or empty.
    #[must_use]
    pub fn name(&self) -> &str {
        self.labels.get_or_empty(ALERT_NAME)
    }

    /// Whether the alert is over at `now`.
    #[must_use]
    pub fn is_resolved_at(&self, now: Timestamp) -> bool {
        self.ends_at <= now
    }

    /// Whether the times in which two reports of the same alert hold touch each other, so that they are one episode.
    #[must_use]
    pub fn overlaps(&self, earlier: &Self) -> bool {
        let inside = |time: Timestamp| time > earlier.starts_at && time < earlier.ends_at;
        inside(self.ends_at) || inside(self.starts_at)
    }

    /// What two reports of the same alert say together: the later one, with the earlier start. Of two ends the later
    /// wins when both are over at `now`; while the later report is open, an end that the earlier report set itself (not
    /// by timeout) wins if it is the later of the two.
    #[must_use]
    pub fn merge(&self, other: &Self, now: Timestamp) -> Self {
        let (earlier, later) = if other.updated_at < self.updated_at { (other, self) } else { (self, other) };
        let mut merged = later.clone();
        merged.starts_at = earlier.starts_at.min(later.starts_at);
        let earlier_end_counts =
            if later.is_resolved_at(now) { earlier.is_resolved_at(now) } else { !earlier.ends_by_timeout };
        if earlier_end_counts {
            merged.ends_at = earlier.ends_at.max(later.ends_at);
        }
        merged
    }

    /// The hash under which the notification log knows the alert.
    #[must_use]
    pub fn notification_hash(&self) -> u64 {
        let mut bytes = Vec::new();
        for text in self.labels.iter().flat_map(|(name, value)| [name, value]) {
            bytes.extend_from_slice(text.as_bytes());
            bytes.push(0xff);
        }
        xxhash_rust::xxh64::xxh64(&bytes, 0)
    }
}

/// Names and values in order of the names. Unlike [`Labels`], a value may be empty: an annotation that says nothing is
/// still there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pairs(Arc<[(Box<str>, Box<str>)]>);

impl Pairs {
    /// Sorts by name; of equal names the last wins.
    pub fn from_pairs<N: Into<Box<str>>, V: Into<Box<str>>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let sorted: std::collections::BTreeMap<Box<str>, Box<str>> =
            pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self(sorted.into_iter().collect())
    }

    /// The pairs in order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// The value of `name`, if there is one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let at = self.0.binary_search_by(|(candidate, _)| (**candidate).cmp(name)).ok()?;
        Some(&self.0[at].1)
    }
}

/// The order in which receivers are told alerts: by job, then by instance, then as [`compare_label_sets`].
#[must_use]
pub fn compare_for_notification(left: &Alert, right: &Alert) -> Ordering {
    for name in ["job", "instance"] {
        let order = match (left.labels.get(name), right.labels.get(name)) {
            (None, None) => Ordering::Equal,
            // An alert without the label comes after those that have it.
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(left), Some(right)) => left.cmp(right),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    compare_label_sets(&left.labels, &right.labels)
}

/// The order of label sets that users see: smaller sets first, then name by name; a set that has the first name in which
/// they differ comes after the one that lacks it.
#[must_use]
pub fn compare_label_sets(left: &Labels, right: &Labels) -> Ordering {
    let by_size = left.len().cmp(&right.len());
    if by_size != Ordering::Equal {
        return by_size;
    }
    let (mut lefts, mut rights) = (left.iter(), right.iter());
    loop {
        match (lefts.next(), rights.next()) {
            (Some((left_name, left_value)), Some((right_name, right_value))) => match left_name.cmp(right_name) {
                // The smaller name is the one that the other set lacks.
                Ordering::Less => return Ordering::Greater,
                Ordering::Greater => return Ordering::Less,
                Ordering::Equal if left_value != right_value => return left_value.cmp(right_value),
                Ordering::Equal => {}
            },
            _ => return Ordering::Equal,
        }
    }
}

#[cfg(test)]
mod tests;
