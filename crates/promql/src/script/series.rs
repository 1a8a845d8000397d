//! Series as scripts and rule tests write them: `metric{label="value"} 1+1x3 _ stale {{schema:1}}`.

use metrics_model::{FloatHistogram, Labels};

use super::points::PointsParser;
use crate::parser::{ParseErrors, parse_series_labels};

/// One point of a series.
#[derive(Debug, Clone, PartialEq)]
pub enum SeriesPoint {
    /// No sample.
    Gap,
    /// A float, or the staleness marker.
    Float(f64),
    /// A native histogram.
    Histogram {
        /// Its value.
        histogram: Box<FloatHistogram>,
        /// Whether the counter reset hint was written, so that it counts in comparisons.
        hint_given: bool,
    },
}

/// Labels and points of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesDescription {
    /// The labels.
    pub labels: Labels,
    /// The points, one for each step.
    pub points: Vec<SeriesPoint>,
}

/// Parses a line that describes a series.
///
/// # Errors
/// [`ParseErrors`] says what is wrong, and where.
pub fn parse_series(line: &str) -> Result<SeriesDescription, ParseErrors> {
    let (labels, end) = parse_series_labels(line)?;
    let points = PointsParser::new(line, end).all()?;
    Ok(SeriesDescription { labels, points })
}
