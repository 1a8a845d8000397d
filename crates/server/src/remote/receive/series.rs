//! The way from the bytes of a series' labels to the series.
//!
//! Bytes are known by a hash of 96 bits under a seed that is drawn at start, so that nobody can make two label sets meet;
//! by chance they do once in some 10^16 stores of ten million series. Tables are many and small: growing one takes
//! little memory beside it.
//!
//! A series that has left the store is found out when it is appended to, and learned anew. What was not asked for in a
//! while goes: with every turn the old half is forgotten, and what is asked for moves to the new one.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use hashbrown::HashTable;
use parking_lot::{RwLock, RwLockReadGuard};
use storage::SeriesRef;
use xxhash_rust::xxh3::xxh3_128_with_seed;

const TABLES: usize = 64;
/// Series that nobody wrote to for one to two turns are forgotten here.
const TURN: Duration = Duration::from_secs(15 * 60);

/// What stands for the bytes of a label set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SeriesKey {
    hash: u64,
    check: u32,
}

/// 16 bytes, of which 4 are the series.
#[derive(Debug, Clone, Copy)]
struct Entry {
    hash: [u32; 2],
    check: u32,
    series: u32,
}

impl Entry {
    fn hash(&self) -> u64 {
        u64::from(self.hash[0]) | u64::from(self.hash[1]) << 32
    }

    fn is(&self, key: SeriesKey) -> bool {
        self.check == key.check && self.hash() == key.hash
    }
}

/// The series that were written to.
#[derive(Debug)]
pub(super) struct SeriesKeys {
    seed: u64,
    known: RwLock<Known>,
}

#[derive(Debug)]
struct Known {
    young: Tables,
    old: Tables,
    turned: Instant,
}

type Tables = Box<[HashTable<Entry>]>;

fn tables() -> Tables {
    (0..TABLES).map(|_| HashTable::new()).collect()
}

impl Default for SeriesKeys {
    fn default() -> Self {
        let known = Known { young: tables(), old: tables(), turned: Instant::now() };
        Self { seed: RandomState::new().hash_one(0), known: RwLock::new(known) }
    }
}

/// Looks series up.
pub(super) struct Reading<'a> {
    seed: u64,
    known: RwLockReadGuard<'a, Known>,
}

fn find(tables: &Tables, key: SeriesKey) -> Option<SeriesRef> {
    // The low bits choose the slot in the table.
    let table = &tables[key.check as usize % TABLES];
    table.find(key.hash, |entry| entry.is(key)).map(|entry| SeriesRef(u64::from(entry.series)))
}

impl Reading<'_> {
    /// What stands for the bytes.
    pub(super) fn key(&self, labels: &[u8]) -> SeriesKey {
        let hash = xxh3_128_with_seed(labels, self.seed);
        SeriesKey { hash: hash as u64, check: (hash >> 64) as u32 }
    }

    /// A part of what stands for labels that are texts of a table: see [`Reading::key`].
    pub(super) fn hash(&self, text: &[u8]) -> [u8; 16] {
        xxh3_128_with_seed(text, self.seed).to_le_bytes()
    }

    /// The series, if it is known. One that was not asked for since the last turn is to be learned again.
    pub(super) fn find(&self, key: SeriesKey, learned: &mut Vec<(SeriesKey, SeriesRef)>) -> Option<SeriesRef> {
        find(&self.known.young, key)
            .or_else(|| find(&self.known.old, key).inspect(|series| learned.push((key, *series))))
    }
}

impl SeriesKeys {
    /// To look many up.
    pub(super) fn read(&self) -> Reading<'_> {
        Reading { seed: self.seed, known: self.known.read() }
    }

    /// Remembers series.
    pub(super) fn learn(&self, learned: &[(SeriesKey, SeriesRef)]) {
        if learned.is_empty() {
            return;
        }
        let mut known = self.known.write();
        if known.turned.elapsed() >= TURN {
            known.old = std::mem::replace(&mut known.young, tables());
            known.turned = Instant::now();
        }
        for (key, series) in learned {
            // Stores number series from zero; one that does not is asked with labels each time.
            let Ok(series) = u32::try_from(series.0) else { continue };
            let table = &mut known.young[key.check as usize % TABLES];
            match table.find_mut(key.hash, |entry| entry.is(*key)) {
                Some(entry) => entry.series = series,
                None => {
                    let hash = [key.hash as u32, (key.hash >> 32) as u32];
                    table.insert_unique(key.hash, Entry { hash, check: key.check, series }, Entry::hash);
                }
            }
        }
    }
}
