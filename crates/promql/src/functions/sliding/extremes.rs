//! The best value of a window.

use std::collections::VecDeque;

use super::Shift;

/// Values that may still become the best: each is worse than the one before it, and came after it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extremes {
    /// Numbers of samples and their values.
    candidates: VecDeque<(usize, f64)>,
}

impl Extremes {
    pub(crate) fn clear(&mut self) {
        self.candidates.clear();
    }

    /// Moves on. `beats` says whether a value makes an earlier one irrelevant. NaN makes nothing irrelevant, and anything
    /// is better.
    pub(crate) fn follow(&mut self, shift: Shift, values: &[f64], beats: impl Fn(f64, f64) -> bool) {
        if shift.kept == 0 {
            self.candidates.clear();
        }
        while self.candidates.front().is_some_and(|(number, _)| *number < shift.low) {
            self.candidates.pop_front();
        }
        for (place, value) in values.iter().enumerate().skip(shift.kept).filter(|(_, value)| !value.is_nan()) {
            while self.candidates.back().is_some_and(|(_, other)| beats(*value, *other)) {
                self.candidates.pop_back();
            }
            self.candidates.push_back((shift.low + place, *value));
        }
    }

    /// The number of the best sample; `None` when all are NaN.
    pub(crate) fn best(&self) -> Option<usize> {
        self.candidates.front().map(|(number, _)| *number)
    }
}
