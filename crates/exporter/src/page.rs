//! The page of metrics: gathers, merges, encodes, and counts what it does, as the originals' page does.

use std::future::Future;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;
use metrics_model::exposition::text;
use metrics_model::family::MetricFamily;

use crate::batch::Batch;
use crate::{merge, process};

mod collected;

pub use collected::Collected;

/// A server says here how long it waits.
const TIMEOUT_HEADER: &str = "x-prometheus-scrape-timeout-seconds";

/// What is kept of the server's timeout for encoding and for the way.
const TIMEOUT_MARGIN: Duration = Duration::from_millis(500);

const TEXT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";

/// Gives the metrics of a page. A [`Collected`] set of collectors is one; an exporter that asks a different target in
/// every request implements its own.
pub trait Source: Send + Sync + 'static {
    /// Gathers what the request asks for.
    fn gather(&self, request: &ScrapeRequest) -> impl Future<Output = Result<Vec<MetricFamily>, Rejection>> + Send;
}

/// What a scrape asks for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScrapeRequest {
    /// The query's parameters in their order.
    pub query: Vec<(String, String)>,
    /// How long the server will wait for the page, if it said so.
    pub patience: Option<Duration>,
}

/// Why a scrape is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Rejection {
    /// The HTTP status.
    pub status: StatusCode,
    /// The answer's text.
    pub text: String,
}

/// How a page behaves.
#[derive(Debug, Clone, Copy)]
pub struct PageOptions {
    /// Scrapes that are served at a time (`--web.max-requests`); 0 is no limit.
    pub requests_max: usize,
    /// Whether `process_*` and `promhttp_*` are shown.
    pub own_metrics: bool,
}

/// The page, to be mounted under a path.
#[derive(Debug)]
pub struct Page<S> {
    source: S,
    options: PageOptions,
    counts: Counts,
}

/// What the page counts about itself.
#[derive(Debug, Default)]
struct Counts {
    in_flight: AtomicUsize,
    served: AtomicU64,
    failed: AtomicU64,
    refused: AtomicU64,
    /// Requests answered with any other status, as for a bad selection.
    rejected: AtomicU64,
    gathering_errors: AtomicU64,
}

impl<S: Source> Page<S> {
    /// A page of what `source` gives.
    pub fn new(source: S, options: PageOptions) -> Self {
        Self { source, options, counts: Counts::default() }
    }

    /// The route of the page.
    pub fn routes(self, path: &str) -> Router {
        Router::new().route(path, get(serve::<S>)).with_state(Arc::new(self))
    }

    async fn answer(&self, request: &ScrapeRequest, headers: &HeaderMap) -> Response {
        let in_flight = InFlight::enter(&self.counts.in_flight);
        let limit = self.options.requests_max;
        if limit > 0 && in_flight.number > limit {
            let text = format!("Limit of concurrent requests reached ({limit}), try again later.\n");
            return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
        }
        let families = match self.source.gather(request).await {
            Ok(families) => families,
            Err(rejection) => return (rejection.status, rejection.text).into_response(),
        };
        let mut own = Batch::new();
        if self.options.own_metrics {
            process::collect(&mut own);
            self.counts.emit(&mut own);
        }
        let (families, faults) = merge::merge(families.iter().chain(own.families()));
        for fault in &faults {
            tracing::error!(%fault, "a metric was left out");
        }
        if !faults.is_empty() {
            self.counts.gathering_errors.fetch_add(1, Ordering::Relaxed);
        }
        encode(&families, headers)
    }
}

async fn serve<S: Source>(State(page): State<Arc<Page<S>>>, request: Request) -> Response {
    let query = form_urlencoded::parse(request.uri().query().unwrap_or("").as_bytes()).into_owned().collect();
    let scrape = ScrapeRequest { query, patience: patience(request.headers()) };
    let response = page.answer(&scrape, request.headers()).await;
    page.counts.count(response.status());
    response
}

fn patience(headers: &HeaderMap) -> Option<Duration> {
    let seconds: f64 = headers.get(TIMEOUT_HEADER)?.to_str().ok()?.parse().ok()?;
    let timeout = Duration::try_from_secs_f64(seconds).ok().filter(|timeout| !timeout.is_zero())?;
    Some(timeout.saturating_sub(TIMEOUT_MARGIN).max(timeout / 2))
}

fn encode(families: &[MetricFamily], headers: &HeaderMap) -> Response {
    let mut page = String::new();
    text::write_families(&mut page, families);
    let types = [(header::CONTENT_TYPE, TEXT_TYPE), (header::VARY, "Accept-Encoding")];
    if !accepts_gzip(headers) {
        return (types, page).into_response();
    }
    match gzip(page.as_bytes()) {
        Ok(compressed) => (types, [(header::CONTENT_ENCODING, "gzip")], compressed).into_response(),
        Err(error) => {
            tracing::error!(%error, "cannot compress the page");
            (types, page).into_response()
        }
    }
}

/// The fastest level: scrapers are near, and a page shrinks to a tenth even so.
fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 8), Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let offers = headers.get_all(header::ACCEPT_ENCODING).into_iter().filter_map(|value| value.to_str().ok());
    offers.flat_map(|value| value.split(',')).any(|offer| {
        let mut parts = offer.split(';').map(str::trim);
        let refused = |weight: &str| {
            weight.strip_prefix("q=").is_some_and(|weight| weight.parse::<f64>().is_ok_and(|weight| weight <= 0.0))
        };
        parts.next() == Some("gzip") && !parts.any(refused)
    })
}

/// A request that is being served; leaves on drop, however the request ends.
struct InFlight<'a> {
    counter: &'a AtomicUsize,
    number: usize,
}

impl<'a> InFlight<'a> {
    fn enter(counter: &'a AtomicUsize) -> Self {
        Self { counter, number: counter.fetch_add(1, Ordering::SeqCst) + 1 }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.counter.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Counts {
    fn count(&self, status: StatusCode) {
        let counter = match status {
            StatusCode::OK => &self.served,
            StatusCode::INTERNAL_SERVER_ERROR => &self.failed,
            StatusCode::SERVICE_UNAVAILABLE => &self.refused,
            _ => &self.rejected,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn emit(&self, out: &mut Batch) {
        let value = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
        out.gauge("promhttp_metric_handler_requests_in_flight", "Current number of scrapes being served.")
            .value(self.in_flight.load(Ordering::SeqCst) as f64);
        let mut requests =
            out.counter("promhttp_metric_handler_requests_total", "Total number of scrapes by HTTP status code.");
        requests
            .with(&[("code", "200")], value(&self.served))
            .with(&[("code", "500")], value(&self.failed))
            .with(&[("code", "503")], value(&self.refused));
        let rejected = value(&self.rejected);
        if rejected > 0.0 {
            requests.with(&[("code", "400")], rejected);
        }
        out.counter(
            "promhttp_metric_handler_errors_total",
            "Total number of internal errors encountered by the promhttp metric handler.",
        )
        .with(&[("cause", "encoding")], 0.0)
        .with(&[("cause", "gathering")], value(&self.gathering_errors));
    }
}

#[cfg(test)]
mod tests;
