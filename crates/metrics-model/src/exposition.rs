//! Exposition formats: what a target answers when it is scraped, and what we answer.
//!
//! Scraping: [`negotiate::accept_header`] asks, [`negotiate::media_type`] tells the format of the answer, and a
//! [`Reader`] streams [`Entry`]s over its borrowed bytes, taking what the original's scraper takes. Strict readers
//! (`read_families` of each format) give [`MetricFamily`](crate::MetricFamily) lists. Serving: [`negotiate::negotiate`]
//! picks an [`Encoding`](negotiate::Encoding), which writes families.
//!
//! * [`text`]: the classic text format, 0.0.4 and 1.0.0
//! * [`openmetrics`]: OpenMetrics text 1.0
//! * [`protobuf`]: delimited protobuf, which alone has native histograms
//! * [`reader`]: one reader for all of them
//! * [`negotiate`]: `Accept`, `Content-Type`, scrape protocols
//! * [`name_escaping`]: names outside the legacy alphabet for those who know no others
//! * [`entry`]: what readers yield
//! * [`error`]: why a text was refused, and where

pub mod entry;
pub mod error;
pub mod name_escaping;
pub mod negotiate;
pub mod openmetrics;
pub mod protobuf;
pub mod reader;
pub mod text;

mod cursor;
mod escape;

pub use entry::{DuplicateLabel, Entry, ExemplarLine, HistogramSample, SampleLine, unescape};
pub use error::{Fault, ParseError};
pub use name_escaping::EscapingScheme;
pub use negotiate::{Format, MediaType, ScrapeProtocol};
pub use reader::{ReadError, ReadOptions, Reader};
