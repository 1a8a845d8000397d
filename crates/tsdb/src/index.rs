//! The index: label sets of all known series, and the series of every label value.
//!
//! It is in memory as a whole and made again from the series column at start. Callers hold it behind one lock, which
//! queries and known series only read.
//!
//! * [`symbols`]: texts as numbers
//! * [`table`]: label sets
//! * [`postings`]: label values to series
//! * [`matching`]: matchers to series
//! * [`growth`]: what the next series may take

pub(crate) mod growth;
mod matching;
pub(crate) mod postings;
pub(crate) mod symbols;
pub(crate) mod table;

use roaring::RoaringBitmap;

use crate::index::postings::Postings;
use crate::index::table::{LabelsHash, SeriesId, SeriesTable};

/// The index.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(crate) table: SeriesTable,
    pub(crate) postings: Postings,
}

impl Index {
    /// Adds a series; false if there is one with these labels.
    pub(crate) fn insert(&mut self, id: SeriesId, hash: LabelsHash, labels: &[(&str, &str)]) -> bool {
        let Some(pairs) = self.table.insert(id, hash, labels) else {
            return false;
        };
        self.postings.insert(id, pairs);
        true
    }

    /// Bytes that it needs at once before long, because tables are nearly full.
    pub(crate) fn growth(&self) -> usize {
        self.table.growth() + self.postings.growth()
    }

    /// Forgets a series.
    pub(crate) fn remove(&mut self, id: SeriesId) {
        let pairs = self.table.remove(id);
        self.postings.remove(id, &pairs);
    }

    /// The names of the labels that any of `ids` has, sorted.
    pub(crate) fn names(&self, ids: &RoaringBitmap) -> Vec<String> {
        let mut names: Vec<String> = self
            .postings
            .labels()
            .filter(|(_, label)| label.iter().any(|(_, posting)| posting.intersects(ids)))
            .map(|(name, _)| self.table.symbols.text(name).to_owned())
            .collect();
        names.sort_unstable();
        names
    }

    /// The values of a label that any of `ids` has, sorted.
    pub(crate) fn values(&self, name: &str, ids: &RoaringBitmap) -> Vec<String> {
        let symbols = &self.table.symbols;
        let Some(label) = symbols.find(name).and_then(|name| self.postings.label(name)) else {
            return Vec::new();
        };
        let has_any = |value: u32| label.get(value).is_some_and(|posting| posting.intersects(ids));
        label
            .sorted(symbols)
            .iter()
            .filter(|value| has_any(**value))
            .map(|value| symbols.text(*value).to_owned())
            .collect()
    }
}

#[cfg(test)]
mod tests;
