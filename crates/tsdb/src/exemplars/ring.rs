//! The exemplars in memory: in the order they came, each knowing the next of its series.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;
use storage::{TimeRange, TimedExemplar};

use crate::index::table::SeriesId;

/// The newest exemplars, up to a number.
#[derive(Debug, Default)]
pub(crate) struct Ring {
    capacity: usize,
    entries: VecDeque<Entry>,
    /// The position of the first entry. Positions are counted on, so that those in chains stay true.
    first: u64,
    chains: FxHashMap<SeriesId, Chain>,
    /// The number that the next one gets.
    next_number: u64,
}

#[derive(Debug)]
struct Entry {
    /// Its key on the disk.
    number: u64,
    series: SeriesId,
    exemplar: TimedExemplar,
    /// The position of the next one of the series, [`LAST`] if there is none.
    next: u64,
}

const LAST: u64 = u64::MAX;

/// Positions of the exemplars of one series.
#[derive(Debug, Clone, Copy)]
struct Chain {
    oldest: u64,
    newest: u64,
}

impl Ring {
    /// An empty one for so many.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, ..Self::default() }
    }

    /// How many it can have.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many it has.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The time of the one that came first.
    pub(crate) fn oldest_ms(&self) -> Option<i64> {
        self.entries.front().map(|entry| entry.exemplar.timestamp_ms)
    }

    /// A number above all that were given.
    pub(crate) fn next_number(&self) -> u64 {
        self.next_number
    }

    /// The series that have any.
    pub(crate) fn series(&self) -> impl Iterator<Item = SeriesId> {
        self.chains.keys().copied()
    }

    fn at(&self, position: u64) -> Option<&Entry> {
        self.entries.get(usize::try_from(position.checked_sub(self.first)?).ok()?)
    }

    /// The newest of a series.
    pub(crate) fn newest(&self, series: SeriesId) -> Option<&TimedExemplar> {
        self.chains.get(&series).and_then(|chain| self.at(chain.newest)).map(|entry| &entry.exemplar)
    }

    /// Those of a series in `range`, oldest first.
    pub(crate) fn in_range(&self, series: SeriesId, range: TimeRange) -> Vec<TimedExemplar> {
        let oldest = self.chains.get(&series).and_then(|chain| self.at(chain.oldest));
        let chain = std::iter::successors(oldest, |entry| self.at(entry.next));
        let exemplars = chain.map(|entry| &entry.exemplar).take_while(|exemplar| exemplar.timestamp_ms <= range.end_ms);
        exemplars.filter(|exemplar| exemplar.timestamp_ms >= range.start_ms).cloned().collect()
    }

    /// Adds one under a number above all before it. Returns the number of the one that had to make room.
    pub(crate) fn push(&mut self, number: u64, series: SeriesId, exemplar: TimedExemplar) -> Option<u64> {
        let evicted = if self.len() >= self.capacity { self.pop() } else { None };
        self.next_number = number.saturating_add(1);
        let position = self.first + self.entries.len() as u64;
        self.entries.push_back(Entry { number, series, exemplar, next: LAST });
        match self.chains.get_mut(&series) {
            Some(chain) => {
                let before = std::mem::replace(&mut chain.newest, position);
                if let Some(entry) = before.checked_sub(self.first).and_then(|at| self.entries.get_mut(at as usize)) {
                    entry.next = position;
                }
            }
            None => {
                self.chains.insert(series, Chain { oldest: position, newest: position });
            }
        }
        evicted
    }

    /// Takes the first out, which is the oldest of its series.
    fn pop(&mut self) -> Option<u64> {
        let entry = self.entries.pop_front()?;
        self.first += 1;
        if entry.next == LAST {
            self.chains.remove(&entry.series);
        } else if let Some(chain) = self.chains.get_mut(&entry.series) {
            chain.oldest = entry.next;
        }
        Some(entry.number)
    }

    /// Changes how many it can have; returns the numbers of those that had to go, which are the oldest.
    pub(crate) fn resize(&mut self, capacity: usize) -> Vec<u64> {
        self.capacity = capacity;
        let mut gone = Vec::new();
        while self.len() > capacity {
            gone.extend(self.pop());
        }
        self.entries.shrink_to_fit();
        gone
    }

    /// All of them under their numbers, which grow.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, SeriesId, &TimedExemplar)> {
        self.entries.iter().map(|entry| (entry.number, entry.series, &entry.exemplar))
    }

    /// Whether all are to be kept.
    pub(crate) fn all(&self, keep: impl Fn(SeriesId, i64) -> bool) -> bool {
        self.entries.iter().all(|entry| keep(entry.series, entry.exemplar.timestamp_ms))
    }

    /// Takes out those that are not to be kept; returns their numbers.
    pub(crate) fn retain(&mut self, keep: impl Fn(SeriesId, i64) -> bool) -> Vec<u64> {
        let mut gone = Vec::new();
        let mut kept = Self { capacity: self.capacity, next_number: self.next_number, ..Self::default() };
        for entry in self.entries.drain(..) {
            if keep(entry.series, entry.exemplar.timestamp_ms) {
                kept.push(entry.number, entry.series, entry.exemplar);
            } else {
                gone.push(entry.number);
            }
        }
        // A number that was given to one that is gone is not given again.
        kept.next_number = self.next_number;
        *self = kept;
        gone
    }
}

