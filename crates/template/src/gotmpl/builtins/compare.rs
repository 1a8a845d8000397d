//! Comparisons: types must be of a kind, except that integers of all sizes compare.

use std::cmp::Ordering;

use super::fmt::{plain, plain_by};
use crate::functions::Call;
use crate::value::{Int, Object, Value};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    Complex,
    Int,
    Float,
    String,
    Other,
}

fn kind(value: &Value) -> Kind {
    match value {
        Value::Bool(_) => Kind::Bool,
        Value::Complex(..) => Kind::Complex,
        Value::Int(_) => Kind::Int,
        Value::Float(_) => Kind::Float,
        Value::String(_) | Value::Safe(..) => Kind::String,
        _ => Kind::Other,
    }
}

fn pair(values: &[Value]) -> (&Value, &Value) {
    (values.first().unwrap_or(&Value::Nil), values.get(1).unwrap_or(&Value::Nil))
}

fn incompatible(left: &Value, right: &Value) -> String {
    format!("incompatible types for comparison: {} and {}", left.type_name(), right.type_name())
}

/// Whether the first equals any of the others.
pub(super) fn eq(_: &mut Call<'_, '_>, values: &[Value]) -> Result<Value, String> {
    let (left, others) = values.split_first().ok_or("missing argument for comparison")?;
    if others.is_empty() {
        return Err("missing argument for comparison".to_owned());
    }
    for right in others {
        if equal(left, right)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

fn equal(left: &Value, right: &Value) -> Result<bool, String> {
    match (left, right) {
        (Value::Nil, other) | (other, Value::Nil) if kind(other) != Kind::Other => Ok(false),
        (left, right) if kind(left) != kind(right) => Err(incompatible(left, right)),
        (Value::Bool(left), Value::Bool(right)) => Ok(left == right),
        (Value::Int(left), Value::Int(right)) => Ok(left.value == right.value),
        (Value::Float(left), Value::Float(right)) => Ok(left == right),
        (Value::Complex(a, b), Value::Complex(c, d)) => Ok(a == c && b == d),
        (Value::String(_) | Value::Safe(..), _) => Ok(left.as_str() == right.as_str()),
        _ => equal_others(left, right),
    }
}

fn is_nil(value: &Value) -> bool {
    match value {
        Value::Nil => true,
        Value::List(list) => list.is_nil(),
        Value::Map(map) => map.is_nil(),
        _ => false,
    }
}

/// What neither is a plain value nor the other kind of one.
fn equal_others(left: &Value, right: &Value) -> Result<bool, String> {
    if is_nil(left) && is_nil(right) {
        return Ok(true);
    }
    match (left, right) {
        (Value::Nil, _) | (_, Value::Nil) => Ok(false),
        (Value::Time(left), Value::Time(right)) => Ok(left == right),
        (Value::Object(_) | Value::Time(_), Value::Object(right)) => match (left, fields(&**right)) {
            (Value::Object(left), Some(fields_right)) => {
                Ok(left.type_name() == right.type_name() && fields(&**left).is_some_and(|left| left == fields_right))
            }
            (_, Some(_)) => Ok(false),
            (_, None) => Err(not_comparable(&Value::Object(std::sync::Arc::clone(right)))),
        },
        (Value::Object(_), Value::Time(_)) => Ok(false),
        (Value::List(_), Value::List(_)) | (Value::Map(_), Value::Map(_)) if is_nil(left) || is_nil(right) => Ok(false),
        (Value::List(_), Value::List(_)) | (Value::Map(_), Value::Map(_)) => Err(not_comparable(right)),
        _ => {
            let (left_type, right_type) = (left.type_name(), right.type_name());
            let (left, right) = (plain_by(left, 's'), plain(right));
            Err(format!("non-comparable types {left}: {left_type}, {right_type}: {right}"))
        }
    }
}

fn not_comparable(value: &Value) -> String {
    format!("non-comparable type {}: {}", plain_by(value, 's'), value.type_name())
}

/// The fields as texts that are equal when the fields are; `None` if one of them cannot be compared.
fn fields(object: &dyn Object) -> Option<Vec<String>> {
    let fields = (0..object.fields().len()).map(|index| match object.field(index) {
        Value::List(_) | Value::Map(_) | Value::Function(_) => None,
        value => Some(format!("{} {}", value.type_name(), plain(&value))),
    });
    fields.collect()
}

pub(super) fn ne(_: &mut Call<'_, '_>, values: &[Value]) -> Result<Value, String> {
    let (left, right) = pair(values);
    Ok(Value::Bool(!equal(left, right)?))
}

/// `None`: neither is less, and they aren't equal either; only NaN does that.
fn order(left: &Value, right: &Value) -> Result<Option<Ordering>, String> {
    const BAD_TYPE: &str = "invalid type for comparison";
    if kind(left) == Kind::Other || kind(right) == Kind::Other {
        return Err(BAD_TYPE.to_owned());
    }
    match (left, right) {
        (Value::Int(Int { value: left, .. }), Value::Int(Int { value: right, .. })) => Ok(Some(left.cmp(right))),
        (Value::Float(left), Value::Float(right)) => Ok(left.partial_cmp(right)),
        (Value::String(_) | Value::Safe(..), Value::String(_) | Value::Safe(..)) => {
            Ok(Some(left.as_str().cmp(&right.as_str())))
        }
        (left, right) if kind(left) != kind(right) => Err(incompatible(left, right)),
        _ => Err(BAD_TYPE.to_owned()),
    }
}

pub(super) fn lt(_: &mut Call<'_, '_>, values: &[Value]) -> Result<Value, String> {
    let (left, right) = pair(values);
    Ok(Value::Bool(order(left, right)? == Some(Ordering::Less)))
}

pub(super) fn le(_: &mut Call<'_, '_>, values: &[Value]) -> Result<Value, String> {
    let (left, right) = pair(values);
    Ok(Value::Bool(matches!(order(left, right)?, Some(Ordering::Less | Ordering::Equal))))
}

/// The opposite of [`le`], for NaN too.
pub(super) fn gt(call: &mut Call<'_, '_>, values: &[Value]) -> Result<Value, String> {
    Ok(Value::Bool(!le(call, values)?.is_true()))
}

/// The opposite of [`lt`], for NaN too.
pub(super) fn ge(call: &mut Call<'_, '_>, values: &[Value]) -> Result<Value, String> {
    Ok(Value::Bool(!lt(call, values)?.is_true()))
}
