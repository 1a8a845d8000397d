//! Of HTTP requests.

use std::time::Duration;

use instrument::{HistogramVec, IntCounter, IntGauge, Registry};

use super::DURATIONS;

/// Of HTTP requests.
#[derive(Debug, Clone)]
pub struct HttpMetrics {
    duration: HistogramVec,
    response_size: HistogramVec,
    in_flight: IntGauge,
    refused: IntCounter,
}

impl HttpMetrics {
    /// Takes up the metrics.
    #[must_use]
    pub fn new(registry: &Registry) -> Self {
        const SIZES: [f64; 7] = [1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8];
        Self {
            duration: registry.histograms(
                "alertmanager_http_request_duration_seconds",
                "Histogram of latencies for HTTP requests.",
                &["handler", "method", "code"],
                &DURATIONS,
            ),
            response_size: registry.histograms(
                "alertmanager_http_response_size_bytes",
                "Histogram of response size for HTTP requests.",
                &["handler", "method"],
                &SIZES,
            ),
            in_flight: registry
                .gauges(
                    "alertmanager_http_requests_in_flight",
                    "Current number of HTTP requests being processed.",
                    &["method"],
                )
                .with_label_values(&["get"]),
            refused: registry
                .counters(
                    "alertmanager_http_concurrency_limit_exceeded_total",
                    "Total number of times an HTTP request failed because the concurrency limit was reached.",
                    &["method"],
                )
                .with_label_values(&["get"]),
        }
    }

    /// A request was answered.
    pub fn answered(&self, handler: &str, method: &str, status: u16, took: Duration, size_bytes: Option<u64>) {
        self.duration.with_label_values(&[handler, method, &status.to_string()]).observe(took.as_secs_f64());
        if let Some(size_bytes) = size_bytes {
            self.response_size.with_label_values(&[handler, method]).observe(size_bytes as f64);
        }
    }

    /// Requests that are being served.
    #[must_use]
    pub fn in_flight(&self) -> &IntGauge {
        &self.in_flight
    }

    /// A request was refused because too many are being served.
    pub fn refused(&self) {
        self.refused.inc();
    }
}
