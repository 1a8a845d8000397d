//! HTTP: pushes and deletions, the metrics page, the JSON API, the page for people.

mod metrics;
mod push;
mod read;
mod status;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get};
use daemon::web::Lifecycle;
use instrument::Registry;

use crate::cli::Options;
use crate::store::Store;

pub use metrics::Metrics;

/// What the handlers share.
#[derive(Debug)]
pub struct Gateway {
    /// The groups.
    pub store: Arc<Store>,
    /// The gateway's own metrics.
    pub registry: Registry,
    /// Counted by the handlers.
    pub metrics: Metrics,
    /// When the process started, milliseconds since the Unix epoch.
    pub started_ms: i64,
    /// Flags.
    pub options: Options,
}

/// All routes.
pub fn routes(gateway: &Arc<Gateway>, lifecycle: &Lifecycle) -> Router {
    let options = &gateway.options;
    let own = Router::new()
        .route("/", get(read::page))
        .route("/static/page.js", get(read::script))
        .route("/static/page.css", get(read::style))
        .route("/api/v1/metrics", get(read::api_metrics))
        .route("/api/v1/status", get(read::api_status))
        .route("/api/v1/admin/wipe", axum::routing::put(push::wipe))
        .route("/-/healthy", get(|| async { "OK" }))
        .route("/-/ready", get(|| async { "OK" }))
        .route("/-/quit", axum::routing::put(push::quit).post(push::quit))
        // Job and labels are taken from the raw path: the router's own parameters would lose `%2F` and empty values.
        .route("/metrics/job/{*labels}", any(push::group))
        .route("/metrics/job@base64/{*labels}", any(push::group))
        .route("/metrics/job/", any(push::without_slash))
        .layer(from_fn_with_state(Arc::clone(gateway), metrics::count))
        .with_state((Arc::clone(gateway), lifecycle.clone()));
    let page = Router::new().route(&options.telemetry_path, get(read::metrics)).with_state(Arc::clone(gateway));
    let all = own.merge(page);
    let prefix = options.prefix();
    if prefix.is_empty() { all } else { Router::new().nest(&prefix, all) }
}

/// What handlers are given.
type Shared = (Arc<Gateway>, Lifecycle);

/// Nanoseconds since the Unix epoch.
pub(crate) fn now_ns() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
