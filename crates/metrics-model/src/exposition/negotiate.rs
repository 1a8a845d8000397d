//! Which format to answer in, which to ask for, and which an answer is in.
//!
//! Servers of metrics take the `Accept` header to [`negotiate`]; the scraper asks with [`accept_header`] and takes the
//! `Content-Type` of the answer to [`media_type`]. Both as the original and its client libraries do it.

mod header;
mod protocol;

pub use header::ContentType;
pub use protocol::{
    ContentTypeError, Detected, MediaType, ScrapeProtocol, ScrapeProtocolError, accept_header, check_scrape_protocols,
    media_type,
};

use super::name_escaping::{EscapingScheme, escape_family};
use super::{openmetrics, protobuf, text};
use crate::family::MetricFamily;

/// A format that metrics are served in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Classic text 0.0.4.
    Text,
    /// OpenMetrics text 0.0.1.
    OpenMetrics001,
    /// OpenMetrics text 1.0.0.
    OpenMetrics100,
    /// Delimited protobuf.
    Protobuf,
}

impl Format {
    /// What client libraries offer, the preferred first.
    pub const ALL: [Self; 4] = [Self::OpenMetrics100, Self::OpenMetrics001, Self::Protobuf, Self::Text];

    /// What client libraries offer where OpenMetrics is not switched on.
    pub const WITHOUT_OPENMETRICS: [Self; 2] = [Self::Protobuf, Self::Text];

    /// The content type without the escaping scheme.
    fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics001 => "application/openmetrics-text; version=0.0.1; charset=utf-8",
            Self::OpenMetrics100 => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
        }
    }
}

/// What a client is answered in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Encoding {
    /// The format.
    pub format: Format,
    /// What happens to names outside the legacy alphabet.
    pub escaping: EscapingScheme,
    /// Whether start times are written in OpenMetrics.
    pub created: openmetrics::CreatedLines,
}

impl Encoding {
    /// The `Content-Type` of the answer.
    #[must_use]
    pub fn content_type(&self) -> String {
        format!("{}; escaping={}", self.format.content_type(), self.escaping)
    }

    /// The whole answer.
    pub fn encode<'a>(&self, families: impl IntoIterator<Item = &'a MetricFamily>) -> Vec<u8> {
        let mut out = String::new();
        let mut bytes = Vec::new();
        for family in families {
            let family = escape_family(family, self.escaping);
            match self.format {
                Format::Text => text::write_family(&mut out, &family),
                Format::OpenMetrics001 | Format::OpenMetrics100 => {
                    openmetrics::write_family(&mut out, &family, self.created);
                }
                Format::Protobuf => protobuf::write_family(&mut bytes, &family),
            }
        }
        match self.format {
            Format::Protobuf => bytes,
            Format::Text => out.into_bytes(),
            Format::OpenMetrics001 | Format::OpenMetrics100 => {
                out.push_str("# EOF\n");
                out.into_bytes()
            }
        }
    }
}

/// Picks one of the `offered` formats, the preferred first, for a client with this `Accept` header (empty: none).
///
/// The client's order of preference decides; what it takes equally, `offered` does. Without agreement it is the classic
/// text format, if offered. The escaping scheme is the one that the client names up to the clause that decides.
#[must_use]
pub fn negotiate(accept: &str, offered: &[Format]) -> Encoding {
    let mut escaping = EscapingScheme::default();
    let encoding = |format, escaping| Encoding { format, escaping, created: openmetrics::CreatedLines::default() };
    for clause in header::accept_clauses(accept) {
        if let Some(scheme) = clause.parameter("escaping").and_then(|name| name.parse().ok()) {
            escaping = scheme;
        }
        if let Some(format) = offered.iter().find(|format| accepts(&clause, **format)) {
            return encoding(*format, escaping);
        }
    }
    let text = offered.iter().find(|format| **format == Format::Text);
    encoding(text.or(offered.first()).copied().unwrap_or(Format::Text), escaping)
}

/// Whether a clause of an `Accept` header is about `format`.
fn accepts(clause: &ContentType, format: Format) -> bool {
    let Some(target) = ContentType::parse(format.content_type()) else { return false };
    let fits = |wanted: &str, offered: &str| wanted == "*" || wanted == offered;
    let ((kind, subtype), (own_kind, own_subtype)) = (clause.kinds(), target.kinds());
    if !fits(kind, own_kind) || !fits(subtype, own_subtype) {
        return false;
    }
    if subtype == "*" {
        return true;
    }
    // OpenMetrics without a version is the oldest, text without one the classic format.
    let default_version = match format {
        Format::OpenMetrics001 | Format::OpenMetrics100 => "0.0.1",
        Format::Text => "0.0.4",
        Format::Protobuf => "",
    };
    target.parameters().filter(|(name, _)| *name != "charset").all(|(name, value)| {
        let default = if name == "version" { default_version } else { "" };
        clause.parameter(name).unwrap_or(default) == value
    })
}

#[cfg(test)]
mod tests;
