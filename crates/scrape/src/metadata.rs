//! What a target says about its metric families, for the metadata API. The scrape loop writes, the API reads.

use std::collections::BTreeMap;

use metrics_model::MetricKind;
use parking_lot::Mutex;

/// Metadata outlives its metric by as many scrapes.
const KEPT_SCRAPES: u64 = 10;

/// What a target says about one family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricMetadata {
    /// The family's name, as the target writes it.
    pub family: String,
    /// Its kind.
    pub kind: MetricKind,
    /// Its help text.
    pub help: String,
    /// Its unit, or empty.
    pub unit: String,
}

/// The metadata of one target.
#[derive(Debug, Default)]
pub struct TargetMetadata {
    families: Mutex<BTreeMap<String, Family>>,
}

#[derive(Debug, Default)]
struct Family {
    kind: MetricKind,
    help: String,
    unit: String,
    seen_at: u64,
}

impl Family {
    fn metadata(&self, name: &str) -> MetricMetadata {
        MetricMetadata { family: name.to_owned(), kind: self.kind, help: self.help.clone(), unit: self.unit.clone() }
    }
}

/// One thing that a line says about a family.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fact<'a> {
    Kind(MetricKind),
    Help(&'a str),
    Unit(&'a str),
}

impl TargetMetadata {
    /// All families, by name.
    #[must_use]
    pub fn list(&self) -> Vec<MetricMetadata> {
        self.families.lock().iter().map(|(name, family)| family.metadata(name)).collect()
    }

    /// One family.
    #[must_use]
    pub fn get(&self, family: &str) -> Option<MetricMetadata> {
        self.families.lock().get(family).map(|known| known.metadata(family))
    }

    /// How many families there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.families.lock().len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Records a line of scrape number `iteration`.
    pub(crate) fn record(&self, family: &str, fact: Fact<'_>, iteration: u64) {
        let mut families = self.families.lock();
        let known = match families.get_mut(family) {
            Some(known) => known,
            None => families.entry(family.to_owned()).or_default(),
        };
        known.seen_at = iteration;
        match fact {
            Fact::Kind(kind) => known.kind = kind,
            // Nearly always they are as before, and then nothing is allocated.
            Fact::Help(help) if known.help != help => help.clone_into(&mut known.help),
            Fact::Unit(unit) if known.unit != unit => unit.clone_into(&mut known.unit),
            Fact::Help(_) | Fact::Unit(_) => {}
        }
    }

    /// Drops families that have been gone for some scrapes.
    pub(crate) fn forget_old(&self, iteration: u64) {
        self.families.lock().retain(|_, family| iteration.saturating_sub(family.seen_at) <= KEPT_SCRAPES);
    }
}
