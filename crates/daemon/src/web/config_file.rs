//! The web configuration in use: reads its files again when they may have changed, and stands before the routes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use rustls::ServerConfig;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tower::ServiceExt as _;

use super::config::{Sources, WebConfig, WebConfigError};
use super::users::Verdict;
use crate::run::chain;

/// How long a change of a file may go unseen. Nothing is read while nobody comes.
const RECHECK: Duration = Duration::from_secs(1);

/// A web configuration file and what it says at the moment.
///
/// Certificates, keys and the file itself are looked at again when a client comes, at most once a second. A change that
/// cannot be used is logged once and leaves what was before.
#[derive(Debug)]
pub struct WebConfigFile {
    path: PathBuf,
    current: ArcSwap<WebConfig>,
    watch: Mutex<Watch>,
}

struct Watch {
    sources: Sources,
    checked: Instant,
    /// What was said about the latest change, not to say it every second.
    error: Option<WebConfigError>,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The sources hold keys.
        f.debug_struct("Watch").field("checked", &self.checked).finish_non_exhaustive()
    }
}

impl WebConfigFile {
    /// Reads and checks the file that `--web.config.file` names; an empty name is none.
    ///
    /// # Errors
    /// [`WebConfigError`] names the file, the place and the setting.
    pub async fn open(path: &str) -> Result<Option<Arc<Self>>, WebConfigError> {
        if path.is_empty() {
            return Ok(None);
        }
        let path = PathBuf::from(path);
        let sources = read(path.clone()).await?;
        let config = WebConfig::check(&sources)?;
        log_warnings(&path, &config);
        let watch = Mutex::new(Watch { sources, checked: Instant::now(), error: None });
        Ok(Some(Arc::new(Self { path, current: ArcSwap::from_pointee(config), watch })))
    }

    /// `https` or `http`, for links to ourselves.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.current.load().tls.is_some() { "https" } else { "http" }
    }

    /// What a new connection is accepted with. `None`: plain HTTP.
    pub(super) async fn tls(&self) -> Option<Arc<ServerConfig>> {
        self.current().await.tls.clone()
    }

    /// Answers a request: with `routes`, if limit and passwords let it through.
    pub(super) async fn answer(&self, routes: Router, request: Request<Body>) -> Response {
        let config = self.current().await;
        if config.rate_limit.as_ref().is_some_and(|limit| !limit.allows()) {
            return refusal(StatusCode::TOO_MANY_REQUESTS);
        }
        let mut response = match config.users.judge(request.headers().get(AUTHORIZATION)).await {
            Verdict::Welcome => routes.oneshot(request).await.into_response(),
            Verdict::Busy => refusal(StatusCode::TOO_MANY_REQUESTS),
            Verdict::Refused => {
                let mut response = refusal(StatusCode::UNAUTHORIZED);
                response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic"));
                response
            }
        };
        for (name, value) in &config.headers {
            // What a handler set is more exact.
            response.headers_mut().entry(name).or_insert_with(|| value.clone());
        }
        response
    }

    /// The settings, after a look at the files if the last one was long ago.
    async fn current(&self) -> Arc<WebConfig> {
        // While one client waits for the disk, the others go by what is known.
        if let Ok(mut watch) = self.watch.try_lock()
            && watch.checked.elapsed() >= RECHECK
        {
            self.recheck(&mut watch).await;
            watch.checked = Instant::now();
        }
        self.current.load_full()
    }

    async fn recheck(&self, watch: &mut Watch) {
        let changed = match read(self.path.clone()).await {
            Ok(sources) if sources == watch.sources => {
                watch.error = None;
                return;
            }
            Ok(sources) => WebConfig::check(&sources).map(|config| (sources, config)),
            Err(error) => Err(error),
        };
        match changed {
            Ok((sources, config)) => {
                tracing::info!(file = %self.path.display(), "web configuration reloaded");
                log_warnings(&self.path, &config);
                self.current.store(Arc::new(config));
                watch.sources = sources;
                watch.error = None;
            }
            Err(error) if watch.error.as_ref() == Some(&error) => {}
            Err(error) => {
                tracing::error!(error = %chain(&error), "web configuration not reloaded, the old one stays");
                watch.error = Some(error);
            }
        }
    }
}

/// Reads on a blocking thread.
async fn read(path: PathBuf) -> Result<Sources, WebConfigError> {
    let failed = WebConfigError::File { what: "web configuration", file: path.clone(), reason: "stopped".to_owned() };
    tokio::task::spawn_blocking(move || Sources::read(&path)).await.unwrap_or(Err(failed))
}

fn log_warnings(path: &Path, config: &WebConfig) {
    for warning in config.warnings() {
        tracing::warn!(file = %path.display(), warning, "web configuration");
    }
}

/// A status and its name as text.
fn refusal(status: StatusCode) -> Response {
    (status, format!("{}\n", status.canonical_reason().unwrap_or_default())).into_response()
}
