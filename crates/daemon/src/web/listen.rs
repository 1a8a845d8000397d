//! The HTTP listener: binds first, so that an address in use is an error at start, then serves under limits, plain or
//! with the TLS, passwords and headers of a web configuration.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::config_file::WebConfigFile;
use super::request_line::EscapedRequestLines;

/// Requests that one connection of HTTP/2 may have at a time.
const STREAMS_MAX: u32 = 250;
/// How often an HTTP/2 client that says nothing is asked whether it is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
/// What someone gets who speaks HTTP where TLS is expected; the originals' words.
const NOT_TLS: &[u8] = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

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
    web_config: Option<Arc<WebConfigFile>>,
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
        Ok(Self { socket, address, limits, web_config: None })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Puts the web configuration, if there is one, in front of what is served.
    #[must_use]
    pub fn with_web_config(mut self, file: Option<Arc<WebConfigFile>>) -> Self {
        self.web_config = file;
        self
    }

    /// Serves `router` until `stop` fires, then lets requests in flight end within the grace period.
    /// Handlers find the client's address as `axum::extract::ConnectInfo<SocketAddr>`.
    pub async fn serve(self, router: Router, stop: CancellationToken) {
        let slots = Arc::new(Semaphore::new(self.limits.connections));
        let in_flight = GracefulShutdown::new();
        let protocols = Protocols::new(&self.limits);
        loop {
            let (stream, peer, slot) = tokio::select! {
                () = stop.cancelled() => break,
                accepted = self.accept(&slots) => match accepted {
                    Some(accepted) => accepted,
                    None => continue,
                },
            };
            let client = Client {
                peer,
                router: router.clone(),
                web_config: self.web_config.clone(),
                protocols: protocols.clone(),
                handshake_timeout: self.limits.header_timeout,
                // `shutdown` below waits for every watcher, and with it for the task.
                watcher: in_flight.watcher(),
            };
            let stop = stop.clone();
            tokio::spawn(async move {
                client.serve(stream, stop).await;
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

/// How connections are spoken to, by protocol.
#[derive(Clone)]
struct Protocols {
    http1: auto::Builder<TokioExecutor>,
    http2: auto::Builder<TokioExecutor>,
}

impl Protocols {
    fn new(limits: &Limits) -> Self {
        let mut http1 = auto::Builder::new(TokioExecutor::new()).http1_only();
        http1.http1().timer(TokioTimer::new()).header_read_timeout(limits.header_timeout);
        let mut http2 = auto::Builder::new(TokioExecutor::new()).http2_only();
        http2.http2().timer(TokioTimer::new()).max_concurrent_streams(STREAMS_MAX).keep_alive_interval(KEEP_ALIVE);
        Self { http1, http2 }
    }
}

/// A connection and what it needs.
struct Client {
    peer: SocketAddr,
    router: Router,
    web_config: Option<Arc<WebConfigFile>>,
    protocols: Protocols,
    handshake_timeout: Duration,
    watcher: Watcher,
}

impl Client {
    async fn serve(self, stream: TcpStream, stop: CancellationToken) {
        let tls = match &self.web_config {
            Some(file) => file.tls().await,
            None => None,
        };
        let Some(tls) = tls else { return self.serve_http1(stream).await };
        // A stop need not wait for clients that have not asked anything yet.
        let handshake = stop.run_until_cancelled(tokio::time::timeout(self.handshake_timeout, handshake(stream, tls)));
        match handshake.await {
            Some(Ok(Ok(stream))) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => {
                let peer = self.peer;
                let connection = self.protocols.http2.serve_connection(TokioIo::new(stream), self.service());
                log(peer, self.watcher.watch(connection.into_owned()).await);
            }
            Some(Ok(Ok(stream))) => self.serve_http1(stream).await,
            Some(Ok(Err(error))) => tracing::debug!(peer = %self.peer, %error, "TLS handshake failed"),
            Some(Err(_)) => tracing::debug!(peer = %self.peer, "TLS handshake took too long"),
            None => {}
        }
    }

    async fn serve_http1<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(self, stream: S) {
        let peer = self.peer;
        let stream = TokioIo::new(EscapedRequestLines::new(stream));
        let connection = self.protocols.http1.serve_connection(stream, self.service());
        log(peer, self.watcher.watch(connection.into_owned()).await);
    }

    fn service(
        &self,
    ) -> TowerToHyperService<
        impl tower::Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send> + Clone + Send + use<>,
    > {
        let (peer, router, web_config) = (self.peer, self.router.clone(), self.web_config.clone());
        TowerToHyperService::new(tower::service_fn(move |request: Request<Incoming>| {
            let (router, web_config) = (router.clone(), web_config.clone());
            async move {
                let mut request = request.map(Body::new);
                request.extensions_mut().insert(ConnectInfo(peer));
                match web_config {
                    Some(file) => Ok(file.answer(router, request).await),
                    None => router.oneshot(request).await,
                }
            }
        }))
    }
}

fn log<E: std::fmt::Display>(peer: SocketAddr, outcome: Result<(), E>) {
    if let Err(error) = outcome {
        tracing::debug!(%peer, %error, "connection ended early");
    }
}

/// Agrees on TLS with a client. Whoever speaks plain HTTP is told what is wrong.
async fn handshake(mut stream: TcpStream, tls: Arc<ServerConfig>) -> io::Result<TlsStream<TcpStream>> {
    let mut first = [0];
    // Every TLS connection begins with a record of type 22, every request with a letter.
    if stream.peek(&mut first).await? == 1 && first[0].is_ascii_uppercase() {
        stream.write_all(NOT_TLS).await?;
        stream.shutdown().await?;
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it sent an HTTP request"));
    }
    TlsAcceptor::from(tls).accept(stream).await
}
