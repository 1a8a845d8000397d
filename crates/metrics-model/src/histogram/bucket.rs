//! Buckets with their bounds.

use std::fmt;
use std::sync::LazyLock;

use super::{CUSTOM_BUCKETS_SCHEMA, FloatHistogram, Span};
use crate::number::format_general;

/// The coarsest exponential schema that is in use.
pub(super) const SCHEMA_MIN: i32 = -4;

/// The finest exponential schema that is in use.
pub(super) const SCHEMA_MAX: i32 = 8;

/// A bucket with its bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Lower bound.
    pub lower: f64,
    /// Upper bound.
    pub upper: f64,
    /// Whether observations of the lower bound itself are in it.
    pub lower_inclusive: bool,
    /// Whether observations of the upper bound itself are in it.
    pub upper_inclusive: bool,
    /// Observations.
    pub count: f64,
}

impl Bucket {
    /// The part of the bucket that is below `value`, which lies in it: linear, or on a logarithmic scale, on which
    /// exponential buckets all have the same width.
    #[must_use]
    pub fn fraction_below(&self, value: f64, is_linear: bool) -> f64 {
        if is_linear {
            return (value - self.lower) / (self.upper - self.lower);
        }
        let log_lower = self.lower.abs().log2();
        let log_upper = self.upper.abs().log2();
        let log_value = value.abs().log2();
        if value > 0.0 {
            (log_value - log_lower) / (log_upper - log_lower)
        } else {
            1.0 - (log_value - log_upper) / (log_lower - log_upper)
        }
    }
}

/// `(0.5,1]:3`
impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = if self.lower_inclusive { '[' } else { '(' };
        let close = if self.upper_inclusive { ']' } else { ')' };
        let (lower, upper) = (format_general(self.lower), format_general(self.upper));
        write!(f, "{open}{lower},{upper}{close}:{}", format_general(self.count))
    }
}

/// The counts of one side of a histogram with the indices of their buckets.
#[derive(Debug, Clone)]
pub(super) struct Indexed<'a> {
    spans: &'a [Span],
    counts: &'a [f64],
    /// Index of the next bucket.
    index: i32,
    /// How many buckets of the first span are done.
    done: u32,
}

impl<'a> Indexed<'a> {
    pub(super) fn new(spans: &'a [Span], counts: &'a [f64]) -> Self {
        Self { spans, counts, index: spans.first().map_or(0, |span| span.offset), done: 0 }
    }
}

impl Iterator for Indexed<'_> {
    type Item = (i32, f64);

    fn next(&mut self) -> Option<Self::Item> {
        while self.done >= self.spans.first()?.length {
            self.spans = &self.spans[1..];
            self.done = 0;
            self.index = self.index.wrapping_add(self.spans.first()?.offset);
        }
        let (count, rest) = self.counts.split_first()?;
        self.counts = rest;
        let index = self.index;
        self.done += 1;
        self.index = self.index.wrapping_add(1);
        Some((index, *count))
    }
}

impl FloatHistogram {
    /// Whether the bucket boundaries are custom ones.
    #[must_use]
    pub fn uses_custom_buckets(&self) -> bool {
        self.schema == CUSTOM_BUCKETS_SCHEMA
    }

    /// The upper bounds of custom buckets, without +Inf.
    #[must_use]
    pub fn custom_bounds(&self) -> &[f64] {
        self.custom_values.as_deref().unwrap_or_default()
    }

