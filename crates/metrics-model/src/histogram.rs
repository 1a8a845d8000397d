//! Native histograms: sparse buckets at exponential or custom boundaries.
//!
//! The layout is Prometheus' own (`prometheus/prometheus` documentation, "Native Histograms"): spans say where buckets
//! are, integer histograms hold the first count and then deltas, float histograms hold absolute counts.
//!
//! * `bucket`, `side`: buckets with their bounds, and changes of layout
//! * `arithmetic`: sums, differences, multiples
//! * `reset`: counter resets
//! * `quantile`, `trim`: estimates from buckets
//! * `text`, `validate`: in and out

mod arithmetic;
mod bucket;
mod quantile;
mod reset;
mod side;
#[cfg(test)]
mod tests;
mod text;
mod trim;
mod validate;

use std::sync::Arc;

pub use arithmetic::{Combined, HistogramSum, IncompatibleSchemas};
pub use bucket::{Bucket, exponential_bound};
pub use quantile::{Estimate, NanObservations};
pub use trim::Keep;
pub use validate::InvalidHistogram;

/// The schema number that means "custom bucket boundaries".
pub const CUSTOM_BUCKETS_SCHEMA: i32 = -53;

/// A run of consecutive buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// For the first span the index of its first bucket, for later ones the gap after the span before.
    pub offset: i32,
    /// The number of buckets.
    pub length: u32,
}

/// What is known about a counter reset between this histogram and the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResetHint {
    /// Nothing: compare the two.
    #[default]
    Unknown,
    /// There was a reset.
    Reset,
    /// There was none.
    NotReset,
    /// A gauge histogram: resets have no meaning.
    Gauge,
}

/// A native histogram with integer counts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Histogram {
    /// Counter reset hint.
    pub reset_hint: ResetHint,
    /// -4..=8 for exponential buckets, [`CUSTOM_BUCKETS_SCHEMA`] for custom ones.
    pub schema: i32,
    /// Observations within this distance of zero are in the zero bucket.
    pub zero_threshold: f64,
    /// Observations in the zero bucket.
    pub zero_count: u64,
    /// All observations.
    pub count: u64,
    /// Sum of all observations.
    pub sum: f64,
    /// Where the positive buckets are.
    pub positive_spans: Vec<Span>,
    /// First count, then differences.
    pub positive_deltas: Vec<i64>,
    /// Where the negative buckets are.
    pub negative_spans: Vec<Span>,
    /// First count, then differences.
    pub negative_deltas: Vec<i64>,
    /// Upper bounds for custom buckets, without +Inf; shared between samples of a series.
    pub custom_values: Option<Arc<[f64]>>,
}

/// A native histogram with float counts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FloatHistogram {
    /// Counter reset hint.
    pub reset_hint: ResetHint,
    /// -4..=8 for exponential buckets, [`CUSTOM_BUCKETS_SCHEMA`] for custom ones.
    pub schema: i32,
    /// Observations within this distance of zero are in the zero bucket.
    pub zero_threshold: f64,
    /// Observations in the zero bucket.
    pub zero_count: f64,
    /// All observations.
    pub count: f64,
    /// Sum of all observations.
    pub sum: f64,
    /// Where the positive buckets are.
    pub positive_spans: Vec<Span>,
    /// Absolute counts.
    pub positive_buckets: Vec<f64>,
    /// Where the negative buckets are.
    pub negative_spans: Vec<Span>,
    /// Absolute counts.
    pub negative_buckets: Vec<f64>,
    /// Upper bounds for custom buckets, without +Inf; shared between samples of a series.
    pub custom_values: Option<Arc<[f64]>>,
}

impl Histogram {
    /// The same histogram with absolute float counts.
    #[must_use]
    pub fn to_float(&self) -> FloatHistogram {
        FloatHistogram {
            reset_hint: self.reset_hint,
            schema: self.schema,
            zero_threshold: self.zero_threshold,
            zero_count: self.zero_count as f64,
            count: self.count as f64,
            sum: self.sum,
            positive_spans: self.positive_spans.clone(),
            positive_buckets: absolute(&self.positive_deltas),
            negative_spans: self.negative_spans.clone(),
            negative_buckets: absolute(&self.negative_deltas),
            custom_values: self.custom_values.clone(),
        }
    }
}

/// Running sums of `deltas`.
fn absolute(deltas: &[i64]) -> Vec<f64> {
    deltas
        .iter()
        .scan(0_i64, |count, delta| {
            *count = count.wrapping_add(*delta);
            Some(*count as f64)
        })
        .collect()
}
