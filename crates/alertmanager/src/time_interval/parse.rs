//! The ranges of a time interval, from text.

use super::{Range, RawTimeRange};

/// Parses every entry of one key; the error names the entry.
pub(super) fn each<T>(
    key: &str,
    entries: Option<&[T]>,
    parse: impl Fn(&T) -> Result<Range, String>,
) -> Result<Option<Vec<Range>>, (String, String)> {
    let Some(entries) = entries else {
        return Ok(None);
    };
    let parsed =
        entries.iter().enumerate().map(|(at, entry)| parse(entry).map_err(|message| (format!("{key}[{at}]"), message)));
    parsed.collect::<Result<_, _>>().map(Some)
}

pub(super) fn time_range(raw: &RawTimeRange) -> Result<Range, String> {
    if raw.start_time.is_empty() || raw.end_time.is_empty() {
        return Err("both start and end times must be provided".to_owned());
    }
    let (start, end) = (minute_of_day(&raw.start_time)?, minute_of_day(&raw.end_time)?);
    if start >= end {
        return Err("start time cannot be equal or greater than end time".to_owned());
    }
    Ok((start, end))
}

/// `HH:MM`, two digits each, up to `24:00`.
fn minute_of_day(text: &str) -> Result<i32, String> {
    let wrong = || format!("couldn't parse timestamp {text}, invalid format");
    let two = |part: &str| {
        Some(part).filter(|part| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()
    };
    let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
    let (hour, minute): (i32, i32) = (two(hour).ok_or_else(wrong)?, two(minute).ok_or_else(wrong)?);
    match (hour, minute) {
        (0..24, 0..60) | (24, 0) => Ok(hour * 60 + minute),
        _ => Err(wrong()),
    }
}

const WEEKDAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

pub(super) fn weekdays(text: &str) -> Result<Range, String> {
    let (first, last) = range(text, |name| {
        let at = WEEKDAYS.iter().position(|weekday| *weekday == name);
        at.and_then(|at| i32::try_from(at).ok()).ok_or_else(|| format!("{name} is not a valid weekday"))
    })?;
    if first > last {
        return Err("start day cannot be before end day".to_owned());
    }
    Ok((first, last))
}

/// The shortest month decides which ranges can never hold.
const SHORTEST_MONTH: i32 = 28;

pub(super) fn days(text: &str) -> Result<Range, String> {
    let (first, last) = range(text, number)?;
    for day in [first, last] {
        if day == 0 || !(-31..=31).contains(&day) {
            return Err(format!("{day} is not a valid day of the month: out of range"));
        }
    }
    if first < 0 && last > 0 {
        return Err("end day must be negative if start day is negative".to_owned());
    }
    let in_shortest = |day: i32| if day < 0 { SHORTEST_MONTH + day } else { day };
    if in_shortest(first) > in_shortest(last) {
        return Err(format!("end day {last} is always before start day {first}"));
    }
    Ok((first, last))
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

pub(super) fn months(text: &str) -> Result<Range, String> {
    let (first, last) = range(text, |name| {
        let at = MONTHS.iter().position(|month| *month == name);
        let by_name = at.and_then(|at| i32::try_from(at + 1).ok());
        by_name.or_else(|| name.parse().ok()).ok_or_else(|| format!("{name} is not a valid month"))
    })?;
    if first > last {
        let name =
            |month: i32| usize::try_from(month - 1).ok().and_then(|at| MONTHS.get(at)).copied().unwrap_or_default();
        return Err(format!("end month {} is before start month {}", name(last), name(first)));
    }
    Ok((first, last))
}

pub(super) fn years(text: &str) -> Result<Range, String> {
    let (first, last) = range(text, number)?;
    if first > last {
        return Err(format!("end year {last} is before start year {first}"));
    }
    Ok((first, last))
}

fn number(text: &str) -> Result<i32, String> {
    text.parse().map_err(|_| format!("{text:?} is not a number"))
}

/// `a:b`, or `a` alone for both ends; upper and lower case are the same.
fn range(text: &str, member: impl Fn(&str) -> Result<i32, String>) -> Result<Range, String> {
    let lower = text.to_lowercase();
    match lower.split(':').collect::<Vec<_>>()[..] {
        [both] => member(both).map(|both| (both, both)),
        [first, last] => Ok((member(first)?, member(last)?)),
        _ => Err(format!("couldn't parse range {lower}, invalid format")),
    }
}
