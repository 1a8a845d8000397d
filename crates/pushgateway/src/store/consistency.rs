//! Whether pushes fit each other: a name has one kind, and no metric is there twice.

use std::collections::HashMap;

use metrics_model::Labels;
use metrics_model::family::MetricKind;
use xxhash_rust::xxh3::Xxh3;

use crate::group::Group;

/// Kinds of families that every Go program's own page has. Jobs in Go push them along; another kind under these names
/// would be refused by every consistent page that shows both, so it is refused here.
const WELL_KNOWN: &[(&str, MetricKind)] = &[
    ("go_gc_duration_seconds", MetricKind::Summary),
    ("go_goroutines", MetricKind::Gauge),
    ("go_info", MetricKind::Gauge),
    ("go_threads", MetricKind::Gauge),
];

/// Two things that cannot stand on one page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Inconsistency {
    /// Pushed with another kind by another group.
    #[error("collected metric {name:?} is {existing}, which is not a {pushed}")]
    Kind {
        /// The family.
        name: String,
        /// The kind it has.
        existing: String,
        /// The kind that was pushed.
        pushed: String,
    },
    /// Pushed with another kind than the gateway's own metric has.
    #[error("gathered metric family {name} has type {pushed} but should have {own}")]
    OwnKind {
        /// The family.
        name: String,
        /// The gateway's own kind.
        own: String,
        /// The kind that was pushed.
        pushed: String,
    },
    /// The same name and labels twice.
    #[error("collected metric {name:?} {labels} was collected before with the same name and label values")]
    Twice {
        /// The family.
        name: String,
        /// The labels, the group's included.
        labels: String,
    },
}

/// What is there, counted so that groups can come and go.
#[derive(Debug, Default)]
pub(super) struct Indexes {
    own: HashMap<String, MetricKind>,
    /// For each name its kinds and how many groups have it so.
    kinds: HashMap<String, HashMap<MetricKind, usize>>,
    /// How often each metric is there, by a 128-bit hash of name and labels: for two of a billion metrics to share one by
    /// chance is less likely than a flipped bit in memory.
    metrics: HashMap<u128, usize>,
}

impl Indexes {
    pub(super) fn reserve(&mut self, kinds: impl IntoIterator<Item = (String, MetricKind)>) {
        self.own.extend(WELL_KNOWN.iter().map(|(name, kind)| ((*name).to_owned(), *kind)));
        self.own.extend(kinds);
    }

    pub(super) fn add(&mut self, group: &Group) {
        for (name, pushed) in &group.families {
            *self.kinds.entry(name.clone()).or_default().entry(pushed.family.kind).or_default() += 1;
            for metric in &pushed.family.metrics {
                *self.metrics.entry(identity(name, &metric.labels)).or_default() += 1;
            }
        }
    }

    pub(super) fn remove(&mut self, group: &Group) {
        for (name, pushed) in &group.families {
            if let Some(kinds) = self.kinds.get_mut(name) {
                decrease(kinds, &pushed.family.kind);
                if kinds.is_empty() {
                    self.kinds.remove(name);
                }
            }
            for metric in &pushed.family.metrics {
                decrease(&mut self.metrics, &identity(name, &metric.labels));
            }
        }
    }

    /// Checks `after`, which is to take the place of `before`.
    pub(super) fn check(&self, before: Option<&Group>, after: &Group) -> Result<(), Inconsistency> {
        let mut leaving: HashMap<u128, usize> = HashMap::new();
        for (name, pushed) in before.into_iter().flat_map(|group| &group.families) {
            for metric in &pushed.family.metrics {
                *leaving.entry(identity(name, &metric.labels)).or_default() += 1;
            }
        }
        let mut coming: HashMap<u128, usize> = HashMap::new();
        for (name, pushed) in &after.families {
            self.check_kind(name, pushed.family.kind, before)?;
            for metric in &pushed.family.metrics {
                let identity = identity(name, &metric.labels);
                let others = self.metrics.get(&identity).unwrap_or(&0) - leaving.get(&identity).unwrap_or(&0);
                let count = coming.entry(identity).or_default();
                *count += 1;
                if others + *count > 1 {
                    return Err(Inconsistency::Twice { name: name.clone(), labels: metric.labels.to_string() });
                }
            }
        }
        Ok(())
    }

    fn check_kind(&self, name: &str, kind: MetricKind, before: Option<&Group>) -> Result<(), Inconsistency> {
        if let Some(own) = self.own.get(name).filter(|own| **own != kind) {
            return Err(Inconsistency::OwnKind { name: name.to_owned(), own: word(*own), pushed: word(kind) });
        }
        let leaving = before.and_then(|group| group.families.get(name)).map(|pushed| pushed.family.kind);
        let others = self.kinds.get(name).into_iter().flatten();
        let other = others.filter(|(other, _)| **other != kind).find(|(other, groups)| {
            let own = usize::from(leaving == Some(**other));
            **groups > own
        });
        match other {
            Some((existing, _)) => {
                Err(Inconsistency::Kind { name: name.to_owned(), existing: word(*existing), pushed: word(kind) })
            }
            None => Ok(()),
        }
    }
}

fn decrease<K: std::hash::Hash + Eq + Clone>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

fn identity(name: &str, labels: &Labels) -> u128 {
    let mut hasher = Xxh3::new();
    hasher.update(name.as_bytes());
    // Not a byte of any UTF-8 text: keeps name and labels apart.
    hasher.update(&[0xff]);
    hasher.update(labels.as_packed().as_bytes());
    hasher.digest128()
}

/// A kind as the protocol's capital word.
pub(crate) fn word(kind: MetricKind) -> String {
    match kind {
        MetricKind::Counter => "COUNTER",
        MetricKind::Gauge | MetricKind::Info | MetricKind::StateSet => "GAUGE",
        MetricKind::Histogram => "HISTOGRAM",
        MetricKind::GaugeHistogram => "GAUGE_HISTOGRAM",
        MetricKind::Summary => "SUMMARY",
        MetricKind::Unknown => "UNTYPED",
    }
    .to_owned()
}
