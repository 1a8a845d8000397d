//! Trimming: the part of a histogram above or below a bound.

use super::{Bucket, FloatHistogram};

/// Which part stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// What is below the bound.
    Below,
    /// What is above the bound.
    Above,
}

/// What stays of a bucket: its observations, and where they are on average.
#[derive(Debug, Clone, Copy)]
struct Kept {
    count: f64,
    middle: f64,
}

impl FloatHistogram {
    /// Removes observations above or below `bound`, interpolating within the bucket it falls into. Count and sum
    /// become estimates, unless nothing was removed.
    pub fn trim(&mut self, bound: f64, keep: Keep) {
        let is_custom = self.uses_custom_buckets();
        let (mut count, mut sum, mut is_changed) = (0.0, 0.0, false);
        let mut take = |kept: Kept, before: f64| {
            count += kept.count;
            sum += kept.middle * kept.count;
            is_changed |= kept.count != before;
        };
        let has = |counts: &[f64]| counts.iter().any(|count| *count != 0.0);
        let (has_positive, has_negative) = (has(&self.positive_buckets), has(&self.negative_buckets));
        let positive: Vec<Bucket> = self.positive().map(|(index, count)| self.positive_bucket(index, count)).collect();
        let negative: Vec<Bucket> = self.negative().map(|(index, count)| self.negative_bucket(index, count)).collect();
        for (buckets, counts, is_positive) in
            [(positive, &mut self.positive_buckets, true), (negative, &mut self.negative_buckets, false)]
        {
            for (bucket, count) in buckets.iter().zip(counts).filter(|(bucket, _)| bucket.count != 0.0) {
                let kept = trim_bucket(*bucket, bound, keep, is_positive, is_custom);
                take(kept, *count);
                *count = kept.count;
            }
        }
        if self.zero_count > 0.0 {
            let kept = trim_zero(self.zero_bucket(), bound, keep, has_negative, has_positive);
            take(kept, self.zero_count);
            self.zero_count = kept.count;
        }
        if is_changed {
            (self.count, self.sum) = (count, sum);
            self.compact();
        }
    }
}

fn trim_bucket(bucket: Bucket, bound: f64, keep: Keep, is_positive: bool, is_custom: bool) -> Kept {
    // A bound that is not a number is neither: nothing stays.
    let (stays, is_inside) = match keep {
        Keep::Below => (bucket.upper <= bound, bucket.lower < bound),
        Keep::Above => (bucket.lower >= bound, bucket.upper > bound),
    };
    if stays {
        let middle = middle(bucket.lower, bucket.upper, is_positive, is_custom);
        return Kept { count: bucket.count, middle };
    }
    if !is_inside {
        return Kept { count: 0.0, middle: 0.0 };
    }
    if bucket.lower == f64::NEG_INFINITY || bucket.upper == f64::INFINITY {
        return trim_infinite(bucket, bound, keep);
    }
    let below = if bound <= bucket.lower {
        0.0
    } else if bound >= bucket.upper {
        bucket.count
    } else {
        bucket.count * bucket.fraction_below(bound, is_custom)
    };
    match keep {
        Keep::Below => Kept { count: below, middle: middle(bucket.lower, bound, is_positive, is_custom) },
        Keep::Above => {
            Kept { count: bucket.count - below, middle: middle(bound, bucket.upper, is_positive, is_custom) }
        }
    }
}

/// A bucket without a lower or upper end: zero counts as the end where that makes sense, else it stays or goes whole.
fn trim_infinite(bucket: Bucket, bound: f64, keep: Keep) -> Kept {
    let finite = |value: f64| if value.is_infinite() { 0.0 } else { value };
    let Bucket { lower, upper, count, .. } = bucket;
    let kept = |count, middle| Kept { count, middle };
    if lower != f64::NEG_INFINITY {
        return match keep {
            Keep::Below => kept(0.0, finite(lower)),
            Keep::Above if bound >= lower => kept(count, bound),
            Keep::Above => kept(0.0, finite(lower)),
        };
    }
    let has_end = upper != f64::INFINITY;
    match keep {
        Keep::Below if bound >= upper => kept(count, 0.0),
        Keep::Below if bound > 0.0 && upper > 0.0 && has_end => kept(count * bound / upper, bound / 2.0),
        Keep::Below if upper <= 0.0 => kept(count, bound),
        Keep::Above if bound <= lower => kept(count, 0.0),
        Keep::Above if bound >= 0.0 && upper > bound && has_end => {
            kept(count * (1.0 - bound / upper), f64::midpoint(bound, upper))
        }
        _ => kept(0.0, finite(upper)),
    }
}

fn trim_zero(zero: Bucket, bound: f64, keep: Keep, has_negative: bool, has_positive: bool) -> Kept {
    // Without observations on one side those around zero are taken to be on the other.
    let upper = if has_negative && !has_positive { 0.0 } else { zero.upper };
    let lower = if has_positive && !has_negative { 0.0 } else { zero.lower };
    let all = Kept { count: zero.count, middle: f64::midpoint(lower, upper) };
    let none = Kept { count: 0.0, middle: 0.0 };
    let width = upper - lower;
    match keep {
        Keep::Below if bound <= lower => none,
        Keep::Below if bound >= upper => all,
        Keep::Below => Kept { count: zero.count * ((bound - lower) / width), middle: f64::midpoint(lower, bound) },
        Keep::Above if bound <= lower => all,
        Keep::Above if bound >= upper => none,
        Keep::Above => Kept { count: zero.count * ((upper - bound) / width), middle: f64::midpoint(bound, upper) },
    }
}

/// Where the observations of a bucket are on average.
fn middle(lower: f64, upper: f64, is_positive: bool, is_linear: bool) -> f64 {
    match (lower.is_infinite(), upper.is_infinite()) {
        (true, true) => return 0.0,
        (true, false) => return if upper > 0.0 { upper / 2.0 } else { upper },
        (false, true) => return lower,
        (false, false) => {}
    }
    if is_linear {
        return f64::midpoint(lower, upper);
    }
    let size = (lower * upper).abs().sqrt();
    if is_positive { size } else { -size }
}
