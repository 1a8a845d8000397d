//! The scraper's side: what it asks for (`scrape_protocols`), and what it takes an answer for
//! (`fallback_scrape_protocol`).

use std::fmt::{self, Write};
use std::str::FromStr;

use super::header::ContentType;
use crate::exposition::name_escaping::EscapingScheme;

/// A format in a version, as named in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScrapeProtocol {
    /// `PrometheusProto`
    PrometheusProto,
    /// `PrometheusText0.0.4`
    PrometheusText004,
    /// `PrometheusText1.0.0`
    PrometheusText100,
    /// `OpenMetricsText0.0.1`
    OpenMetricsText001,
    /// `OpenMetricsText1.0.0`
    OpenMetricsText100,
}

/// A word that names no protocol, or a list that is not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScrapeProtocolError {
    /// Not a protocol.
    #[error(
        "unknown scrape protocol {word}, supported: [OpenMetricsText0.0.1 OpenMetricsText1.0.0 PrometheusProto \
         PrometheusText0.0.4 PrometheusText1.0.0]"
    )]
    Unknown {
        /// What was given.
        word: String,
    },
    /// No protocol at all.
    #[error("scrape_protocols cannot be empty")]
    Empty,
    /// The same protocol twice.
    #[error("duplicated protocol in scrape_protocols, got {protocol}")]
    Duplicate {
        /// Which.
        protocol: ScrapeProtocol,
    },
}

impl ScrapeProtocol {
    const ALL: [Self; 5] = [
        Self::PrometheusProto,
        Self::PrometheusText004,
        Self::PrometheusText100,
        Self::OpenMetricsText001,
        Self::OpenMetricsText100,
    ];

    /// What is asked for by default.
    pub const DEFAULT: [Self; 4] =
        [Self::OpenMetricsText100, Self::OpenMetricsText001, Self::PrometheusText100, Self::PrometheusText004];

    /// What is asked for by default when native histograms are wanted, which only protobuf has.
    pub const PROTOBUF_FIRST: [Self; 5] = [
        Self::PrometheusProto,
        Self::OpenMetricsText100,
        Self::OpenMetricsText001,
        Self::PrometheusText100,
        Self::PrometheusText004,
    ];

    /// The name in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PrometheusProto => "PrometheusProto",
            Self::PrometheusText004 => "PrometheusText0.0.4",
            Self::PrometheusText100 => "PrometheusText1.0.0",
            Self::OpenMetricsText001 => "OpenMetricsText0.0.1",
            Self::OpenMetricsText100 => "OpenMetricsText1.0.0",
        }
    }

    /// The media type with which it is asked for.
    fn header(self) -> &'static str {
        match self {
            Self::PrometheusProto => {
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
            }
            Self::PrometheusText004 => "text/plain;version=0.0.4",
            Self::PrometheusText100 => "text/plain;version=1.0.0",
            Self::OpenMetricsText001 => "application/openmetrics-text;version=0.0.1",
            Self::OpenMetricsText100 => "application/openmetrics-text;version=1.0.0",
        }
    }

    /// The format without its version.
    #[must_use]
    pub fn media_type(self) -> MediaType {
        match self {
            Self::PrometheusProto => MediaType::Protobuf,
            Self::PrometheusText004 | Self::PrometheusText100 => MediaType::Text,
            Self::OpenMetricsText001 | Self::OpenMetricsText100 => MediaType::OpenMetrics,
        }
    }
}

impl FromStr for ScrapeProtocol {
    type Err = ScrapeProtocolError;

    fn from_str(word: &str) -> Result<Self, ScrapeProtocolError> {
        let known = Self::ALL.into_iter().find(|protocol| protocol.as_str() == word);
        known.ok_or_else(|| ScrapeProtocolError::Unknown { word: word.to_owned() })
    }
}

