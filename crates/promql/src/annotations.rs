//! Warnings and infos: what a user should know about an answer that is not an error.

mod remark;

use std::collections::BTreeMap;

use metrics_model::number::format_general;

pub(crate) use remark::{HistogramOperation, Remark};

use crate::functions::date::rfc3339;
use crate::parser::LineColumn;

/// How grave an annotation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The answer is likely not what was meant.
    Warning,
    /// The answer may not be what was meant.
    Info,
}

/// One remark about a part of the query.
#[derive(Debug, Clone, PartialEq)]
pub struct Annotation {
    /// How grave it is.
    pub severity: Severity,
    /// The text with its prefix, `PromQL warning: ...`, without numbers and the position.
    pub message: String,
    /// Where in the query: byte offset of the part that is remarked on.
    pub position: usize,
    details: Details,
}

/// What is added up over all occurrences of a remark.
#[derive(Debug, Clone, PartialEq)]
enum Details {
    None,
    /// A sample's start time lies before the sample before it.
    Overlap {
        occurrences: usize,
    },
    /// Classic buckets that did not grow.
    Monotonicity(Monotonicity),
}

/// Classic buckets whose counts had to be corrected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Monotonicity {
    pub(crate) first_ms: i64,
    pub(crate) last_ms: i64,
    pub(crate) bucket_min: f64,
    pub(crate) bucket_max: f64,
    pub(crate) difference_max: f64,
    pub(crate) samples: usize,
}

impl Annotation {
    /// The full text as the original renders it, `... (line:column)`.
    #[must_use]
    pub fn render(&self, query: &str) -> String {
        let position = LineColumn::of(query, self.position);
        let message = &self.message;
        match &self.details {
            Details::None | Details::Overlap { occurrences: 0 | 1 } => format!("{message} ({position})"),
            Details::Overlap { occurrences } => format!("{message} ({occurrences} occurrences) ({position})"),
            Details::Monotonicity(found) => format!(
                "{message}, from buckets {} to {}, with a max diff of {}, over {} samples from {} to {} ({position})",
                format_general(found.bucket_min),
                format_general(found.bucket_max),
                two_digits(found.difference_max),
                found.samples,
                rfc3339(found.first_ms),
                rfc3339(found.last_ms),
            ),
        }
    }

    fn absorb(&mut self, earlier: &Self) {
        match (&mut self.details, &earlier.details) {
            (Details::Overlap { occurrences }, Details::Overlap { occurrences: before }) => *occurrences += before,
            (Details::Monotonicity(found), Details::Monotonicity(before)) => {
                found.first_ms = found.first_ms.min(before.first_ms);
                found.last_ms = found.last_ms.max(before.last_ms);
                found.bucket_min = found.bucket_min.min(before.bucket_min);
                found.bucket_max = found.bucket_max.max(before.bucket_max);
                found.difference_max = found.difference_max.max(before.difference_max);
                found.samples += before.samples;
            }
            _ => {}
        }
    }
}

/// The remarks of one query, each text once.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Annotations {
    by_message: BTreeMap<String, Annotation>,
}

impl Annotations {
    /// Adds a remark about the part of the query that starts at byte `position`. Of remarks with the same text one
    /// stays, at the position of the last.
    pub(crate) fn add(&mut self, remark: &Remark<'_>, position: usize) {
        let (severity, message) = remark.message();
        let details = match remark {
            Remark::ForcedMonotonicity { found, .. } => Details::Monotonicity(*found),
            Remark::StartTimeOverlap { .. } => Details::Overlap { occurrences: 1 },
            _ => Details::None,
        };
        let mut annotation = Annotation { severity, message, position, details };
        if let Some(earlier) = self.by_message.get(&annotation.message) {
            annotation.absorb(earlier);
        }
        self.by_message.insert(annotation.message.clone(), annotation);
    }

    /// Takes in the remarks of another query, such as the others of a rule group.
    pub fn merge(&mut self, other: Self) {
        for (message, mut annotation) in other.by_message {
            if let Some(earlier) = self.by_message.get(&message) {
                annotation.absorb(earlier);
            }
            self.by_message.insert(message, annotation);
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_message.is_empty()
    }

    /// All remarks, in order of their text.
    pub fn iter(&self) -> impl Iterator<Item = &Annotation> {
        self.by_message.values()
    }

    /// All warnings as the original renders them, `PromQL warning: ... (line:col)`, in order of their text.
    #[must_use]
    pub fn warnings(&self, query: &str) -> Vec<String> {
        self.render(Severity::Warning, query)
    }

    /// All infos as the original renders them, `PromQL info: ... (line:col)`, in order of their text.
    #[must_use]
    pub fn infos(&self, query: &str) -> Vec<String> {
        self.render(Severity::Info, query)
    }

    fn render(&self, severity: Severity, query: &str) -> Vec<String> {
        self.iter().filter(|annotation| annotation.severity == severity).map(|found| found.render(query)).collect()
    }
}

/// A number with two significant digits, in Go's general notation.
fn two_digits(value: f64) -> String {
    if !value.is_finite() || value == 0.0 {
        return format_general(value);
    }
    let scientific = format!("{value:.1e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..2).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    let rounded: f64 = scientific.parse().unwrap_or(value);
    metrics_model::number::format_fixed(rounded)
}
