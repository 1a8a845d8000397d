//! Functions: what they take, how they are called, and the two sets of them that users know.

use std::fmt;

use crate::error::TemplateError;
use crate::gotmpl::builtins::BUILTINS;
use crate::gotmpl::exec::Runtime;
use crate::time::Time;
use crate::value::{Map, Parameter, Value};

mod humanize;
mod json;
mod network;
mod notifications;
mod regexp;
mod rules;
mod samples;

pub(crate) use json::encode as encode_json;
pub use samples::{Sample, opaque};

/// Answers the queries of templates.
pub type QueryFn<'a> = dyn Fn(&str) -> Result<Vec<Sample>, String> + 'a;

/// What functions know of the world. All of it is handed in.
#[derive(Clone, Default)]
pub struct Environment<'a> {
    /// What time it is.
    pub now: Option<Time>,
    /// Answers `query`; without it `query` is an error.
    pub query: Option<&'a QueryFn<'a>>,
    /// Where users reach this server.
    pub external_url: &'a str,
    /// The path of that address.
    pub path_prefix: &'a str,
    /// Whether the route labels in the data are final, not templates themselves.
    pub route_labels_rendered: bool,
}

impl fmt::Debug for Environment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").field("now", &self.now).field("external_url", &self.external_url).finish()
    }
}

/// A function that templates call by name.
#[derive(Debug)]
pub struct Function {
    pub(crate) name: &'static str,
    pub(crate) parameters: &'static [Parameter],
    /// What it takes any number of, after its parameters.
    pub(crate) variadic: Option<Parameter>,
    pub(crate) body: Body,
}

/// What a function does.
pub(crate) enum Body {
    /// The first argument with that truth, or the last; the ones after it are not looked at.
    Until(bool),
    /// Calls its first argument.
    Call,
    Plain(PlainBody),
}

pub(crate) type PlainBody = fn(&mut Call<'_, '_>, &[Value]) -> Result<Value, String>;

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body")
    }
}

const ANYS: &[Parameter] = &[Parameter::Any; 2];
const STRINGS: &[Parameter] = &[Parameter::String; 3];

impl Function {
    const fn new(name: &'static str, parameters: &'static [Parameter], body: PlainBody) -> Self {
        Self { name, parameters, variadic: None, body: Body::Plain(body) }
    }

    /// A function of `count` values of any type.
    pub(crate) const fn any(name: &'static str, count: usize, body: PlainBody) -> Self {
        Self::new(name, ANYS.split_at(count).0, body)
    }

    /// A function of `count` values of any type and any number of further ones.
    pub(crate) const fn at_least(name: &'static str, count: usize, body: PlainBody) -> Self {
        Self { name, parameters: ANYS.split_at(count).0, variadic: Some(Parameter::Any), body: Body::Plain(body) }
    }

    /// A function of `count` texts.
    const fn strings(name: &'static str, count: usize, body: PlainBody) -> Self {
        Self::new(name, STRINGS.split_at(count).0, body)
    }
}

/// The functions that a template may call.
#[derive(Debug, Clone, Copy)]
pub struct Functions {
    sets: [&'static [Function]; 3],
}

impl Functions {
    /// The functions of the language itself.
    pub const BUILTINS: Self = Self { sets: [BUILTINS, &[], &[]] };
    /// The functions of rules.
    pub const RULES: Self = Self { sets: [rules::FUNCTIONS, BUILTINS, &[]] };
    /// The functions of console pages: those of rules, and `tmpl`.
    pub const CONSOLES: Self = Self { sets: [rules::FUNCTIONS, rules::CONSOLE_FUNCTIONS, BUILTINS] };
    /// The functions of notifications.
    pub const NOTIFICATIONS: Self = Self { sets: [notifications::FUNCTIONS, BUILTINS, &[]] };

    /// The function of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'static Function> {
        self.sets.iter().find_map(|set| set.iter().find(|function| function.name == name))
    }

    /// The names of all functions, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.sets.iter().flat_map(|set| set.iter().map(|function| function.name)).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// One call of a function: what it can ask of the execution that it is part of.
pub(crate) struct Call<'c, 'r> {
    runtime: &'c mut Runtime<'r>,
}

impl<'c, 'r> Call<'c, 'r> {
    pub(crate) fn new(runtime: &'c mut Runtime<'r>) -> Self {
        Self { runtime }
    }

    /// The longest text that a function may make.
    pub(crate) fn text_bytes_max(&self) -> usize {
        self.runtime.budget.text_bytes_max()
    }

    fn environment(&self) -> &'r Environment<'r> {
        self.runtime.environment
    }

    fn now(&self) -> Result<&'r Time, String> {
        self.environment().now.as_ref().ok_or_else(|| "the time is not known here".to_owned())
    }

    /// Carries out the template of that name.
    fn render(&mut self, name: &str, data: &Value) -> Result<String, TemplateError> {
        self.runtime.render(name, data)
    }

    /// The route label of that name; its value is a template for the same data, and may refer to other route labels.
    fn route_label(&mut self, name: &str) -> Result<String, String> {
        let raw = match self.runtime.data {
            Value::Object(object) => {
                let at = object.fields().iter().position(|field| field.name == "RouteLabels");
                match at.map(|at| object.field(at)) {
                    Some(Value::Map(labels)) => label_text(&labels, name),
                    _ => None,
                }
            }
            _ => None,
        };
        let Some(raw) = raw else { return Ok(String::new()) };
        if self.environment().route_labels_rendered {
            return Ok(raw);
        }
        let stack = &mut self.runtime.route_labels;
        let cyclic = stack.iter().any(|busy| busy == name);
        stack.push(name.to_owned());
        if cyclic {
            return Err(format!("route label cycle detected: {}", stack.join(" -> ")));
        }
        let text = self.runtime.render_text(&raw).map_err(|error| error.to_string())?;
        self.runtime.route_labels.pop();
        Ok(text)
    }
}

fn label_text(labels: &Map, name: &str) -> Option<String> {
    labels.get(name).and_then(|value| value.as_str().map(str::to_owned))
}

/// The text at `index`; the executor has checked that it is one.
fn text(values: &[Value], index: usize) -> &str {
    values.get(index).and_then(Value::as_str).unwrap_or_default()
}
