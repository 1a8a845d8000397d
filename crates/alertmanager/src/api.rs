//! The HTTP interface: API v2, health, metrics, and the page for people.

pub mod answer;
pub mod instrument;
pub mod ops;
pub mod v2;

use std::sync::Arc;

use axum::Router;
use jiff::Timestamp;

use crate::alert::Alert;
use crate::cluster::Cluster;
use crate::engine::CurrentEngine;
use crate::history::History;
use crate::matcher::Syntax;
use crate::metrics::ApiMetrics;
use crate::nflog::NotificationLog;
use crate::notify::outbox::Outbox;
use crate::silence::Silences;
use crate::store::AlertStore;
use crate::time::Clock;

/// What handlers work on.
#[derive(Debug)]
pub struct ApiState {
    /// The alerts.
    pub store: Arc<AlertStore>,
    /// The silences.
    pub silences: Arc<Silences>,
    /// What receivers were told.
    pub log: Arc<NotificationLog>,
    /// What happened.
    pub history: Arc<History>,
    /// The other instances, if there may be any.
    pub cluster: Option<Arc<Cluster>>,
    /// What receivers are still to be told.
    pub outbox: Arc<Outbox>,
    /// What the configuration in force made.
    pub engine: Arc<CurrentEngine>,
    /// The time.
    pub clock: Clock,
    /// How matchers in requests are read.
    pub syntax: Syntax,
    /// When the daemon started.
    pub started: Timestamp,
    /// What came in.
    pub metrics: ApiMetrics,
}

/// What keeps an alert quiet now.
#[derive(Debug, Clone, Default)]
pub struct Suppression {
    /// Ids of silences.
    pub silenced_by: Vec<String>,
    /// Fingerprints of alerts.
    pub inhibited_by: Vec<String>,
}

impl Suppression {
    /// Whether anything does.
    #[must_use]
    pub fn is_any(&self) -> bool {
        !self.silenced_by.is_empty() || !self.inhibited_by.is_empty()
    }
}

impl ApiState {
    /// What keeps an alert quiet at `now`.
    #[must_use]
    pub fn suppression(&self, alert: &Alert, now: Timestamp) -> Suppression {
        let inhibited_by = self.engine.get().inhibitor.inhibited_by(&alert.labels, now);
        Suppression {
            silenced_by: self.silences.silencing(&alert.labels, now),
            inhibited_by: inhibited_by.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Drops a slash from the end of a path of API v2: clients write them with and without one.
pub fn without_slash(mut request: axum::extract::Request) -> axum::extract::Request {
    let uri = request.uri();
    if let Some(path) = uri.path().strip_suffix('/').filter(|path| path.starts_with("/api/v2")) {
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        if let Ok(shorter) = format!("{path}{query}").parse() {
            *request.uri_mut() = shorter;
        }
    }
    request
}

/// All routes that need the state, below the route prefix.
pub fn routes(state: &Arc<ApiState>) -> Router {
    v2::routes(state).merge(crate::ui::routes(state))
}
