//! The label sets of all known series, packed as numbers, and the way from a label set to its series.
//!
//! A series is the number of its schema (the names of its labels) and the symbols of its values, as varints: some 30
//! bytes for a dozen labels.

use hashbrown::HashTable;
use metrics_model::Labels;
use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::xxh3_64;

use crate::bytes::{Reader, put_varint};
use crate::index::growth;
use crate::index::symbols::{Symbol, Symbols};

/// The number of a series; never given twice. On disk it is the series' name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SeriesId(pub(crate) u32);

const PAGE_BITS: u32 = 20;
const PAGE_BYTES: usize = 1 << PAGE_BITS;
const NOWHERE: u32 = u32::MAX;

/// The hash that a label set is found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LabelsHash(pub(crate) u32);

impl LabelsHash {
    /// The hash of a label set; part of the format of the series column.
    pub(crate) fn of(labels: &Labels) -> Self {
        Self(xxh3_64(labels.as_packed().as_bytes()) as u32)
    }

    /// The hash that the table works with, made from the half that is kept.
    fn spread(self) -> u64 {
        u64::from(self.0).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    hash: LabelsHash,
    id: SeriesId,
}

/// The label sets.
#[derive(Debug, Default)]
pub(crate) struct SeriesTable {
    pub(crate) symbols: Symbols,
    schemas: Vec<Box<[Symbol]>>,
    schema_ids: FxHashMap<Box<[Symbol]>, u32>,
    pages: Vec<Vec<u8>>,
    /// By series id: page and offset of its packed labels.
    places: Vec<u32>,
    by_labels: HashTable<Slot>,
    /// Names and values of the series added last, and their schema.
    last: Vec<(Symbol, Symbol)>,
    last_schema: Option<u32>,
    packed: Vec<u8>,
    /// Bytes in pages that belong to no series any more.
    garbage: usize,
}

impl SeriesTable {
    /// The id after the largest one known.
    pub(crate) fn next_id(&self) -> SeriesId {
        SeriesId(self.places.len() as u32)
    }

    /// Makes sure that an id is never given.
    pub(crate) fn skip(&mut self, id: SeriesId) {
        if self.places.len() <= id.0 as usize {
            self.places.resize(id.0 as usize + 1, NOWHERE);
        }
    }

    /// How many series there are.
    pub(crate) fn len(&self) -> usize {
        self.by_labels.len()
    }

    /// Whether the series is known.
    pub(crate) fn contains(&self, id: SeriesId) -> bool {
        self.places.get(id.0 as usize).is_some_and(|place| *place != NOWHERE)
    }

    /// The series with these labels.
    pub(crate) fn find(&self, labels: &Labels) -> Option<SeriesId> {
        self.find_where(LabelsHash::of(labels), |id| self.pairs(id).eq(labels.iter()))
    }

    fn find_where(&self, hash: LabelsHash, is_same: impl Fn(SeriesId) -> bool) -> Option<SeriesId> {
        self.by_labels.find(hash.spread(), |slot| slot.hash == hash && is_same(slot.id)).map(|slot| slot.id)
    }

    /// Adds a series under an id not below [`SeriesTable::next_id`]. Returns its names and values, or `None` if there is a
    /// series with these labels.
    pub(crate) fn insert(
        &mut self,
        id: SeriesId,
        hash: LabelsHash,
        labels: &[(&str, &str)],
    ) -> Option<&[(Symbol, Symbol)]> {
        if self.find_where(hash, |id| self.pairs(id).eq(labels.iter().copied())).is_some() {
            return None;
        }
        self.intern(labels);
        let schema = self.schema();
        let mut packed = std::mem::take(&mut self.packed);
        packed.clear();
        put_varint(&mut packed, u64::from(schema));
        self.last.iter().for_each(|(_, value)| put_varint(&mut packed, u64::from(*value)));
        let place = self.store(&packed);
        self.packed = packed;
        self.skip(id);
        self.places[id.0 as usize] = place;
        self.by_labels.insert_unique(hash.spread(), Slot { hash, id }, |slot| slot.hash.spread());
        Some(&self.last)
    }

    /// Leaves the symbols of names and values in `last`. Most are those of the series before.
    fn intern(&mut self, labels: &[(&str, &str)]) {
        self.last.truncate(labels.len());
        for (at, (name, value)) in labels.iter().enumerate() {
            let known = self.last.get(at).copied();
            let known_name = known.map(|(name, _)| name).filter(|symbol| self.symbols.text(*symbol) == *name);
            let known_value = known.map(|(_, value)| value).filter(|symbol| self.symbols.text(*symbol) == *value);
            let pair = (
                known_name.unwrap_or_else(|| self.symbols.intern(name)),
                known_value.unwrap_or_else(|| self.symbols.intern(value)),
            );
            match self.last.get_mut(at) {
                Some(slot) => *slot = pair,
                None => self.last.push(pair),
            }
        }
    }

    /// The number of the names in `last`.
    fn schema(&mut self) -> u32 {
        let names = self.last.iter().map(|(name, _)| *name);
        if let Some(schema) = self.last_schema
            && self.schemas[schema as usize].iter().copied().eq(names.clone())
        {
            return schema;
        }
        let names: Box<[Symbol]> = names.collect();
        let next = self.schemas.len() as u32;
        let schema = *self.schema_ids.entry(names).or_insert_with_key(|names| {
            self.schemas.push(names.clone());
            next
        });
        self.last_schema = Some(schema);
        schema
    }

