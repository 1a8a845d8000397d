//! Numbers, spans and times in forms that people read.

use crate::gotmpl::fmt::float::{shortest, significant};
use crate::text::quote;
use crate::time::Time;
use crate::value::{Int, IntKind, Value};

/// A number from a number or from a text that spells one.
pub(super) fn to_float(value: &Value) -> Result<f64, String> {
    match value {
        Value::Float(float) => Ok(*float),
        Value::String(text) => parse_float(text),
        Value::Int(Int { value, kind: IntKind::Int | IntKind::Int64 }) => Ok(*value as f64),
        Value::Int(Int { value, kind: IntKind::Duration }) => Ok(*value as f64 / 1e9),
        other => Err(format!("can't convert {} to float", other.type_name())),
    }
}

fn parse_float(text: &str) -> Result<f64, String> {
    let failed = |reason: &str| Err(format!("strconv.ParseFloat: parsing {}: {reason}", quote(text)));
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let parsed = match unsigned.get(..2) {
        Some("0x" | "0X") => crate::gotmpl::parse_float(text),
        _ if text.contains('_') => crate::gotmpl::parse_float(text),
        _ if unsigned.len() < text.len() && unsigned.eq_ignore_ascii_case("nan") => None,
        _ => text.parse::<f64>().ok(),
    };
    match parsed {
        None => failed("invalid syntax"),
        // Infinity must be spelt out to be meant.
        Some(float) if float.is_infinite() && unsigned.contains(|c: char| c.is_ascii_digit()) => {
            failed("value out of range")
        }
        Some(float) => Ok(float),
    }
}

const LARGE: [&str; 8] = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
const LARGE_BINARY: [&str; 8] = ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];
const SMALL: [&str; 8] = ["m", "u", "n", "p", "f", "a", "z", "y"];

/// `1.235M`, `120m`
pub(super) fn metric(value: &Value) -> Result<String, String> {
    let float = to_float(value)?;
    if float == 0.0 || !float.is_finite() {
        return Ok(significant(float, 4));
    }
    let (scaled, prefix) = if float.abs() >= 1.0 { scale_down(float, 1000.0, &LARGE) } else { scale_up(float) };
    Ok(format!("{}{prefix}", significant(scaled, 4)))
}

/// `1Mi`, `0.12`
pub(super) fn binary(value: &Value) -> Result<String, String> {
    let float = to_float(value)?;
    if float.abs() <= 1.0 || !float.is_finite() {
        return Ok(significant(float, 4));
    }
    let (scaled, prefix) = scale_down(float, 1024.0, &LARGE_BINARY);
    Ok(format!("{}{prefix}", significant(scaled, 4)))
}

fn scale_down(mut float: f64, base: f64, prefixes: &[&'static str]) -> (f64, &'static str) {
    let mut chosen = "";
    for prefix in prefixes {
        if float.abs() < base {
            break;
        }
        chosen = prefix;
        float /= base;
    }
    (float, chosen)
}

fn scale_up(mut float: f64) -> (f64, &'static str) {
    let mut chosen = "";
    for prefix in SMALL {
        if float.abs() >= 1.0 {
            break;
        }
        chosen = prefix;
        float *= 1000.0;
    }
    (float, chosen)
}

/// `1d 0h 0m 0s`, `12.35s`, `100ms`
pub(super) fn duration(value: &Value) -> Result<String, String> {
    let seconds = to_float(value)?;
    if !seconds.is_finite() {
        return Ok(significant(seconds, 4));
    }
    if seconds == 0.0 {
        return Ok(format!("{}s", significant(seconds, 4)));
    }
    if seconds.abs() < 1.0 {
        let (scaled, prefix) = scale_up(seconds);
        return Ok(format!("{}{prefix}s", significant(scaled, 4)));
    }
    let sign = if seconds < 0.0 { "-" } else { "" };
    let whole = to_i64(seconds.abs());
    let (days, hours, minutes, rest) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60, whole % 60);
    Ok(match (days, hours, minutes) {
        (0, 0, 0) => format!("{sign}{}s", significant(seconds.abs(), 4)),
        (0, 0, _) => format!("{sign}{minutes}m {rest}s"),
        (0, _, _) => format!("{sign}{hours}h {minutes}m {rest}s"),
        _ => format!("{sign}{days}d {hours}h {minutes}m {rest}s"),
    })
}

/// What the original's processor makes of floats beyond the range of integers: the smallest of them.
fn to_i64(float: f64) -> i64 {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    if (-BEYOND..BEYOND).contains(&float) { float as i64 } else { i64::MIN }
}

/// `12.35%`
pub(super) fn percentage(value: &Value) -> Result<String, String> {
    Ok(format!("{}%", significant(to_float(value)? * 100.0, 4)))
}

/// The time that many seconds after 1970, to the millisecond.
pub(super) fn time(value: &Value) -> Result<Time, String> {
    let seconds = to_float(value)?;
    if !seconds.is_finite() {
        return Err("value is NaN or Inf".to_owned());
    }
    let nanoseconds = seconds * 1e9;
    if nanoseconds > i64::MAX as f64 || nanoseconds < i64::MIN as f64 {
        let shown = shortest(seconds);
        return Err(format!("{shown} cannot be represented as a nanoseconds timestamp since it overflows int64"));
    }
    Ok(Time::from_unix_ms(to_i64(nanoseconds) / 1_000_000))
}

/// `2015-06-23 13:19:44.128 +0000 UTC`
pub(super) fn timestamp(value: &Value) -> Result<String, String> {
    let seconds = to_float(value)?;
    if !seconds.is_finite() {
        return Ok(significant(seconds, 4));
    }
    time(value).map(|time| time.to_string())
}

/// That many seconds as a span of time.
pub(super) fn seconds(value: &Value) -> Result<Value, String> {
    Ok(Value::Int(Int::duration(to_i64(to_float(value)? * 1e9))))
}
