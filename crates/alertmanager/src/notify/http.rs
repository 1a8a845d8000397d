//! The real [`Transport`]: the house's HTTP client.

use futures_util::future::BoxFuture;
use http_client::{BuildError, Client, HttpClientConfig, error_chain};

use super::NotifyError;
use super::transport::{Request, Response, Transport};

/// How notifications name their sender.
pub const USER_AGENT: &str = concat!("Alertmanager/", env!("CARGO_PKG_VERSION"));

/// The most that is read of an answer: enough for any error message.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

/// One integration's way out.
#[derive(Debug)]
pub struct HttpTransport {
    client: Client,
}

impl HttpTransport {
    /// A transport with the integration's own authentication, TLS and proxy.
    ///
    /// # Errors
    /// [`BuildError`] when the configuration cannot be used.
    pub fn new(config: &HttpClientConfig) -> Result<Self, BuildError> {
        Ok(Self { client: Client::new(config, USER_AGENT)? })
    }

    async fn exchange(&self, request: Request) -> Result<Response, NotifyError> {
        // A wrong address is not shown either: whoever wrote a webhook wrongly still wrote its secret.
        let url = url::Url::parse(&request.url)
            .map_err(|error| NotifyError::unreachable(format!("the address cannot be used: {error}")))?;
        let mut outgoing = http_client::Request::new(request.method, url)
            .body(request.body)
            .timeout(request.timeout)
            .body_bytes_max(ANSWER_BYTES_MAX)
            .secret_url();
        for (name, value) in request.headers {
            outgoing = outgoing.header(name, value);
        }
        let answer = self.client.send(outgoing).await;
        let answer = answer.map_err(|error| NotifyError::unreachable(error_chain(&error)))?;
        let content_type = answer.content_type().to_owned();
        let retry_after = answer.headers.get(http::header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        Ok(Response {
            status: answer.status.as_u16(),
            content_type,
            retry_after: retry_after.and_then(|text| retry_after_in(text, jiff::Timestamp::now())),
            body: answer.body,
        })
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, NotifyError>> {
        Box::pin(self.exchange(request))
    }
}

/// `Retry-After`: seconds, or a date.
fn retry_after_in(text: &str, now: jiff::Timestamp) -> Option<std::time::Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(std::time::Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    std::time::Duration::try_from(date.duration_since(now)).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::retry_after_in;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = "2026-11-23T20:00:00Z".parse().expect("a time");
        let check = |text: &str, seconds: Option<u64>| {
            assert_eq!(retry_after_in(text, now), seconds.map(Duration::from_secs), "{text}");
        };
        check("120", Some(120));
        check("Mon, 23 Nov 2026 20:01:30 GMT", Some(90));
        check("Mon, 23 Nov 2026 19:01:30 GMT", None);
        check("soon", None);
    }
}
