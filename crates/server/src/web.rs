//! The HTTP side: API, pages, own metrics. Everything a handler needs hangs on [`Web`].
//!
//! * [`api`]: everything below `/api/v1`
//! * `consoles`: pages that users write
//! * `federate`: `/federate`
//! * `metrics`: `/metrics`, and what is counted about requests
//! * `cors`, `routes`: what surrounds the handlers

pub(crate) mod api;
pub(crate) mod consoles;
mod cors;
mod federate;
mod metrics;
mod routes;

use std::sync::{Arc, Weak};

use instrument::Registry;
use metrics_model::{Clock, Labels};
use regex::Regex;

pub(crate) use routes::routes;

use crate::config::ConfigCell;
use crate::notifier::Notifier;
use crate::queries::Queries;
use crate::remote::receive::Receiver;
use crate::store::Store;

/// What handlers share.
pub(crate) struct Web {
    pub(crate) store: Store,
    pub(crate) queries: Queries,
    /// Where remote write comes in, if that is enabled.
    pub(crate) receiver: Option<Arc<Receiver>>,
    pub(crate) rules: Arc<rules::Manager>,
    /// Weak: only the app keeps scraping alive, and can stop it.
    pub(crate) scrape: Weak<scrape::Manager>,
    pub(crate) notifier: Arc<Notifier>,
    pub(crate) config: Arc<ConfigCell>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) registry: Registry,
    pub(crate) settings: WebSettings,
}

/// What flags and the start fixed.
#[derive(Debug, Clone)]
pub(crate) struct WebSettings {
    /// All flags with their values.
    pub(crate) flags: Vec<(String, String)>,
    /// Whether `/api/v1/admin` is there.
    pub(crate) admin_enabled: bool,
    /// The messages of remote write that are taken.
    pub(crate) remote_write_messages: Vec<String>,
    /// Whether `stats=all` counts samples at each step.
    pub(crate) per_step_stats: bool,
    /// Where people reach the server, without a slash at the end.
    pub(crate) external_url: String,
    /// The path in front of all routes: empty, or with a slash at its start and none at its end.
    pub(crate) route_prefix: String,
    pub(crate) page_title: String,
    pub(crate) consoles: consoles::ConsoleFolders,
    /// Origins that may read answers; `None` for none.
    pub(crate) cors_origin: Option<Regex>,
    /// How long samples are kept, as text.
    pub(crate) retention: String,
    pub(crate) started_ms: i64,
}

impl Web {
    /// Labels that are added to everything that leaves the server.
    pub(crate) fn external_labels(&self) -> Labels {
        self.config.external_labels()
    }
}