impl fmt::Display for ScrapeProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Checks a `scrape_protocols` list.
///
/// # Errors
/// [`ScrapeProtocolError`] when it is empty or has a protocol twice.
pub fn check_scrape_protocols(protocols: &[ScrapeProtocol]) -> Result<(), ScrapeProtocolError> {
    if protocols.is_empty() {
        return Err(ScrapeProtocolError::Empty);
    }
    for (index, protocol) in protocols.iter().enumerate() {
        if protocols[..index].contains(protocol) {
            return Err(ScrapeProtocolError::Duplicate { protocol: *protocol });
        }
    }
    Ok(())
}

/// The `Accept` header that asks for `protocols` in this order, and for anything else last.
#[must_use]
pub fn accept_header(protocols: &[ScrapeProtocol], escaping: EscapingScheme) -> String {
    let mut header = String::new();
    let mut weight = ScrapeProtocol::ALL.len() + 1;
    for protocol in protocols {
        header.push_str(protocol.header());
        // Only these versions know about escaping.
        if matches!(protocol, ScrapeProtocol::PrometheusText100 | ScrapeProtocol::OpenMetricsText100) {
            push(&mut header, format_args!(";escaping={escaping}"));
        }
        push(&mut header, format_args!(";q=0.{weight},"));
        weight = weight.saturating_sub(1);
    }
    push(&mut header, format_args!("*/*;q=0.{weight}"));
    header
}

fn push(text: &mut String, arguments: fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _infallible = text.write_fmt(arguments);
}

/// A format without its version: what decides how an answer is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaType {
    /// `text/plain`
    Text,
    /// `application/openmetrics-text`
    OpenMetrics,
    /// `application/vnd.google.protobuf`
    Protobuf,
}

/// What an answer is taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detected {
    /// How to read it.
    pub media_type: MediaType,
    /// Set when the fallback had to be taken: a warning for the log.
    pub warning: Option<ContentTypeError>,
}

/// Why the `Content-Type` of an answer says nothing about its format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentTypeError {
    fault: ContentTypeFault,
    fallback: Option<ScrapeProtocol>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum ContentTypeFault {
    Blank,
    Malformed(String),
    Unsupported(String),
}

impl std::error::Error for ContentTypeError {}

impl fmt::Display for ContentTypeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_final = self.fallback.is_none();
        match &self.fault {
            ContentTypeFault::Blank => f.write_str("non-compliant scrape target sending blank Content-Type")?,
            ContentTypeFault::Malformed(header) if is_final => write!(f, "cannot parse Content-Type {header:?}")?,
            ContentTypeFault::Malformed(header) => write!(f, "could not parse received Content-Type {header:?}")?,
            ContentTypeFault::Unsupported(header) => write!(f, "received unsupported Content-Type {header:?}")?,
        }
        match self.fallback {
            Some(protocol) => write!(f, ", using fallback_scrape_protocol {:?}", protocol.as_str()),
            None => f.write_str(" and no fallback_scrape_protocol specified for target"),
        }
    }
}

/// How to read an answer with this `Content-Type` (empty: none).
///
/// # Errors
/// [`ContentTypeError`] when it cannot be told and there is no `fallback`.
pub fn media_type(content_type: &str, fallback: Option<ScrapeProtocol>) -> Result<Detected, ContentTypeError> {
    let header = || content_type.to_owned();
    let fault = match ContentType::parse(content_type) {
        _ if content_type.is_empty() => ContentTypeFault::Blank,
        None => ContentTypeFault::Malformed(header()),
        Some(parsed) => {
            let known = match parsed.essence() {
                "text/plain" => Some(MediaType::Text),
                "application/openmetrics-text" => Some(MediaType::OpenMetrics),
                "application/vnd.google.protobuf" => Some(MediaType::Protobuf),
                _ => None,
            };
            match known {
                Some(media_type) => return Ok(Detected { media_type, warning: None }),
                None => ContentTypeFault::Unsupported(header()),
            }
        }
    };
    let error = ContentTypeError { fault, fallback };
    match fallback {
        Some(protocol) => Ok(Detected { media_type: protocol.media_type(), warning: Some(error) }),
        None => Err(error),
    }
}
