//! What the gateway counts about its own requests.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::header::CONTENT_LENGTH;
use axum::middleware::Next;
use axum::response::Response;
use instrument::{IntCounterVec, Registry, SummaryVec};

use super::Gateway;

const QUANTILES: &[f64] = &[0.1, 0.5, 0.9];

/// Counts of requests, by handler and not by path: paths are the clients' to choose.
#[derive(Debug)]
pub struct Metrics {
    requests: IntCounterVec,
    durations: SummaryVec,
    sizes: SummaryVec,
}

impl Metrics {
    /// Makes the metrics in `registry`.
    #[must_use]
    pub fn new(registry: &Registry) -> Self {
        Self {
            requests: registry.counters(
                "pushgateway_http_requests_total",
                "Total HTTP requests processed by the Pushgateway, excluding scrapes.",
                &["code", "handler", "method"],
            ),
            durations: registry.summaries(
                "pushgateway_http_push_duration_seconds",
                "HTTP request duration for pushes to the Pushgateway.",
                &["method"],
                QUANTILES,
            ),
            sizes: registry.summaries(
                "pushgateway_http_push_size_bytes",
                "HTTP request size for pushes to the Pushgateway.",
                &["method"],
                QUANTILES,
            ),
        }
    }
}

/// Counts a request when it is answered.
pub(super) async fn count(State(gateway): State<Arc<Gateway>>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let method = method(&request);
    let handler = handler(request.uri().path(), &gateway.options.prefix(), method);
    let length = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let body_bytes: f64 = length.unwrap_or_default();
    let answer = next.run(request).await;
    let code = answer.status().as_u16().to_string();
    gateway.metrics.requests.with_label_values(&[&code, handler, method]).inc();
    if handler == "push" {
        gateway.metrics.durations.with(&[method]).observe(start.elapsed().as_secs_f64());
        gateway.metrics.sizes.with(&[method]).observe(body_bytes);
    }
    answer
}

/// A known method or `other`: a client must not be able to make new series.
fn method(request: &Request) -> &'static str {
    match request.method().as_str() {
        "GET" => "get",
        "PUT" => "put",
        "POST" => "post",
        "DELETE" => "delete",
        _ => "other",
    }
}

fn handler(path: &str, prefix: &str, method: &str) -> &'static str {
    match path.strip_prefix(prefix).unwrap_or(path) {
        path if path.starts_with("/metrics/job") => match method {
            "delete" => "delete",
            _ => "push",
        },
        "/api/v1/metrics" => "api/v1/metrics",
        "/api/v1/status" => "api/v1/status",
        "/api/v1/admin/wipe" => "api/v1/admin/wipe",
        "/-/healthy" => "healthy",
        "/-/ready" => "ready",
        "/-/quit" => "quit",
        path if path.starts_with("/static/") => "static",
        _ => "status",
    }
}
