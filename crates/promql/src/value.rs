//! What a query answers: a scalar, a string, an instant vector or a matrix of ranges.

use std::fmt;
use std::sync::Arc;

use metrics_model::{FloatHistogram, Labels};

/// The type of an expression and of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// One number.
    Scalar,
    /// One text.
    String,
    /// One sample for each of some series, all at the same time.
    Vector,
    /// A range of samples for each of some series.
    Matrix,
}

impl ValueType {
    /// The word the API uses: `scalar`, `string`, `vector`, `matrix`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::String => "string",
            Self::Vector => "vector",
            Self::Matrix => "matrix",
        }
    }

    /// The words the documentation and error messages use.
    #[must_use]
    pub fn documented(self) -> &'static str {
        match self {
            Self::Vector => "instant vector",
            Self::Matrix => "range vector",
            Self::Scalar | Self::String => self.as_str(),
        }
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A number or a native histogram.
#[derive(Debug, Clone, PartialEq)]
pub enum PointValue {
    /// A number.
    Float(f64),
    /// A native histogram.
    Histogram(Arc<FloatHistogram>),
}

/// One element of an instant vector.
#[derive(Debug, Clone, PartialEq)]
pub struct InstantSample {
    /// The labels of the element, the metric name among them where the result keeps it.
    pub labels: Labels,
    /// The time of evaluation, milliseconds since the Unix epoch.
    pub timestamp_ms: i64,
    /// Its value.
    pub value: PointValue,
}

/// One series of a matrix. Both lists are in order of time; no time is in both.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RangeSeries {
    /// The labels of the series.
    pub labels: Labels,
    /// Numbers with their times.
    pub floats: Vec<(i64, f64)>,
    /// Native histograms with their times.
    pub histograms: Vec<(i64, Arc<FloatHistogram>)>,
}

/// The value of a query.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// One number.
    Scalar {
        /// The time of evaluation.
        timestamp_ms: i64,
        /// The number.
        value: f64,
    },
    /// One text.
    String {
        /// The time of evaluation.
        timestamp_ms: i64,
        /// The text.
        text: String,
    },
    /// The answer to an instant query, in the order the original would give.
    Vector(Vec<InstantSample>),
    /// The answer to a range query, or to an instant query for a range vector. In order of labels.
    Matrix(Vec<RangeSeries>),
}

impl Value {
    /// The type of the value.
    #[must_use]
    pub fn value_type(&self) -> ValueType {
        match self {
            Self::Scalar { .. } => ValueType::Scalar,
            Self::String { .. } => ValueType::String,
            Self::Vector(_) => ValueType::Vector,
            Self::Matrix(_) => ValueType::Matrix,
        }
    }
}
