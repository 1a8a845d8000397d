//! Layouts: the reference date `Mon Jan 2 15:04:05 MST 2006` written as the user wants dates to be written.

use super::calendar::Civil;
use crate::value::{Int, IntKind};

/// A part of the reference date, as it stands in a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    SpaceDay,
    ZeroDay,
    SpaceYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperPm,
    LowerPm,
    ZoneName,
    Offset {
        utc_as_z: bool,
        colon: bool,
        shape: OffsetShape,
    },
    /// Decimals of a second with their separator; trailing zeros are kept or dropped.
    Fraction {
        digits: usize,
        separator: char,
        keep_zeros: bool,
    },
}

/// How much of an offset is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OffsetShape {
    Hours,
    Minutes,
    Seconds,
}

/// Splits a layout into the text before its first part, the part, and the rest.
pub(super) fn next_part(layout: &str) -> (&str, Option<Part>, &str) {
    for (at, _) in layout.char_indices() {
        let rest = &layout[at..];
        if let Some((part, len)) = part_at(rest) {
            return (&layout[..at], Some(part), &rest[len..]);
        }
        // `_2006` is an underscore before a year, not a padded day.
        if let Some(after) = rest.strip_prefix("_2006") {
            return (&layout[..=at], Some(Part::LongYear), after);
        }
    }
    (layout, None, "")
}

/// Fixed spellings, longer ones before their own beginnings.
const SPELLINGS: &[(&str, Part)] = &[
    ("January", Part::LongMonth),
    ("Monday", Part::LongWeekday),
    ("MST", Part::ZoneName),
    ("002", Part::ZeroYearDay),
    ("01", Part::ZeroMonth),
    ("02", Part::ZeroDay),
    ("03", Part::ZeroHour12),
    ("04", Part::ZeroMinute),
    ("05", Part::ZeroSecond),
    ("06", Part::Year),
    ("15", Part::Hour),
    ("1", Part::NumMonth),
    ("2006", Part::LongYear),
    ("2", Part::Day),
    ("__2", Part::SpaceYearDay),
    ("3", Part::Hour12),
    ("4", Part::Minute),
    ("5", Part::Second),
    ("PM", Part::UpperPm),
    ("pm", Part::LowerPm),
];

const OFFSETS: &[(&str, bool, OffsetShape)] = &[
    ("070000", false, OffsetShape::Seconds),
    ("07:00:00", true, OffsetShape::Seconds),
    ("0700", false, OffsetShape::Minutes),
    ("07:00", true, OffsetShape::Minutes),
    ("07", false, OffsetShape::Hours),
];

fn part_at(layout: &str) -> Option<(Part, usize)> {
    if let Some((text, part)) = SPELLINGS.iter().find(|(text, _)| layout.starts_with(text)) {
        return Some((*part, text.len()));
    }
    if layout.starts_with("_2") && !layout.starts_with("_2006") {
        return Some((Part::SpaceDay, 2));
    }
    // "Month" and "Jane" are words, not names of the reference date.
    let word_goes_on = layout.as_bytes().get(3).is_some_and(u8::is_ascii_lowercase);
    if layout.starts_with("Jan") && !word_goes_on {
        return Some((Part::Month, 3));
    }
    if layout.starts_with("Mon") && !word_goes_on {
        return Some((Part::Weekday, 3));
    }
    match layout.as_bytes().first()? {
        sign @ (b'-' | b'Z') => {
            let rest = &layout[1..];
            let (text, colon, shape) = OFFSETS.iter().find(|(text, ..)| rest.starts_with(text))?;
            Some((Part::Offset { utc_as_z: *sign == b'Z', colon: *colon, shape: *shape }, 1 + text.len()))
        }
        separator @ (b'.' | b',') => {
            let rest = &layout.as_bytes()[1..];
            let digit = *rest.first().filter(|digit| matches!(digit, b'0' | b'9'))?;
            let digits = rest.iter().take_while(|other| **other == digit).count();
            if rest.get(digits).is_some_and(u8::is_ascii_digit) {
                return None;
            }
            let separator = char::from(*separator);
            Some((Part::Fraction { digits, separator, keep_zeros: digit == b'0' }, 1 + digits))
        }
        _ => None,
    }
}

