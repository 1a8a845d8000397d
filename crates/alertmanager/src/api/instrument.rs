//! What surrounds every request: how many GETs at a time, for how long, and what is counted.

use std::sync::Arc;
use std::time::Duration;

use axum::body::HttpBody as _;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::metrics::HttpMetrics;

/// Limits and metrics of all requests.
#[derive(Debug, Clone)]
pub struct Surroundings {
    metrics: HttpMetrics,
    gets: Arc<Semaphore>,
    gets_max: usize,
    timeout: Duration,
}

impl Surroundings {
    /// At most `gets_max` GETs at a time (zero: as many as there are processors, but at least 8), each request within
    /// `timeout` (zero: no limit).
    #[must_use]
    pub fn new(metrics: HttpMetrics, gets_max: usize, timeout: Duration) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let gets_max = if gets_max == 0 { processors.max(8) } else { gets_max };
        Self { metrics, gets: Arc::new(Semaphore::new(gets_max)), gets_max, timeout }
    }
}

/// The middleware.
pub async fn surround(State(surroundings): State<Surroundings>, request: Request, next: Next) -> Response {
    let handler = handler_of(request.uri().path());
    let method = request.method().as_str().to_ascii_lowercase();
    let started = Instant::now();
    let response = limited(&surroundings, request, next).await;
    let is_api = handler.starts_with("/api/v2");
    let size_bytes = response.body().size_hint().exact().filter(|_| !is_api);
    surroundings.metrics.answered(handler, &method, response.status().as_u16(), started.elapsed(), size_bytes);
    response
}

async fn limited(surroundings: &Surroundings, request: Request, next: Next) -> Response {
    let mut slot = None;
    if request.method() == Method::GET {
        let Ok(free) = surroundings.gets.try_acquire() else {
            surroundings.metrics.refused();
            let message =
                format!("Limit of concurrent GET requests reached ({}), try again later.\n\n", surroundings.gets_max);
            return (StatusCode::SERVICE_UNAVAILABLE, message).into_response();
        };
        surroundings.metrics.in_flight().inc();
        slot = Some(free);
    }
    let response = if surroundings.timeout.is_zero() {
        next.run(request).await
    } else {
        tokio::time::timeout(surroundings.timeout, next.run(request)).await.unwrap_or_else(|_| {
            let message = format!("Exceeded configured timeout of {:?}.\n", surroundings.timeout);
            (StatusCode::SERVICE_UNAVAILABLE, message).into_response()
        })
    };
    if slot.is_some() {
        surroundings.metrics.in_flight().dec();
    }
    response
}

/// The path as metrics call it: one word for all ids, one for everything unknown, so that clients cannot make series.
fn handler_of(path: &str) -> &'static str {
    const KNOWN: [&str; 21] = [
        "/",
        "/silences",
        "/status",
        "/metrics",
        "/-/healthy",
        "/-/ready",
        "/-/reload",
        "/api/v2/status",
        "/api/v2/receivers",
        "/api/v2/alerts",
        "/api/v2/alerts/groups",
        "/api/v2/silences",
        "/api/v2/silences/preview",
        "/api/v2/explain",
        "/api/v2/history",
        "/api/v2/receivers/test",
        "/api/v2/templates/preview",
        "/history",
        "/silence",
        "/why",
        "/ui/style.css",
    ];
    match KNOWN.iter().find(|known| **known == path) {
        Some(known) => known,
        None if path.starts_with("/api/v2/silence/") => "/api/v2/silence/{silenceID}",
        None if path.starts_with("/api/v2/") => "/api/v2/{unknown}",
        None => "/{unknown}",
    }
}
