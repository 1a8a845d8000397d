//! Points in time as templates see them: with a zone, printed and parsed by Go's reference-date layouts.
//!
//! Nothing here reads a clock or the zone files of the host: the caller says what time it is, zones are compiled in.

use std::fmt;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

mod calendar;
pub(crate) mod duration;
mod layout;
mod methods;
mod parse;

use calendar::Civil;

/// A point in time and the zone to show it in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Time {
    timestamp: Timestamp,
    zone: Zone,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Zone {
    Utc,
    /// An offset in seconds east of Greenwich, and what the text that gave it called it.
    Fixed {
        offset_s: i32,
        name: Option<Arc<str>>,
    },
    Named(TimeZone),
}

/// Why a time cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// No such zone in the database.
    #[error("unknown time zone {name}")]
    UnknownZone {
        /// What was asked for.
        name: String,
    },
    /// Further from now than the calendar reaches.
    #[error("time is out of range")]
    OutOfRange,
    /// A text does not have the shape of a layout.
    #[error("parsing time {text} as {layout}: {reason}")]
    Mismatch {
        /// The text, quoted.
        text: String,
        /// The layout, quoted.
        layout: String,
        /// Where they part.
        reason: String,
    },
    /// A text has the shape, but not the values.
    #[error("parsing time {text}: {reason}")]
    Invalid {
        /// The text, quoted.
        text: String,
        /// Which value.
        reason: String,
    },
}

/// Year 1, January 1: Go's zero time.
const ZERO_UNIX_S: i64 = -62_135_596_800;

impl Time {
    /// The layout of RFC 3339 with as many decimals as there are.
    pub const RFC3339_NANO: &'static str = "2006-01-02T15:04:05.999999999Z07:00";

    /// Year 1, January 1, the time that was never set.
    #[must_use]
    pub fn zero() -> Self {
        Self { timestamp: Timestamp::from_second(ZERO_UNIX_S).unwrap_or_default(), zone: Zone::Utc }
    }

    /// A time in UTC from milliseconds since 1970. Times out of the calendar's range end at its ends.
    #[must_use]
    pub fn from_unix_ms(unix_ms: i64) -> Self {
        let end = if unix_ms < 0 { Timestamp::MIN } else { Timestamp::MAX };
        Self { timestamp: Timestamp::from_millisecond(unix_ms).unwrap_or(end), zone: Zone::Utc }
    }

    /// A time in UTC from nanoseconds since 1970.
    #[must_use]
    pub fn from_unix_ns(unix_ns: i64) -> Self {
        // 64 bits of nanoseconds are 292 years: well within the calendar.
        Self { timestamp: Timestamp::from_nanosecond(i128::from(unix_ns)).unwrap_or_default(), zone: Zone::Utc }
    }

    /// A time from its RFC 3339 form. Its zone is the offset given there.
    ///
    /// # Errors
    /// [`TimeError`] says where the text is not of that form.
    pub fn from_rfc3339(text: &str) -> Result<Self, TimeError> {
        Self::parse(Self::RFC3339_NANO, text)
    }

    /// Whether it is the time that was never set.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.timestamp == Self::zero().timestamp
    }

    /// Seconds since 1970.
    #[must_use]
    pub fn unix_s(&self) -> i64 {
        self.timestamp.as_nanosecond().div_euclid(1_000_000_000) as i64
    }

    /// Nanoseconds since 1970, or as far as 64 bits go.
    #[must_use]
    pub fn unix_ns(&self) -> i64 {
        saturate(self.timestamp.as_nanosecond())
    }

    /// Nanoseconds after the last full second.
    #[must_use]
    pub fn nanosecond(&self) -> i64 {
        self.timestamp.as_nanosecond().rem_euclid(1_000_000_000) as i64
    }

    /// The same point in time in UTC.
    #[must_use]
    pub fn utc(&self) -> Self {
        Self { timestamp: self.timestamp, zone: Zone::Utc }
    }

    /// The same point in time in the zone of that name.
    ///
    /// # Errors
    /// [`TimeError::UnknownZone`] when the database has no such zone.
    pub fn in_zone(&self, name: &str) -> Result<Self, TimeError> {
        // The host's own zone is not known here; servers run in UTC.
        if matches!(name, "" | "UTC" | "Local") {
            return Ok(self.utc());
        }
        let unknown = || TimeError::UnknownZone { name: name.to_owned() };
        let zone = jiff::tz::TimeZoneDatabase::bundled().get(name).map_err(|_| unknown())?;
        // The database ignores case, files don't.
        if zone.iana_name() != Some(name) {
            return Err(unknown());
        }
        Ok(Self { timestamp: self.timestamp, zone: Zone::Named(zone) })
    }

    /// The time that much later.
    ///
    /// # Errors
    /// [`TimeError::OutOfRange`] when that is beyond the calendar.
    pub fn add_ns(&self, nanoseconds: i64) -> Result<Self, TimeError> {
        let later = self.timestamp.checked_add(SignedDuration::from_nanos(nanoseconds));
        Ok(Self { timestamp: later.map_err(|_| TimeError::OutOfRange)?, zone: self.zone.clone() })
    }

    /// Nanoseconds from `earlier` until this time, or as far as 64 bits go.
    #[must_use]
    pub fn since_ns(&self, earlier: &Self) -> i64 {
        saturate(self.timestamp.as_nanosecond() - earlier.timestamp.as_nanosecond())
    }

    /// Date, clock and zone in the zone of this time.
    fn civil(&self) -> Civil {
        let (offset_s, abbreviation) = match &self.zone {
            Zone::Utc => (0, Some("UTC".to_owned())),
            Zone::Fixed { offset_s, name } => (*offset_s, name.as_deref().map(str::to_owned)),
            Zone::Named(zone) => {
                let info = zone.to_offset_info(self.timestamp);
                (info.offset().seconds(), Some(info.abbreviation().to_owned()))
            }
        };
        Civil::new(self.unix_s() + i64::from(offset_s), self.nanosecond(), offset_s, abbreviation)
    }

    /// The time written like the reference date in `layout`.
    #[must_use]
    pub fn format(&self, layout: &str) -> String {
        layout::format(&self.civil(), layout)
    }

    /// Reads a time written like the reference date in `layout`; in UTC unless the text says otherwise.
    ///
    /// # Errors
    /// [`TimeError`] says where text and layout part.
    pub fn parse(layout: &str, text: &str) -> Result<Self, TimeError> {
        parse::parse(layout, text)
    }
}

fn saturate(nanoseconds: i128) -> i64 {
    i64::try_from(nanoseconds).unwrap_or(if nanoseconds < 0 { i64::MIN } else { i64::MAX })
}

/// `2024-01-01 09:15:30 +0100 CET`
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.format("2006-01-02 15:04:05.999999999 -0700 MST"))
    }
}

#[cfg(test)]
mod tests;
