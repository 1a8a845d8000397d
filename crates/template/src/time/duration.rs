//! Spans of time in nanoseconds, as Go prints them: `1h2m3.5s`.

use crate::value::{Int, IntKind, Method, Parameter, Value};

const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;

/// `1h2m3.5s`, `1.5ms`, `0s`
pub(crate) fn format(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let total = nanoseconds.unsigned_abs();
    if total == 0 {
        return "0s".to_owned();
    }
    if total < SECOND {
        let (unit, name) = match total {
            0..MICROSECOND => (1, "ns"),
            MICROSECOND..MILLISECOND => (MICROSECOND, "µs"),
            _ => (MILLISECOND, "ms"),
        };
        return format!("{sign}{}{name}", decimal(total, unit));
    }
    let minutes = total / (60 * SECOND);
    let seconds = decimal(total % (60 * SECOND), SECOND);
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
        (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}

/// `count / unit` with as many decimals as it takes.
fn decimal(count: u64, unit: u64) -> String {
    let whole = count / unit;
    let rest = count % unit;
    if rest == 0 {
        return whole.to_string();
    }
    let width = unit.ilog10() as usize;
    let digits = format!("{rest:0width$}");
    format!("{whole}.{}", digits.trim_end_matches('0'))
}

pub(crate) const METHODS: &[Method] = &[
    Method { name: "Abs", parameters: &[], body: |receiver, _| Ok(duration(nanoseconds(receiver).saturating_abs())) },
    Method { name: "Hours", parameters: &[], body: |receiver, _| Ok(in_units(receiver, 3600 * SECOND)) },
    Method { name: "Microseconds", parameters: &[], body: |receiver, _| Ok(whole(receiver, MICROSECOND)) },
    Method { name: "Milliseconds", parameters: &[], body: |receiver, _| Ok(whole(receiver, MILLISECOND)) },
    Method { name: "Minutes", parameters: &[], body: |receiver, _| Ok(in_units(receiver, 60 * SECOND)) },
    Method { name: "Nanoseconds", parameters: &[], body: |receiver, _| Ok(whole(receiver, 1)) },
    Method {
        name: "Round",
        parameters: &[Parameter::Duration],
        body: |receiver, arguments| Ok(round(receiver, arguments)),
    },
    Method { name: "Seconds", parameters: &[], body: |receiver, _| Ok(in_units(receiver, SECOND)) },
    Method { name: "String", parameters: &[], body: |receiver, _| Ok(format(nanoseconds(receiver)).into()) },
    Method {
        name: "Truncate",
        parameters: &[Parameter::Duration],
        body: |receiver, arguments| Ok(truncate(receiver, arguments)),
    },
];

fn duration(nanoseconds: i64) -> Value {
    Value::Int(Int::duration(nanoseconds))
}

/// The number in an integer; the executor has checked that it is one.
pub(crate) fn nanoseconds(value: &Value) -> i64 {
    match value {
        Value::Int(int) => int.value,
        _ => 0,
    }
}

fn whole(receiver: &Value, unit: u64) -> Value {
    Value::Int(Int { value: nanoseconds(receiver) / unit as i64, kind: IntKind::Int64 })
}

/// Whole units and fraction apart, as this keeps more digits than one division.
fn in_units(receiver: &Value, unit: u64) -> Value {
    let (total, unit) = (nanoseconds(receiver), unit as i64);
    Value::Float((total / unit) as f64 + (total % unit) as f64 / unit as f64)
}

fn truncate(receiver: &Value, arguments: &[Value]) -> Value {
    let (total, unit) = (nanoseconds(receiver), arguments.first().map_or(0, nanoseconds));
    duration(if unit <= 0 { total } else { total - total % unit })
}

/// To the nearest multiple, halves away from zero.
fn round(receiver: &Value, arguments: &[Value]) -> Value {
    let (total, unit) = (nanoseconds(receiver), arguments.first().map_or(0, nanoseconds));
    if unit <= 0 {
        return duration(total);
    }
    let rest = (total % unit).unsigned_abs();
    let down = total - total % unit;
    let rounded = if rest < unit.unsigned_abs() - rest { down } else { down.saturating_add(unit * total.signum()) };
    duration(rounded)
}
