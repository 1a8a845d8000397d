//! Requests under one deadline, with everything from the configuration applied: credentials, TLS, proxies, redirects.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use tokio::time::Instant;
use url::Url;

use crate::auth::{ConfiguredHeaders, configured_headers};
use crate::body::Collector;
use crate::config::HttpClientConfig;
use crate::error::{BuildError, ClientError, classify};
use crate::oauth2::TokenSource;
use crate::phase::{self, Phase, Progress, Timings};
use crate::transport::Transports;
use crate::{config, redirect};

/// The most bytes an answer may have when a request says nothing else.
pub const BODY_BYTES_MAX_DEFAULT: u64 = 64 << 20;

/// One request to be sent. Build it with [`Request::get`], [`Request::post`] or [`Request::put`], then set what differs.
#[derive(Clone)]
pub struct Request {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Bytes,
    deadline: Option<Instant>,
    body_bytes_max: u64,
    accept_gzip: bool,
    secret_url: bool,
}

impl Request {
    /// A request by any method.
    #[must_use]
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            deadline: None,
            body_bytes_max: BODY_BYTES_MAX_DEFAULT,
            accept_gzip: false,
            secret_url: false,
        }
    }

    /// A GET request.
    #[must_use]
    pub fn get(url: Url) -> Self {
        Self::new(Method::GET, url)
    }

    /// A POST request with a body.
    #[must_use]
    pub fn post(url: Url, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self::new(Method::POST, url).header(header::CONTENT_TYPE, HeaderValue::from_static(content_type)).body(body)
    }

    /// A PUT request with a body.
    #[must_use]
    pub fn put(url: Url, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self::new(Method::PUT, url).header(header::CONTENT_TYPE, HeaderValue::from_static(content_type)).body(body)
    }

    /// Adds a header. Configured headers of the same name go beside it.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Everything, redirects and body included, must be done in this time from now. Without it there is no limit.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.deadline = Some(Instant::now() + timeout);
        self
    }

    /// The most bytes the decompressed body may have; [`BODY_BYTES_MAX_DEFAULT`] when not set.
    #[must_use]
    pub fn body_bytes_max(mut self, bytes: u64) -> Self {
        self.body_bytes_max = bytes;
        self
    }

    /// Asks for a gzip-compressed answer.
    #[must_use]
    pub fn accept_gzip(mut self) -> Self {
        self.accept_gzip = true;
        self
    }

    /// The address itself is a secret (as a chat's webhook): errors show `<redacted>` in its place.
    #[must_use]
    pub fn secret_url(mut self) -> Self {
        self.secret_url = true;
        self
    }

    /// The name of the request in errors: `Get "http://host/path"`.
    fn name(&self) -> String {
        let method = self.method.as_str();
        let (first, rest) = method.split_at_checked(1).unwrap_or((method, ""));
        let url = if self.secret_url { "<redacted>".to_owned() } else { config::redact(self.url.as_str()) };
        format!("{first}{} \"{url}\"", rest.to_ascii_lowercase())
    }
}

/// Headers can hold secrets, so only the name shows.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Request").field(&self.name()).finish()
    }
}

/// A complete answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The decompressed body.
    pub body: Bytes,
    /// Where the time went.
    pub timings: Timings,
}

impl Response {
    /// The answer if its status is 2xx.
    ///
    /// # Errors
    /// [`ClientError::Status`]
    pub fn success(self) -> Result<Self, ClientError> {
        if self.status.is_success() { Ok(self) } else { Err(ClientError::Status { status: self.status }) }
    }

    /// The `Content-Type`, or the empty string.
    #[must_use]
    pub fn content_type(&self) -> &str {
        text_of(&self.headers, &header::CONTENT_TYPE)
    }
}

/// Sends requests as one [`HttpClientConfig`] says. Clones share connections.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    config: HttpClientConfig,
    user_agent: HeaderValue,
    tokens: Option<TokenSource>,
    transports: Transports,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("config", &self.inner.config).finish_non_exhaustive()
    }
}

impl Client {
    /// A client for `config` that names itself `user_agent`.
    ///
    /// Files are not read here but at each use: one that is missing fails requests, not this.
    ///
    /// # Errors
    /// [`BuildError`] when something that stands in the configuration itself cannot be used.
    pub fn new(config: &HttpClientConfig, user_agent: &str) -> Result<Self, BuildError> {
        let tokens = config.oauth2.as_ref().map(|oauth2| TokenSource::new(oauth2, user_agent)).transpose()?;
        let user_agent = HeaderValue::from_str(user_agent)
            .map_err(|error| BuildError::Option { what: "user agent", reason: error.to_string() })?;
        let transports = Transports::new(config)?;
        Ok(Self { inner: Arc::new(Inner { config: config.clone(), user_agent, tokens, transports }) })
    }

    /// Sends `request`, follows redirects as configured, and reads the whole answer.
    ///
    /// # Errors
    /// [`ClientError`] by phase. A status is never an error here; see [`Response::success`].
    pub async fn send(&self, request: Request) -> Result<Response, ClientError> {
        self.open(request).await?.read().await
    }

