//! What a loop remembers of its target's series: their text as the target writes it, and what became of it.
//!
//! A series that was seen before costs one comparison of its text and no label is parsed: targets write their series in
//! the same order each time, so the cache first looks at the series that came next in the last scrape, and only when
//! that is another one into a map.
//!
//! The cache also knows which series the last scrape stored, and so which of them have vanished.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use storage::SeriesRef;

/// The series of one target.
#[derive(Debug, Default)]
pub(crate) struct SeriesCache {
    /// Entries by text. The hasher is seeded, because the texts come from the network.
    ids: HashTable<u32>,
    hasher: RandomState,
    entries: Vec<Entry>,
    /// The texts of all entries, in the order in which the target wrote them first: comparing with them reads memory
    /// from front to back.
    texts: String,
    /// Bytes of `texts` that no entry has any more.
    garbage: usize,
    /// Entries that no text refers to any more.
    free: Vec<u32>,
    /// What the last scrape held, in its order.
    order: Vec<u32>,
    /// What this scrape holds so far.
    seen: Vec<u32>,
    /// How many different series of those there are.
    seen_unique: usize,
    /// Where in `order` this scrape is.
    next: usize,
    /// Series that the last scrape stored, whose absence from this one makes them stale.
    tracked: Vec<u32>,
    tracked_now: Vec<u32>,
    /// The same of a cache that was before this one.
    orphans: Vec<SeriesRef>,
    /// The number of this scrape. Entries say by it when they were last seen.
    iteration: u64,
    /// Entries after the last successful scrape.
    successful_count: usize,
}

/// 48 bytes for each series of each target.
#[derive(Debug)]
struct Entry {
    /// Where in `texts` its text is.
    start: usize,
    length: u32,
    /// Where in `order` it is, if it was in the last scrape.
    position: u32,
    known: Known,
    /// Numbers of scrapes, low halves: an entry is never so old that they could mean another.
    seen_at: u32,
    tracked_at: u32,
}

impl Entry {
    fn text<'a>(&self, texts: &'a str) -> &'a str {
        &texts[self.start..self.start + self.length as usize]
    }
}

/// What became of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// Relabeling drops it.
    Dropped,
    /// It is stored.
    Series(SeriesRef),
}

/// What the cache knows of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lookup {
    /// Nothing.
    New,
    /// Its entry, and whether this scrape had it already.
    Found { id: usize, again: bool },
}

/// Iterations start here, so that zero is before all of them.
const FIRST_ITERATION: u64 = 1;

/// Texts that nobody needs are taken out when they are half of all, and more than this.
const GARBAGE_MAX: usize = 64 << 10;

impl SeriesCache {
    pub(crate) fn new() -> Self {
        Self { iteration: FIRST_ITERATION, ..Self::default() }
    }

    /// The number of this scrape.
    pub(crate) fn iteration(&self) -> u64 {
        self.iteration
    }

    /// The low half of the number of this scrape, as entries have it; never zero.
    fn now(&self) -> u32 {
        self.iteration as u32 | u32::from(self.iteration as u32 == 0)
    }

    /// The text of the series that probably comes next.
    pub(crate) fn expected(&self) -> Option<&str> {
        self.order.get(self.next).map(|id| self.entries[*id as usize].text(&self.texts))
    }

    /// Notes that this scrape has the series that was expected.
    pub(crate) fn find_expected(&mut self) -> Lookup {
        match self.order.get(self.next) {
            Some(id) => self.see(*id),
            None => Lookup::New,
        }
    }

    /// Looks a series up and notes that this scrape has it.
    pub(crate) fn find(&mut self, text: &str) -> Lookup {
        let is_next = |id: &&u32| self.entries[**id as usize].text(&self.texts) == text;
        let id = match self.order.get(self.next).filter(is_next) {
            Some(id) => *id,
            None => match self.find_anywhere(text) {
                Some(id) => id,
                None => return Lookup::New,
            },
        };
        self.see(id)
    }

    fn see(&mut self, id: u32) -> Lookup {
        let now = self.now();
        let entry = &mut self.entries[id as usize];
        let again = entry.seen_at == now;
        if !again {
            entry.seen_at = now;
            self.seen_unique += 1;
            // After something new or missing, go on from where this series was.
            self.next = entry.position as usize + 1;
            self.seen.push(id);
        }
        Lookup::Found { id: id as usize, again }
    }

    fn find_anywhere(&self, text: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(text);
        self.ids.find(hash, |id| self.entries[*id as usize].text(&self.texts) == text).copied()
    }

    /// What became of an entry.
    pub(crate) fn known(&self, id: usize) -> Known {
        self.entries[id].known
    }

