//! An HTTP/1.1 server whose answers a test scripts. It is deliberately simple and can misbehave in every way that
//! targets do: garbage, half answers, silence, closed connections, bodies without end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What the target does with a request.
#[derive(Debug, Clone)]
pub enum Answer {
    /// A complete answer; the connection stays open.
    Http {
        /// The status.
        status: u16,
        /// Headers besides `Content-Length`.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// These bytes as they are, then the connection closes.
    Raw(Vec<u8>),
    /// A head with this `Content-Type`, then body bytes until the client goes away.
    Endless(String),
    /// Nothing, with the connection open.
    Silence,
    /// A complete answer after a while.
    Late(Duration, Box<Answer>),
    /// The connection closes.
    Close,
}

impl Answer {
    /// `200 OK` in the classic text format.
    #[must_use]
    pub fn text(body: impl Into<String>) -> Self {
        Self::with_type("text/plain; version=0.0.4", body.into())
    }

    /// `200 OK` with a content type.
    #[must_use]
    pub fn with_type(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
        Self::Http { status: 200, headers, body: body.into() }
    }

    /// A status with a short body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::Http { status, headers: Vec::new(), body: b"no\n".to_vec() }
    }

    /// A redirect.
    #[must_use]
    pub fn redirect(status: u16, location: &str) -> Self {
        let headers = vec![("Location".to_owned(), location.to_owned())];
        Self::Http { status, headers, body: Vec::new() }
    }

    /// Adds a header to a complete answer.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Self::Http { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }
}

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The server name of the TLS handshake, if there was one with a name.
    pub server_name: Option<String>,
}

impl Recorded {
    /// The first value of a header, given in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(candidate, _)| candidate == name).map(|(_, value)| value.as_str())
    }
}

type Script = Arc<dyn Fn(&Recorded, usize) -> Answer + Send + Sync>;

/// A running target. Dropping it closes its port and connections.
pub struct Target {
    address: SocketAddr,
    scheme: &'static str,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

struct State {
    script: Mutex<Script>,
    requests: Mutex<Vec<Recorded>>,
    connections: Mutex<Vec<JoinHandle<()>>>,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Target {
    /// Starts a target that answers each request by `script`, which gets the request and how many came before it.
    ///
    /// # Panics
    /// When no port of loopback can be had.
    pub async fn start(script: impl Fn(&Recorded, usize) -> Answer + Send + Sync + 'static) -> Self {
        Self::listen("http", Arc::new(script), |stream| async { Some((stream, None)) }).await
    }

    /// Starts a target that always gives the same answer.
    pub async fn always(answer: Answer) -> Self {
        Self::start(move |_, _| answer.clone()).await
    }

    /// An address at which nothing listens.
    ///
    /// # Panics
    /// When no port of loopback can be had.
    #[must_use]
    pub fn nowhere() -> String {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        listener.local_addr().expect("a bound socket has an address").to_string()
    }

    /// Starts a target whose connections go through `upgrade` first.
    pub(crate) async fn listen<S, F>(
        scheme: &'static str,
        script: Script,
        upgrade: impl Fn(TcpStream) -> F + Send + Sync + 'static,
    ) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        F: Future<Output = Option<(S, Option<String>)>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let state = Arc::new(State {
            script: Mutex::new(script),
            requests: Mutex::new(Vec::new()),
            connections: Mutex::new(Vec::new()),
        });
        let shared = Arc::clone(&state);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                let upgrading = upgrade(stream);
                let connection = tokio::spawn(async move {
                    if let Some((stream, server_name)) = upgrading.await {
                        // The test sees in its client that a connection broke.
                        let _ = serve(stream, server_name, &state).await;
                    }
                });
                shared.connections.lock().push(connection);
            }
        });
        Self { address, scheme, state, accepting }
    }

    /// `127.0.0.1:12345`
    #[must_use]
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// `http://127.0.0.1:12345` and `path`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// What came so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.state.requests.lock().clone()
    }

    /// Answers by another script from now on.
    pub fn rescript(&self, script: impl Fn(&Recorded, usize) -> Answer + Send + Sync + 'static) {
        *self.state.script.lock() = Arc::new(script);
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.accepting.abort();
        for connection in self.state.connections.lock().drain(..) {
            connection.abort();
        }
    }
}

/// Serves one connection until it closes.
async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    server_name: Option<String>,
    state: &State,
) -> std::io::Result<()> {
    let mut buffer = Vec::new();
    stream.read_buf(&mut buffer).await?;
    if buffer.first().is_some_and(|byte| !byte.is_ascii_alphabetic()) {
        // TLS on a plain port: say so in plain text, as servers do.
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await?;
        return stream.shutdown().await;
    }
    while let Some(mut request) = read_request(&mut stream, &mut buffer).await? {
        request.server_name.clone_from(&server_name);
        let before = state.requests.lock().len();
        let script = Arc::clone(&*state.script.lock());
        let mut answer = script(&request, before);
        state.requests.lock().push(request);
        while let Answer::Late(delay, then) = answer {
            tokio::time::sleep(delay).await;
            answer = *then;
        }
        match answer {
            Answer::Http { status, headers, body } => write_http(&mut stream, status, &headers, &body).await?,
            Answer::Raw(bytes) => {
                stream.write_all(&bytes).await?;
                return stream.shutdown().await;
            }
            Answer::Endless(content_type) => {
                let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n\r\n");
                stream.write_all(head.as_bytes()).await?;
                loop {
                    stream.write_all(&b"endless_metric 1\n".repeat(512)).await?;
                }
            }
            Answer::Silence => std::future::pending().await,
            Answer::Close | Answer::Late(..) => return stream.shutdown().await,
        }
    }
    Ok(())
}

async fn write_http<S: AsyncWrite + Unpin>(
    stream: &mut S,
    status: u16,
    headers: &[(String, String)],
    body: &[u8],
) -> std::io::Result<()> {
    let mut head = format!("HTTP/1.1 {status} Scripted\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await?;
    stream.flush().await
}

/// Reads the next request of a connection; `None` when the client closed it.
async fn read_request<S: AsyncRead + Unpin>(stream: &mut S, buffer: &mut Vec<u8>) -> std::io::Result<Option<Recorded>> {
    let head_end = loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&buffer[..head_end]).into_owned();
    buffer.drain(..head_end);
    let mut lines = head.lines();
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (method, path) = (first.next().unwrap_or_default().to_owned(), first.next().unwrap_or_default().to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let body_bytes = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
    while buffer.len() < body_bytes {
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
    let body = buffer.drain(..body_bytes).collect();
    Ok(Some(Recorded { method, path, headers, body, server_name: None }))
}
