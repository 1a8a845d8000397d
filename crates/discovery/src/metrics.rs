//! Discovery's own metrics, under the names that the original gives them.

use instrument::{IntCounter, IntCounterVec, IntGaugeVec, Registry};

/// The metrics of all discovery of a process. Clones share them.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Targets found, by manager and job.
    pub discovered_targets: IntGaugeVec,
    /// Files that could not be read.
    pub file_read_errors: IntCounter,
    /// Failed questions to web services.
    pub http_failures: IntCounter,
    /// Refreshes, by mechanism and configuration.
    pub refresh_failures: IntCounterVec,
}

impl Metrics {
    /// Makes the metrics in `registry`.
    #[must_use]
    pub fn new(registry: &Registry) -> Self {
        Self {
            discovered_targets: registry.gauges(
                "prometheus_sd_discovered_targets",
                "Current number of discovered targets.",
                &["name", "config"],
            ),
            file_read_errors: registry
                .counter("prometheus_sd_file_read_errors_total", "The number of File-SD read errors."),
            http_failures: registry
                .counter("prometheus_sd_http_failures_total", "Number of HTTP service discovery refresh failures."),
            refresh_failures: registry.counters(
                "prometheus_sd_refresh_failures_total",
                "Number of refresh failures for the given SD mechanism.",
                &["mechanism", "config"],
            ),
        }
    }
}