    fn store(&mut self, packed: &[u8]) -> u32 {
        if self.pages.last().is_none_or(|page| page.len() + packed.len() > PAGE_BYTES) {
            self.pages.push(Vec::with_capacity(PAGE_BYTES.max(packed.len())));
        }
        let index = self.pages.len() - 1;
        let page = &mut self.pages[index];
        let place = (index as u32) << PAGE_BITS | page.len() as u32;
        page.extend_from_slice(packed);
        place
    }

    /// Forgets a series. Its id is never used again. Returns what [`SeriesTable::insert`] did.
    pub(crate) fn remove(&mut self, id: SeriesId) -> Vec<(Symbol, Symbol)> {
        if !self.contains(id) {
            return Vec::new();
        }
        let labels = self.labels(id);
        let pairs: Vec<(Symbol, Symbol)> = self.symbols_of(id).collect();
        if let Ok(entry) = self.by_labels.find_entry(LabelsHash::of(&labels).spread(), |slot| slot.id == id) {
            entry.remove();
        }
        self.places[id.0 as usize] = NOWHERE;
        self.garbage += 4 * pairs.len();
        pairs
    }

    /// The packed labels of a known series, and what lies behind them.
    fn packed_of(&self, id: SeriesId) -> Reader<'_> {
        let place = self.places[id.0 as usize];
        let (page, start) = ((place >> PAGE_BITS) as usize, place as usize & (PAGE_BYTES - 1));
        Reader::new(&self.pages[page][start..])
    }

    /// The number of the names of a known series' labels.
    pub(crate) fn schema_of(&self, id: SeriesId) -> u32 {
        self.packed_of(id).varint_u32().expect("the table holds what it packed itself")
    }

    /// Names and values of a known series, as symbols in order of the names.
    pub(crate) fn symbols_of(&self, id: SeriesId) -> impl Iterator<Item = (Symbol, Symbol)> {
        let mut reader = self.packed_of(id);
        let mut next = move || reader.varint_u32().expect("the table holds what it packed itself");
        self.schemas[next() as usize].iter().map(move |name| (*name, next()))
    }

    /// Names and values of a known series, in order of the names.
    pub(crate) fn pairs(&self, id: SeriesId) -> impl Iterator<Item = (&str, &str)> {
        self.symbols_of(id).map(|(name, value)| (self.symbols.text(name), self.symbols.text(value)))
    }

    /// The value of a label of a known series.
    pub(crate) fn value(&self, id: SeriesId, name: Symbol) -> Option<Symbol> {
        self.symbols_of(id).find(|(candidate, _)| *candidate == name).map(|(_, value)| value)
    }

    /// The labels of a known series.
    pub(crate) fn labels(&self, id: SeriesId) -> Labels {
        self.labels_in(id, &mut String::new())
    }

    /// The same, packed in a buffer of the caller's: for many series.
    pub(crate) fn labels_in(&self, id: SeriesId, buffer: &mut String) -> Labels {
        Labels::from_sorted_in(self.pairs(id), buffer)
    }

    /// Bytes that it needs at once before long.
    pub(crate) fn growth(&self) -> usize {
        self.symbols.growth() + growth::of_list(&self.places) + growth::of_table(&self.by_labels)
    }

    /// Bytes of memory, about.
    pub(crate) fn bytes(&self) -> usize {
        self.symbols.bytes()
            + self.pages.iter().map(Vec::capacity).sum::<usize>()
            + self.places.capacity() * size_of::<u32>()
            + self.by_labels.capacity() * (size_of::<Slot>() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert(table: &mut SeriesTable, id: SeriesId, labels: &Labels) -> bool {
        table.insert(id, LabelsHash::of(labels), &labels.iter().collect::<Vec<_>>()).is_some()
    }

    #[test]
    fn series_are_found_by_their_labels() {
        let mut table = SeriesTable::default();
        let labels = |at: u32| Labels::from_pairs([("__name__", "up"), ("instance", &format!("host-{at}"))]);
        for at in 0..1000 {
            assert_eq!(table.find(&labels(at)), None);
            assert_eq!(table.next_id(), SeriesId(at));
            insert(&mut table, SeriesId(at), &labels(at));
        }
        assert_eq!(table.len(), 1000);
        for at in 0..1000 {
            assert_eq!(table.find(&labels(at)), Some(SeriesId(at)));
            assert_eq!(table.labels(SeriesId(at)), labels(at));
        }
        table.remove(SeriesId(7));
        assert_eq!(table.find(&labels(7)), None);
        assert!(!table.contains(SeriesId(7)));
        assert_eq!((table.len(), table.next_id()), (999, SeriesId(1000)));
        insert(&mut table, SeriesId(2000), &labels(7));
        assert!(!insert(&mut table, SeriesId(2001), &labels(7)));
        assert_eq!(table.find(&labels(7)), Some(SeriesId(2000)));
        assert_eq!(table.next_id(), SeriesId(2001));
    }
}
