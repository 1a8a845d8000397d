//! `/metrics`, and what is counted about requests.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use instrument::{HistogramVec, IntCounterVec, Registry};
use metrics_model::exposition::negotiate::{Format, negotiate};
use metrics_model::family::MetricFamily;

use super::Web;

/// Counts requests by route and status.
#[derive(Debug, Clone)]
pub(super) struct RequestMetrics {
    requests: IntCounterVec,
    seconds: HistogramVec,
}

impl RequestMetrics {
    pub(super) fn new(registry: &Registry) -> Self {
        Self {
            requests: registry.counters(
                "prometheus_http_requests_total",
                "Counter of HTTP requests.",
                &["handler", "code"],
            ),
            seconds: registry.histograms(
                "prometheus_http_request_duration_seconds",
                "Histogram of latencies for HTTP requests.",
                &["handler"],
                &[0.1, 0.2, 0.4, 1.0, 3.0, 8.0, 20.0, 60.0, 120.0],
            ),
        }
    }
}

/// Counts one request.
pub(super) async fn layer(State(metrics): State<RequestMetrics>, request: Request, next: Next) -> Response {
    // Only known routes: paths that clients make up would each be a series.
    let route = request.extensions().get::<MatchedPath>().map_or("unknown", MatchedPath::as_str);
    let route = route.replace("{name}", ":name");
    let started = Instant::now();
    let response = next.run(request).await;
    metrics.requests.with_label_values(&[&route, response.status().as_str()]).inc();
    metrics.seconds.with_label_values(&[&route]).observe(started.elapsed().as_secs_f64());
    response
}

/// The server's own metrics, in the format that the client prefers.
pub(super) async fn metrics(State(web): State<Arc<Web>>, headers: HeaderMap) -> Response {
    exposition(&headers, &web.registry.gather())
}

/// Who takes anything, a person with curl, gets text.
const FORMATS: [Format; 2] = [Format::Text, Format::Protobuf];

/// Families as an answer to a request with these headers.
pub(super) fn exposition(headers: &HeaderMap, families: &[MetricFamily]) -> Response {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    let encoding = negotiate(accept, &FORMATS);
    let mut response = encoding.encode(families).into_response();
    if let Ok(content_type) = HeaderValue::from_str(&encoding.content_type()) {
        response.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    response
}
