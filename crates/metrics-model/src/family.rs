//! Metric families: what exporters make, writers of expositions print and strict readers give back.
//!
//! A family's name is the name that the classic text format shows: counters usually end in `_total` and info metrics in
//! `_info`. Formats that name the family otherwise (OpenMetrics) convert at their door.

use std::sync::Arc;

use crate::histogram::{FloatHistogram, Histogram};
use crate::labels::Labels;

/// What kind of metric a family is, from its `# TYPE` line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum MetricKind {
    /// Only goes up, but for resets.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Buckets, a sum and a count.
    Histogram,
    /// Buckets that go up and down.
    GaugeHistogram,
    /// Quantiles, a sum and a count.
    Summary,
    /// Constant labels.
    Info,
    /// One boolean per state.
    StateSet,
    /// Not said.
    #[default]
    Unknown,
}

impl MetricKind {
    /// The word for this kind in OpenMetrics and in the API's metadata.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::GaugeHistogram => "gaugehistogram",
            Self::Summary => "summary",
            Self::Info => "info",
            Self::StateSet => "stateset",
            Self::Unknown => "unknown",
        }
    }
}

impl std::fmt::Display for MetricKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// All metrics of one name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MetricFamily {
    /// The name, as the classic text format shows it.
    pub name: String,
    /// The help text, unescaped; empty when there is none.
    pub help: String,
    /// What kind of metric all of these are.
    pub kind: MetricKind,
    /// The unit, or empty.
    pub unit: String,
    /// The metrics, in any order; writers keep it.
    pub metrics: Vec<Metric>,
}

impl MetricFamily {
    /// A family without metrics and unit.
    #[must_use]
    pub fn new(name: impl Into<String>, help: impl Into<String>, kind: MetricKind) -> Self {
        Self { name: name.into(), help: help.into(), kind, unit: String::new(), metrics: Vec::new() }
    }

    /// Adds a metric without a timestamp.
    pub fn push(&mut self, labels: Labels, value: MetricValue) -> &mut Self {
        self.metrics.push(Metric { labels, value, timestamp_ms: None });
        self
    }
}

/// One metric of a family.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Labels without the metric name, `le` and `quantile`.
    pub labels: Labels,
    /// The value; its variant fits the family's kind.
    pub value: MetricValue,
    /// When it was measured, if the target says so.
    pub timestamp_ms: Option<i64>,
}

/// The value of one metric.
#[derive(Debug, Clone, PartialEq)]
pub enum MetricValue {
    /// Of a counter.
    Counter {
        /// The count so far.
        value: f64,
        /// An example of what was counted.
        exemplar: Option<Exemplar>,
        /// When counting began.
        created_ms: Option<i64>,
    },
    /// Of a gauge; also of an info metric (1) and of one state of a state set (0 or 1).
    Gauge(f64),
    /// Of a metric of unknown kind.
    Untyped(f64),
    /// Of a summary.
    Summary(Summary),
    /// Of a histogram or gauge histogram.
    Histogram(Box<HistogramValue>),
}

impl MetricValue {
    /// A counter's value without exemplar and creation time.
    #[must_use]
    pub fn counter(value: f64) -> Self {
        Self::Counter { value, exemplar: None, created_ms: None }
    }
}

/// The value of a summary.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Summary {
    /// Observations.
    pub count: f64,
    /// Sum of the observations.
    pub sum: f64,
    /// Quantiles, in ascending order.
    pub quantiles: Vec<Quantile>,
    /// When counting began.
    pub created_ms: Option<i64>,
}

/// One quantile of a summary.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantile {
    /// From 0 to 1.
    pub quantile: f64,
    /// The value at that quantile.
    pub value: f64,
}

/// The value of a histogram: classic buckets, a native histogram, or both.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HistogramValue {
    /// Observations.
    pub count: f64,
    /// Sum of the observations.
    pub sum: f64,
    /// Classic buckets in ascending order of their bounds; that of `+Inf` may be left out.
    pub buckets: Vec<Bucket>,
    /// The native histogram.
    pub native: Option<NativeHistogram>,
    /// Examples of what the native histogram counts; those of classic buckets are with the buckets.
    pub exemplars: Vec<Exemplar>,
    /// When counting began.
    pub created_ms: Option<i64>,
}

/// A classic bucket.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bucket {
    /// The largest value that is counted here.
    pub upper_bound: f64,
    /// Observations up to the bound, those of lower buckets included.
    pub cumulative_count: f64,
    /// An example of an observation in this bucket.
    pub exemplar: Option<Exemplar>,
}

/// A native histogram with whole or with fractional counts.
#[derive(Debug, Clone, PartialEq)]
pub enum NativeHistogram {
    /// Whole counts.
    Integer(Arc<Histogram>),
    /// Fractional counts.
    Float(Arc<FloatHistogram>),
}

/// An example of what a metric counts, with labels that lead to it: a trace, say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Exemplar {
    /// Labels of the example.
    pub labels: Labels,
    /// What was observed.
    pub value: f64,
    /// When.
    pub timestamp_ms: Option<i64>,
}