#[cfg(test)]
mod tests {
    use metrics_model::Labels;
    use proptest::prelude::*;

    use super::*;

    fn exemplar(at_ms: i64) -> TimedExemplar {
        TimedExemplar { labels: Labels::empty(), value: 0.0, timestamp_ms: at_ms, has_own_time: true }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Push(u32),
        Resize(usize),
        DropSeries(u32),
        DropBefore(i64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            8 => (0_u32..5).prop_map(Step::Push),
            1 => (0_usize..12).prop_map(Step::Resize),
            1 => (0_u32..5).prop_map(Step::DropSeries),
            1 => (0_i64..100).prop_map(Step::DropBefore),
        ]
    }

    proptest! {
        /// A plain list, of which the front is cut off, has the same ones.
        #[test]
        fn it_equals_a_list(steps in proptest::collection::vec(step(), 0..100)) {
            let mut ring = Ring::new(7);
            let mut list: Vec<(u64, u32, i64)> = Vec::new();
            let mut capacity = 7;
            for (at_ms, step) in (0_i64..).zip(steps) {
                let before: Vec<u64> = list.iter().map(|(number, ..)| *number).collect();
                let gone: Vec<u64> = match step {
                    Step::Push(_) if capacity == 0 => continue,
                    Step::Push(series) => {
                        let number = ring.next_number();
                        list.push((number, series, at_ms));
                        ring.push(number, SeriesId(series), exemplar(at_ms)).into_iter().collect()
                    }
                    Step::Resize(to) => {
                        capacity = to;
                        ring.resize(to)
                    }
                    Step::DropSeries(series) => {
                        list.retain(|(_, of, _)| *of != series);
                        ring.retain(|id, _| id.0 != series)
                    }
                    Step::DropBefore(from_ms) => {
                        list.retain(|(.., at_ms)| *at_ms >= from_ms);
                        ring.retain(|_, at_ms| at_ms >= from_ms)
                    }
                };
                list.drain(..list.len().saturating_sub(capacity));
                let left = |number: &&u64| list.iter().all(|(kept, ..)| kept != *number);
                prop_assert_eq!(gone, before.iter().filter(left).copied().collect::<Vec<_>>());
                prop_assert_eq!(ring.len(), list.len());
                for series in 0..5 {
                    let range = TimeRange { start_ms: 3, end_ms: 60 };
                    let found: Vec<i64> =
                        ring.in_range(SeriesId(series), range).iter().map(|exemplar| exemplar.timestamp_ms).collect();
                    let mine = || list.iter().filter(|(_, of, _)| *of == series).map(|(.., at_ms)| *at_ms);
                    prop_assert_eq!(found, mine().filter(|at_ms| range.contains(*at_ms)).collect::<Vec<_>>());
                    let newest = ring.newest(SeriesId(series)).map(|exemplar| exemplar.timestamp_ms);
                    prop_assert_eq!(newest, mine().next_back());
                }
            }
        }
    }
}
