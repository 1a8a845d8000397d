//! Reads times by a layout.

use jiff::Timestamp;

use super::calendar::{days_before, days_in_month};
use super::layout::{OffsetShape, Part, month_name, next_part, weekday_name};
use super::{Time, TimeError, Zone};
use crate::text::quote;

/// What was read so far.
#[derive(Debug, Default)]
struct Fields<'a> {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanosecond: i64,
    pm: Option<bool>,
    zone: Option<ReadZone<'a>>,
}

#[derive(Debug, Clone, Copy)]
enum ReadZone<'a> {
    Utc,
    Offset(i64),
    Name(&'a str),
}

/// Why a part cannot be read.
enum Trouble {
    Shape,
    Range(&'static str),
}

pub(super) fn parse(layout: &str, text: &str) -> Result<Time, TimeError> {
    let mismatch = |rest: &str, expected: &str| TimeError::Mismatch {
        text: quote(text),
        layout: quote(layout),
        reason: format!("cannot parse {} as {}", quote(rest), quote(expected)),
    };
    let invalid = |reason: String| TimeError::Invalid { text: quote(text), reason };
    let mut fields = Fields::default();
    let (mut layout_rest, mut rest) = (layout, text);
    loop {
        let (prefix, part, after) = next_part(layout_rest);
        rest = skip(rest, prefix).map_err(|rest| mismatch(rest, prefix))?;
        let Some(part) = part else {
            if rest.is_empty() {
                break;
            }
            return Err(invalid(format!("extra text: {}", quote(rest))));
        };
        let spelling = &layout_rest[prefix.len()..layout_rest.len() - after.len()];
        rest = match fields.read(part, rest, after) {
            Ok(rest) => rest,
            Err(Trouble::Shape) => return Err(mismatch(rest, spelling)),
            Err(Trouble::Range(what)) => return Err(invalid(format!("{what} out of range"))),
        };
        layout_rest = after;
    }
    fields.finish().map_err(|what| invalid(format!("{what} out of range")))
}

/// Skips `prefix`; a space there stands for any number of spaces, none included at the end.
fn skip<'a>(text: &'a str, prefix: &str) -> Result<&'a str, &'a str> {
    let mut rest = text;
    let mut expected = prefix;
    while let Some(first) = expected.chars().next() {
        if first == ' ' {
            if !rest.is_empty() && !rest.starts_with(' ') {
                return Err(rest);
            }
            expected = expected.trim_start_matches(' ');
            rest = rest.trim_start_matches(' ');
        } else {
            rest = rest.strip_prefix(first).ok_or(rest)?;
            expected = &expected[first.len_utf8()..];
        }
    }
    Ok(rest)
}