    pub(super) fn positive(&self) -> Indexed<'_> {
        Indexed::new(&self.positive_spans, &self.positive_buckets)
    }

    pub(super) fn negative(&self) -> Indexed<'_> {
        Indexed::new(&self.negative_spans, &self.negative_buckets)
    }

    /// The bucket with this index on the positive side.
    pub(super) fn positive_bucket(&self, index: i32, count: f64) -> Bucket {
        let upper = self.bound(index);
        let lower = self.bound(index.wrapping_sub(1));
        if self.uses_custom_buckets() {
            return Bucket { lower, upper, lower_inclusive: index == 0, upper_inclusive: true, count };
        }
        Bucket { lower, upper, lower_inclusive: lower < 0.0, upper_inclusive: upper > 0.0, count }
    }

    /// The bucket with this index on the negative side.
    pub(super) fn negative_bucket(&self, index: i32, count: f64) -> Bucket {
        let lower = -self.bound(index);
        let upper = -self.bound(index.wrapping_sub(1));
        Bucket { lower, upper, lower_inclusive: lower < 0.0, upper_inclusive: upper > 0.0, count }
    }

    /// The bucket around zero.
    #[must_use]
    pub fn zero_bucket(&self) -> Bucket {
        Bucket {
            lower: -self.zero_threshold,
            upper: self.zero_threshold,
            lower_inclusive: true,
            upper_inclusive: true,
            count: self.zero_count,
        }
    }

    /// All buckets from the lowest to the highest. The bucket around zero is among them when it is not empty; those
    /// that reach into it end at its bounds.
    #[must_use]
    pub fn buckets(&self) -> Vec<Bucket> {
        let mut buckets = Vec::with_capacity(self.positive_buckets.len() + self.negative_buckets.len() + 1);
        for (index, count) in self.negative() {
            let mut bucket = self.negative_bucket(index, count);
            if bucket.upper < 0.0 && bucket.upper > -self.zero_threshold {
                bucket.upper = -self.zero_threshold;
            }
            buckets.push(bucket);
        }
        buckets.reverse();
        if self.zero_count > 0.0 {
            buckets.push(self.zero_bucket());
        }
        for (index, count) in self.positive() {
            let mut bucket = self.positive_bucket(index, count);
            if bucket.lower > 0.0 && bucket.lower < self.zero_threshold {
                bucket.lower = self.zero_threshold;
            }
            buckets.push(bucket);
        }
        buckets
    }

    /// The upper bound of the bucket with this index.
    pub(super) fn bound(&self, index: i32) -> f64 {
        if !self.uses_custom_buckets() {
            return exponential_bound(index, self.schema);
        }
        match usize::try_from(index) {
            Ok(index) => self.custom_bounds().get(index).copied().unwrap_or(f64::INFINITY),
            Err(_) => f64::NEG_INFINITY,
        }
    }
}

/// The upper bound of an exponential bucket: 2^(index / 2^schema). The bucket before the one for infinities ends at the
/// largest number.
#[must_use]
pub fn exponential_bound(index: i32, schema: i32) -> f64 {
    if schema <= 0 {
        let exponent = i64::from(index) << schema.unsigned_abs().min(31);
        return if exponent == 1024 { f64::MAX } else { scale_by_power_of_two(1.0, exponent) };
    }
    let schema = schema.min(SCHEMA_MAX);
    let fraction_index = index & ((1 << schema) - 1);
    let exponent = i64::from(index >> schema);
    if fraction_index == 0 && exponent == 1024 {
        return f64::MAX;
    }
    // The bounds of finer schemas are a superset of those of coarser ones.
    let fraction = FRACTIONS[(fraction_index as usize) << (SCHEMA_MAX - schema)];
    scale_by_power_of_two(fraction, exponent)
}

/// 2^(i/256) for the finest schema, as the original has it.
static FRACTIONS: LazyLock<[f64; 256]> = LazyLock::new(|| {
    std::array::from_fn(|i| {
        let bits = (i as f64 / 256.0).exp2().to_bits();
        f64::from_bits((bits + u64::from(ROUNDING[i] - b'0')).saturating_sub(4))
    })
});

/// The original's table is a little off: by this many units in the last place, plus four. Bounds show in labels
/// (`count_values`) and answers, so ours are off in the same way.
const ROUNDING: &[u8; 256] = b"\
    4444443444344444443244333333333344344434433344334433453344334433\
    4444443333223423443444344443444444434544342244334333443434223333\
    3434332233233433333333232322232244334434332234223322343323223323\
    3312332322122212222222111100120133233222231133222312332222012211";

/// `value * 2^exponent` without overflow on the way.
fn scale_by_power_of_two(value: f64, exponent: i64) -> f64 {
    let exponent = exponent.clamp(-2200, 2200) as i32;
    let half = exponent / 2;
    value * 2_f64.powi(half) * 2_f64.powi(exponent - half)
}

/// The index that a bucket has in a coarser schema.
pub(super) fn coarser_index(index: i32, from_schema: i32, to_schema: i32) -> i32 {
    let shift = u32::try_from(from_schema - to_schema).unwrap_or(0).min(31);
    ((index - 1) >> shift) + 1
}