pub(super) fn month_name(month: i64) -> String {
    Int { value: month, kind: IntKind::Month }.own_text().unwrap_or_default()
}

pub(super) fn weekday_name(weekday: i64) -> String {
    Int { value: weekday, kind: IntKind::Weekday }.own_text().unwrap_or_default()
}

pub(super) fn format(civil: &Civil, layout: &str) -> String {
    let mut out = String::with_capacity(layout.len() + 10);
    let mut rest = layout;
    loop {
        let (before, part, after) = next_part(rest);
        out.push_str(before);
        match part {
            None => return out,
            Some(part) => out.push_str(&write_part(civil, part)),
        }
        rest = after;
    }
}

fn write_part(civil: &Civil, part: Part) -> String {
    let hour12 = if civil.hour % 12 == 0 { 12 } else { civil.hour % 12 };
    match part {
        Part::LongMonth => month_name(civil.month),
        Part::Month => month_name(civil.month).chars().take(3).collect(),
        Part::NumMonth => civil.month.to_string(),
        Part::ZeroMonth => format!("{:02}", civil.month),
        Part::LongWeekday => weekday_name(civil.weekday),
        Part::Weekday => weekday_name(civil.weekday).chars().take(3).collect(),
        Part::Day => civil.day.to_string(),
        Part::SpaceDay => format!("{:2}", civil.day),
        Part::ZeroDay => format!("{:02}", civil.day),
        Part::SpaceYearDay => format!("{:3}", civil.year_day),
        Part::ZeroYearDay => format!("{:03}", civil.year_day),
        Part::Hour => format!("{:02}", civil.hour),
        Part::Hour12 => hour12.to_string(),
        Part::ZeroHour12 => format!("{hour12:02}"),
        Part::Minute => civil.minute.to_string(),
        Part::ZeroMinute => format!("{:02}", civil.minute),
        Part::Second => civil.second.to_string(),
        Part::ZeroSecond => format!("{:02}", civil.second),
        Part::LongYear if civil.year < 0 => format!("-{:04}", civil.year.unsigned_abs()),
        Part::LongYear => format!("{:04}", civil.year),
        Part::Year => format!("{:02}", civil.year.rem_euclid(100)),
        Part::UpperPm => if civil.hour >= 12 { "PM" } else { "AM" }.to_owned(),
        Part::LowerPm => if civil.hour >= 12 { "pm" } else { "am" }.to_owned(),
        Part::ZoneName => {
            civil.abbreviation.clone().unwrap_or_else(|| write_offset(civil.offset_s, false, OffsetShape::Minutes))
        }
        Part::Offset { utc_as_z: true, .. } if civil.offset_s == 0 => "Z".to_owned(),
        Part::Offset { colon, shape, .. } => write_offset(civil.offset_s, colon, shape),
        Part::Fraction { digits, separator, keep_zeros } => write_fraction(civil, digits, separator, keep_zeros),
    }
}

fn write_offset(offset_s: i32, colon: bool, shape: OffsetShape) -> String {
    let sign = if offset_s < 0 { '-' } else { '+' };
    let total = offset_s.unsigned_abs();
    let (hours, minutes, seconds) = (total / 3600, total / 60 % 60, total % 60);
    let between = if colon { ":" } else { "" };
    match shape {
        OffsetShape::Hours => format!("{sign}{hours:02}"),
        OffsetShape::Minutes => format!("{sign}{hours:02}{between}{minutes:02}"),
        OffsetShape::Seconds => format!("{sign}{hours:02}{between}{minutes:02}{between}{seconds:02}"),
    }
}

fn write_fraction(civil: &Civil, digits: usize, separator: char, keep_zeros: bool) -> String {
    let all = format!("{:09}", civil.nanosecond);
    // Nanoseconds are the smallest there is; more digits are not written.
    let mut kept = &all[..digits.min(9)];
    if !keep_zeros {
        kept = kept.trim_end_matches('0');
        if kept.is_empty() {
            return String::new();
        }
    }
    format!("{separator}{kept}")
}
