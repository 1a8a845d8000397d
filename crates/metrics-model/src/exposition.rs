//! Exposition formats: what a target answers when it is scraped, and what we answer.
//!
//! Readers for the scraper are streams of [`Entry`] over borrowed bytes: [`text::TextReader`] and its siblings take what
//! the original's scraper takes. Strict readers give [`MetricFamily`](crate::MetricFamily) lists, writers print them.
//!
//! * [`text`]: the classic text format, 0.0.4 and 1.0.0
//! * [`openmetrics`]: OpenMetrics text 1.0
//! * [`entry`]: what readers yield
//! * [`error`]: why input was refused, and where

pub mod entry;
pub mod error;
pub mod openmetrics;
pub mod text;

mod cursor;
mod escape;

pub use entry::{DuplicateLabel, Entry, ExemplarLine, SampleLine, unescape};
pub use error::{Fault, ParseError};
