//! The protobuf format (`application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited`):
//! metric families one after the other, each after its length. The only format with native histograms.

mod families;
mod message;
mod reader;
mod wire;
mod writer;

pub use families::read_families;
pub use reader::{ProtobufOptions, ProtobufReader};
pub use writer::{write_families, write_family};

use super::error::Found;
use crate::histogram::InvalidHistogram;

/// Why bytes are not an exposition in this format, and where.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("byte {offset}{}: {fault}", .family.as_ref().map(|name| format!(" in metric family {name}")).unwrap_or_default())]
pub struct ProtobufError {
    /// The byte, from 0.
    pub offset: usize,
    /// The family that it is in, if its name was read.
    pub family: Option<Found>,
    /// What is wrong there.
    pub fault: ProtobufFault,
}

/// What can be wrong with a protobuf exposition.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ProtobufFault {
    /// A length that reaches over the end.
    #[error("expected {expected} more bytes, got {left}")]
    Truncated {
        /// How many bytes there should be.
        expected: u64,
        /// How many there are.
        left: usize,
    },
    /// A number of more than ten bytes.
    #[error("expected a number of at most ten bytes")]
    LongNumber,
    /// A field number or wire type that does not exist.
    #[error("expected a field, got tag {tag}")]
    Tag {
        /// The tag.
        tag: u64,
    },
    /// A known field of another wire type.
    #[error("expected field {field} to be {expected}")]
    FieldType {
        /// The field number.
        field: u32,
        /// What it must be.
        expected: &'static str,
    },
    /// A text that is not UTF-8.
    #[error("invalid UTF-8 {text}")]
    Utf8 {
        /// The text.
        text: Found,
    },
    /// A list longer than any that a metric has.
    #[error("more than {max} {what} in one metric")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The most there may be.
        max: usize,
    },
    /// A family without a name.
    #[error("metric name not set")]
    NameMissing,
    /// A type that does not exist.
    #[error("invalid metric type {number}")]
    MetricType {
        /// Its number.
        number: u64,
    },
    /// A native histogram that is none.
    #[error("invalid native histogram")]
    Histogram {
        /// What is wrong with it.
        #[source]
        source: InvalidHistogram,
    },
    /// A native histogram with buckets so far from one that no number is there.
    #[error("native histogram: bucket index out of range")]
    BucketIndex,
}

#[cfg(test)]
mod tests;
