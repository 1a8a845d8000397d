//! OpenMetrics text (`application/openmetrics-text; version=1.0.0`), names in quotes included.

mod reader;
mod strict;
mod writer;

pub use reader::OpenMetricsReader;
pub use strict::read_families;
pub use writer::{CreatedLines, write_families, write_family};

#[cfg(test)]
mod tests;
