//! The query log, `query_log_file`: a line of JSON for each query that ended, with where it came from, what it cost and
//! why it failed, if it did.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use axum::extract::{ConnectInfo, FromRequestParts, OriginalUri};
use axum::http::Method;
use axum::http::request::Parts;
use instrument::{IntCounter, IntGauge, Registry};
use metrics_model::Clock;
use promql::{QueryStats, RangeParams};

use crate::json_log::JsonLog;
use crate::time::rfc3339;
use crate::web::api::value::write_stats;

/// A query as somebody asked it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) text: &'a str,
    /// Of an instant query: start and end are the same, and there is no step.
    pub(crate) range: RangeParams,
    pub(crate) origin: Origin<'a>,
}

/// Where a query came from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Origin<'a> {
    Http(&'a HttpOrigin),
    Rules { file: &'a str, group: &'a str },
}

/// The request that a query came with.
#[derive(Debug, Clone)]
pub(crate) struct HttpOrigin {
    client: String,
    method: Method,
    path: String,
}

/// How a query ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended<'a> {
    pub(crate) stats: &'a QueryStats,
    /// How long it waited before it ran.
    pub(crate) queued: Duration,
    /// Whether samples were counted at each step.
    pub(crate) per_step: bool,
    pub(crate) error: Option<&'a str>,
}

/// The log of a server: open or not, as the configuration says.
#[derive(Debug)]
pub(crate) struct QueryLog {
    file: ArcSwapOption<JsonLog>,
    enabled: IntGauge,
    failures: IntCounter,
}

/// A log that cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot open query log {path:?}")]
pub(crate) struct OpenError {
    path: String,
    #[source]
    source: io::Error,
}

/// A log that is open and not in use yet.
pub(crate) struct OpenedLog(Option<Arc<JsonLog>>);

impl<S: Sync> FromRequestParts<S> for HttpOrigin {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let client = parts.extensions.get::<ConnectInfo<std::net::SocketAddr>>();
        let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |OriginalUri(uri)| uri);
        Ok(Self {
            client: client.map(|ConnectInfo(address)| address.ip().to_canonical().to_string()).unwrap_or_default(),
            method: parts.method.clone(),
            path: uri.path().to_owned(),
        })
    }
}

impl QueryLog {
    /// A log that is not open.
    pub(crate) fn new(registry: &Registry) -> Self {
        Self {
            file: ArcSwapOption::empty(),
            enabled: registry.gauge("prometheus_engine_query_log_enabled", "State of the query log."),
            failures: registry
                .counter("prometheus_engine_query_log_failures_total", "The number of query log failures."),
        }
    }

    /// Opens the log at `path`; an empty path asks for none.
    pub(crate) fn open(path: &str, clock: &Arc<dyn Clock>) -> Result<OpenedLog, OpenError> {
        if path.is_empty() {
            return Ok(OpenedLog(None));
        }
        let log = JsonLog::open(Path::new(path), Arc::clone(clock));
        let log = log.map_err(|source| OpenError { path: path.to_owned(), source })?;
        Ok(OpenedLog(Some(Arc::new(log))))
    }

    /// Writes to `log` from now on, and closes the one before.
    pub(crate) fn switch(&self, OpenedLog(log): OpenedLog) {
        self.enabled.set(i64::from(log.is_some()));
        self.file.store(log);
    }

    /// Adds a query.
    pub(crate) fn write(&self, asked: &Asked<'_>, ended: Ended<'_>) {
        let Some(file) = &*self.file.load() else { return };
        let RangeParams { start_ms, end_ms, step_ms } = asked.range;
        let is_written = file.write("INFO", "promql query logged", |line| {
            line.key("params").object(|params| {
                params.string("end", &rfc3339(end_ms));
                params.string("query", asked.text);
                params.string("start", &rfc3339(start_ms));
                params.integer("step", step_ms / 1_000);
            });
            if let Some(error) = ended.error {
                line.string("error", error);
            }
            write_stats(line, ended.stats, ended.queued, ended.per_step);
            match asked.origin {
                Origin::Http(request) => line.key("httpRequest").object(|fields| {
                    fields.string("clientIP", &request.client);
                    fields.string("method", request.method.as_str());
                    fields.string("path", &request.path);
                }),
                Origin::Rules { file, group } => line.key("ruleGroup").object(|fields| {
                    fields.string("file", file);
                    fields.string("name", group);
                }),
            }
        });
        if !is_written {
            self.failures.inc();
        }
    }
}
