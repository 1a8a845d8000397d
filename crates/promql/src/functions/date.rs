//! Calendar functions: fields of a time in UTC, on the Gregorian calendar extended to all years.

use super::table::FunctionId;

const DAY_S: i64 = 86_400;

/// A day on the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Day {
    year: i64,
    /// From 1.
    month: u32,
    /// From 1.
    day: u32,
}

impl Day {
    /// The day that is `days` after 1970-01-01.
    ///
    /// Counts in eras of 400 years that start in March, so that the leap day is the last of its year (Howard Hinnant,
    /// "chrono-Compatible Low-Level Date Algorithms").
    fn of(days: i64) -> Self {
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        // Both are below 100.
        Self { year, month: month as u32, day: day as u32 }
    }

    fn is_leap_year(self) -> bool {
        (self.year % 4 == 0 && self.year % 100 != 0) || self.year % 400 == 0
    }

    fn days_in_month(self) -> u32 {
        match self.month {
            2 if self.is_leap_year() => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }

    /// From 1.
    fn day_of_year(self) -> u32 {
        const BEFORE: [u32; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
        let leap_day = u32::from(self.month > 2 && self.is_leap_year());
        BEFORE[self.month as usize - 1] + leap_day + self.day
    }
}

/// Whether `function` is one of this module.
pub(crate) fn is_date_function(function: FunctionId) -> bool {
    field(function, 0.0).is_some()
}

/// The field of the time `seconds` after 1970 that `function` asks for.
pub(crate) fn field(function: FunctionId, seconds: f64) -> Option<f64> {
    // What does not fit becomes the smallest number, as in the original.
    let in_range = seconds.abs() < 9_223_372_036_854_775_808.0;
    let seconds = if in_range { seconds as i64 } else { i64::MIN };
    let (days, second_of_day) = days_and_seconds(seconds);
    let day = Day::of(days);
    Some(match function {
        FunctionId::DaysInMonth => f64::from(day.days_in_month()),
        FunctionId::DayOfMonth => f64::from(day.day),
        // 1970-01-01 was a Thursday.
        FunctionId::DayOfWeek => (days + 4).rem_euclid(7) as f64,
        FunctionId::DayOfYear => f64::from(day.day_of_year()),
        FunctionId::Hour => (second_of_day / 3_600) as f64,
        FunctionId::Minute => (second_of_day % 3_600 / 60) as f64,
        FunctionId::Month => f64::from(day.month),
        FunctionId::Year => day.year as f64,
        _ => return None,
    })
}

/// Days since 1970-01-01 and seconds of the day.
///
/// The original counts seconds without sign from a day in the year -292277022400, so that times before it come round to
/// the far future.
fn days_and_seconds(seconds: i64) -> (i64, i64) {
    /// Days from the original's first day to 1970-01-01.
    const FIRST_DAY: u64 = 106_751_990_353_932 + 719_468;
    let absolute = seconds.cast_unsigned().wrapping_add(FIRST_DAY * DAY_S.cast_unsigned());
    let days = (absolute / DAY_S.cast_unsigned()).cast_signed() - FIRST_DAY.cast_signed();
    (days, (absolute % DAY_S.cast_unsigned()).cast_signed())
}

/// `2024-02-29T12:30:00Z`
pub(crate) fn rfc3339(time_ms: i64) -> String {
    let seconds = time_ms / 1000;
    let day = Day::of(seconds.div_euclid(DAY_S));
    let second = seconds.rem_euclid(DAY_S);
    let (year, month, date) = (day.year, day.month, day.day);
    format!("{year:04}-{month:02}-{date:02}T{:02}:{:02}:{:02}Z", second / 3_600, second % 3_600 / 60, second % 60)
}
