//! What a loop remembers of its target's series: their text as the target writes it, and what became of it.
//!
//! A series that was seen before costs one comparison of its text and no label is parsed: targets write their series in
//! the same order each time, so the cache first looks at the series that came next in the last scrape, and only when
//! that is another one into a map.
//!
//! The cache also knows which series the last scrape stored, and so which of them have vanished.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use metrics_model::Labels;
use storage::SeriesRef;

/// The series of one target.
#[derive(Debug, Default)]
pub(crate) struct SeriesCache {
    /// By text. The hasher is seeded, because the texts come from the network.
    ids: HashMap<Arc<str>, usize>,
    entries: Vec<Entry>,
    /// Entries that no text refers to any more.
    free: Vec<usize>,
    /// What the last scrape held, in its order.
    order: Vec<usize>,
    /// What this scrape holds so far.
    seen: Vec<usize>,
    /// How many different series of those there are.
    seen_unique: usize,
    /// Where in `order` this scrape is.
    next: usize,
    /// Series that the last scrape stored, whose absence from this one makes them stale.
    tracked: Vec<usize>,
    tracked_now: Vec<usize>,
    /// The same of a cache that was before this one.
    orphans: Vec<(SeriesRef, Labels)>,
    /// The number of this scrape. Entries say by it when they were last seen.
    iteration: u64,
    /// Entries after the last successful scrape.
    successful_count: usize,
}

#[derive(Debug)]
struct Entry {
    text: Arc<str>,
    known: Known,
    seen_at: u64,
    tracked_at: u64,
    /// Where in `order` it is, if it was in the last scrape.
    position: usize,
}

/// What became of a series.
#[derive(Debug, Clone)]
pub(crate) enum Known {
    /// Relabeling drops it.
    Dropped,
    /// It is stored.
    Series { series: SeriesRef, labels: Labels },
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

impl SeriesCache {
    pub(crate) fn new() -> Self {
        Self { iteration: FIRST_ITERATION, ..Self::default() }
    }

    /// The number of this scrape.
    pub(crate) fn iteration(&self) -> u64 {
        self.iteration
    }

    /// Looks a series up and notes that this scrape has it.
    pub(crate) fn find(&mut self, text: &str) -> Lookup {
        let id = match self.order.get(self.next) {
            Some(id) if *self.entries[*id].text == *text => *id,
            _ => match self.ids.get(text) {
                Some(id) => *id,
                None => return Lookup::New,
            },
        };
        let entry = &mut self.entries[id];
        let again = entry.seen_at == self.iteration;
        if !again {
            entry.seen_at = self.iteration;
            self.seen_unique += 1;
            // After something new or missing, go on from where this series was.
            self.next = entry.position + 1;
            self.seen.push(id);
        }
        Lookup::Found { id, again }
    }

    /// What became of an entry.
    pub(crate) fn known(&self, id: usize) -> &Known {
        &self.entries[id].known
    }

    /// Remembers a new series; its text must not be known.
    pub(crate) fn insert(&mut self, text: &str, known: Known) -> usize {
        let text: Arc<str> = Arc::from(text);
        let entry =
            Entry { text: Arc::clone(&text), known, seen_at: self.iteration, tracked_at: 0, position: usize::MAX - 1 };
        let id = match self.free.pop() {
            Some(id) => {
                self.entries[id] = entry;
                id
            }
            None => {
                self.entries.push(entry);
                self.entries.len() - 1
            }
        };
        self.ids.insert(text, id);
        self.seen.push(id);
        self.seen_unique += 1;
        id
    }

    /// Notes that the store knows the series by another reference now.
    pub(crate) fn set_series(&mut self, id: usize, new: SeriesRef) {
        if let Known::Series { series, .. } = &mut self.entries[id].known {
            *series = new;
        }
    }

    /// Notes that this scrape stored a sample of the series, so that it is stale when the next one does not.
    pub(crate) fn track(&mut self, id: usize) {
        let entry = &mut self.entries[id];
        if entry.tracked_at != self.iteration {
            entry.tracked_at = self.iteration;
            self.tracked_now.push(id);
        }
    }

    /// Series that the last scrape stored and this one does not. A failed scrape stores nothing.
    pub(crate) fn stale(&self, failed: bool) -> Vec<(SeriesRef, Labels)> {
        let gone = self.tracked.iter().map(|id| &self.entries[*id]);
        let gone = gone.filter(|entry| failed || entry.tracked_at != self.iteration).filter_map(|entry| {
            let Known::Series { series, labels } = &entry.known else { return None };
            Some((*series, labels.clone()))
        });
        let mut stale: Vec<_> = gone.chain(self.orphans.iter().cloned()).collect();
        if !failed && !stale.is_empty() {
            // A target may write the same series differently now.
            let stored: HashSet<SeriesRef> = self.tracked_now.iter().filter_map(|id| self.series_of(*id)).collect();
            stale.retain(|(series, _)| !stored.contains(series));
        }
        stale
    }

    fn series_of(&self, id: usize) -> Option<SeriesRef> {
        match &self.entries[id].known {
            Known::Series { series, .. } => Some(*series),
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
            self.successful_count = self.ids.len();
            std::mem::swap(&mut self.tracked, &mut self.tracked_now);
            self.tracked_now.clear();
            std::mem::swap(&mut self.order, &mut self.seen);
            self.seen.clear();
            for (position, id) in self.order.iter().enumerate() {
                self.entries[*id].position = position;
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
        let (entries, free, iteration) = (&mut self.entries, &mut self.free, self.iteration);
        self.ids.retain(|_, id| {
            let is_seen = entries[*id].seen_at == iteration;
            if !is_seen {
                entries[*id].text = Arc::from("");
                entries[*id].known = Known::Dropped;
                free.push(*id);
            }
            is_seen
        });
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
