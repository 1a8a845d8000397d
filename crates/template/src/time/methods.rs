//! What templates can call on a time: `.StartsAt.Unix`, `.StartsAt.Add -3600000000000`.

use super::duration::nanoseconds;
use super::{Time, TimeError, calendar};
use crate::value::{Int, IntKind, Method, Parameter, Value};

impl Time {
    /// What templates can call on a time.
    pub(crate) const METHODS: &'static [Method] = &[
        Method {
            name: "Add",
            parameters: &[Parameter::Duration],
            body: |receiver, arguments| {
                let later = time(receiver)?.add_ns(arguments.first().map_or(0, nanoseconds));
                later.map(Value::Time).map_err(|error| error.to_string())
            },
        },
        Method { name: "AddDate", parameters: &[Parameter::Int, Parameter::Int, Parameter::Int], body: add_date },
        Method {
            name: "After",
            parameters: &[Parameter::Time],
            body: |receiver, arguments| Ok(Value::Bool(time(receiver)?.timestamp > argument(arguments)?.timestamp)),
        },
        Method {
            name: "Before",
            parameters: &[Parameter::Time],
            body: |receiver, arguments| Ok(Value::Bool(time(receiver)?.timestamp < argument(arguments)?.timestamp)),
        },
        Method {
            name: "Compare",
            parameters: &[Parameter::Time],
            body: |receiver, arguments| {
                Ok(Value::from(time(receiver)?.timestamp.cmp(&argument(arguments)?.timestamp) as i64))
            },
        },
        Method { name: "Day", parameters: &[], body: |receiver, _| Ok(time(receiver)?.civil().day.into()) },
        Method {
            name: "Equal",
            parameters: &[Parameter::Time],
            body: |receiver, arguments| Ok(Value::Bool(time(receiver)?.timestamp == argument(arguments)?.timestamp)),
        },
        Method {
            name: "Format",
            parameters: &[Parameter::String],
            body: |receiver, arguments| {
                Ok(time(receiver)?.format(arguments.first().and_then(Value::as_str).unwrap_or_default()).into())
            },
        },
        Method { name: "Hour", parameters: &[], body: |receiver, _| Ok(time(receiver)?.civil().hour.into()) },
        Method { name: "IsZero", parameters: &[], body: |receiver, _| Ok(time(receiver)?.is_zero().into()) },
        // Servers run in UTC, and this crate knows no other zone of the host.
        Method { name: "Local", parameters: &[], body: |receiver, _| Ok(time(receiver)?.utc().into()) },
        Method { name: "Minute", parameters: &[], body: |receiver, _| Ok(time(receiver)?.civil().minute.into()) },
        Method {
            name: "Month",
            parameters: &[],
            body: |receiver, _| Ok(Value::Int(Int { value: time(receiver)?.civil().month, kind: IntKind::Month })),
        },
        Method { name: "Nanosecond", parameters: &[], body: |receiver, _| Ok(time(receiver)?.nanosecond().into()) },
        Method {
            name: "Round",
            parameters: &[Parameter::Duration],
            body: |receiver, arguments| to_multiple(time(receiver)?, arguments, true),
        },
        Method { name: "Second", parameters: &[], body: |receiver, _| Ok(time(receiver)?.civil().second.into()) },
        Method { name: "String", parameters: &[], body: |receiver, _| Ok(time(receiver)?.to_string().into()) },
        Method {
            name: "Sub",
            parameters: &[Parameter::Time],
            body: |receiver, arguments| Ok(Value::Int(Int::duration(time(receiver)?.since_ns(argument(arguments)?)))),
        },
        Method {
            name: "Truncate",
            parameters: &[Parameter::Duration],
            body: |receiver, arguments| to_multiple(time(receiver)?, arguments, false),
        },
        Method { name: "UTC", parameters: &[], body: |receiver, _| Ok(time(receiver)?.utc().into()) },
        Method { name: "Unix", parameters: &[], body: |receiver, _| Ok(int64(time(receiver)?.unix_s())) },
        Method { name: "UnixMicro", parameters: &[], body: |receiver, _| unix(receiver, 1_000) },
        Method { name: "UnixMilli", parameters: &[], body: |receiver, _| unix(receiver, 1_000_000) },
        Method { name: "UnixNano", parameters: &[], body: |receiver, _| Ok(int64(time(receiver)?.unix_ns())) },
        Method {
            name: "Weekday",
            parameters: &[],
            body: |receiver, _| Ok(Value::Int(Int { value: time(receiver)?.civil().weekday, kind: IntKind::Weekday })),
        },
        Method { name: "Year", parameters: &[], body: |receiver, _| Ok(time(receiver)?.civil().year.into()) },
        Method { name: "YearDay", parameters: &[], body: |receiver, _| Ok(time(receiver)?.civil().year_day.into()) },
    ];
}

/// The time in a value; the executor has checked that it is one.
fn time(value: &Value) -> Result<&Time, String> {
    match value {
        Value::Time(time) => Ok(time),
        other => Err(format!("wrong type for value; expected time.Time; got {}", other.type_name())),
    }
}

fn argument(arguments: &[Value]) -> Result<&Time, String> {
    time(arguments.first().unwrap_or(&Value::Nil))
}

fn int64(value: i64) -> Value {
    Value::Int(Int { value, kind: IntKind::Int64 })
}

fn unix(receiver: &Value, unit_ns: i128) -> Result<Value, String> {
    Ok(int64(time(receiver)?.timestamp.as_nanosecond().div_euclid(unit_ns) as i64))
}

/// Years, months and days later by the calendar; days that a month does not have run on into the next.
fn add_date(receiver: &Value, arguments: &[Value]) -> Result<Value, String> {
    let time = time(receiver)?;
    let count = |at: usize| arguments.get(at).map_or(0, nanoseconds);
    let out_of_range = || TimeError::OutOfRange.to_string();
    // Further than the calendar reaches either way; bounded so that the arithmetic below cannot overflow.
    const FAR: i64 = 10_000_000;
    let bounded = |at: usize| Some(count(at)).filter(|count| (-FAR..=FAR).contains(count)).ok_or_else(out_of_range);
    let civil = time.civil();
    let days = calendar::days_before(civil.year + bounded(0)?, civil.month + bounded(1)?, civil.day + bounded(2)?);
    let shift_days = days - calendar::days_before(civil.year, civil.month, civil.day);
    let shift_ns = shift_days.checked_mul(86_400_000_000_000).ok_or_else(out_of_range)?;
    let moved = time.add_ns(shift_ns).map_err(|error| error.to_string())?;
    // The clock stays when the offset of the zone differs on the new date.
    let drift_s = i64::from(civil.offset_s) - i64::from(moved.civil().offset_s);
    moved.add_ns(drift_s * 1_000_000_000).map(Value::Time).map_err(|error| error.to_string())
}

/// To a multiple of a span since year 1: down, or to the nearest.
fn to_multiple(time: &Time, arguments: &[Value], nearest: bool) -> Result<Value, String> {
    let unit = i128::from(arguments.first().map_or(0, nanoseconds));
    if unit <= 0 {
        return Ok(Value::Time(time.clone()));
    }
    let since_zero = time.timestamp.as_nanosecond() - Time::zero().timestamp.as_nanosecond();
    let rest = since_zero.rem_euclid(unit);
    let shift = if nearest && rest + rest >= unit { unit - rest } else { -rest };
    let shift = i64::try_from(shift).map_err(|_| TimeError::OutOfRange.to_string())?;
    time.add_ns(shift).map(Value::Time).map_err(|error| error.to_string())
}