impl<'a> Fields<'a> {
    fn read(&mut self, part: Part, text: &'a str, layout_after: &str) -> Result<&'a str, Trouble> {
        match part {
            Part::LongYear => {
                let (year, rest) = digits(text, 4)?;
                self.year = year;
                Ok(rest)
            }
            Part::Year => {
                let (year, rest) = digits(text, 2)?;
                self.year = year + if year >= 69 { 1900 } else { 2000 };
                Ok(rest)
            }
            Part::Month | Part::LongMonth => {
                let short = part == Part::Month;
                let (index, rest) = name(text, 12, |index| shortened(month_name(index + 1), short))?;
                self.month = Some(index + 1);
                Ok(rest)
            }
            Part::Weekday | Part::LongWeekday => {
                let short = part == Part::Weekday;
                name(text, 7, |index| shortened(weekday_name(index), short)).map(|(_, rest)| rest)
            }
            Part::NumMonth | Part::ZeroMonth => {
                let (month, rest) = number(text, part == Part::ZeroMonth)?;
                self.month = Some(in_range(month, 1, 12, "month")?);
                Ok(rest)
            }
            Part::Day | Part::SpaceDay | Part::ZeroDay => {
                let text = if part == Part::SpaceDay { text.strip_prefix(' ').unwrap_or(text) } else { text };
                let (day, rest) = number(text, part == Part::ZeroDay)?;
                self.day = Some(day);
                Ok(rest)
            }
            Part::SpaceYearDay | Part::ZeroYearDay => {
                let spaces = text.len() - text.trim_start_matches(' ').len();
                let spaces = if part == Part::SpaceYearDay { spaces.min(2) } else { 0 };
                let (day, rest) = digits(&text[spaces..], 3 - spaces)?;
                self.year_day = Some(day);
                Ok(rest)
            }
            _ => self.read_clock(part, text, layout_after),
        }
    }

    fn read_clock(&mut self, part: Part, text: &'a str, layout_after: &str) -> Result<&'a str, Trouble> {
        match part {
            Part::Hour => {
                let (hour, rest) = number(text, false)?;
                self.hour = in_range(hour, 0, 23, "hour")?;
                Ok(rest)
            }
            Part::Hour12 | Part::ZeroHour12 => {
                let (hour, rest) = number(text, part == Part::ZeroHour12)?;
                self.hour = in_range(hour, 0, 12, "hour")?;
                Ok(rest)
            }
            Part::Minute | Part::ZeroMinute => {
                let (minute, rest) = number(text, part == Part::ZeroMinute)?;
                self.minute = in_range(minute, 0, 59, "minute")?;
                Ok(rest)
            }
            Part::Second | Part::ZeroSecond => {
                let (second, rest) = number(text, part == Part::ZeroSecond)?;
                self.second = in_range(second, 0, 59, "second")?;
                // Decimals may follow the seconds though the layout has none.
                if matches!(next_part(layout_after), ("", Some(Part::Fraction { .. }), _)) {
                    return Ok(rest);
                }
                self.read_fraction(rest)
            }
            Part::Fraction { keep_zeros: false, .. } => self.read_fraction(text),
            Part::Fraction { digits: count, .. } => {
                let rest = text.strip_prefix(['.', ',']).ok_or(Trouble::Shape)?;
                let decimals = rest.get(..count).filter(|it| all_digits(it)).ok_or(Trouble::Shape)?;
                self.nanosecond = nanoseconds(decimals);
                Ok(&rest[count..])
            }
            Part::UpperPm | Part::LowerPm => {
                let (am, pm) = if part == Part::UpperPm { ("AM", "PM") } else { ("am", "pm") };
                self.pm = Some(text.starts_with(pm));
                text.strip_prefix(am).or_else(|| text.strip_prefix(pm)).ok_or(Trouble::Shape)
            }
            Part::Offset { utc_as_z, colon, shape } => self.read_offset(text, utc_as_z, colon, shape),
            Part::ZoneName => {
                if let Some(rest) = text.strip_prefix("UTC") {
                    self.zone = Some(ReadZone::Utc);
                    return Ok(rest);
                }
                let len = zone_name_len(text).ok_or(Trouble::Shape)?;
                self.zone = Some(ReadZone::Name(&text[..len]));
                Ok(&text[len..])
            }
            _ => Err(Trouble::Shape),
        }
    }

    /// Any number of decimals, or none at all.
    fn read_fraction(&mut self, text: &'a str) -> Result<&'a str, Trouble> {
        let Some(rest) = text.strip_prefix(['.', ',']) else { return Ok(text) };
        let count = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if count == 0 {
            return Ok(text);
        }
        self.nanosecond = nanoseconds(&rest[..count]);
        Ok(&rest[count..])
    }

    fn read_offset(
        &mut self,
        text: &'a str,
        utc_as_z: bool,
        colon: bool,
        shape: OffsetShape,
    ) -> Result<&'a str, Trouble> {
        if let Some(rest) = text.strip_prefix('Z').filter(|_| utc_as_z) {
            self.zone = Some(ReadZone::Utc);
            return Ok(rest);
        }
        let sign = match text.as_bytes().first() {
            Some(b'+') => 1,
            Some(b'-') => -1,
            _ => return Err(Trouble::Shape),
        };
        let (hours, mut rest) = digits(&text[1..], 2)?;
        let mut smaller = [0, 0];
        let count = match shape {
            OffsetShape::Hours => 0,
            OffsetShape::Minutes => 1,
            OffsetShape::Seconds => 2,
        };
        for field in smaller.iter_mut().take(count) {
            if colon {
                rest = rest.strip_prefix(':').ok_or(Trouble::Shape)?;
            }
            (*field, rest) = digits(rest, 2)?;
        }
        let hours = in_range(hours, 0, 24, "time zone offset hour")?;
        let minutes = in_range(smaller[0], 0, 60, "time zone offset minute")?;
        let seconds = in_range(smaller[1], 0, 60, "time zone offset second")?;
        self.zone = Some(ReadZone::Offset(sign * ((hours * 60 + minutes) * 60 + seconds)));
        Ok(rest)
    }

    fn finish(self) -> Result<Time, &'static str> {
        let hour = match self.pm {
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
        let days = match self.year_day {
            Some(year_day) => {
                in_range(year_day, 1, days_before(self.year + 1, 1, 1) - days_before(self.year, 1, 1), "day-of-year")
                    .map_err(|_| "day-of-year")?;
                days_before(self.year, 1, year_day)
            }
            None if day < 1 || day > days_in_month(self.year, month) => return Err("day"),
            None => days_before(self.year, month, day),
        };
        let local_s = ((days * 24 + hour) * 60 + self.minute) * 60 + self.second;
        let (offset_s, zone) = match self.zone {
            None | Some(ReadZone::Utc | ReadZone::Offset(0)) => (0, Zone::Utc),
            Some(ReadZone::Offset(offset_s)) => (offset_s, Zone::Fixed { offset_s: offset_s as i32, name: None }),
            // What a name stands for depends on where one is; `GMT+3` says it, others count as UTC.
            Some(ReadZone::Name(name)) => {
                let hours: i32 = name.strip_prefix("GMT").and_then(|hours| hours.parse().ok()).unwrap_or(0);
                (i64::from(hours * 3600), Zone::Fixed { offset_s: hours * 3600, name: Some(name.into()) })
            }
        };
        let unix_ns = i128::from(local_s - offset_s) * 1_000_000_000 + i128::from(self.nanosecond);
        let timestamp = Timestamp::from_nanosecond(unix_ns).map_err(|_| "year")?;
        Ok(Time { timestamp, zone })
    }
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Exactly `count` digits.
fn digits(text: &str, count: usize) -> Result<(i64, &str), Trouble> {
    let number = text.get(..count).filter(|it| all_digits(it)).ok_or(Trouble::Shape)?;
    Ok((number.parse().map_err(|_| Trouble::Shape)?, &text[count..]))
}

/// One or two digits, or exactly two.
fn number(text: &str, two: bool) -> Result<(i64, &str), Trouble> {
    digits(text, 2).or_else(|trouble| if two { Err(trouble) } else { digits(text, 1) })
}

/// Decimals after the point; beyond nanoseconds they are dropped.
fn nanoseconds(decimals: &str) -> i64 {
    let kept = &decimals[..decimals.len().min(9)];
    kept.parse::<i64>().unwrap_or(0) * 10_i64.pow(9 - kept.len() as u32)
}

fn in_range(value: i64, low: i64, high: i64, what: &'static str) -> Result<i64, Trouble> {
    if (low..=high).contains(&value) { Ok(value) } else { Err(Trouble::Range(what)) }
}

fn shortened(name: String, short: bool) -> String {
    if short { name.chars().take(3).collect() } else { name }
}

/// The index of the name that `text` starts with, in letters of any case.
fn name(text: &str, count: i64, name_of: impl Fn(i64) -> String) -> Result<(i64, &str), Trouble> {
    for index in 0..count {
        let name = name_of(index);
        if text.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(&name)) {
            return Ok((index, &text[name.len()..]));
        }
    }
    Err(Trouble::Shape)
}

/// The length of what looks like the name of a zone: `CET`, `CEST`, `ChST`, `GMT+3`, `+03`.
fn zone_name_len(text: &str) -> Option<usize> {
    let signed = |text: &str| {
        let rest = text.strip_prefix(['+', '-'])?;
        let count = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        rest[..count].parse::<u32>().ok().filter(|hours| *hours < 24).map(|_| 1 + count)
    };
    if text.starts_with("ChST") || text.starts_with("MeST") {
        return Some(4);
    }
    if let Some(rest) = text.strip_prefix("GMT") {
        return Some(3 + signed(rest).unwrap_or(0));
    }
    if let Some(len) = signed(text) {
        return Some(len);
    }
    let upper = text.bytes().take(6).take_while(u8::is_ascii_uppercase).count();
    match upper {
        3 => Some(3),
        // Four letters end in T, except Western Indonesia's.
        4 if text.as_bytes()[3] == b'T' || text.starts_with("WITA") => Some(4),
        5 if text.as_bytes()[4] == b'T' => Some(5),
        _ => None,
    }
}
