//! The values of a window in order.

use std::collections::VecDeque;

use super::Shift;

/// The values of a window in order, as integers that sort like them: NaNs first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ranks {
    sorted: Vec<i64>,
    /// The same in order of time.
    in_time: VecDeque<i64>,
}

impl Ranks {
    pub(crate) fn clear(&mut self) {
        self.sorted.clear();
        self.in_time.clear();
    }

    /// Moves on.
    pub(crate) fn follow(&mut self, shift: Shift, values: &[f64]) {
        let come = values.len() - shift.kept;
        // Where most is new, or all, sorting takes less time than moving.
        if shift.kept == 0 || come + shift.gone > values.len() / 4 + 8 {
            self.clear();
            self.in_time.extend(values.iter().copied().map(key));
            self.sorted.extend(&self.in_time);
            self.sorted.sort_unstable();
            return;
        }
        for _ in 0..shift.gone {
            let Some(key) = self.in_time.pop_front() else { break };
            if let Ok(at) = self.sorted.binary_search(&key) {
                self.sorted.remove(at);
            }
        }
        for key in values[shift.kept..].iter().copied().map(key) {
            let at = self.sorted.partition_point(|other| *other < key);
            self.sorted.insert(at, key);
            self.in_time.push_back(key);
        }
    }

    /// The values in order.
    pub(crate) fn sorted(&self) -> impl ExactSizeIterator<Item = f64> {
        self.sorted.iter().copied().map(value)
    }

    /// The value with this rank, from 0; NaN when there is none.
    pub(crate) fn at(&self, rank: usize) -> f64 {
        self.sorted.get(rank).copied().map_or(f64::NAN, value)
    }

    pub(crate) fn len(&self) -> usize {
        self.sorted.len()
    }
}

/// An integer that sorts like the value; NaNs sort before all others.
fn key(number: f64) -> i64 {
    if number.is_nan() {
        return i64::MIN;
    }
    let bits = number.to_bits().cast_signed();
    // Negative numbers grow as their bits shrink.
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

/// The value that a [`key`] stands for.
fn value(key: i64) -> f64 {
    if key == i64::MIN {
        return f64::NAN;
    }
    f64::from_bits((key ^ ((key >> 63).cast_unsigned() >> 1).cast_signed()).cast_unsigned())
}

#[cfg(test)]
mod tests {
    //! Keys sort like the values they stand for.

    use super::{key, value};

    #[test]
    fn keys_sort_like_values() {
        let values = [f64::NEG_INFINITY, -1e300, -1.0, -1e-310, -0.0, 0.0, 5e-324, 2.5, 1e300, f64::INFINITY];
        assert!(values.windows(2).all(|pair| key(pair[0]) < key(pair[1])));
        assert!(values.iter().all(|number| value(key(*number)).to_bits() == number.to_bits()));
        assert!(key(f64::NAN) < key(f64::NEG_INFINITY) && value(key(f64::NAN)).is_nan());
    }
}
