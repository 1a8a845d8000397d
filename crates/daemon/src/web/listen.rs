//! The HTTP listener: binds first, so that an address in use is an error at start, then serves under limits.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::request_line::EscapedRequestLines;

/// What one listener allows. Every daemon has these as flags or takes the defaults.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections served at a time (`--web.max-connections`); more wait in the system's queue.
    pub connections: usize,
    /// How long a client may take for the head of a request: ends slow-header attacks.
    pub header_timeout: Duration,
    /// How long requests in flight may go on when the daemon stops.
    pub stop_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 512, header_timeout: Duration::from_secs(10), stop_grace: Duration::from_secs(5) }
    }
}

/// Why a listener could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}")]
pub struct ListenError {
    /// The address as given.
    pub address: String,
    /// The system's answer.
    #[source]
    pub source: io::Error,
}

/// A bound socket.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    limits: Limits,
}

impl Listener {
    /// Binds `address` (`HOST:PORT`; port 0 takes a free one). Where the machine has no IPv6, `[::]` binds `0.0.0.0`.
    ///
    /// # Errors
    /// [`ListenError`] names the address.
    pub async fn bind(address: &str, limits: Limits) -> Result<Self, ListenError> {
        let failed = |source| ListenError { address: address.to_owned(), source };
        let socket = match (TcpListener::bind(address).await, address.strip_prefix("[::]:")) {
            (Err(error), Some(port)) if error.kind() != io::ErrorKind::AddrInUse => {
                TcpListener::bind(format!("0.0.0.0:{port}")).await.map_err(failed)?
            }
            (bound, _) => bound.map_err(failed)?,
        };
        let address = socket.local_addr().map_err(failed)?;
        Ok(Self { socket, address, limits })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves `router` until `stop` fires, then lets requests in flight end within the grace period.
    /// Handlers find the client's address as `axum::extract::ConnectInfo<SocketAddr>`.
    pub async fn serve(self, router: Router, stop: CancellationToken) {
        let mut server = auto::Builder::new(TokioExecutor::new());
        server.http1().timer(TokioTimer::new()).header_read_timeout(self.limits.header_timeout);
        let slots = Arc::new(Semaphore::new(self.limits.connections));
        let in_flight = GracefulShutdown::new();
        loop {
            let (stream, peer, slot) = tokio::select! {
                () = stop.cancelled() => break,
                accepted = self.accept(&slots) => match accepted {
                    Some(accepted) => accepted,
                    None => continue,
                },
            };
            let service = router.clone().map_request(move |mut request: hyper::Request<hyper::body::Incoming>| {
                request.extensions_mut().insert(axum::extract::ConnectInfo(peer));
                request.map(axum::body::Body::new)
            });
            let connection = server
                .serve_connection(TokioIo::new(EscapedRequestLines::new(stream)), TowerToHyperService::new(service))
                .into_owned();
            let watched = in_flight.watch(connection);
            // The graceful watcher below joins it: `shutdown` waits for every watched connection.
            tokio::spawn(async move {
                if let Err(error) = watched.await {
                    tracing::debug!(%peer, %error, "connection ended early");
                }
                drop(slot);
            });
        }
        drop(self.socket);
        if tokio::time::timeout(self.limits.stop_grace, in_flight.shutdown()).await.is_err() {
            tracing::warn!("some requests were cut off: they did not end within the grace period");
        }
    }

    /// Waits for a free slot, then for a client.
    async fn accept(
        &self,
        slots: &Arc<Semaphore>,
    ) -> Option<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
        let slot = Arc::clone(slots).acquire_owned().await.ok()?;
        match self.socket.accept().await {
            Ok((stream, peer)) => {
                // Answers are written whole; waiting to fill a packet only delays them.
                drop(stream.set_nodelay(true));
                Some((stream, peer, slot))
            }
            Err(error) => {
                // Out of file descriptors, mostly: give others time to close theirs.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                None
            }
        }
    }
}
