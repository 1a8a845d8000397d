//! Carries out trees.
//!
//! Which part of the template is named by an error follows the original's habit: the last part that was entered, even
//! if the evaluation has left it since.

use crate::error::TemplateError;
use crate::functions::{Environment, Functions};
use crate::html;
use crate::limits::{Budget, Limits};
use crate::set::Trees;
use crate::value::{Element, Int, Value};

use super::node::{Choice, Command, Node, Operand, Pipe, Range, Tree};

mod call;
mod eval;

/// What an execution shares between all templates that take part in it.
pub(crate) struct Runtime<'r> {
    pub trees: Trees<'r>,
    pub functions: &'r Functions,
    pub environment: &'r Environment<'r>,
    /// What the outermost template was called with.
    pub data: &'r Value,
    pub budget: Budget,
    pub output: Output,
    /// Route labels being rendered, outermost first.
    pub route_labels: Vec<String>,
}

/// What was written so far.
#[derive(Debug, Default)]
pub(crate) struct Output {
    pub text: String,
    /// In HTML, where in it the text ends.
    pub html: Option<html::Context>,
}

impl Output {
    pub(crate) fn new(escape: bool) -> Self {
        Self { text: String::new(), html: escape.then(html::Context::default) }
    }
}

impl<'r> Runtime<'r> {
    pub(crate) fn new(
        trees: Trees<'r>,
        functions: &'r Functions,
        environment: &'r Environment<'r>,
        data: &'r Value,
        limits: Limits,
        escape: bool,
    ) -> Self {
        let output = Output::new(escape);
        Self { trees, functions, environment, data, budget: Budget::new(limits), output, route_labels: Vec::new() }
    }

    /// Carries out `tree`, adding to the output.
    pub(crate) fn run(&mut self, tree: &'r Tree, dot: &Value) -> Result<(), TemplateError> {
        let slot = Slot::typed(dot.clone());
        let mut frame = Frame::new(self, tree, slot.clone());
        frame.walk(&slot, &tree.nodes).map(|_| ())
    }

    /// Carries out the template called `name` into a text of its own.
    pub(crate) fn render(&mut self, name: &str, dot: &Value) -> Result<String, TemplateError> {
        let tree = self.trees.get(name).ok_or_else(|| TemplateError::Missing { name: name.to_owned() })?;
        let escape = self.output.html.is_some();
        let outer = std::mem::replace(&mut self.output, Output::new(escape));
        let result = self.run(tree, dot).and_then(|()| self.finish(&tree.source_name));
        self.output = outer;
        result
    }

    /// Carries out `text` as a template of its own, with the data of the outermost one.
    pub(crate) fn render_text(&mut self, text: &str) -> Result<String, TemplateError> {
        let own = super::parser::parse("", text, self.functions)?;
        let mut inner = Runtime {
            trees: self.trees.with(&own),
            functions: self.functions,
            environment: self.environment,
            data: self.data,
            budget: self.budget.clone(),
            output: Output::new(self.output.html.is_some()),
            route_labels: std::mem::take(&mut self.route_labels),
        };
        let Some(tree) = own.iter().find(|tree| tree.name.is_empty()) else { return Ok(String::new()) };
        let result = inner.run(tree, self.data).and_then(|()| inner.finish(""));
        self.route_labels = std::mem::take(&mut inner.route_labels);
        self.budget = inner.budget;
        result
    }

    /// The text that was written, once nothing more comes.
    pub(crate) fn finish(&mut self, name: &str) -> Result<String, TemplateError> {
        if let Some(context) = self.output.html.as_ref().and_then(html::Context::unfinished) {
            return Err(TemplateError::UnfinishedHtml { name: name.to_owned(), context });
        }
        Ok(std::mem::take(&mut self.output.text))
    }
}

/// A value, and whether it lies where a value of any type could lie: `.Field` of nothing is nothing, but of nothing in
/// such a place it is an error.
#[derive(Debug, Clone)]
struct Slot {
    value: Value,
    any: bool,
}

impl Slot {
    fn typed(value: Value) -> Self {
        Self { value, any: false }
    }

    fn type_name(&self) -> &'static str {
        if self.any { "interface {}" } else { self.value.type_name() }
    }
}

type Outcome<T> = Result<T, TemplateError>;

/// How walking a list of nodes ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    Break,
    Continue,
}

