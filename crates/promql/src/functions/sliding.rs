//! What functions over windows remember from one window to the next, so that a step costs what has come and gone since
//! the step before and not the whole window.
//!
//! Samples have numbers, counted from the first of the series; a [`Shift`] says how far the window has moved.
//!
//! * `extremes`: the best values, in a queue of which each is worse than the one before
//! * `sums`: sums of what is left of the last full pass, and of what has come since
//! * `ranks`: the values in order
//! * [`Marks`]: numbers of samples after which something happened

mod extremes;
mod ranks;
mod sums;

use std::collections::VecDeque;

pub(crate) use extremes::Extremes;
pub(crate) use ranks::Ranks;
pub(crate) use sums::Sums;

/// The window at the step before.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Follower {
    low: usize,
    high: usize,
}

/// How a window has moved since the step before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shift {
    /// The number of the first sample.
    pub(crate) low: usize,
    /// How many of the samples, from the first one on, were in the window before. Without any it is a new one.
    pub(crate) kept: usize,
    /// How many samples of the window before have gone.
    pub(crate) gone: usize,
}

impl Follower {
    /// Forgets the windows of the series before.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Moves on to a window of `len` samples, the first of which has the number `low`.
    pub(crate) fn follow(&mut self, low: usize, len: usize) -> Shift {
        let before = std::mem::replace(self, Self { low, high: low + len });
        let kept = before.high.saturating_sub(low).min(len);
        Shift { low, kept, gone: low.saturating_sub(before.low) }
    }
}

/// Numbers of samples that differ in some way from the one before each of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Marks<T> {
    /// Growing numbers of the later sample, each with what is remembered.
    marked: VecDeque<(usize, T)>,
}

impl<T> Marks<T> {
    pub(crate) fn clear(&mut self) {
        self.marked.clear();
    }

    /// Moves on: looks at the pairs of neighbours that are new in the window with `look`, which gets the place of the
    /// later one, and remembers what it finds.
    pub(crate) fn follow(&mut self, shift: Shift, len: usize, look: impl Fn(usize) -> Option<T>) {
        if shift.kept == 0 {
            self.marked.clear();
        }
        // The first sample of the window has no neighbour before it.
        while self.marked.front().is_some_and(|(number, _)| *number <= shift.low) {
            self.marked.pop_front();
        }
        for place in shift.kept.max(1)..len {
            if let Some(found) = look(place) {
                self.marked.push_back((shift.low + place, found));
            }
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.marked.len()
    }

    /// Numbers of samples and what is remembered of them, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        self.marked.iter().map(|(number, found)| (*number, found))
    }
}
