//! Which series carry a label value. Most values have one series or many; both are cheap.

use std::sync::OnceLock;

use roaring::RoaringBitmap;
use rustc_hash::FxHashMap;

use crate::index::growth;
use crate::index::symbols::{Symbol, Symbols};
use crate::index::table::SeriesId;

/// Up to so many series a list takes less memory than a bitmap.
const FEW: usize = 24;

/// Adds an id, which is nearly always the largest: that takes no search.
fn append(ids: &mut RoaringBitmap, id: SeriesId) {
    if ids.try_push(id.0).is_err() {
        ids.insert(id.0);
    }
}

/// The series of one label value.
#[derive(Debug)]
pub(crate) enum Posting {
    /// Growing.
    Few(Vec<u32>),
    Many(RoaringBitmap),
}

impl Posting {
    fn insert(&mut self, id: SeriesId) {
        match self {
            Self::Few(ids) if ids.len() < FEW => {
                // Ids nearly always come in growing order.
                let at = ids.partition_point(|known| *known < id.0);
                if ids.get(at) != Some(&id.0) {
                    if ids.len() == ids.capacity() {
                        ids.reserve_exact(ids.len().clamp(1, FEW - ids.len()));
                    }
                    ids.insert(at, id.0);
                }
            }
            Self::Few(ids) => {
                let mut many: RoaringBitmap = ids.iter().copied().collect();
                many.insert(id.0);
                *self = Self::Many(many);
            }
            Self::Many(ids) => append(ids, id),
        }
    }

    fn remove(&mut self, id: SeriesId) {
        match self {
            Self::Few(ids) => ids.retain(|known| *known != id.0),
            Self::Many(ids) => {
                ids.remove(id.0);
            }
        }
    }

    /// How many series there are.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Few(ids) => ids.len() as u64,
            Self::Many(ids) => ids.len(),
        }
    }

    /// Whether any of `ids` is among the series.
    pub(crate) fn intersects(&self, ids: &RoaringBitmap) -> bool {
        match self {
            Self::Few(few) => few.iter().any(|id| ids.contains(*id)),
            Self::Many(many) => !many.is_disjoint(ids),
        }
    }

    /// Some of the series that were added last.
    pub(crate) fn last(&self, count: usize) -> impl Iterator<Item = SeriesId> {
        let (few, many) = match self {
            Self::Few(ids) => (Some(ids.iter().rev().copied()), None),
            Self::Many(ids) => (None, Some(ids.iter().rev())),
        };
        few.into_iter().flatten().chain(many.into_iter().flatten()).take(count).map(SeriesId)
    }

    /// Adds the series to `ids`.
    pub(crate) fn add_to(&self, ids: &mut RoaringBitmap) {
        match self {
            Self::Few(few) => ids.extend(few.iter().copied()),
            Self::Many(many) => *ids |= many,
        }
    }

    /// The series as a bitmap.
    pub(crate) fn to_bitmap(&self) -> RoaringBitmap {
        match self {
            Self::Few(ids) => ids.iter().copied().collect(),
            Self::Many(ids) => ids.clone(),
        }
    }
}

/// The values of one label.
#[derive(Debug, Default)]
pub(crate) struct LabelIndex {
    by_value: FxHashMap<Symbol, Posting>,
    /// The values in order of their texts, made when a query first wants it after a new value.
    sorted: OnceLock<Vec<Symbol>>,
}

impl LabelIndex {
    /// The series with a value.
    pub(crate) fn get(&self, value: Symbol) -> Option<&Posting> {
        self.by_value.get(&value)
    }

    /// All values with their series, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Symbol, &Posting)> {
        self.by_value.iter().map(|(value, posting)| (*value, posting))
    }

    /// How many values there are.
    pub(crate) fn len(&self) -> usize {
        self.by_value.len()
    }

    /// The values in order of their texts.
    pub(crate) fn sorted(&self, symbols: &Symbols) -> &[Symbol] {
        self.sorted.get_or_init(|| {
            let mut sorted: Vec<Symbol> = self.by_value.keys().copied().collect();
            sorted.sort_unstable_by(|a, b| symbols.text(*a).cmp(symbols.text(*b)));
            sorted
        })
    }
}

/// The series of every label value.
#[derive(Debug, Default)]
pub(crate) struct Postings {
    by_name: FxHashMap<Symbol, LabelIndex>,
    all: RoaringBitmap,
}

impl Postings {
    /// Adds a series with its labels.
    pub(crate) fn insert(&mut self, id: SeriesId, pairs: &[(Symbol, Symbol)]) {
        append(&mut self.all, id);
        for (name, value) in pairs {
            let label = self.by_name.entry(*name).or_default();
            label
                .by_value
                .entry(*value)
                .or_insert_with(|| {
                    label.sorted.take();
                    Posting::Few(Vec::new())
                })
                .insert(id);
        }
    }

    /// Removes a series with its labels.
    pub(crate) fn remove(&mut self, id: SeriesId, pairs: &[(Symbol, Symbol)]) {
        self.all.remove(id.0);
        for (name, value) in pairs {
            let Some(label) = self.by_name.get_mut(name) else { continue };
            let Some(posting) = label.by_value.get_mut(value) else { continue };
            posting.remove(id);
            if posting.len() == 0 {
                label.by_value.remove(value);
                label.sorted.take();
                if label.by_value.is_empty() {
                    self.by_name.remove(name);
                }
            }
        }
    }

    /// Bytes that they need at once before long.
    pub(crate) fn growth(&self) -> usize {
        self.by_name.values().map(|label| growth::of_map(&label.by_value)).sum()
    }

    /// All series.
    pub(crate) fn all(&self) -> &RoaringBitmap {
        &self.all
    }

    /// The values of a label.
    pub(crate) fn label(&self, name: Symbol) -> Option<&LabelIndex> {
        self.by_name.get(&name)
    }

    /// All labels, in no order.
    pub(crate) fn labels(&self) -> impl Iterator<Item = (Symbol, &LabelIndex)> {
        self.by_name.iter().map(|(name, label)| (*name, label))
    }
}
