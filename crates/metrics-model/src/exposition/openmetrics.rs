//! OpenMetrics text (`application/openmetrics-text; version=1.0.0`), names in quotes included.

mod reader;

pub use reader::OpenMetricsReader;

#[cfg(test)]
mod tests;
