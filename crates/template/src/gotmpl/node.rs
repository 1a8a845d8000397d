//! The tree of a template, and how its parts are shown in error messages.

use std::fmt;

use crate::functions::Function;

/// A template with a name of its own.
#[derive(Debug)]
pub(crate) struct Tree {
    /// What `{{template "name"}}` calls it.
    pub name: String,
    /// The name of the text it was written in.
    pub source_name: String,
    /// Where each line of that text starts.
    pub line_starts: std::sync::Arc<[usize]>,
    pub nodes: Vec<Node>,
}

impl Tree {
    /// Line, counted from 1, and column, counted from 0 in bytes.
    pub(crate) fn position(&self, at: usize) -> (usize, usize) {
        let line = self.line_starts.partition_point(|start| *start <= at);
        (line, at - self.line_starts.get(line.wrapping_sub(1)).copied().unwrap_or(0))
    }

    /// Whether there is nothing in it but space.
    pub(crate) fn is_empty(&self) -> bool {
        self.nodes.iter().all(|node| matches!(node, Node::Text { text, .. } if text.trim().is_empty()))
    }
}

#[derive(Debug)]
pub(crate) enum Node {
    Text { at: usize, text: String },
    Action { at: usize, pipe: Pipe },
    If(Choice),
    With(Choice),
    Range(Box<Range>),
    Template { at: usize, name: String, pipe: Option<Pipe> },
    Break,
    Continue,
}

/// `if` or `with`, its `else if`s and its `else`.
#[derive(Debug)]
pub(crate) struct Choice {
    pub arms: Vec<Arm>,
    pub otherwise: Vec<Node>,
}

#[derive(Debug)]
pub(crate) struct Arm {
    pub pipe: Pipe,
    pub body: Vec<Node>,
}

#[derive(Debug)]
pub(crate) struct Range {
    pub pipe: Pipe,
    pub body: Vec<Node>,
    pub otherwise: Vec<Node>,
}

/// Commands, each getting the result of the one before.
#[derive(Debug)]
pub(crate) struct Pipe {
    pub at: usize,
    /// Whether the variables are assigned, not declared.
    pub assigns: bool,
    pub variables: Vec<String>,
    pub commands: Vec<Command>,
}

#[derive(Debug)]
pub(crate) struct Command {
    /// Never empty.
    pub operands: Vec<Operand>,
}

#[derive(Debug)]
pub(crate) struct Operand {
    pub at: usize,
    pub term: Term,
}

#[derive(Debug)]
pub(crate) enum Term {
    Bool(bool),
    Dot,
    Nil,
    Number(Number),
    String {
        quoted: String,
        text: std::sync::Arc<str>,
    },
    /// `.A.B`
    Field(Vec<String>),
    /// `$x.A.B`: the name with its sign, then fields.
    Variable(Vec<String>),
    Function(&'static Function),
    /// `(pipeline).A.B`
    Chain(Box<Operand>, Vec<String>),
    Pipe(Pipe),
}

/// A literal under all the types that can hold it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Number {
    pub text: String,
    pub int: Option<i64>,
    pub uint: Option<u64>,
    pub float: Option<f64>,
    pub complex: Option<(f64, f64)>,
}

impl fmt::Display for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.variables.is_empty() {
            write!(f, "{} {} ", self.variables.join(", "), if self.assigns { "=" } else { ":=" })?;
        }
        write_joined(f, &self.commands, " | ")
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_joined(f, &self.operands, " ")
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.term {
            Term::Bool(truth) => write!(f, "{truth}"),
            Term::Dot => f.write_str("."),
            Term::Nil => f.write_str("nil"),
            Term::Number(number) => f.write_str(&number.text),
            Term::String { quoted, .. } => f.write_str(quoted),
            Term::Field(names) => write_fields(f, names),
            Term::Variable(names) => f.write_str(&names.join(".")),
            Term::Function(function) => f.write_str(function.name),
            Term::Chain(operand, names) => {
                write!(f, "{operand}")?;
                write_fields(f, names)
            }
            Term::Pipe(pipe) => write!(f, "({pipe})"),
        }
    }
}

fn write_fields(f: &mut fmt::Formatter<'_>, names: &[String]) -> fmt::Result {
    names.iter().try_for_each(|name| write!(f, ".{name}"))
}

fn write_joined<T: fmt::Display>(f: &mut fmt::Formatter<'_>, items: &[T], separator: &str) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        write!(f, "{item}")?;
    }
    Ok(())
}

impl Operand {
    /// As error messages show it when it stands alone: a pipeline is then not in parentheses.
    pub(crate) fn without_parentheses(&self) -> String {
        match &self.term {
            Term::Pipe(pipe) => pipe.to_string(),
            _ => self.to_string(),
        }
    }
}

impl Command {
    /// The name of the function, if the command is a call of one.
    pub(crate) fn function_name(&self) -> Option<&'static str> {
        match self.operands.first().map(|operand| &operand.term) {
            Some(Term::Function(function)) => Some(function.name),
            _ => None,
        }
    }
}

impl Node {
    /// Where an action or template call stands, and what it looks like.
    pub(crate) fn describe(&self) -> (usize, String) {
        match self {
            Self::Action { at, pipe } => (*at, format!("{{{{{pipe}}}}}")),
            Self::Template { at, name, pipe } => {
                let argument = pipe.as_ref().map(|pipe| format!(" {pipe}")).unwrap_or_default();
                (*at, format!("{{{{template {}{argument}}}}}", crate::text::quote(name)))
            }
            _ => (0, String::new()),
        }
    }
}
