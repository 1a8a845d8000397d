//! The values that templates compute with, and how callers describe their own data to templates.
//!
//! Templates were made for Go, where every value has a static type that shows: in error messages, in the zero value of
//! a missing map key, in which methods there are. So lists, maps and objects carry a description of their type, a
//! `static` of whoever defines it. Everything is cheap to clone.

use std::fmt;
use std::sync::Arc;

use crate::functions::Function;
use crate::time::Time;

mod collections;
mod int;

pub use collections::{Element, List, ListType, Map, MapType};
pub use int::{Int, IntKind};

/// Something that a template can name, print, pass on or range over.
#[derive(Debug, Clone, Default)]
pub enum Value {
    /// No value: the data was absent or nil.
    #[default]
    Nil,
    /// `true` or `false`.
    Bool(bool),
    /// Any of the integer types.
    Int(Int),
    /// A `float64`.
    Float(f64),
    /// A `complex128`: real and imaginary part. Only literals such as `2i` make them.
    Complex(f64, f64),
    /// A text.
    String(Arc<str>),
    /// A text that was declared safe for a place in HTML.
    Safe(SafeKind, Arc<str>),
    /// A sequence.
    List(List),
    /// Keys and values, sorted by key.
    Map(Map),
    /// A record with named fields.
    Object(Arc<dyn Object>),
    /// A point in time, with the zone to show it in.
    Time(Time),
    /// A function, for `call`.
    Function(&'static Function),
}

/// For which place in HTML a text was declared safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SafeKind {
    /// Markup, from `safeHtml`.
    Html,
    /// A URL or a part of one, from `safeUrl`.
    Url,
    /// An attribute with its value. Made by the escaper itself only.
    Attribute,
}

impl SafeKind {
    /// The name of the type in error messages.
    #[must_use]
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Html => "template.HTML",
            Self::Url => "template.URL",
            Self::Attribute => "template.HTMLAttr",
        }
    }
}

/// A record that templates read fields of and call methods on.
pub trait Object: fmt::Debug + Send + Sync {
    /// The name of the type in error messages, such as `template.Alert`; with a leading `*` where the original hands
    /// out a pointer.
    fn type_name(&self) -> &'static str;

    /// The fields, in the order in which they print.
    fn fields(&self) -> &'static [Field];

    /// The value of the field at `index` of [`Object::fields`].
    fn field(&self, index: usize) -> Value;

    /// What can be called on it.
    fn methods(&self) -> &'static [Method] {
        &[]
    }

    /// What it prints as, if it isn't printed field by field.
    fn text(&self) -> Option<String> {
        None
    }
}

/// A field of an [`Object`].
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// What templates call it.
    pub name: &'static str,
    /// What `toJson` calls it.
    pub json_name: &'static str,
    /// Whether it may hold values of any type.
    pub any: bool,
}

impl Field {
    /// A field with a type of its own.
    #[must_use]
    pub const fn new(name: &'static str, json_name: &'static str) -> Self {
        Self { name, json_name, any: false }
    }

    /// A field that may hold values of any type.
    #[must_use]
    pub const fn any(name: &'static str, json_name: &'static str) -> Self {
        Self { name, json_name, any: true }
    }
}

/// Something that can be called on a value: `.CommonLabels.Remove .GroupLabels.Names`.
#[derive(Debug, Clone, Copy)]
pub struct Method {
    /// What templates call it.
    pub name: &'static str,
    /// What it takes. The executor checks this before it calls.
    pub parameters: &'static [Parameter],
    /// Receiver and arguments to result; an error is a sentence for the user.
    pub body: fn(&Value, &[Value]) -> Result<Value, String>,
}

/// What a function takes at one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    /// Anything, nothing included.
    Any,
    /// A text.
    String,
    /// An `int`.
    Int,
    /// A point in time.
    Time,
    /// A span of time.
    Duration,
    /// A list of texts.
    Strings,
    /// A list of anything.
    Anys,
    /// A value of the type with this name.
    Named(&'static str),
}

