//! The request of a scrape. [`Fetch`] is the seam at which tests put a target that is no network.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderName, HeaderValue, StatusCode, header};
use http_client::{Client, ClientError, Request};

use crate::config::{EscapingScheme, ScrapeConfig, ScrapeProtocol};
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

/// The formats we can read, the most wanted first, and last anything at all.
fn accept_header(protocols: &[ScrapeProtocol], escaping: EscapingScheme) -> String {
    let mut weight = ScrapeProtocol::ALL.len() + 1;
    let mut accept = String::new();
    // Asking for protocol buffers would bring answers that we cannot read yet.
    for protocol in protocols.iter().filter(|protocol| **protocol != ScrapeProtocol::PrometheusProto) {
        accept.push_str(media_type(*protocol));
        // Only the newer versions know of escaping.
        if matches!(protocol, ScrapeProtocol::PrometheusText1_0_0 | ScrapeProtocol::OpenMetricsText1_0_0) {
            accept.push_str(";escaping=");
            accept.push_str(escaping.as_str());
        }
        accept.push_str(&format!(";q=0.{weight},"));
        weight -= 1;
    }
    accept.push_str(&format!("*/*;q=0.{weight}"));
    accept
}

fn media_type(protocol: ScrapeProtocol) -> &'static str {
    match protocol {
        ScrapeProtocol::PrometheusProto => {
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
        }
        ScrapeProtocol::PrometheusText0_0_4 => "text/plain;version=0.0.4",
        ScrapeProtocol::PrometheusText1_0_0 => "text/plain;version=1.0.0",
        ScrapeProtocol::OpenMetricsText0_0_1 => "application/openmetrics-text;version=0.0.1",
        ScrapeProtocol::OpenMetricsText1_0_0 => "application/openmetrics-text;version=1.0.0",
    }
}

/// The formats that an answer can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The classic text format.
    Text,
    /// OpenMetrics.
    OpenMetrics,
}

/// The format of an answer, by its `Content-Type` or the configured fallback.
///
/// # Errors
/// [`ScrapeError::ContentType`] when neither names a format that we know.
pub fn format_of(content_type: &str, fallback: Option<ScrapeProtocol>) -> Result<Format, ScrapeError> {
    let media = content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    let known = match media.as_str() {
        "text/plain" => Some(ScrapeProtocol::PrometheusText0_0_4),
        "application/openmetrics-text" => Some(ScrapeProtocol::OpenMetricsText1_0_0),
        "application/vnd.google.protobuf" => Some(ScrapeProtocol::PrometheusProto),
        _ => fallback,
    };
    let reason = match known {
        Some(ScrapeProtocol::PrometheusText0_0_4 | ScrapeProtocol::PrometheusText1_0_0) => return Ok(Format::Text),
        Some(ScrapeProtocol::OpenMetricsText0_0_1 | ScrapeProtocol::OpenMetricsText1_0_0) => {
            return Ok(Format::OpenMetrics);
        }
        Some(ScrapeProtocol::PrometheusProto) => "protocol buffers are not supported by Firewatch yet".to_owned(),
        None if content_type.trim().is_empty() => {
            "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target"
                .to_owned()
        }
        None => format!(
            "received unsupported Content-Type {content_type:?} and no fallback_scrape_protocol specified for target"
        ),
    };
    Err(ScrapeError::ContentType { reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_headers() {
        assert_eq!(
            accept_header(&ScrapeProtocol::DEFAULT, EscapingScheme::AllowUtf8),
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
             application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
             text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
        );
        let two = [ScrapeProtocol::PrometheusProto, ScrapeProtocol::PrometheusText0_0_4];
        assert_eq!(accept_header(&two, EscapingScheme::Dots), "text/plain;version=0.0.4;q=0.6,*/*;q=0.5");
    }

    #[test]
    fn formats() {
        let check = |content_type: &str, fallback, expected: Result<Format, &str>| {
            let format = format_of(content_type, fallback).map_err(|error| error.text());
            match (format, expected) {
                (Ok(format), Ok(expected)) => assert_eq!(format, expected, "{content_type}"),
                (Err(error), Err(expected)) => assert!(error.contains(expected), "{error}"),
                (format, expected) => panic!("{content_type}: {format:?} instead of {expected:?}"),
            }
        };
        let text = Some(ScrapeProtocol::PrometheusText0_0_4);
        check("text/plain; version=0.0.4; charset=utf-8", None, Ok(Format::Text));
        check("Application/OpenMetrics-Text; version=1.0.0", None, Ok(Format::OpenMetrics));
        check("", text, Ok(Format::Text));
        check("text/html", text, Ok(Format::Text));
        check("", None, Err("sending blank Content-Type and no fallback_scrape_protocol"));
        check("text/html", None, Err("received unsupported Content-Type \"text/html\" and no fallback"));
        check("application/vnd.google.protobuf", text, Err("protocol buffers are not supported"));
    }
}
