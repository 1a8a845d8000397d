//! Integers of the types that templates meet.

use super::{Method, Value};
use crate::time::duration;

/// An integer and its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Int {
    /// The number.
    pub value: i64,
    /// Its type.
    pub kind: IntKind,
}

/// The integer types that templates meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntKind {
    /// Literals, lengths, indices.
    Int,
    /// Unix times.
    Int64,
    /// A byte of a text.
    Uint8,
    /// Nanoseconds.
    Duration,
    /// January is 1.
    Month,
    /// Sunday is 0.
    Weekday,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

impl IntKind {
    /// The name of the type in error messages.
    #[must_use]
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Int64 => "int64",
            Self::Uint8 => "uint8",
            Self::Duration => "time.Duration",
            Self::Month => "time.Month",
            Self::Weekday => "time.Weekday",
        }
    }

    /// What can be called on it.
    #[must_use]
    pub fn methods(self) -> &'static [Method] {
        match self {
            Self::Duration => duration::METHODS,
            Self::Month | Self::Weekday => &[Method { name: "String", parameters: &[], body: named_text }],
            Self::Int | Self::Int64 | Self::Uint8 => &[],
        }
    }
}

fn named_text(receiver: &Value, _: &[Value]) -> Result<Value, String> {
    Ok(receiver.own_text().unwrap_or_default().into())
}

impl Int {
    /// An `int`.
    #[must_use]
    pub fn new(value: i64) -> Self {
        Self { value, kind: IntKind::Int }
    }

    /// A `time.Duration`.
    #[must_use]
    pub fn duration(nanoseconds: i64) -> Self {
        Self { value: nanoseconds, kind: IntKind::Duration }
    }

    /// What it prints as when its type has words for it.
    #[must_use]
    pub fn own_text(self) -> Option<String> {
        let name =
            |names: &[&str], index: i64, kind: &str| match usize::try_from(index).ok().and_then(|at| names.get(at)) {
                Some(name) => (*name).to_owned(),
                None => format!("%!{kind}({})", self.value),
            };
        match self.kind {
            IntKind::Int | IntKind::Int64 | IntKind::Uint8 => None,
            IntKind::Duration => Some(duration::format(self.value)),
            IntKind::Month => Some(name(&MONTHS, self.value - 1, "Month")),
            IntKind::Weekday => Some(name(&WEEKDAYS, self.value, "Weekday")),
        }
    }
}
