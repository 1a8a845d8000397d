//! Prometheus durations: `1h30m`, units `y w d h m s ms` from large to small, each at most once. And those of Go's
//! standard library, which some files of the originals have.

use std::time::Duration;

/// Why a text is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Nothing there.
    #[error("empty duration string")]
    Empty,
    /// Not of the form `1h30m`.
    #[error("not a valid duration string: {text:?}")]
    Malformed {
        /// What was given.
        text: String,
    },
    /// A unit that there is not.
    #[error("unknown unit {unit:?} in duration {text:?}")]
    UnknownUnit {
        /// The letters in place of a unit.
        unit: String,
        /// What was given.
        text: String,
    },
    /// Not of Go's form `1m1.5s`.
    #[error("time: invalid duration {text:?}")]
    NotGo {
        /// What was given.
        text: String,
    },
    /// More than the about 292 years that fit 64 bits of nanoseconds.
    #[error("duration out of range")]
    OutOfRange,
}

/// Units from large to small: suffix and milliseconds. A year has 365 days.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// The original keeps durations as signed nanoseconds, so this is where it stops.
const MAX_MS: u64 = (i64::MAX / 1_000_000) as u64;

/// Parses `1h30m`, `0`, `15s`; never negative.
///
/// # Errors
/// [`DurationError`] says whether the text is empty, malformed or too long a time.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    if text.is_empty() {
        return Err(DurationError::Empty);
    }
    let malformed = || DurationError::Malformed { text: text.to_owned() };
    let mut rest = text;
    let mut total_ms = 0_u64;
    let mut next_unit = 0_usize;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let count: u64 = number.parse().map_err(|_| malformed())?;
        if unit.is_empty() {
            return Err(malformed());
        }
        let unknown = || DurationError::UnknownUnit { unit: unit.to_owned(), text: text.to_owned() };
        let at = UNITS.iter().position(|(suffix, _)| *suffix == unit).ok_or_else(unknown)?;
        if at < next_unit {
            return Err(malformed());
        }
        let unit_ms = UNITS[at].1;
        total_ms = count
            .checked_mul(unit_ms)
            .and_then(|ms| total_ms.checked_add(ms))
            .filter(|ms| *ms <= MAX_MS)
            .ok_or(DurationError::OutOfRange)?;
        next_unit = at + 1;
        rest = tail;
    }
    Ok(Duration::from_millis(total_ms))
}

/// Parses Go's `1h15m30.918s`: parts of a number, perhaps with a fraction, and a unit, in any order; never negative.
///
/// # Errors
/// [`DurationError::NotGo`]
pub fn parse_go_duration(text: &str) -> Result<Duration, DurationError> {
    let not = || DurationError::NotGo { text: text.to_owned() };
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(not());
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let is_number = |c: char| c.is_ascii_digit() || c == '.';
        let (number, tail) = rest.split_at(rest.find(|c| !is_number(c)).unwrap_or(rest.len()));
        let (unit, tail) = tail.split_at(tail.find(is_number).unwrap_or(tail.len()));
        let (_, seconds) = GO_UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(not)?;
        let number: f64 = number.parse().map_err(|_| not())?;
        let part = Duration::try_from_secs_f64(number * seconds).map_err(|_| not())?;
        total = total.checked_add(part).ok_or_else(not)?;
        rest = tail;
    }
    Ok(total)
}

/// Go's units and their seconds; the micro sign comes in two forms.
const GO_UNITS: [(&str, f64); 8] = [
    ("h", 3600.0),
    ("m", 60.0),
    ("s", 1.0),
    ("ms", 1e-3),
    ("us", 1e-6),
    ("\u{b5}s", 1e-6),
    ("\u{3bc}s", 1e-6),
    ("ns", 1e-9),
];

/// Prints the shortest exact form that the original prints: `1h30m`, `1d`, `0s`. Parts below a millisecond are dropped.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    let mut rest_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if rest_ms == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (suffix, unit_ms) in UNITS {
        // Years, weeks and days are used only when nothing remains: `365d` is `1y`, but 366 days stay `366d`.
        let exact_only = matches!(suffix, "y" | "w");
        if exact_only && (rest_ms % unit_ms != 0) {
            continue;
        }
        let count = rest_ms / unit_ms;
        if count > 0 {
            text.push_str(&format!("{count}{suffix}"));
            rest_ms -= count * unit_ms;
        }
    }
    text
}

#[cfg(test)]
mod tests;
