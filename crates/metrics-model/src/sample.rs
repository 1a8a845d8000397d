//! Samples: a timestamp in milliseconds and a float or native histogram.

use std::sync::Arc;

use crate::histogram::{FloatHistogram, Histogram};

/// The bits of the NaN that marks a series as gone ("stale") from its timestamp on.
/// Any other NaN is an ordinary value.
pub const STALE_NAN_BITS: u64 = 0x7ff0_0000_0000_0002;

/// The bits of the NaN that stands for any NaN a target gives, so that none is taken for the staleness marker.
pub const NORMAL_NAN_BITS: u64 = 0x7ff8_0000_0000_0001;

/// `value`, with the one ordinary NaN for any NaN.
#[must_use]
pub fn ordinary(value: f64) -> f64 {
    if value.is_nan() { f64::from_bits(NORMAL_NAN_BITS) } else { value }
}

/// The staleness marker as a float.
#[must_use]
pub fn stale_nan() -> f64 {
    f64::from_bits(STALE_NAN_BITS)
}

/// Whether `value` is the staleness marker, bit for bit.
#[must_use]
pub fn is_stale_nan(value: f64) -> bool {
    value.to_bits() == STALE_NAN_BITS
}

/// A sample's value.
#[derive(Debug, Clone)]
pub enum SampleValue {
    /// A plain number.
    Float(f64),
    /// A native histogram with integer counts, as scraped.
    Histogram(Arc<Histogram>),
    /// A native histogram with float counts, as scraped or computed.
    FloatHistogram(Arc<FloatHistogram>),
}

impl SampleValue {
    /// Whether this value ends its series: the staleness marker, or a histogram whose sum is it.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        match self {
            Self::Float(value) => is_stale_nan(*value),
            Self::Histogram(histogram) => is_stale_nan(histogram.sum),
            Self::FloatHistogram(histogram) => is_stale_nan(histogram.sum),
        }
    }
}

impl From<f64> for SampleValue {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

/// One observation of a series.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Milliseconds since the Unix epoch.
    pub timestamp_ms: i64,
    /// What was observed.
    pub value: SampleValue,
}
