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
//! * [`order`]: series by their labels

pub(crate) mod growth;
mod matching;
mod order;
pub(crate) mod postings;
pub(crate) mod symbols;
pub(crate) mod table;

use crate::index::postings::{LabelIndex, Posting, Postings};
use crate::index::symbols::Symbol;
use crate::index::table::{LabelsHash, SeriesId, SeriesTable};

/// Texts that can be asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Texts<'n> {
    /// The names of labels.
    Names,
    /// The values of the label with this name.
    ValuesOf(&'n str),
}

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

    /// Those of the names or values that `has` says of any of their series that it is wanted.
    pub(crate) fn texts_where(&self, texts: Texts<'_>, mut has: impl FnMut(&Posting) -> bool) -> Vec<Symbol> {
        match texts {
            Texts::Names => {
                let mut has_any = |label: &LabelIndex| label.iter().any(|(_, posting)| has(posting));
                self.postings.labels().filter(|(_, label)| has_any(label)).map(|(name, _)| name).collect()
            }
            Texts::ValuesOf(name) => {
                let label = self.table.symbols.find(name).and_then(|name| self.postings.label(name));
                let values = label.into_iter().flat_map(|label| {
                    // In order, so that sorting the texts has nothing to do.
                    let sorted = label.sorted(&self.table.symbols).iter().copied();
                    sorted.filter_map(|value| Some((value, label.get(value)?)))
                });
                values.filter(|(_, posting)| has(posting)).map(|(value, _)| value).collect()
            }
        }
    }

    /// The texts of symbols, sorted, each once.
    pub(crate) fn texts(&self, symbols: &[Symbol]) -> Vec<String> {
        let mut texts: Vec<&str> = symbols.iter().map(|symbol| self.table.symbols.text(*symbol)).collect();
        texts.sort_unstable();
        texts.dedup();
        texts.into_iter().map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests;
