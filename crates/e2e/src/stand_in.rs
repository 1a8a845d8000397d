//! An HTTP server that stands in for one the tests cannot reach: it answers as told and keeps what it got.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use jiff::Timestamp;
use tokio::sync::oneshot;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Received {
    /// Path and query.
    pub path: String,
    /// The body as text.
    pub body: String,
    /// When it came.
    pub at: Timestamp,
}

/// A server on a free loopback port, stopped when dropped.
#[derive(Debug)]
pub struct StandIn {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    answer: Mutex<(StatusCode, String)>,
    received: Mutex<Vec<Received>>,
}

impl StandIn {
    /// Starts a server that answers every request with 200 and `body`.
    ///
    /// # Panics
    /// When the machine gives no port or no thread.
    #[must_use]
    pub fn start(body: &str) -> Self {
        let answer = Mutex::new((StatusCode::OK, body.to_owned()));
        let shared = Arc::new(Shared { answer, received: Mutex::default() });
        let (stop, stopped) = oneshot::channel();
        let (started, address) = std::sync::mpsc::channel();
        let state = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime starts").block_on(async move {
                let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a loopback port is free");
                started.send(socket.local_addr().expect("a bound socket has an address")).expect("the test waits");
                let router = Router::new().fallback(answer_and_keep).with_state(state);
                // The test drops its end when it is over.
                let serve = axum::serve(socket, router).with_graceful_shutdown(async { drop(stopped.await) });
                serve.await.expect("the stand-in serves");
            });
        });
        let address = address.recv().expect("the stand-in starts");
        Self { address, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// `HOST:PORT`.
    #[must_use]
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Changes the answer for requests from now on.
    pub fn answer(&self, status: u16, body: &str) {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        *self.shared.answer.lock().unwrap_or_else(PoisonError::into_inner) = (status, body.to_owned());
    }

    /// The requests so far, in order.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn answer_and_keep(State(shared): State<Arc<Shared>>, uri: Uri, body: Bytes) -> (StatusCode, String) {
    let body = String::from_utf8_lossy(&body).into_owned();
    let received = Received { path: uri.to_string(), body, at: Timestamp::now() };
    shared.received.lock().unwrap_or_else(PoisonError::into_inner).push(received);
    shared.answer.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

impl Drop for StandIn {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
