//! The functions of notifications, as the original has them.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;

use super::{Call, Function, humanize, json, rules, text};
use crate::functions::Body;
use crate::html::escapers::url_query_unescape;
use crate::text::{title, to_lower, to_upper};
use crate::time::Time;
use crate::value::{Int, List, ListType, Map, MapType, Parameter, SafeKind, Value};

pub(super) static FUNCTIONS: &[Function] = &[
    Function {
        name: "append",
        parameters: &[Parameter::Anys],
        variadic: Some(Parameter::Any),
        body: Body::Plain(append),
    },
    Function::strings("base64decode", 1, base64_decode),
    Function::strings("base64encode", 1, |_, values| Ok(URL_SAFE.encode(text(values, 0)).into())),
    Function::new("date", &[Parameter::String, Parameter::Time], |_, values| {
        Ok(time(values, 1)?.format(text(values, 0)).into())
    }),
    Function::at_least("dict", 0, dict),
    Function::any("humanizeDuration", 1, |_, values| humanize::duration(&values[0]).map(Value::from)),
    Function::new("join", &[Parameter::String, Parameter::Strings], join),
    Function::at_least("list", 0, |_, values| Ok(Value::List(List::anys(values)))),
    Function::strings("match", 2, rules::matches),
    Function::strings("mustToDate", 2, |_, values| {
        Time::parse(text(values, 0), text(values, 1)).map(Value::Time).map_err(|error| error.to_string())
    }),
    Function::new("now", &[], |call, _| Ok(Value::Time(call.now()?.clone()))),
    Function::strings("reReplaceAll", 3, rules::replace_all),
    Function::strings("routeLabels", 1, |call, values| call.route_label(text(values, 0)).map(Value::from)),
    Function::strings("safeHtml", 1, |_, values| Ok(Value::Safe(SafeKind::Html, Arc::from(text(values, 0))))),
    Function::strings("safeUrl", 1, |_, values| Ok(Value::Safe(SafeKind::Url, Arc::from(text(values, 0))))),
    Function::new("since", &[Parameter::Time], |call, values| {
        Ok(Value::Int(Int::duration(call.now()?.since_ns(time(values, 0)?))))
    }),
    Function {
        name: "stringSlice",
        parameters: &[],
        variadic: Some(Parameter::String),
        body: Body::Plain(|_, values| Ok(Value::List(List::new(ListType::STRINGS, values)))),
    },
    Function::strings("title", 1, |_, values| Ok(title(text(values, 0), true).into())),
    Function::strings("toDate", 2, |_, values| {
        Ok(Value::Time(Time::parse(text(values, 0), text(values, 1)).unwrap_or_else(|_| Time::zero())))
    }),
    Function::any("toJson", 1, |call, values| json::encode(&values[0], call.text_bytes_max()).map(Value::from)),
    Function::strings("toLower", 1, |_, values| Ok(to_lower(text(values, 0)).into())),
    Function::strings("toUpper", 1, |_, values| Ok(to_upper(text(values, 0)).into())),
    Function::strings("trimSpace", 1, |_, values| Ok(text(values, 0).trim().into())),
    Function::new("tz", &[Parameter::String, Parameter::Time], |_, values| {
        time(values, 1)?.in_zone(text(values, 0)).map(Value::Time).map_err(|error| error.to_string())
    }),
    Function::strings("urlUnescape", 1, |_, values| url_query_unescape(text(values, 0)).map(Value::from)),
];

/// The time at `index`; the executor has checked that it is one.
fn time(values: &[Value], index: usize) -> Result<&Time, String> {
    match values.get(index) {
        Some(Value::Time(time)) => Ok(time),
        _ => Err("not a time".to_owned()),
    }
}

fn append(call: &mut Call<'_, '_>, values: &[Value]) -> Result<Value, String> {
    let (list, more) = values.split_first().ok_or("nothing to append to")?;
    let mut items = match list {
        Value::List(list) => list.items().to_vec(),
        _ => Vec::new(),
    };
    // Checked before the copy grows: the list may be long and appended to often.
    if (items.len() + more.len()).saturating_mul(size_of::<Value>()) > call.text_bytes_max() {
        return Err("the list is too long".to_owned());
    }
    items.extend_from_slice(more);
    Ok(Value::List(List::anys(items)))
}

fn base64_decode(_: &mut Call<'_, '_>, values: &[Value]) -> Result<Value, String> {
    // Line breaks do not count.
    let encoded: String = text(values, 0).chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let bytes = URL_SAFE.decode(&encoded).map_err(|error| {
        let at = match error {
            base64::DecodeError::InvalidByte(at, _) => at,
            base64::DecodeError::InvalidLastSymbol { offset, .. } => offset,
            base64::DecodeError::InvalidLength(len) => len,
            base64::DecodeError::InvalidPadding => encoded.trim_end_matches('=').len(),
        };
        format!("illegal base64 data at input byte {at}")
    })?;
    Ok(crate::text::from_bytes_lossy(&bytes).into())
}

fn dict(_: &mut Call<'_, '_>, values: &[Value]) -> Result<Value, String> {
    if !values.len().is_multiple_of(2) {
        return Err("dict requires an even number of arguments".to_owned());
    }
    let mut entries = BTreeMap::new();
    for pair in values.chunks_exact(2) {
        let Value::String(key) = &pair[0] else { return Err("dict keys must be strings".to_owned()) };
        entries.insert(Arc::clone(key), pair[1].clone());
    }
    Ok(Value::Map(Map::new(MapType::ANYS, entries)))
}

fn join(call: &mut Call<'_, '_>, values: &[Value]) -> Result<Value, String> {
    let items = match values.get(1) {
        Some(Value::List(list)) => list.items(),
        _ => &[],
    };
    let separator = text(values, 0);
    let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
    let bytes =
        texts.iter().fold(separator.len().saturating_mul(texts.len()), |sum, text| sum.saturating_add(text.len()));
    if bytes > call.text_bytes_max() {
        return Err(format!("the result is longer than {} bytes", call.text_bytes_max()));
    }
    Ok(texts.join(separator).into())
}
