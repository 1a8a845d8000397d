//! The request of a scrape. [`Fetch`] is the seam at which tests put a target that is no network.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderName, HeaderValue, StatusCode, header};
use http_client::{Client, ClientError, Request};
use metrics_model::exposition::negotiate::accept_header;

use crate::config::ScrapeConfig;
use crate::error::ScrapeError;
use crate::target::Target;

/// An answer that can be read.
#[derive(Debug, Clone, Default)]
pub struct Fetched {
    /// The decompressed body.
    pub body: Bytes,
    /// Its `Content-Type`, or empty.
    pub content_type: String,
}

/// Asks targets.
pub trait Fetch: Send + Sync {
    /// Asks `target` once, within its timeout.
    fn fetch<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Fetched, ScrapeError>>;
}

/// Asks by HTTP, for the targets of one job.
#[derive(Debug)]
pub struct HttpFetch {
    client: Client,
    accept: HeaderValue,
    accept_gzip: bool,
    body_bytes_max: u64,
}

/// Tells targets how long they have.
const TIMEOUT_HEADER: HeaderName = HeaderName::from_static("x-prometheus-scrape-timeout-seconds");

impl HttpFetch {
    /// Asks as `config` says.
    #[must_use]
    pub fn new(config: &ScrapeConfig, client: Client) -> Self {
        let accept = HeaderValue::from_str(&accept_header(&config.protocols, config.escaping));
        Self {
            client,
            accept: accept.unwrap_or(HeaderValue::from_static("*/*")),
            accept_gzip: config.fields().enable_compression,
            body_bytes_max: config.limits.body_bytes,
        }
    }

    async fn ask(&self, target: &Target) -> Result<Fetched, ScrapeError> {
        let mut request = Request::get(target.url()?.clone())
            .header(header::ACCEPT, self.accept.clone())
            .header(TIMEOUT_HEADER, seconds(target.timeout()))
            .timeout(target.timeout())
            .body_bytes_max(self.body_bytes_max);
        request = if self.accept_gzip {
            request.accept_gzip()
        } else {
            request.header(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"))
        };
        let head = self.client.open(request).await?;
        if head.status() != StatusCode::OK {
            return Err(ClientError::Status { status: head.status() }.into());
        }
        let answer = head.read().await?;
        let content_type = answer.content_type().to_owned();
        Ok(Fetched { body: answer.body, content_type })
    }
}

impl Fetch for HttpFetch {
    fn fetch<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Fetched, ScrapeError>> {
        Box::pin(self.ask(target))
    }
}

fn seconds(duration: Duration) -> HeaderValue {
    HeaderValue::from_str(&duration.as_secs_f64().to_string()).unwrap_or(HeaderValue::from_static("0"))
}