impl Parameter {
    /// The name of the type in error messages.
    #[must_use]
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::String => "string",
            Self::Int => "int",
            Self::Time => "time.Time",
            Self::Duration => "time.Duration",
            Self::Strings => "[]string",
            Self::Anys => "[]interface {}",
            Self::Named(name) => name,
        }
    }

    /// Whether `value` can be passed here as it is.
    #[must_use]
    pub fn accepts(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Any, _)
            | (Self::String, Value::String(_))
            | (Self::Time, Value::Time(_))
            | (Self::Int, Value::Int(Int { kind: IntKind::Int, .. }))
            | (Self::Duration, Value::Int(Int { kind: IntKind::Duration, .. })) => true,
            (Self::Strings | Self::Anys, Value::List(list)) => list.list_type().underlying == self.type_name(),
            (Self::Named(name), value) => value.type_name() == name,
            _ => false,
        }
    }

    /// Whether nothing at all can be passed here.
    #[must_use]
    pub fn accepts_nil(self) -> bool {
        matches!(self, Self::Any | Self::Strings | Self::Anys | Self::Named(_))
    }
}

impl Value {
    /// The name of the type in error messages.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Nil => "<nil>",
            Self::Bool(_) => "bool",
            Self::Int(int) => int.kind.type_name(),
            Self::Float(_) => "float64",
            Self::Complex(..) => "complex128",
            Self::String(_) => "string",
            Self::Safe(kind, _) => kind.type_name(),
            Self::List(list) => list.list_type().name,
            Self::Map(map) => map.map_type().name,
            Self::Object(object) => object.type_name(),
            Self::Time(_) => "time.Time",
            Self::Function(_) => "func",
        }
    }

    /// Whether `if` takes it: not empty, not zero, not nil.
    #[must_use]
    pub fn is_true(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(truth) => *truth,
            Self::Int(int) => int.value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Complex(real, imaginary) => *real != 0.0 || *imaginary != 0.0,
            Self::String(text) | Self::Safe(_, text) => !text.is_empty(),
            Self::List(list) => !list.is_empty(),
            Self::Map(map) => !map.is_empty(),
            Self::Object(_) | Self::Time(_) | Self::Function(_) => true,
        }
    }

    /// The text, if it is one, declared safe or not.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) | Self::Safe(_, text) => Some(text),
            _ => None,
        }
    }

    /// The method called `name`, if the value has it.
    #[must_use]
    pub fn method(&self, name: &str) -> Option<&'static Method> {
        let methods = match self {
            Self::Int(int) => int.kind.methods(),
            Self::List(list) => list.list_type().methods,
            Self::Map(map) => map.map_type().methods,
            Self::Object(object) => object.methods(),
            Self::Time(_) => Time::METHODS,
            _ => &[],
        };
        methods.iter().find(|method| method.name == name)
    }

    /// What values of this kind print as when their type says so itself.
    #[must_use]
    pub fn own_text(&self) -> Option<String> {
        match self {
            Self::Int(int) => int.own_text(),
            Self::List(list) => list.list_type().text.map(|text| text(list)),
            Self::Map(map) => map.map_type().text.map(|text| text(map)),
            Self::Object(object) => object.text(),
            Self::Time(time) => Some(time.to_string()),
            _ => None,
        }
    }

    /// How many levels of lists and maps there are, one within the other.
    #[must_use]
    pub fn depth(&self) -> u16 {
        match self {
            Self::List(list) => list.depth(),
            Self::Map(map) => map.depth(),
            _ => 0,
        }
    }

    /// About how much memory making the value took.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        let cell = size_of::<Self>();
        match self {
            Self::String(text) | Self::Safe(_, text) => cell + text.len(),
            Self::List(list) => cell * (1 + list.len()),
            Self::Map(map) => cell * (1 + 2 * map.len()),
            _ => cell,
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(Int::new(value))
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(Arc::from(value))
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::String(Arc::from(value))
    }
}

impl From<Arc<str>> for Value {
    fn from(value: Arc<str>) -> Self {
        Self::String(value)
    }
}

impl From<Time> for Value {
    fn from(value: Time) -> Self {
        Self::Time(value)
    }
}

impl From<List> for Value {
    fn from(value: List) -> Self {
        Self::List(value)
    }
}

impl From<Map> for Value {
    fn from(value: Map) -> Self {
        Self::Map(value)
    }
}
