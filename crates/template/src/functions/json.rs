//! `toJson`: Go's encoding, which escapes what could end a script in HTML.

use std::fmt::Write as _;

use crate::gotmpl::fmt::float::convert;
use crate::time::Time;
use crate::value::Value;

/// The value as JSON.
pub(crate) fn encode(value: &Value, bytes_max: usize) -> Result<String, String> {
    let mut out = String::new();
    write(&mut out, value, bytes_max)?;
    Ok(out)
}

fn write(out: &mut String, value: &Value, bytes_max: usize) -> Result<(), String> {
    if out.len() > bytes_max {
        return Err(format!("the result is longer than {bytes_max} bytes"));
    }
    match value {
        Value::Nil => out.push_str("null"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Int(int) => out.push_str(&int.value.to_string()),
        Value::Float(float) => out.push_str(&number(*float)?),
        Value::String(text) | Value::Safe(_, text) => string(out, text),
        Value::Time(time) => string(out, &time.format(Time::RFC3339_NANO)),
        Value::List(list) if list.is_nil() => out.push_str("null"),
        Value::List(list) => {
            out.push('[');
            for (index, item) in list.items().iter().enumerate() {
                separate(out, index);
                write(out, item, bytes_max)?;
            }
            out.push(']');
        }
        Value::Map(map) if map.is_nil() => out.push_str("null"),
        Value::Map(map) => {
            out.push('{');
            for (index, (key, value)) in map.entries().iter().enumerate() {
                member(out, index, key, value, bytes_max)?;
            }
            out.push('}');
        }
        Value::Object(object) => {
            out.push('{');
            for (index, field) in object.fields().iter().enumerate() {
                member(out, index, field.json_name, &object.field(index), bytes_max)?;
            }
            out.push('}');
        }
        Value::Complex(..) | Value::Function(_) => {
            return Err(format!("json: unsupported type: {}", value.type_name()));
        }
    }
    Ok(())
}

fn separate(out: &mut String, index: usize) {
    if index > 0 {
        out.push(',');
    }
}

fn member(out: &mut String, index: usize, key: &str, value: &Value, bytes_max: usize) -> Result<(), String> {
    separate(out, index);
    string(out, key);
    out.push(':');
    write(out, value, bytes_max)
}

/// As short as it can be; very large and very small numbers have an exponent.
fn number(value: f64) -> Result<String, String> {
    if !value.is_finite() {
        let shown = crate::gotmpl::fmt::float::shortest(value);
        return Err(format!("json: unsupported value: {shown}"));
    }
    let magnitude = value.abs();
    let sign = if value.is_sign_negative() { "-" } else { "" };
    if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        // e-09 becomes e-9.
        return Ok(format!("{sign}{}", convert(magnitude, 'e', None).replace("e-0", "e-")));
    }
    Ok(format!("{sign}{}", convert(magnitude, 'f', None)))
}

fn string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\0'..' ' | '\u{2028}' | '\u{2029}' => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
