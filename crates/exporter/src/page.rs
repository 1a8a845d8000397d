//! The page of metrics: gathers, merges, encodes, and counts what it does, as the originals' page does.

use std::future::Future;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;
use instrument::{IntCounterVec, IntGauge, Registry, process};
use metrics_model::exposition::negotiate::{Encoding, Format, negotiate};
use metrics_model::family::MetricFamily;
use tokio::sync::Semaphore;

use crate::merge;

mod collected;

pub use collected::Collected;

/// A server says here how long it waits.
const TIMEOUT_HEADER: &str = "x-prometheus-scrape-timeout-seconds";

/// What is kept of the server's timeout for encoding and for the way.
const TIMEOUT_MARGIN: Duration = Duration::from_millis(500);

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
    /// None where any number of requests is served.
    slots: Option<Semaphore>,
    registry: Registry,
    metrics: Metrics,
}

/// What the page counts about itself.
#[derive(Debug)]
struct Metrics {
    in_flight: IntGauge,
    requests: IntCounterVec,
    errors: IntCounterVec,
}

impl Metrics {
    fn new(registry: &Registry) -> Self {
        let metrics = Self {
            in_flight: registry
                .gauge("promhttp_metric_handler_requests_in_flight", "Current number of scrapes being served."),
            requests: registry.counters(
                "promhttp_metric_handler_requests_total",
                "Total number of scrapes by HTTP status code.",
                &["code"],
            ),
            errors: registry.counters(
                "promhttp_metric_handler_errors_total",
                "Total number of internal errors encountered by the promhttp metric handler.",
                &["cause"],
            ),
        };
        // The usual ones are there before the first of them happens.
        for code in ["200", "500", "503"] {
            metrics.requests.with_label_values(&[code]).reset();
        }
        for cause in [CAUSE_ENCODING, CAUSE_GATHERING] {
            metrics.errors.with_label_values(&[cause]).reset();
        }
        metrics
    }
}

const CAUSE_ENCODING: &str = "encoding";
const CAUSE_GATHERING: &str = "gathering";

impl<S: Source> Page<S> {
    /// A page of what `source` gives.
    pub fn new(source: S, options: PageOptions) -> Self {
        let registry = Registry::new();
        process::add(&registry);
        let metrics = Metrics::new(&registry);
        let slots = (options.requests_max > 0).then(|| Semaphore::new(options.requests_max));
        Self { source, options, slots, registry, metrics }
    }

    /// The route of the page.
    pub fn routes(self, path: &str) -> Router {
        Router::new().route(path, get(serve::<S>)).with_state(Arc::new(self))
    }

    /// The answer in the format that the client takes, compressed if it likes that.
    fn encode(&self, families: &[MetricFamily], headers: &HeaderMap) -> Response {
        let encoding = encoding(headers);
        let page = encoding.encode(families);
        let types = [(header::CONTENT_TYPE, encoding.content_type()), (header::VARY, "Accept-Encoding".to_owned())];
        if !accepts_gzip(headers) {
            return (types, page).into_response();
        }
        match gzip(&page) {
            Ok(compressed) => (types, [(header::CONTENT_ENCODING, "gzip")], compressed).into_response(),
            Err(error) => {
                tracing::error!(%error, "cannot compress the page");
                self.metrics.errors.with_label_values(&[CAUSE_ENCODING]).inc();
                (types, page).into_response()
            }
        }
    }

    async fn answer(&self, request: &ScrapeRequest, headers: &HeaderMap) -> Response {
        let _in_flight = InFlight::enter(&self.metrics.in_flight);
        let slot = self.slots.as_ref().map(Semaphore::try_acquire).transpose();
        let Ok(_slot) = slot else {
            let limit = self.options.requests_max;
            let text = format!("Limit of concurrent requests reached ({limit}), try again later.\n");
            return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
        };
        let mut families = match self.source.gather(request).await {
            Ok(families) => families,
            Err(rejection) => return (rejection.status, rejection.text).into_response(),
        };
        if self.options.own_metrics {
            families.extend(self.registry.gather());
        }
        let (families, faults) = merge::merge(families);
        for fault in &faults {
            tracing::error!(%fault, "a metric was left out");
        }
        if !faults.is_empty() {
            self.metrics.errors.with_label_values(&[CAUSE_GATHERING]).inc();
        }
        self.encode(&families, headers)
    }
}

async fn serve<S: Source>(State(page): State<Arc<Page<S>>>, request: Request) -> Response {
    let query = form_urlencoded::parse(request.uri().query().unwrap_or("").as_bytes()).into_owned().collect();
    let scrape = ScrapeRequest { query, patience: patience(request.headers()) };
    let response = page.answer(&scrape, request.headers()).await;
    page.metrics.requests.with_label_values(&[response.status().as_str()]).inc();
    response
}

fn patience(headers: &HeaderMap) -> Option<Duration> {
    let seconds: f64 = headers.get(TIMEOUT_HEADER)?.to_str().ok()?.parse().ok()?;
    let timeout = Duration::try_from_secs_f64(seconds).ok().filter(|timeout| !timeout.is_zero())?;
    Some(timeout.saturating_sub(TIMEOUT_MARGIN).max(timeout / 2))
}

/// What servers and people are offered: text to those that take anything.
const CLASSIC: [Format; 2] = [Format::Text, Format::Protobuf];

/// The format to answer in. Servers that take OpenMetrics as well as the classic formats get a classic one, as from the
/// originals: OpenMetrics calls counters by other names in its metadata, which dashboards and tools would notice.
fn encoding(headers: &HeaderMap) -> Encoding {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    let takes_classic = accept.is_empty() || ["text/plain", "text/*", "*/*"].iter().any(|kind| accept.contains(kind));
    negotiate(accept, if takes_classic { &CLASSIC } else { &Format::ALL })
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
struct InFlight<'a>(&'a IntGauge);

impl<'a> InFlight<'a> {
    fn enter(gauge: &'a IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests;
