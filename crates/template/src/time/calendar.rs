//! Seconds to dates and back, in the Gregorian calendar without end or beginning.

/// A date and clock in some zone.
#[derive(Debug, Clone)]
pub(super) struct Civil {
    pub year: i64,
    /// January is 1.
    pub month: i64,
    pub day: i64,
    pub hour: i64,
    pub minute: i64,
    pub second: i64,
    pub nanosecond: i64,
    /// Sunday is 0.
    pub weekday: i64,
    /// January 1 is 1.
    pub year_day: i64,
    pub offset_s: i32,
    /// `CET`; none when the zone is only an offset.
    pub abbreviation: Option<String>,
}

const DAY_S: i64 = 86_400;

impl Civil {
    pub(super) fn new(local_s: i64, nanosecond: i64, offset_s: i32, abbreviation: Option<String>) -> Self {
        let days = local_s.div_euclid(DAY_S);
        let second_of_day = local_s.rem_euclid(DAY_S);
        let (year, month, day) = date_of(days);
        Self {
            year,
            month,
            day,
            hour: second_of_day / 3600,
            minute: second_of_day / 60 % 60,
            second: second_of_day % 60,
            nanosecond,
            // 1970-01-01 was a Thursday.
            weekday: (days + 4).rem_euclid(7),
            year_day: days - days_before(year, 1, 1) + 1,
            offset_s,
            abbreviation,
        }
    }
}

/// The date `days` after 1970-01-01. Years are counted from March, so that the leap day is the last of its year.
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Days from 1970-01-01 to the date. Months and days beyond their range count on into the next ones.
pub(super) fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let year = year.saturating_add((month - 1).div_euclid(12));
    let month = (month - 1).rem_euclid(12) + 1;
    let march_year = if month <= 2 { year - 1 } else { year };
    let era = march_year.div_euclid(400);
    let year_of_era = march_year.rem_euclid(400);
    let march_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + (153 * march_month + 2) / 5;
    era * 146_097 + day_of_era - 719_468 + day - 1
}

pub(super) fn days_in_month(year: i64, month: i64) -> i64 {
    days_before(year, month + 1, 1) - days_before(year, month, 1)
}
