//! What all kinds of integrations have in common: how their part of the configuration is completed, and what comes of it.

use std::fmt::Debug;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use http_client::{BuildError, HttpClientConfig, Secret};
use serde::Serialize;

use super::address::read_file;
use super::http::HttpTransport;
use super::integration::{Delivery, Notifier};
use super::transport::{Request, Response, Transport};
use super::{NotifyError, go_json};
use crate::config::check::{Problem, problem};
use crate::config::raw::RawGlobal;
use crate::config::values::SecretUrl;
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

    /// The client's part, if the entry has one of its own.
    fn own_http(&mut self) -> Option<&mut HttpClientConfig>;

    /// Checks what was written, then fills in what the global section says.
    fn complete(&mut self, global: &RawGlobal) -> Result<(), Problem>;

    /// The settings, once complete.
    fn settings(&self) -> Box<dyn Settings>;
}

/// A kind that needs no more than its part of the configuration and a way out: most kinds. Once complete, the entry of
/// the configuration is the kind's settings.
pub(crate) trait Kind: RawSettings + Clone + Debug + Send + Sync + 'static {
    /// See [`Settings::send_resolved`].
    fn send_resolved(&self) -> bool;

    /// See [`Settings::texts`].
    fn texts(&self) -> Vec<&str>;

    /// The client's part, complete.
    fn http(&self) -> HttpClientConfig;

    /// Delivers once.
    fn send(&self, outlet: &Outlet, delivery: &Delivery<'_>) -> impl Future<Output = Result<(), NotifyError>> + Send;
}

impl<K: Kind> Settings for K {
    fn send_resolved(&self) -> bool {
        Kind::send_resolved(self)
    }

    fn texts(&self) -> Vec<&str> {
        Kind::texts(self)
    }

    fn notifier(&self, templates: &Arc<Templates>) -> Result<Box<dyn Notifier>, BuildError> {
        Ok(Box::new(KindNotifier { outlet: Outlet::new(templates, &self.http())?, settings: self.clone() }))
    }
}

/// Tells one receiver of a [`Kind`].
#[derive(Debug)]
struct KindNotifier<K> {
    settings: K,
    outlet: Outlet,
}

impl<K: Kind> Notifier for KindNotifier<K> {
    fn notify<'a>(&'a self, delivery: &'a mut Delivery<'_>) -> BoxFuture<'a, Result<(), NotifyError>> {
        Box::pin(self.settings.send(&self.outlet, delivery))
    }
}

/// Templates and a way out: what integrations over HTTP work with.
#[derive(Debug, Clone)]
pub(crate) struct Outlet {
    pub(crate) templates: Arc<Templates>,
    transport: Arc<dyn Transport>,
}

impl Outlet {
    pub(crate) fn new(templates: &Arc<Templates>, http: &HttpClientConfig) -> Result<Self, BuildError> {
        Ok(Self::over(templates, Arc::new(HttpTransport::new(http)?)))
    }

    /// A way out over any transport.
    pub(crate) fn over(templates: &Arc<Templates>, transport: Arc<dyn Transport>) -> Self {
        Self { templates: Arc::clone(templates), transport }
    }

    pub(crate) fn data(&self, delivery: &Delivery<'_>) -> Data {
        self.templates.data(delivery, delivery.alerts)
    }

    /// The data of the first `max` alerts (of all, if `max` is zero), and how many others there are.
    pub(crate) fn data_of_first(&self, delivery: &Delivery<'_>, max: u64) -> (Data, usize) {
        let all = delivery.alerts;
        let kept = match usize::try_from(max) {
            Ok(max) if max > 0 => &all[..all.len().min(max)],
            _ => all,
        };
        (self.templates.data(delivery, kept), all.len() - kept.len())
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

/// The template that a text of the configuration calls unless the user writes another text.
pub(crate) fn default_text(name: &str) -> String {
    format!("{{{{ template \"{name}\" . }}}}")
}

/// Of a key and its variant with `_file` both must not be written.
pub(crate) fn at_most_one(key: &str, text: bool, file: bool) -> Result<(), Problem> {
    if text && file {
        return Err(problem(key, format!("at most one of {key} & {key}_file must be configured")));
    }
    Ok(())
}

/// Of a key and its variant with `_file` one must be written.
pub(crate) fn exactly_one(key: &str, text: bool, file: bool) -> Result<(), Problem> {
    if !text && !file {
        return Err(problem("", format!("one of {key} or {key}_file must be configured")));
    }
    at_most_one(key, text, file)
}

/// A secret address, or what the file holds now.
pub(crate) async fn address(url: Option<&SecretUrl>, file: &str) -> Result<String, NotifyError> {
    match url {
        Some(url) => Ok(url.expose().to_owned()),
        None => read_file(Path::new(file)).await,
    }
}

/// A secret, or what the file holds now.
pub(crate) async fn secret(secret: &Secret, file: &str) -> Result<String, NotifyError> {
    if secret.is_empty() { read_file(Path::new(file)).await } else { Ok(secret.expose().to_owned()) }
}

/// The name under which receivers know a group: SHA-256 of its key, in hexadecimal digits.
pub(crate) fn group_hash(delivery: &Delivery<'_>) -> String {
    use sha2::Digest as _;
    hexadecimal(&sha2::Sha256::digest(delivery.flush.group_key.as_bytes()))
}

/// Two digits for each byte.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
