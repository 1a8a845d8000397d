//! Quantiles and fractions of native histograms.

use super::{Bucket, FloatHistogram};

/// An estimate and what observations of NaN did to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// What to know about it.
    pub nan: NanObservations,
}

/// What observations of NaN, which are in no bucket, did to an estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NanObservations {
    /// There were none, or they did not matter.
    None,
    /// They are counted as if they were above all others.
    Skewed,
    /// The result lies among them.
    Reached,
}

impl From<f64> for Estimate {
    fn from(value: f64) -> Self {
        Self { value, nan: NanObservations::None }
    }
}

impl FloatHistogram {
    /// The value below which the part `q` of all observations lies, interpolated within its bucket: linearly in custom
    /// buckets and around zero, else on a logarithmic scale.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Estimate {
        if q < 0.0 {
            return f64::NEG_INFINITY.into();
        }
        if q > 1.0 {
            return f64::INFINITY.into();
        }
        if self.count == 0.0 || q.is_nan() {
            return f64::NAN.into();
        }
        // With NaN among the observations only the way up finds the right rank; else the shorter way is more precise.
        let upwards = self.sum.is_nan() || q < 0.5;
        let rank = if upwards { q * self.count } else { (1.0 - q) * self.count };
        let mut buckets = self.buckets();
        if !upwards {
            buckets.reverse();
        }
        let mut rest = buckets.iter().copied();
        let (mut count, mut bucket) = (0.0, NO_BUCKET);
        for next in rest.by_ref() {
            bucket = next;
            count += bucket.count;
            if bucket.count != 0.0 && count >= rank {
                break;
            }
        }
        if let Some(value) = self.settle_bounds(&mut bucket) {
            return value.into();
        }
        // Rounding may make the sum of the buckets larger than the count.
        let count = count.min(self.count);
        if count < rank {
            let nan = if self.sum.is_nan() { NanObservations::Reached } else { NanObservations::None };
            let value = if self.sum.is_nan() { f64::NAN } else { bucket.upper };
            return Estimate { value, nan };
        }
        let rank = if upwards { rank - (count - bucket.count) } else { count - rank };
        let is_skewed = self.sum.is_nan() && count + rest.map(|bucket| bucket.count).sum::<f64>() < self.count;
        let nan = if is_skewed { NanObservations::Skewed } else { NanObservations::None };
        Estimate { value: self.interpolate(bucket, rank / bucket.count), nan }
    }

    /// Gives a bucket with an infinite bound or around zero the bounds that its observations must have; the estimate
    /// itself where there is nothing to interpolate.
    fn settle_bounds(&self, bucket: &mut Bucket) -> Option<f64> {
        if self.uses_custom_buckets() {
            if bucket.lower == f64::NEG_INFINITY {
                if bucket.upper <= 0.0 {
                    return Some(bucket.upper);
                }
                bucket.lower = 0.0;
            } else if bucket.upper == f64::INFINITY {
                return Some(bucket.lower);
            }
        } else if bucket.lower < 0.0 && bucket.upper > 0.0 {
            self.narrow_zero(bucket);
        }
        None
    }

    /// Without observations on one side those around zero are taken to be on the other.
    fn narrow_zero(&self, bucket: &mut Bucket) {
        if self.negative_buckets.is_empty() && !self.positive_buckets.is_empty() {
            bucket.lower = 0.0;
        } else if self.positive_buckets.is_empty() && !self.negative_buckets.is_empty() {
            bucket.upper = 0.0;
        }
    }

    fn interpolate(&self, bucket: Bucket, fraction: f64) -> f64 {
        if self.uses_custom_buckets() || (bucket.lower <= 0.0 && bucket.upper >= 0.0) {
            return bucket.lower + (bucket.upper - bucket.lower) * fraction;
        }
        let (log_lower, log_upper) = (bucket.lower.abs().log2(), bucket.upper.abs().log2());
        if bucket.lower > 0.0 {
            (log_lower + (log_upper - log_lower) * fraction).exp2()
        } else {
            -(log_upper + (log_lower - log_upper) * (1.0 - fraction)).exp2()
        }
    }

    /// The part of all observations that lies between two bounds.
    #[must_use]
    pub fn fraction(&self, lower: f64, upper: f64) -> Estimate {
        if self.count == 0.0 || lower.is_nan() || upper.is_nan() {
            return f64::NAN.into();
        }
        if lower >= upper {
            return 0.0.into();
        }
        let buckets = self.buckets();
        let in_buckets: f64 = buckets.iter().map(|bucket| bucket.count).sum();
        let is_skewed = self.sum.is_nan() && in_buckets < self.count;
        let count = if self.sum.is_nan() { in_buckets } else { self.count };
        let lower_rank = self.rank_of(&buckets, lower).unwrap_or(count).min(count);
        let upper_rank = self.rank_of(&buckets, upper).unwrap_or(count).min(count);
        let nan = if is_skewed { NanObservations::Skewed } else { NanObservations::None };
        Estimate { value: (upper_rank - lower_rank) / self.count, nan }
    }

    /// How many observations lie below `value`; `None` when it is above all buckets.
    fn rank_of(&self, buckets: &[Bucket], value: f64) -> Option<f64> {
        let mut rank = 0.0;
        for bucket in buckets {
            let mut bucket = *bucket;
            let is_zero = bucket.lower <= 0.0 && bucket.upper >= 0.0;
            if is_zero {
                self.narrow_zero(&mut bucket);
            }
            if bucket.lower >= value {
                return Some(rank);
            }
            if bucket.upper > value {
                let is_linear = self.uses_custom_buckets() || is_zero;
                // Nothing can be said about where in an infinitely wide bucket observations are.
                if is_linear && bucket.lower == f64::NEG_INFINITY {
                    return Some(bucket.count);
                }
                return Some(rank + bucket.count * bucket.fraction_below(value, is_linear));
            }
            rank += bucket.count;
        }
        None
    }

    /// The variance of all observations, each taken to be in the middle of its bucket.
    #[must_use]
    pub fn variance(&self) -> f64 {
        let mean = self.sum / self.count;
        let mut variance = super::side::Sum::default();
        for bucket in self.buckets().iter().filter(|bucket| bucket.count != 0.0) {
            let middle = if self.uses_custom_buckets() {
                f64::midpoint(bucket.upper, bucket.lower)
            } else if bucket.lower <= 0.0 && bucket.upper >= 0.0 {
                0.0
            } else {
                let size = (bucket.upper * bucket.lower).sqrt();
                if bucket.upper < 0.0 { -size } else { size }
            };
            let delta = middle - mean;
            variance.add(bucket.count * delta * delta, true);
        }
        (variance.value + variance.compensation) / self.count
    }
}

const NO_BUCKET: Bucket = Bucket { lower: 0.0, upper: 0.0, lower_inclusive: false, upper_inclusive: false, count: 0.0 };