    /// Sends `request` and waits for the head of the answer only, for callers who decide by its status.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn open(&self, request: Request) -> Result<Head, ClientError> {
        let progress = Progress::new();
        let name = request.name();
        let deadline = request.deadline;
        let body_bytes_max = request.body_bytes_max;
        let exchange = Arc::clone(&progress).track(self.follow(request, &name));
        let answer = until(deadline, exchange, || timeout_error(&name, &progress)).await??;
        Ok(Head { name, deadline, body_bytes_max, progress, answer })
    }

    /// Sends the request and its redirects.
    async fn follow(&self, request: Request, name: &str) -> Result<reqwest::Response, ClientError> {
        let mut configured = configured_headers(&self.inner.config).await?;
        if let Some(tokens) = &self.inner.tokens {
            configured.headers.insert(header::AUTHORIZATION, tokens.authorization().await?);
        }
        let (mut method, mut url) = (request.method.clone(), request.url.clone());
        for _ in 0..=redirect::REDIRECTS_MAX {
            let setup_error = |source| ClientError::Setup { request: name.to_owned(), source };
            let route = self.inner.transports.route(&url).await.map_err(setup_error)?;
            let keeps_body = method == request.method;
            let headers = self.headers(&request, &configured, &url, route.host);
            let hop = route.client.request(method.clone(), route.url).headers(headers);
            let hop = if keeps_body && !request.body.is_empty() { hop.body(request.body.clone()) } else { hop };
            phase::enter(Phase::Wait);
            let answer = hop.send().await.map_err(|error| classify(name.to_owned(), &error))?;
            if !self.inner.config.follow_redirects {
                return Ok(answer);
            }
            (method, url) = match redirect::next(answer.status(), answer.headers(), &method, &url) {
                None => return Ok(answer),
                Some(Ok(next)) => next,
                Some(Err(reason)) => return Err(ClientError::Redirect { request: name.to_owned(), reason }),
            };
        }
        let reason = format!("stopped after {} redirects", redirect::REDIRECTS_MAX);
        Err(ClientError::Redirect { request: name.to_owned(), reason })
    }

    /// The headers of one request of the chain. Credentials stay with the first host.
    fn headers(
        &self,
        request: &Request,
        configured: &ConfiguredHeaders,
        url: &Url,
        host: Option<HeaderValue>,
    ) -> HeaderMap {
        let mut headers = request.headers.clone();
        if redirect::may_carry_credentials(&request.url, url) {
            for (name, value) in &configured.headers {
                headers.append(name, value.clone());
            }
        } else {
            headers.remove(header::AUTHORIZATION);
            headers.remove(header::COOKIE);
        }
        headers.entry(header::USER_AGENT).or_insert_with(|| self.inner.user_agent.clone());
        if request.accept_gzip {
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if let Some(host) = host {
            headers.insert(header::HOST, host);
        }
        headers
    }
}

/// The head of an answer; the body is still on the wire. Dropping it closes the connection.
pub struct Head {
    name: String,
    deadline: Option<Instant>,
    body_bytes_max: u64,
    progress: Arc<Progress>,
    answer: reqwest::Response,
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Head").field("name", &self.name).field("status", &self.status()).finish_non_exhaustive()
    }
}

impl Head {
    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.answer.status()
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.answer.headers()
    }

    /// Reads the body, under the deadline and cap of the request.
    ///
    /// # Errors
    /// [`ClientError`] by phase.
    pub async fn read(mut self) -> Result<Response, ClientError> {
        self.progress.enter(Phase::Body);
        let encoding = text_of(self.answer.headers(), &header::CONTENT_ENCODING).to_owned();
        let mut collector = Collector::new(&encoding, self.body_bytes_max, self.answer.content_length())?;
        loop {
            let chunk = until(self.deadline, self.answer.chunk(), || timeout_error(&self.name, &self.progress)).await?;
            match chunk.map_err(|error| classify(self.name.clone(), &error))? {
                Some(chunk) => collector.push(&chunk)?,
                None => break,
            }
        }
        let body = Bytes::from(collector.finish()?);
        let (_, timings) = self.progress.snapshot();
        Ok(Response { status: self.answer.status(), headers: self.answer.headers().clone(), body, timings })
    }
}

/// Awaits `work` until the deadline, if there is one.
async fn until<T>(
    deadline: Option<Instant>,
    work: impl Future<Output = T>,
    late: impl FnOnce() -> ClientError,
) -> Result<T, ClientError> {
    match deadline {
        None => Ok(work.await),
        Some(deadline) => tokio::time::timeout_at(deadline, work).await.map_err(|_| late()),
    }
}

fn timeout_error(name: &str, progress: &Progress) -> ClientError {
    let (phase, timings) = progress.snapshot();
    ClientError::Timeout { request: name.to_owned(), phase, timings }
}

fn text_of<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
}
