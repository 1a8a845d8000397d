//! `/-/healthy`, `/-/ready`, `/-/reload` and `/-/quit`, as the originals answer them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use tokio::sync::{Notify, mpsc, oneshot};

/// Shared by a daemon's routes and its `App`: whether it is ready, and what was asked of it over HTTP.
#[derive(Debug, Clone)]
pub struct Lifecycle {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// For the texts: `Firewatch Server is Ready.`
    name: &'static str,
    /// Whether quit is allowed (`--web.enable-lifecycle`).
    enabled: bool,
    /// Whether reload is.
    reload_enabled: bool,
    ready: AtomicBool,
    quit: Notify,
    reloads: mpsc::Sender<ReloadRequest>,
}

/// A reload asked for over HTTP; the sender waits for the outcome, an error as text.
pub type ReloadRequest = oneshot::Sender<Result<(), String>>;

impl Lifecycle {
    /// The lifecycle of the daemon `name` and the requests to reload, which the daemon must serve.
    #[must_use]
    pub fn new(name: &'static str, enabled: bool) -> (Self, mpsc::Receiver<ReloadRequest>) {
        Self::with(name, enabled, enabled)
    }

    /// As [`Lifecycle::new`], for a daemon whose original is reloaded by whoever reaches it, and never ended.
    #[must_use]
    pub fn reloadable(name: &'static str) -> (Self, mpsc::Receiver<ReloadRequest>) {
        Self::with(name, false, true)
    }

    fn with(name: &'static str, enabled: bool, reload_enabled: bool) -> (Self, mpsc::Receiver<ReloadRequest>) {
        let (reloads, requests) = mpsc::channel(1);
        let inner =
            Inner { name, enabled, reload_enabled, ready: AtomicBool::new(false), quit: Notify::new(), reloads };
        (Self { inner: Arc::new(inner) }, requests)
    }

    /// Says whether the daemon serves what it is there for.
    pub fn set_ready(&self, ready: bool) {
        self.inner.ready.store(ready, Ordering::SeqCst);
    }

    /// Completes when a client asked the daemon to end.
    pub async fn quit_requested(&self) {
        self.inner.quit.notified().await;
    }

    /// Asks the daemon to end, where that is allowed, and gives the answer for the client.
    pub fn request_quit(&self) -> Response {
        if !self.inner.enabled {
            return disabled();
        }
        self.inner.quit.notify_one();
        "Requesting termination... Goodbye!".into_response()
    }

    /// The routes. GET and HEAD for health, POST and PUT for changes.
    pub fn routes(&self) -> Router {
        Router::new()
            .route("/-/healthy", get(healthy))
            .route("/-/ready", get(ready))
            .route("/-/reload", put(reload).post(reload))
            .route("/-/quit", put(quit).post(quit))
            .with_state(self.clone())
    }
}

async fn healthy(State(lifecycle): State<Lifecycle>) -> String {
    format!("{} is Healthy.\n", lifecycle.inner.name)
}

async fn ready(State(lifecycle): State<Lifecycle>) -> Response {
    if lifecycle.inner.ready.load(Ordering::SeqCst) {
        format!("{} is Ready.\n", lifecycle.inner.name).into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable").into_response()
    }
}

async fn reload(State(lifecycle): State<Lifecycle>) -> Response {
    if !lifecycle.inner.reload_enabled {
        return disabled();
    }
    let (answer, outcome) = oneshot::channel();
    let sent = lifecycle.inner.reloads.send(answer).await.is_ok();
    match outcome.await {
        Ok(Ok(())) if sent => StatusCode::OK.into_response(),
        Ok(Err(error)) => {
            (StatusCode::INTERNAL_SERVER_ERROR, format!("failed to reload config: {error}\n")).into_response()
        }
        _ => (StatusCode::SERVICE_UNAVAILABLE, "the daemon is stopping\n").into_response(),
    }
}

async fn quit(State(lifecycle): State<Lifecycle>) -> Response {
    lifecycle.request_quit()
}

fn disabled() -> Response {
    (StatusCode::FORBIDDEN, "Lifecycle API is not enabled.\n").into_response()
}
