//! The sum of a window.
//!
//! Taking away what has left a sum would leave its rounding errors, so nothing is ever taken away: a pass over a window
//! keeps the sum from each sample to the end of the window, and what comes later is added to a sum of its own. When all
//! samples of the last pass are gone there is another one. Two sums are added with what rounding took from either.

use std::collections::VecDeque;

use super::Shift;
use crate::functions::kahan::Kahan;

/// From here on the order of additions decides whether a sum overflows, so windows with such values, or with infinities
/// or NaNs, are added up in order of time.
const WILD: f64 = 1e150;

/// What a sum needs to move on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sums {
    /// For each sample of the last pass that is still in the window, the latest first, the sum from it to the latest.
    tails: Vec<Kahan>,
    /// The sum of what has come since.
    head: Kahan,
    /// Whether there was a pass over this window or one that it overlaps.
    passed: bool,
    /// Numbers of samples whose values are wild.
    wild: VecDeque<usize>,
}

impl Sums {
    pub(crate) fn clear(&mut self) {
        self.tails.clear();
        self.head = Kahan::default();
        self.passed = false;
        self.wild.clear();
    }

    /// Moves on to a window; gives its sum, or `None` when it has to be added up in order.
    pub(crate) fn follow(&mut self, shift: Shift, values: &[f64]) -> Option<Kahan> {
        if shift.kept == 0 {
            self.clear();
        }
        while self.wild.front().is_some_and(|number| *number < shift.low) {
            self.wild.pop_front();
        }
        let come = values.iter().enumerate().skip(shift.kept);
        let wild = come.filter(|(_, value)| !matches!(value.abs(), 0.0..WILD));
        self.wild.extend(wild.map(|(place, _)| shift.low + place));
        if !self.wild.is_empty() || shift.kept == 0 {
            // A window that nothing is known of may well be the only one: no pass is made for it.
            self.passed = false;
            return None;
        }
        self.pass_on(shift, values);
        let mut sum = self.tails.last().copied().unwrap_or_default();
        sum.merge(self.head);
        Some(sum)
    }

    fn pass_on(&mut self, shift: Shift, values: &[f64]) {
        if self.passed && shift.gone < self.tails.len() {
            self.tails.truncate(self.tails.len() - shift.gone);
            values[shift.kept..].iter().for_each(|value| self.head.add(*value));
            return;
        }
        self.tails.clear();
        self.head = Kahan::default();
        self.passed = true;
        let mut sum = Kahan::default();
        for value in values.iter().rev() {
            sum.add(*value);
            self.tails.push(sum);
        }
    }
}

#[cfg(test)]
mod tests {
    //! Sums of windows on the move are those of the windows as such.

    use super::super::Follower;
    use super::Sums;
    use crate::functions::kahan::Kahan;

    #[test]
    fn windows_on_the_move() {
        let values: Vec<f64> = (0..400_u32).map(|at| f64::from(at * 7919 % 1009) / 7.0 - 60.0).collect();
        for (width, stride) in [(1, 1), (5, 1), (50, 1), (50, 7), (50, 49), (50, 60), (333, 3)] {
            let (mut follower, mut sums) = (Follower::default(), Sums::default());
            for low in (0..values.len() - width).step_by(stride) {
                let window = &values[low..low + width];
                let shift = follower.follow(low, width);
                let mut plain = Kahan::default();
                window.iter().for_each(|value| plain.add(*value));
                if let Some(sum) = sums.follow(shift, window) {
                    assert!((sum.total() - plain.total()).abs() < 1e-12, "{width} {stride} {low}");
                } else {
                    assert_eq!(shift.kept, 0, "{width} {stride} {low}");
                }
            }
        }
    }

    #[test]
    fn large_values_do_not_stay_behind() {
        let mut values = vec![0.1; 60];
        values[20] = 1e200;
        values[40] = f64::NAN;
        let (mut follower, mut sums) = (Follower::default(), Sums::default());
        for low in 0..50 {
            let window = &values[low..low + 10];
            let sum = sums.follow(follower.follow(low, 10), window);
            let is_wild = window.iter().any(|value| value.is_nan() || *value > 1.0);
            assert_eq!(sum.is_some(), low > 0 && !is_wild, "{low}");
            assert!(sum.is_none_or(|sum| sum.total() == 1.0), "{low}");
        }
    }
}
