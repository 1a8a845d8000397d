//! Wall-clock time to the nanosecond, and how it is written.
//!
//! Timers are tokio's; this clock moves with them, so that tests which pause tokio's time move both.

use jiff::Timestamp;
use tokio::time::Instant;

/// Tells the time.
#[derive(Debug, Clone)]
pub struct Clock {
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    Machine,
    Paused { start: Timestamp, since: Instant },
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn machine() -> Self {
        Self { source: Source::Machine }
    }

    /// A clock that shows `start` now and moves with tokio's time.
    #[must_use]
    pub fn starting_at(start: Timestamp) -> Self {
        Self { source: Source::Paused { start, since: Instant::now() } }
    }

    /// What it shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.source {
            Source::Machine => Timestamp::now(),
            Source::Paused { start, since } => after(*start, since.elapsed()),
        }
    }
}

/// `time` plus `duration`, stopping at the end of representable time (the year 9999).
#[must_use]
pub fn after(time: Timestamp, duration: std::time::Duration) -> Timestamp {
    time.checked_add(duration).unwrap_or(Timestamp::MAX)
}

/// `time` minus `duration`, stopping at the beginning of representable time.
#[must_use]
pub fn before(time: Timestamp, duration: std::time::Duration) -> Timestamp {
    time.checked_sub(duration).unwrap_or(Timestamp::MIN)
}

/// Reads RFC 3339, and the shorter forms that the original's API accepts (no zone means UTC, a bare date midnight).
///
/// # Errors
/// The text that is not a time.
pub fn parse(text: &str) -> Result<Timestamp, NotATime> {
    let not = || NotATime { text: text.to_owned() };
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Ok(timestamp);
    }
    let civil: jiff::civil::DateTime = text.trim_end_matches('Z').parse().map_err(|_| not())?;
    jiff::tz::Offset::UTC.to_timestamp(civil).map_err(|_| not())
}

/// A text that should be a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a time in the form of RFC 3339")]
pub struct NotATime {
    /// What was given.
    pub text: String,
}

/// `2026-01-02T03:04:05.678Z`: as the API writes times, always with three digits, the rest cut off.
#[must_use]
pub fn to_millis(time: Timestamp) -> String {
    let utc = jiff::tz::Offset::UTC.to_datetime(time);
    format!("{}.{:03}Z", utc.strftime("%Y-%m-%dT%H:%M:%S"), utc.subsec_nanosecond() / 1_000_000)
}
