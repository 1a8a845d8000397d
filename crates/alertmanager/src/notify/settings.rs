//! What all kinds of integrations have in common: how their part of the configuration is completed, and what comes of it.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use http_client::{BuildError, HttpClientConfig};
use serde::Serialize;

use super::http::HttpTransport;
use super::integration::{Delivery, Notifier};
use super::transport::{Request, Response, Transport};
use super::{NotifyError, go_json};
use crate::config::check::Problem;
use crate::config::raw::RawGlobal;
use crate::templates::{Data, Templates};

/// The settings of one integration, complete and checked.
pub trait Settings: Debug + Send + Sync {
    /// Whether the receiver is told when alerts resolve.
    fn send_resolved(&self) -> bool;

    /// All texts that are templates.
    fn texts(&self) -> Vec<&str>;

    /// What tells the receiver.
    ///
    /// # Errors
    /// [`BuildError`] when the HTTP client's part cannot be used.
    fn notifier(&self, templates: &Arc<Templates>) -> Result<Box<dyn Notifier>, BuildError>;
}

/// An entry of a kind's list in the configuration.
pub(crate) trait RawSettings: Default {
    /// `slack`: the list is `slack_configs`.
    const KIND: &'static str;
    /// What is said of an empty entry; without it an empty entry has the defaults.
    const MISSING: Option<&'static str>;

    /// Checks what was written, then fills in what the global section says.
    fn complete(&mut self, global: &RawGlobal) -> Result<(), Problem>;

    /// The settings, once complete.
    fn settings(&self) -> Box<dyn Settings>;
}

/// Templates and a way out: what integrations over HTTP work with.
#[derive(Debug, Clone)]
pub(crate) struct Outlet {
    pub(crate) templates: Arc<Templates>,
    transport: Arc<dyn Transport>,
}

impl Outlet {
    pub(crate) fn new(templates: &Arc<Templates>, http: &HttpClientConfig) -> Result<Self, BuildError> {
        Ok(Self { templates: Arc::clone(templates), transport: Arc::new(HttpTransport::new(http)?) })
    }

    pub(crate) fn data(&self, delivery: &Delivery<'_>) -> Data {
        self.templates.data(delivery)
    }

    /// Sends a request. The answer has any status.
    pub(crate) async fn send(&self, request: Request) -> Result<Response, NotifyError> {
        self.transport.send(request).await
    }

    /// Posts a value as JSON. The answer has any status.
    pub(crate) async fn post<T: Serialize + Sync>(
        &self,
        url: &str,
        body: &T,
        timeout: Duration,
    ) -> Result<Response, NotifyError> {
        self.send(Request::post_json(url, go_json::to_line(body), timeout)).await
    }
}

/// The client's configuration of an integration: its own, else the global one.
pub(crate) fn inherit_http(own: &mut Option<HttpClientConfig>, global: &RawGlobal) {
    if own.is_none() {
        own.clone_from(&global.http_config);
    }
}

/// The name under which receivers know a group: SHA-256 of its key, in hexadecimal digits.
#[must_use]
pub(crate) fn group_hash(group_key: &str) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(group_key.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
