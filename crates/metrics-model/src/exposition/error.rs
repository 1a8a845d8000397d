//! Why an exposition was refused: the place, the offending text, and what was expected instead.

use std::fmt;

use crate::number::NumberError;

/// A fault and its place. Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {fault}")]
pub struct ParseError {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
    /// What is wrong there.
    pub fault: Fault,
}

/// What can be wrong with an exposition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Something else than what must stand here.
    #[error("expected {expected}, got {found}")]
    Expected {
        /// What must stand here.
        expected: &'static str,
        /// What does.
        found: Found,
    },
    /// A value or timestamp that is not a number.
    #[error("invalid number {text}")]
    Number {
        /// What was given.
        text: Found,
        /// What is wrong with it.
        #[source]
        source: NumberError,
    },
    /// A spelling of a number that expositions may not use.
    #[error("unsupported character in float {text}")]
    NumberSpelling {
        /// What was given.
        text: Found,
    },
    /// A timestamp that is no point in time.
    #[error("invalid timestamp {text}")]
    Timestamp {
        /// What was given.
        text: Found,
    },
    /// A sample without a metric name.
    #[error("metric name not set")]
    NameMissing,
    /// A sample with a second metric name.
    #[error("metric name already set, got {found}")]
    NameTwice {
        /// The second name.
        found: Found,
    },
    /// A metric type that the format does not have.
    #[error("invalid metric type {found}")]
    MetricType {
        /// What was given.
        found: Found,
    },
    /// A unit that the metric's name does not end in.
    #[error("unit {unit} not a suffix of metric {metric}")]
    Unit {
        /// The unit.
        unit: Found,
        /// The metric's name.
        metric: Found,
    },
    /// A line that breaks a rule of the standard.
    #[error("expected {rule}, got {found}")]
    Rule {
        /// What the standard demands.
        rule: &'static str,
        /// What breaks it.
        found: Found,
    },
    /// Bytes that are not UTF-8.
    #[error("invalid UTF-8 {found}")]
    Utf8 {
        /// The text up to and with the first wrong byte.
        found: Found,
    },
    /// OpenMetrics without its last line.
    #[error("data does not end with # EOF")]
    EofMissing,
    /// Something after the last line.
    #[error("unexpected data after # EOF")]
    DataAfterEof,
}

/// A piece of the input for an error message, cut to a readable length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found(String);

/// The most characters of input that a message repeats.
const FOUND_CHARS_MAX: usize = 60;

impl Found {
    /// Takes the beginning of `bytes`.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        // Four bytes are the longest character.
        let head = &bytes[..bytes.len().min(4 * FOUND_CHARS_MAX)];
        let mut text = String::new();
        let mut chars_left = FOUND_CHARS_MAX;
        for chunk in head.utf8_chunks() {
            let valid = chunk.valid().chars().map(|c| match c {
                // The text will stand in double quotes, so single ones are fine.
                '\'' => "'".to_owned(),
                c => c.escape_debug().to_string(),
            });
            for piece in valid.chain(chunk.invalid().iter().map(|byte| byte.escape_ascii().to_string())) {
                if chars_left == 0 {
                    text.push('…');
                    return Self(text);
                }
                chars_left -= 1;
                text.push_str(&piece);
            }
        }
        Self(text)
    }
}

impl Found {
    /// The text in double quotes, also when it is empty.
    pub(super) fn quoted(&self) -> Quoted<'_> {
        Quoted(self)
    }
}

/// Prints a [`Found`] in double quotes.
pub(super) struct Quoted<'a>(&'a Found);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.0)
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { f.write_str("end of input") } else { self.quoted().fmt(f) }
    }
}
