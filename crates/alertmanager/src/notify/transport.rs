//! Outgoing HTTP as notifications need it, behind a seam so that tests can answer themselves.

use std::fmt::Debug;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::NotifyError;

/// Sends requests. One transport serves one integration, with its own authentication, TLS and proxy.
pub trait Transport: Debug + Send + Sync {
    /// Sends a request and reads the (capped) answer. Errors never name the address, which may be a secret.
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, NotifyError>>;
}

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    /// `POST`, `PUT`, `GET`.
    pub method: http::Method,
    /// The address, perhaps a secret.
    pub url: String,
    /// Headers beyond what the transport itself adds.
    pub headers: Vec<(http::HeaderName, http::HeaderValue)>,
    /// The body.
    pub body: Bytes,
    /// How long the whole may take.
    pub timeout: Duration,
}

impl Request {
    /// A JSON body to be posted.
    #[must_use]
    pub fn post_json(url: &str, body: Vec<u8>, timeout: Duration) -> Self {
        let json = http::HeaderValue::from_static("application/json");
        Self {
            method: http::Method::POST,
            url: url.to_owned(),
            headers: vec![(http::header::CONTENT_TYPE, json)],
            body: body.into(),
            timeout,
        }
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The type of the body, or empty.
    pub content_type: String,
    /// For how long the receiver wants to be left alone.
    pub retry_after: Option<Duration>,
    /// The body, up to the transport's limit.
    pub body: Bytes,
}

impl Response {
    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The answer, if its status is 2xx.
    ///
    /// # Errors
    /// [`NotifyError`] with the status and the body.
    pub fn successful(self) -> Result<Self, NotifyError> {
        if self.status / 100 == 2 {
            return Ok(self);
        }
        Err(NotifyError::status(self.status, &self.text(), self.retry_after))
    }
}
