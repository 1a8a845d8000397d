//! Escaping by place: what is harmless in text can be a script in an attribute.

use crate::value::{SafeKind, Value};

pub(crate) mod escapers;

/// Where in HTML the output has got to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Context;

impl Context {
    /// Reads text of the template itself; returns what of it is written.
    pub(crate) fn advance(&mut self, text: &str) -> String {
        text.to_owned()
    }

    /// The text of a value, escaped for this place.
    pub(crate) fn escape(&mut self, value: &Value, _: Option<&str>, bytes_max: usize) -> Result<String, String> {
        match value {
            Value::Nil => Ok(String::new()),
            Value::Safe(SafeKind::Html, text) => Ok(text.to_string()),
            value => {
                crate::gotmpl::fmt::print(std::slice::from_ref(value), bytes_max).map(|text| escapers::html(&text))
            }
        }
    }

    /// What the output ends within, if it isn't plain text.
    pub(crate) fn unfinished(&self) -> Option<String> {
        None
    }
}
