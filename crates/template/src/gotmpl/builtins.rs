//! The functions that every template has.

use super::fmt;
use crate::functions::{Body, Call, Function};
use crate::html::escapers;
use crate::value::{Int, IntKind, List, Parameter, Value};

mod compare;

const ANY: Option<Parameter> = Some(Parameter::Any);

/// The functions that every template has.
pub(crate) static BUILTINS: &[Function] = &[
    Function { name: "and", parameters: &[Parameter::Any], variadic: ANY, body: Body::Until(false) },
    Function { name: "or", parameters: &[Parameter::Any], variadic: ANY, body: Body::Until(true) },
    Function { name: "call", parameters: &[Parameter::Any], variadic: ANY, body: Body::Call },
    Function::any("not", 1, |_, values| Ok(Value::Bool(!first(values).is_true()))),
    Function::any("len", 1, |_, values| length(first(values))),
    Function::at_least("index", 1, index),
    Function::at_least("slice", 1, slice),
    Function::at_least("print", 0, |call, values| fmt::print(values, call.text_bytes_max()).map(Value::from)),
    Function::at_least("println", 0, |call, values| fmt::println(values, call.text_bytes_max()).map(Value::from)),
    Function { name: "printf", parameters: &[Parameter::String], variadic: ANY, body: Body::Plain(printf) },
    Function::at_least("html", 0, |call, values| joined(call, values).map(|text| escapers::html(&text).into())),
    Function::at_least("js", 0, |call, values| joined(call, values).map(|text| escapers::js_builtin(&text).into())),
    Function::at_least("urlquery", 0, |call, values| {
        joined(call, values).map(|text| escapers::url_query(&text).into())
    }),
    Function::at_least("eq", 1, compare::eq),
    Function::any("ne", 2, compare::ne),
    Function::any("lt", 2, compare::lt),
    Function::any("le", 2, compare::le),
    Function::any("gt", 2, compare::gt),
    Function::any("ge", 2, compare::ge),
];

fn first(values: &[Value]) -> &Value {
    values.first().unwrap_or(&Value::Nil)
}

fn printf(call: &mut Call<'_, '_>, values: &[Value]) -> Result<Value, String> {
    let (format, arguments) = values.split_first().ok_or("no format")?;
    fmt::printf(format.as_str().unwrap_or_default(), arguments, call.text_bytes_max()).map(Value::from)
}

/// The arguments as `print` would write them, except that what a pointer points to is shown plainly, and nothing as
/// actions show it.
fn joined(call: &Call<'_, '_>, values: &[Value]) -> Result<String, String> {
    if let [value] = values
        && !matches!(value, Value::Nil)
    {
        return fmt::print_action(value, call.text_bytes_max());
    }
    let shown: Vec<Value> =
        values.iter().map(|value| if let Value::Nil = value { "<no value>".into() } else { value.clone() }).collect();
    fmt::print(&shown, call.text_bytes_max())
}

fn length(value: &Value) -> Result<Value, String> {
    let len = match value {
        Value::String(text) | Value::Safe(_, text) => text.len(),
        Value::List(list) => list.len(),
        Value::Map(map) => map.len(),
        Value::Nil => return Err("reflect: call of reflect.Value.Type on zero Value".to_owned()),
        other => return Err(format!("len of type {}", other.type_name())),
    };
    Ok(Value::from(len as i64))
}

/// `index x 1 "a"` is the member "a" of the member 1 of x.
fn index(_: &mut Call<'_, '_>, values: &[Value]) -> Result<Value, String> {
    let (item, indexes) = values.split_first().ok_or("index of untyped nil")?;
    if let Value::Nil = item {
        return Err("index of untyped nil".to_owned());
    }
    let mut item = item.clone();
    for index in indexes {
        item = match &item {
            Value::List(list) => {
                let at = position(index, list.len())?;
                let found = list.items().get(at).cloned();
                found.ok_or("reflect: slice index out of range")?
            }
            Value::String(text) | Value::Safe(_, text) => {
                let at = position(index, text.len())?;
                let byte = text.as_bytes().get(at).ok_or("reflect: string index out of range")?;
                Value::Int(Int { value: i64::from(*byte), kind: IntKind::Uint8 })
            }
            Value::Map(map) => match index {
                Value::String(key) => map.get_or_zero(key),
                Value::Nil => return Err("value is nil; should be of type string".to_owned()),
                other => return Err(format!("value has type {}; should be string", other.type_name())),
            },
            Value::Nil => return Err("index of nil pointer".to_owned()),
            other => return Err(format!("can't index item of type {}", other.type_name())),
        };
    }
    Ok(item)
}

/// An index from 0 to `cap`.
fn position(index: &Value, cap: usize) -> Result<usize, String> {
    match index {
        Value::Int(Int { value, .. }) => {
            usize::try_from(*value).ok().filter(|at| *at <= cap).ok_or_else(|| format!("index out of range: {value}"))
        }
        Value::Nil => Err("cannot index slice/array with nil".to_owned()),
        other => Err(format!("cannot index slice/array with type {}", other.type_name())),
    }
}

/// `slice x 1 2` are the members of x from 1 up to 2.
fn slice(_: &mut Call<'_, '_>, values: &[Value]) -> Result<Value, String> {
    let (item, indexes) = values.split_first().ok_or("slice of untyped nil")?;
    if indexes.len() > 3 {
        return Err(format!("too many slice indexes: {}", indexes.len()));
    }
    let len = match item {
        Value::Nil => return Err("slice of untyped nil".to_owned()),
        Value::String(_) | Value::Safe(..) if indexes.len() == 3 => {
            return Err("cannot 3-index slice a string".to_owned());
        }
        Value::String(text) | Value::Safe(_, text) => text.len(),
        Value::List(list) => list.len(),
        other => return Err(format!("can't slice item of type {}", other.type_name())),
    };
    let mut bounds = [0, len, len];
    for (bound, index) in bounds.iter_mut().zip(indexes) {
        *bound = position(index, len)?;
    }
    let [start, end, cap] = bounds;
    if start > end {
        return Err(format!("invalid slice index: {start} > {end}"));
    }
    if end > cap {
        return Err(format!("invalid slice index: {end} > {cap}"));
    }
    Ok(match item {
        Value::List(list) => Value::List(List::new(list.list_type(), list.items()[start..end].to_vec())),
        // Bounds count bytes; half a character is none.
        Value::String(text) => crate::text::from_bytes_lossy(&text.as_bytes()[start..end]).into(),
        Value::Safe(kind, text) => {
            Value::Safe(*kind, crate::text::from_bytes_lossy(&text.as_bytes()[start..end]).into())
        }
        _ => Value::Nil,
    })
}
