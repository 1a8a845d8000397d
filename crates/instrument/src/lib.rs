//! A process's own metrics: made on a client library, handed out as [`metrics_model::family::MetricFamily`].
//!
//! * [`registry`]: where components make their metrics and a daemon's `/metrics` gathers them
//! * [`summary`]: quantiles over a sliding window, which the client library lacks
//! * [`process`]: memory, CPU time and files of this process

mod convert;
pub mod process;
pub mod registry;
pub mod summary;

pub use prometheus::{
    Counter, CounterVec, Gauge, GaugeVec, Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
};
pub use registry::Registry;
pub use summary::{Summary, SummaryVec};

#[cfg(test)]
mod tests;
