//! Outgoing HTTP as notifications need it, behind a seam so that tests can answer themselves.

use std::fmt::Debug;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use http::{HeaderName, HeaderValue, Method, header};

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
    pub method: Method,
    /// The address, perhaps a secret.
    pub url: String,
    /// Headers beyond what the transport itself adds.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub body: Bytes,
    /// How long the whole may take.
    pub timeout: Duration,
}

impl Request {
    /// A JSON body to be posted.
    #[must_use]
    pub fn post_json(url: &str, body: Vec<u8>, timeout: Duration) -> Self {
        Self::with_body(Method::POST, url, "application/json", body, timeout)
    }

    /// A body to be sent with any method.
    #[must_use]
    pub fn with_body(method: Method, url: &str, content_type: &'static str, body: Vec<u8>, timeout: Duration) -> Self {
        let headers = vec![(header::CONTENT_TYPE, HeaderValue::from_static(content_type))];
        Self { method, url: url.to_owned(), headers, body: body.into(), timeout }
    }

    /// Adds a header that is never shown.
    ///
    /// # Errors
    /// When the value cannot stand in a header; it is not named.
    pub fn secret_header(mut self, name: &'static str, value: &str) -> Result<Self, NotifyError> {
        let mut value = HeaderValue::from_str(value)
            .map_err(|_| NotifyError::permanent(format!("the secret for header {name} cannot stand in a header")))?;
        value.set_sensitive(true);
        self.headers.push((HeaderName::from_static(name), value));
        Ok(self)
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
        self.successful_or(Self::text).map_err(|(_, error)| error)
    }

    /// The answer, if its status is 2xx.
    ///
    /// # Errors
    /// The status, and a [`NotifyError`] with what `details` finds in the answer.
    pub fn successful_or(self, details: impl Fn(&Self) -> String) -> Result<Self, (u16, NotifyError)> {
        if self.status / 100 == 2 {
            return Ok(self);
        }
        Err((self.status, NotifyError::status(self.status, &details(&self), self.retry_after)))
    }
}