    /// Remembers a new series; its text must not be known.
    pub(crate) fn insert(&mut self, text: &str, known: Known) -> usize {
        let entry = Entry {
            start: self.texts.len(),
            // Pages are not that long.
            length: text.len() as u32,
            position: u32::MAX - 1,
            known,
            seen_at: self.now(),
            tracked_at: 0,
        };
        self.texts.push_str(text);
        let id = match self.free.pop() {
            Some(id) => {
                self.entries[id as usize] = entry;
                id
            }
            None => {
                self.entries.push(entry);
                self.entries.len() as u32 - 1
            }
        };
        let Self { ids, hasher, entries, texts, .. } = self;
        ids.insert_unique(hasher.hash_one(text), id, |id| hasher.hash_one(entries[*id as usize].text(texts)));
        self.seen.push(id);
        self.seen_unique += 1;
        id as usize
    }

    /// Notes that the store knows the series by another reference now.
    pub(crate) fn set_series(&mut self, id: usize, series: SeriesRef) {
        self.entries[id].known = Known::Series(series);
    }

    /// Notes that this scrape stored a sample of the series, so that it is stale when the next one does not.
    pub(crate) fn track(&mut self, id: usize) {
        let now = self.now();
        let entry = &mut self.entries[id];
        if entry.tracked_at != now {
            entry.tracked_at = now;
            self.tracked_now.push(id as u32);
        }
    }

    /// Series that the last scrape stored and this one does not. A failed scrape stores nothing.
    pub(crate) fn stale(&self, failed: bool) -> Vec<SeriesRef> {
        let gone = self.tracked.iter().filter(|id| failed || self.entries[**id as usize].tracked_at != self.now());
        let gone = gone.filter_map(|id| self.series_of(*id));
        let mut stale: Vec<SeriesRef> = gone.chain(self.orphans.iter().copied()).collect();
        if !failed && !stale.is_empty() {
            // A target may write the same series differently now.
            let stored: HashSet<SeriesRef> = self.tracked_now.iter().filter_map(|id| self.series_of(*id)).collect();
            stale.retain(|series| !stored.contains(series));
        }
        stale
    }

    fn series_of(&self, id: u32) -> Option<SeriesRef> {
        match self.entries[id as usize].known {
            Known::Series(series) => Some(series),
            Known::Dropped => None,
        }
    }

    /// Ends this scrape and forgets what it did not hold. A failed scrape makes nothing forgotten, unless the cache has
    /// become so large that the target must be writing something else each time; then true is returned.
    pub(crate) fn finish(&mut self, failed: bool) -> bool {
        let is_overgrown = failed && self.ids.len() > self.successful_count * 2 + GROWTH_MAX;
        if !failed || is_overgrown {
            self.forget_unseen();
        }
        if failed {
            self.tracked.clear();
            self.tracked_now.clear();
            // The order of the last whole scrape is the best guess for the next.
            self.seen.clear();
            if is_overgrown {
                self.order.clear();
            }
        } else {
            if self.ids.len() == self.successful_count && self.texts.capacity() > self.texts.len() / 8 * 9 {
                // The target has shown all that it has. There are many targets.
                self.texts.shrink_to_fit();
                self.entries.shrink_to_fit();
            }
            self.successful_count = self.ids.len();
            std::mem::swap(&mut self.tracked, &mut self.tracked_now);
            self.tracked_now.clear();
            std::mem::swap(&mut self.order, &mut self.seen);
            self.seen.clear();
            for (position, id) in (0..).zip(&self.order) {
                self.entries[*id as usize].position = position;
            }
        }
        self.orphans.clear();
        self.next = 0;
        self.seen_unique = 0;
        self.iteration += 1;
        is_overgrown
    }

    fn forget_unseen(&mut self) {
        if self.seen_unique == self.ids.len() {
            return;
        }
        let now = self.now();
        let Self { ids, entries, free, garbage, .. } = self;
        ids.retain(|id| {
            let entry = &mut entries[*id as usize];
            let is_seen = entry.seen_at == now;
            if !is_seen {
                *garbage += entry.length as usize;
                (entry.start, entry.length) = (0, 0);
                entry.known = Known::Dropped;
                free.push(*id);
            }
            is_seen
        });
        if self.garbage > GARBAGE_MAX && self.garbage > self.texts.len() / 2 {
            self.compact();
        }
    }

    /// Writes the texts anew, in the order of this scrape.
    fn compact(&mut self) {
        let mut texts = String::with_capacity(self.texts.len() - self.garbage);
        for id in &self.seen {
            let entry = &mut self.entries[*id as usize];
            let start = texts.len();
            texts.push_str(entry.text(&self.texts));
            entry.start = start;
        }
        self.texts = texts;
        self.garbage = 0;
    }

    /// An empty cache that still knows which series were stored, for a loop under other rules.
    pub(crate) fn restarted(mut self) -> Self {
        self.iteration += 1;
        let orphans = self.stale(true);
        Self { orphans, iteration: self.iteration, ..Self::default() }
    }

    /// How many series are remembered.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }
}

/// How much the cache may grow over failed scrapes, besides doubling.
const GROWTH_MAX: usize = 1000;

#[cfg(test)]
mod tests;