/// The part of a template that an error is about.
#[derive(Clone, Copy)]
enum Mark<'r> {
    Template(&'r Node),
    Pipe(&'r Pipe),
    Command(&'r Command),
    Operand(&'r Operand),
}

/// One template being carried out.
struct Frame<'f, 'r> {
    runtime: &'f mut Runtime<'r>,
    tree: &'r Tree,
    /// Innermost last; a block forgets its own at its end.
    variables: Vec<(&'r str, Slot)>,
    mark: Option<Mark<'r>>,
}

impl<'f, 'r> Frame<'f, 'r> {
    fn new(runtime: &'f mut Runtime<'r>, tree: &'r Tree, data: Slot) -> Self {
        Self { runtime, tree, variables: vec![("$", data)], mark: None }
    }

    fn at(&mut self, mark: Mark<'r>) {
        self.mark = Some(mark);
    }

    fn at_operand(&mut self, operand: &'r Operand) {
        self.at(Mark::Operand(operand));
    }

    fn failure(&self, message: impl Into<String>) -> TemplateError {
        let (at, context) = match self.mark {
            None => (0, String::new()),
            Some(Mark::Pipe(pipe)) => (pipe.at, pipe.to_string()),
            Some(Mark::Command(command)) => (command.operands[0].at, command.to_string()),
            Some(Mark::Operand(operand)) => (operand.at, operand.without_parentheses()),
            Some(Mark::Template(node)) => node.describe(),
        };
        let (line, column) = self.tree.position(at);
        TemplateError::Execute {
            name: self.tree.source_name.clone(),
            line,
            column,
            template: self.tree.name.clone(),
            context,
            message: message.into(),
        }
    }

    fn fail<T>(&self, message: impl Into<String>) -> Outcome<T> {
        Err(self.failure(message))
    }

    fn step(&mut self) -> Outcome<()> {
        self.runtime.budget.step().map_err(|message| self.failure(message))
    }

    fn enter(&mut self) -> Outcome<()> {
        self.runtime.budget.enter().map_err(|message| self.failure(message))
    }

    /// Carries out `nodes` with `dot` as `.`.
    fn walk(&mut self, dot: &Slot, nodes: &'r [Node]) -> Outcome<Flow> {
        self.enter()?;
        let mut flow = Flow::On;
        for node in nodes {
            self.step()?;
            flow = self.walk_node(dot, node)?;
            if flow != Flow::On {
                break;
            }
        }
        self.runtime.budget.leave();
        Ok(flow)
    }

    fn walk_node(&mut self, dot: &Slot, node: &'r Node) -> Outcome<Flow> {
        match node {
            Node::Text { at, text } => self.write_text(*at, text)?,
            Node::Action { at, pipe } if self.runtime.output.html.is_some() && pipe.variables.is_empty() => {
                self.write_escaped(dot, *at, pipe)?;
            }
            Node::Action { pipe, .. } => {
                let value = self.eval_pipe(dot, pipe)?;
                if pipe.variables.is_empty() {
                    self.at(Mark::Template(node));
                    self.print(&value)?;
                }
            }
            Node::If(choice) => return self.walk_choice(dot, choice, false),
            Node::With(choice) => return self.walk_choice(dot, choice, true),
            Node::Range(range) => return self.walk_range(dot, range),
            Node::Template { name, pipe, .. } => self.walk_template(dot, node, name, pipe.as_ref())?,
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    fn walk_choice(&mut self, dot: &Slot, choice: &'r Choice, with: bool) -> Outcome<Flow> {
        let variables = self.variables.len();
        let mut flow = None;
        for arm in &choice.arms {
            let value = self.eval_pipe(dot, &arm.pipe)?;
            if value.is_true() {
                let value = Slot::typed(value);
                flow = Some(self.walk(if with { &value } else { dot }, &arm.body)?);
                break;
            }
        }
        let flow = match flow {
            Some(flow) => flow,
            None => self.walk(dot, &choice.otherwise)?,
        };
        self.variables.truncate(variables);
        Ok(flow)
    }

    fn walk_template(&mut self, dot: &Slot, node: &'r Node, name: &'r str, pipe: Option<&'r Pipe>) -> Outcome<()> {
        self.at(Mark::Template(node));
        let Some(tree) = self.runtime.trees.get(name) else {
            return self.fail(format!("template {} not defined", crate::text::quote(name)));
        };
        let value = match pipe {
            Some(pipe) => self.eval_pipe(dot, pipe)?,
            None => Value::Nil,
        };
        let slot = Slot::typed(value);
        Frame::new(self.runtime, tree, slot.clone()).walk(&slot, &tree.nodes)?;
        Ok(())
    }

    fn walk_range(&mut self, dot: &Slot, range: &'r Range) -> Outcome<Flow> {
        let variables = self.variables.len();
        let value = self.eval_pipe(dot, &range.pipe)?;
        let flow = match &value {
            Value::List(list) if !list.is_empty() => {
                let any = list.list_type().element == Element::Any;
                let items = list.items().iter().enumerate();
                self.iterate(
                    range,
                    items.map(|(index, item)| (Value::from(index as i64), Slot { value: item.clone(), any })),
                )?
            }
            Value::Map(map) if !map.is_empty() => {
                let any = map.map_type().element == Element::Any;
                let entries = map.entries().into_iter();
                self.iterate(range, entries.map(|(key, value)| (Value::from(key), Slot { value, any })))?
            }
            Value::Int(Int { value: count, kind }) => {
                if range.pipe.variables.len() > 1 {
                    let shown = super::fmt::plain(&value);
                    return self.fail(format!("can't use {shown} to iterate over more than one variable"));
                }
                let numbers = (0..*count).map(|value| Slot::typed(Value::Int(Int { value, kind: *kind })));
                if *count > 0 { self.iterate(range, numbers.map(|slot| (Value::Nil, slot)))? } else { None }
            }
            Value::List(_) | Value::Map(_) | Value::Nil => None,
            other => {
                let shown = super::fmt::plain(other);
                return self.fail(format!("range can't iterate over {shown}"));
            }
        };
        let flow = match flow {
            Some(flow) => flow,
            None => self.walk(dot, &range.otherwise)?,
        };
        self.variables.truncate(variables);
        Ok(flow)
    }

    /// The body for every item. `Some`, as there was at least one; what `break` and `continue` do stays inside.
    fn iterate(&mut self, range: &'r Range, items: impl Iterator<Item = (Value, Slot)>) -> Outcome<Option<Flow>> {
        let variables = self.variables.len();
        let pipe = &range.pipe;
        for (index, item) in items {
            self.step()?;
            match (pipe.variables.as_slice(), pipe.assigns) {
                ([], _) => {}
                ([value], true) => self.assign(value, item.clone())?,
                ([index_name, value], true) => {
                    self.assign(index_name, Slot::typed(index))?;
                    self.assign(value, item.clone())?;
                }
                // The pipeline has put them there: the last on top.
                ([_], false) => self.variables[variables - 1].1 = item.clone(),
                (_, false) => {
                    self.variables[variables - 1].1 = item.clone();
                    self.variables[variables - 2].1 = Slot::typed(index);
                }
                (_, true) => return self.fail("too many declarations in range"),
            }
            let flow = self.walk(&item, &range.body)?;
            self.variables.truncate(variables);
            if flow == Flow::Break {
                break;
            }
        }
        Ok(Some(Flow::On))
    }

    fn write_text(&mut self, at: usize, text: &str) -> Outcome<()> {
        match &mut self.runtime.output.html {
            Some(context) => match context.advance(text) {
                Ok(cleaned) => self.write(&cleaned),
                Err(message) => Err(self.html_failure(at, message)),
            },
            None => self.write(text),
        }
    }

    fn html_failure(&self, at: usize, message: String) -> TemplateError {
        let (line, column) = self.tree.position(at);
        TemplateError::Html { name: self.tree.source_name.clone(), line, column, message }
    }

    /// Writes what a pipeline comes to, escaped as its place in HTML asks for. Where the pipeline ends with escaping of
    /// its own, that is part of it.
    fn write_escaped(&mut self, dot: &Slot, at: usize, pipe: &'r Pipe) -> Outcome<()> {
        let own_of = |command: &Command| command.function_name().and_then(html::Own::of_function);
        let (last, before) = pipe.commands.split_last().map_or((None, &[][..]), |(last, before)| (Some(last), before));
        if let Some(misplaced) = before.iter().find_map(own_of) {
            return Err(self.html_failure(at, misplaced.disallowed()));
        }
        let own = last.and_then(own_of);
        let value = match last {
            Some(last) if own.is_some() && before.is_empty() => self.eval_joined(dot, pipe, last)?,
            Some(last) if own.is_some() && last.operands.len() == 1 => self.eval_commands(dot, pipe, before)?,
            _ => self.eval_pipe(dot, pipe)?,
        };
        // With further arguments the function has done its work already.
        let own = own.filter(|_| before.is_empty() || last.is_some_and(|last| last.operands.len() == 1));
        let limit = self.runtime.budget.text_bytes_max();
        let Some(context) = &mut self.runtime.output.html else { return Ok(()) };
        match context.escape(&value, own, limit) {
            Ok(text) => self.write(&text),
            Err(message) => Err(self.html_failure(at, message)),
        }
    }

    fn write(&mut self, text: &str) -> Outcome<()> {
        let bytes = self.runtime.output.text.len() + text.len();
        self.runtime.budget.check_output(bytes).map_err(|message| self.failure(message))?;
        self.runtime.output.text.push_str(text);
        Ok(())
    }

    fn print(&mut self, value: &Value) -> Outcome<()> {
        if let Value::Function(function) = value {
            return self.fail(format!("can't print {} of type func", function.name));
        }
        let limit = self.runtime.budget.text_bytes_max();
        match value {
            Value::Nil => self.write("<no value>"),
            Value::String(text) | Value::Safe(_, text) => self.write(text),
            value => match super::fmt::print_action(value, limit) {
                Ok(text) => self.write(&text),
                Err(message) => self.fail(message),
            },
        }
    }
}
