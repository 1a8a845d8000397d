//! Counter resets: whether a histogram can have grown from the one before.

use super::arithmetic::Parts;
use super::bucket::{coarser_index, exponential_bound};
use super::side::{Side, common_bounds};
use super::{FloatHistogram, ResetHint};

impl FloatHistogram {
    /// Whether there was a counter reset between `previous` and this histogram: what the hint says, or else that some
    /// count has gone down or the layout become finer.
    #[must_use]
    pub fn is_reset_after(&self, previous: &Self) -> bool {
        match self.reset_hint {
            ResetHint::Reset => return true,
            ResetHint::NotReset => return false,
            ResetHint::Unknown | ResetHint::Gauge => {}
        }
        if self.count < previous.count {
            return true;
        }
        if self.uses_custom_buckets() {
            return !previous.uses_custom_buckets() || self.has_lost_custom(previous);
        }
        if previous.uses_custom_buckets()
            || self.schema > previous.schema
            || self.zero_threshold < previous.zero_threshold
        {
            return true;
        }
        let (zero, threshold) = Parts::new(previous, None).zero_at(self.zero_threshold, true);
        if threshold != self.zero_threshold || self.zero_count < zero.value {
            return true;
        }
        self.has_lost(self.positive(), previous.positive(), previous.schema)
            || self.has_lost(self.negative(), previous.negative(), previous.schema)
    }

    /// Whether a bucket outside of the one around zero holds fewer observations than before, in this histogram's
    /// schema.
    fn has_lost(
        &self,
        current: impl Iterator<Item = (i32, f64)>,
        previous: impl Iterator<Item = (i32, f64)>,
        previous_schema: i32,
    ) -> bool {
        let outside = |(index, _): &(i32, f64)| {
            self.zero_threshold == 0.0 || exponential_bound(*index, self.schema) > self.zero_threshold
        };
        let coarser = previous.map(|(index, count)| (coarser_index(index, previous_schema, self.schema), count));
        let mut merged: Vec<(i32, f64)> = Vec::new();
        for (index, count) in coarser.filter(outside) {
            match merged.last_mut() {
                Some((last, total)) if *last == index => *total += count,
                _ => merged.push((index, count)),
            }
        }
        let mut current = current.filter(outside).peekable();
        merged.into_iter().any(|(index, count)| {
            while current.next_if(|(other, _)| *other < index).is_some() {}
            match current.peek() {
                Some((other, now)) if *other == index => *now < count,
                _ => count != 0.0,
            }
        })
    }

    fn has_lost_custom(&self, previous: &Self) -> bool {
        if self.custom_bounds() == previous.custom_bounds() {
            return self.has_lost_indexed(&Side::new(self.positive(), None), &Side::new(previous.positive(), None));
        }
        let common = common_bounds(self.custom_bounds(), previous.custom_bounds());
        let mut current = Side::new(self.positive(), None);
        current.between_bounds(self.custom_bounds(), &common, false);
        let mut before = Side::new(previous.positive(), None);
        before.between_bounds(previous.custom_bounds(), &common, false);
        self.has_lost_indexed(&current, &before)
    }

    fn has_lost_indexed(&self, current: &Side, previous: &Side) -> bool {
        let pairs = |side: &Side| side.buckets.iter().map(|(index, sum)| (*index, sum.value)).collect::<Vec<_>>();
        let mut current = pairs(current).into_iter().peekable();
        pairs(previous).into_iter().any(|(index, count)| {
            while current.next_if(|(other, _)| *other < index).is_some() {}
            match current.peek() {
                Some((other, now)) if *other == index => *now < count,
                _ => count != 0.0,
            }
        })
    }

    /// Whether all numbers are the same, bit by bit, and all buckets at the same places. Hints do not matter, nor how
    /// spans are cut.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let same = |a: f64, b: f64| a.to_bits() == b.to_bits();
        let all_same = |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(*a, *b));
        self.schema == other.schema
            && same(self.count, other.count)
            && same(self.sum, other.sum)
            && (!self.uses_custom_buckets() || self.custom_bounds() == other.custom_bounds())
            && self.zero_threshold == other.zero_threshold
            && same(self.zero_count, other.zero_count)
            && all_same(&self.positive_buckets, &other.positive_buckets)
            && all_same(&self.negative_buckets, &other.negative_buckets)
            && self.positive().map(|(index, _)| index).eq(other.positive().map(|(index, _)| index))
            && self.negative().map(|(index, _)| index).eq(other.negative().map(|(index, _)| index))
    }
}
