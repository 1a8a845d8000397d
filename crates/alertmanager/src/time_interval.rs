//! Times of the week and the year in which a route is muted or active.
//!
//! Pure: whether a given time lies inside. All parts of an interval must hold, of each part's ranges one.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

mod parse;

/// An interval as it is written in the configuration file.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawTimeInterval {
    /// Times of the day, the end excluded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<Vec<RawTimeRange>>,
    /// `monday:friday`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weekdays: Option<Vec<String>>,
    /// `1:5`, `-3:-1`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days_of_month: Option<Vec<String>>,
    /// `january:march`, `4`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub months: Option<Vec<String>>,
    /// `2026:2028`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub years: Option<Vec<String>>,
    /// The name of the time zone that all of this is meant in; UTC without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

/// A range of the day as it is written: `HH:MM`, the end up to `24:00`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawTimeRange {
    /// The first minute inside.
    pub start_time: String,
    /// The first minute behind.
    pub end_time: String,
}

/// From one number to another, both inside.
type Range = (i32, i32);

/// A checked interval. A part that is `None` always holds; one with no ranges never does.
#[derive(Debug, Clone)]
pub struct TimeInterval {
    /// Minutes of the day, the second one outside.
    times: Option<Vec<Range>>,
    /// Sunday is 0.
    weekdays: Option<Vec<Range>>,
    /// Negative days count from the end of the month.
    days_of_month: Option<Vec<Range>>,
    months: Option<Vec<Range>>,
    years: Option<Vec<Range>>,
    zone: TimeZone,
}

impl TimeInterval {
    /// Checks what was written.
    ///
    /// # Errors
    /// The key below the interval, as `weekdays[1]`, and what is wrong with it.
    pub fn new(raw: &RawTimeInterval) -> Result<Self, (String, String)> {
        let zone = match raw.location.as_deref() {
            None | Some("" | "UTC") => TimeZone::UTC,
            Some("Local") => TimeZone::system(),
            Some(name) => {
                TimeZone::get(name).map_err(|_| ("location".to_owned(), format!("unknown time zone {name}")))?
            }
        };
        Ok(Self {
            times: parse::each("times", raw.times.as_deref(), parse::time_range)?,
            weekdays: parse::each("weekdays", raw.weekdays.as_deref(), |text| parse::weekdays(text))?,
            days_of_month: parse::each("days_of_month", raw.days_of_month.as_deref(), |text| parse::days(text))?,
            months: parse::each("months", raw.months.as_deref(), |text| parse::months(text))?,
            years: parse::each("years", raw.years.as_deref(), |text| parse::years(text))?,
            zone,
        })
    }

    /// Whether `time` lies inside.
    #[must_use]
    pub fn contains(&self, time: Timestamp) -> bool {
        let local = self.zone.to_datetime(time);
        let minute = i32::from(local.hour()) * 60 + i32::from(local.minute());
        let weekday = i32::from(local.weekday().to_sunday_zero_offset());
        holds(self.times.as_deref(), |(start, end)| (start..end).contains(&minute))
            && holds(self.days_of_month.as_deref(), |range| day_is_inside(local, range))
            && holds(self.months.as_deref(), |(first, last)| (first..=last).contains(&i32::from(local.month())))
            && holds(self.weekdays.as_deref(), |(first, last)| (first..=last).contains(&weekday))
            && holds(self.years.as_deref(), |(first, last)| (first..=last).contains(&i32::from(local.year())))
    }
}

fn holds(ranges: Option<&[Range]>, inside: impl Fn(Range) -> bool) -> bool {
    ranges.is_none_or(|ranges| ranges.iter().any(|range| inside(*range)))
}

/// Days that the month does not have are moved to its last day, unless the whole range lies behind it.
fn day_is_inside(local: DateTime, (first, last): Range) -> bool {
    let days = i32::from(local.days_in_month());
    let from_start = |day: i32| if day < 0 { days + day + 1 } else { day };
    let (first, last) = (from_start(first), from_start(last));
    first <= days && (first.clamp(-days, days)..=last.clamp(-days, days)).contains(&i32::from(local.day()))
}

/// All named intervals of a configuration.
#[derive(Debug, Clone, Default)]
pub struct TimeIntervals {
    by_name: HashMap<String, Vec<TimeInterval>>,
}

impl TimeIntervals {
    /// From names and their intervals.
    #[must_use]
    pub fn new(by_name: HashMap<String, Vec<TimeInterval>>) -> Self {
        Self { by_name }
    }

    /// Those of `names` that `now` lies in, once for each of their intervals that holds.
    #[must_use]
    pub fn containing(&self, names: &[String], now: Timestamp) -> Vec<String> {
        let intervals = |name: &String| self.by_name.get(name).map_or(&[][..], Vec::as_slice);
        let inside = |name: &String| intervals(name).iter().filter(|interval| interval.contains(now)).count();
        names.iter().flat_map(|name| std::iter::repeat_n(name.clone(), inside(name))).collect()
    }
}

#[cfg(test)]
mod tests;
