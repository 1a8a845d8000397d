//! Series in the order of their labels, without looking at the texts of more than the distinct names and values.
//!
//! Each text of a selection gets its rank; a series is then a short row of ranks. When all series have labels of the same
//! names, what varies of a row fits a machine word nearly always.

use std::cmp::Ordering;

use rustc_hash::FxHashMap;

use crate::index::symbols::{Symbol, Symbols};
use crate::index::table::{SeriesId, SeriesTable};

/// The distinct texts at one place of the rows, numbered in order of appearance.
#[derive(Debug, Default)]
struct Distinct {
    numbers: FxHashMap<Symbol, u32>,
    symbols: Vec<Symbol>,
    last: Option<(Symbol, u32)>,
}

impl Distinct {
    fn number(&mut self, symbol: Symbol) -> u32 {
        // Neighbours share most of their labels.
        if let Some((last, number)) = self.last
            && last == symbol
        {
            return number;
        }
        let number = *self.numbers.entry(symbol).or_insert_with(|| {
            self.symbols.push(symbol);
            self.symbols.len() as u32 - 1
        });
        self.last = Some((symbol, number));
        number
    }

    /// The rank of each text by its number.
    fn ranks(&self, symbols: &Symbols) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.symbols.len() as u32).collect();
        order.sort_unstable_by_key(|number| symbols.text(self.symbols[*number as usize]));
        let mut ranks = vec![0; order.len()];
        (0..).zip(&order).for_each(|(rank, number)| ranks[*number as usize] = rank);
        ranks
    }
}

impl SeriesTable {
    /// The known ones of these series, in the order of their labels.
    pub(crate) fn sorted(&self, ids: impl Iterator<Item = SeriesId>) -> Vec<SeriesId> {
        let ids: Vec<SeriesId> = ids.filter(|id| self.contains(*id)).collect();
        let Some(first) = ids.first() else { return ids };
        let schema = self.schema_of(*first);
        if ids.iter().all(|id| self.schema_of(*id) == schema) { self.sorted_values(ids) } else { self.sorted_rows(ids) }
    }

    /// Sorts series whose labels have the same names.
    fn sorted_values(&self, ids: Vec<SeriesId>) -> Vec<SeriesId> {
        let names = self.symbols_of(ids[0]).count();
        let mut columns: Vec<Distinct> = Vec::new();
        columns.resize_with(names, Distinct::default);
        let mut rows = Vec::with_capacity(ids.len() * names);
        for id in &ids {
            rows.extend(self.symbols_of(*id).zip(&mut columns).map(|((_, value), column)| column.number(value)));
        }
        let ranks: Vec<Vec<u32>> = columns.iter().map(|column| column.ranks(&self.symbols)).collect();
        let widths: Vec<u32> = ranks.iter().map(|ranks| usize::BITS - (ranks.len() - 1).leading_zeros()).collect();
        if widths.iter().sum::<u32>() > u64::BITS {
            return self.sorted_rows(ids);
        }
        let key = |row: &[u32]| {
            row.iter().enumerate().fold(0_u64, |key, (at, number)| {
                key.checked_shl(widths[at]).unwrap_or(0) | u64::from(ranks[at][*number as usize])
            })
        };
        let mut keyed: Vec<(u64, SeriesId)> =
            rows.chunks(names.max(1)).zip(&ids).map(|(row, id)| (key(row), *id)).collect();
        keyed.sort_unstable();
        if names == 0 { ids } else { keyed.into_iter().map(|(_, id)| id).collect() }
    }

    /// Sorts any series.
    fn sorted_rows(&self, ids: Vec<SeriesId>) -> Vec<SeriesId> {
        let mut texts = Distinct::default();
        let mut rows: Vec<u32> = Vec::new();
        let mut ends = Vec::with_capacity(ids.len());
        for id in &ids {
            rows.extend(self.symbols_of(*id).flat_map(|(name, value)| [name, value]).map(|text| texts.number(text)));
            ends.push(rows.len());
        }
        let ranks = texts.ranks(&self.symbols);
        rows.iter_mut().for_each(|text| *text = ranks[*text as usize]);
        let row = |at: u32| &rows[(at as usize).checked_sub(1).map_or(0, |before| ends[before])..ends[at as usize]];
        let mut order: Vec<u32> = (0..ids.len() as u32).collect();
        order.sort_unstable_by(|a, b| match row(*a).cmp(row(*b)) {
            Ordering::Equal => a.cmp(b),
            differs => differs,
        });
        order.into_iter().map(|at| ids[at as usize]).collect()
    }
}

#[cfg(test)]
mod tests {
    use metrics_model::Labels;
    use proptest::prelude::*;

    use crate::index::table::{LabelsHash, SeriesId, SeriesTable};

    /// Few short texts, some of which begin another one.
    fn texts() -> impl Strategy<Value = String> {
        prop_oneof![Just("a"), Just("aa"), Just("b"), Just("a1"), Just("ä"), Just("z")].prop_map(str::to_owned)
    }

    fn check(all: &[Vec<(String, String)>]) {
        let mut table = SeriesTable::default();
        let mut expected = Vec::new();
        for (id, pairs) in (0..).map(SeriesId).zip(all) {
            let labels = Labels::from_pairs(pairs.iter().map(|(name, value)| (name, value)));
            if table.insert(id, LabelsHash::of(&labels), &labels.iter().collect::<Vec<_>>()).is_some() {
                expected.push((labels, id));
            }
        }
        expected.sort_by(|a, b| a.0.cmp(&b.0));
        let found = table.sorted((0..all.len() as u32 + 3).map(SeriesId));
        assert_eq!(found, expected.into_iter().map(|(_, id)| id).collect::<Vec<_>>());
    }

    proptest! {
        #[test]
        fn series_come_in_order_of_labels(all in proptest::collection::vec(proptest::collection::vec((texts(), texts()), 0..5), 0..40)) {
            check(&all);
        }

        #[test]
        fn series_with_the_same_names_too(all in proptest::collection::vec((texts(), texts(), texts()), 0..40)) {
            let pairs = |(a, b, c): (String, String, String)| {
                vec![("x".to_owned(), a), ("y".to_owned(), b), ("z".to_owned(), c)]
            };
            check(&all.into_iter().map(pairs).collect::<Vec<_>>());
        }
    }
}
