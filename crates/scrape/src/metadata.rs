//! What a target says about its metric families, for the metadata API. The scrape loop writes, the API reads.

use std::collections::HashMap;

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
    families: Mutex<Families>,
}

/// Families in the order in which the target wrote them first, which is the order in which it writes them again.
#[derive(Debug, Default)]
struct Families {
    list: Vec<(String, Family)>,
    places: HashMap<String, usize>,
    /// The place of the family seen last.
    last: usize,
}

impl Families {
    /// The family with a name, which is made if there is none.
    fn entry(&mut self, name: &str) -> &mut Family {
        let is_it = |place: &usize| self.list.get(*place).is_some_and(|(known, _)| known == name);
        let place = match [self.last, self.last + 1].into_iter().find(is_it) {
            Some(place) => place,
            None => *self.places.entry(name.to_owned()).or_insert_with(|| {
                self.list.push((name.to_owned(), Family::default()));
                self.list.len() - 1
            }),
        };
        self.last = place;
        &mut self.list[place].1
    }

    fn retain(&mut self, keep: impl Fn(&Family) -> bool) {
        self.last = 0;
        if self.list.iter().all(|(_, family)| keep(family)) {
            return;
        }
        self.list.retain(|(_, family)| keep(family));
        self.places = self.list.iter().enumerate().map(|(place, (name, _))| (name.clone(), place)).collect();
    }
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
        let mut all: Vec<_> = self.families.lock().list.iter().map(|(name, family)| family.metadata(name)).collect();
        all.sort_unstable_by(|a, b| a.family.cmp(&b.family));
        all
    }

    /// One family.
    #[must_use]
    pub fn get(&self, family: &str) -> Option<MetricMetadata> {
        let families = self.families.lock();
        families.places.get(family).map(|place| families.list[*place].1.metadata(family))
    }

    /// How many families there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.families.lock().list.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Records a line of scrape number `iteration`.
    pub(crate) fn record(&self, family: &str, fact: Fact<'_>, iteration: u64) {
        let mut families = self.families.lock();
        let known = families.entry(family);
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
        self.families.lock().retain(|family| iteration.saturating_sub(family.seen_at) <= KEPT_SCRAPES);
    }
}
