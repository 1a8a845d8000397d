//! Pipelines, commands, operands: what they come to.

use super::{Frame, Mark, Outcome, Slot};
use crate::gotmpl::node::{Command, Number, Operand, Pipe, Term};
use crate::value::{Element, Value};

impl<'r> Frame<'_, 'r> {
    /// What the pipeline comes to; its variables are set.
    pub(super) fn eval_pipe(&mut self, dot: &Slot, pipe: &'r Pipe) -> Outcome<Value> {
        let value = self.eval_commands(dot, pipe, &pipe.commands)?;
        for variable in &pipe.variables {
            let slot = Slot::typed(value.clone());
            if pipe.assigns {
                self.assign(variable, slot)?;
            } else {
                self.variables.push((variable, slot));
            }
        }
        Ok(value)
    }

    /// What `commands`, the first of `pipe`, come to.
    pub(super) fn eval_commands(&mut self, dot: &Slot, pipe: &'r Pipe, commands: &'r [Command]) -> Outcome<Value> {
        self.enter()?;
        self.at(Mark::Pipe(pipe));
        let mut value: Option<Value> = None;
        for command in commands {
            self.step()?;
            value = Some(self.eval_command(dot, command, value)?.value);
        }
        self.runtime.budget.leave();
        Ok(value.unwrap_or_default())
    }

    /// The arguments of a call as one text.
    pub(super) fn eval_joined(&mut self, dot: &Slot, pipe: &'r Pipe, command: &'r Command) -> Outcome<Value> {
        self.enter()?;
        self.at(Mark::Pipe(pipe));
        let mut values = Vec::new();
        for operand in &command.operands[1..] {
            self.step()?;
            values.push(self.eval_any_argument(dot, operand)?.value);
        }
        self.runtime.budget.leave();
        let joined = crate::gotmpl::fmt::print(&values, self.runtime.budget.text_bytes_max());
        joined.map(Value::from).map_err(|message| self.failure(message))
    }

    /// Sets the innermost variable of that name.
    pub(super) fn assign(&mut self, name: &str, slot: Slot) -> Outcome<()> {
        match self.variables.iter_mut().rev().find(|(other, _)| *other == name) {
            Some((_, variable)) => {
                *variable = slot;
                Ok(())
            }
            None => self.fail(format!("undefined variable: {name}")),
        }
    }

    fn variable(&self, name: &str) -> Outcome<Slot> {
        match self.variables.iter().rev().find(|(other, _)| *other == name) {
            Some((_, slot)) => Ok(slot.clone()),
            None => self.fail(format!("undefined variable: {name}")),
        }
    }

    fn eval_command(&mut self, dot: &Slot, command: &'r Command, piped: Option<Value>) -> Outcome<Slot> {
        let first = &command.operands[0];
        let arguments = &command.operands[1..];
        match &first.term {
            Term::Field(_) | Term::Chain(..) | Term::Variable(_) => self.eval_path(dot, first, arguments, piped),
            Term::Function(function) => {
                self.at_operand(first);
                self.eval_function(dot, function, Mark::Command(command), arguments, piped)
            }
            Term::Pipe(pipe) => {
                self.check_no_arguments(first, arguments, piped.is_some())?;
                self.eval_pipe(dot, pipe).map(Slot::typed)
            }
            constant => {
                self.at_operand(first);
                self.check_no_arguments(first, arguments, piped.is_some())?;
                match constant {
                    Term::Dot => Ok(dot.clone()),
                    Term::Nil => self.fail("nil is not a command"),
                    _ => self.eval_constant(first).map(Slot::typed),
                }
            }
        }
    }

    fn check_no_arguments(&self, first: &Operand, arguments: &[Operand], piped: bool) -> Outcome<()> {
        if arguments.is_empty() && !piped {
            return Ok(());
        }
        self.fail(format!("can't give argument to non-function {}", first.without_parentheses()))
    }

    /// A literal, where nothing else says which type it should have.
    pub(super) fn eval_constant(&mut self, operand: &'r Operand) -> Outcome<Value> {
        match &operand.term {
            Term::Bool(truth) => Ok(Value::Bool(*truth)),
            Term::String { text, .. } => Ok(Value::String(std::sync::Arc::clone(text))),
            Term::Number(number) => match ideal(number) {
                Some(value) => Ok(value),
                None => {
                    self.at_operand(operand);
                    self.fail(format!("{} overflows int", number.text))
                }
            },
            _ => self.fail(format!("can't handle assignment of {operand} to empty interface argument")),
        }
    }

    /// `.A.B`, `$x.A.B`, `(pipeline).A.B`; arguments go to the last, if that is a method.
    pub(super) fn eval_path(
        &mut self,
        dot: &Slot,
        operand: &'r Operand,
        arguments: &'r [Operand],
        piped: Option<Value>,
    ) -> Outcome<Slot> {
        self.at_operand(operand);
        let (mut receiver, names) = match &operand.term {
            Term::Field(names) => (dot.clone(), names.as_slice()),
            Term::Variable(names) => {
                let (name, fields) = names.split_first().map_or(("", [].as_slice()), |(name, rest)| (name, rest));
                (self.variable(name)?, fields)
            }
            Term::Chain(inner, names) => {
                if matches!(inner.term, Term::Nil) {
                    return self.fail(format!("indirection through explicit nil in {operand}"));
                }
                (self.eval_any_argument(dot, inner)?, names.as_slice())
            }
            _ => return self.fail(format!("can't evaluate command {operand}")),
        };
        let Some((last, before)) = names.split_last() else {
            self.check_no_arguments(operand, arguments, piped.is_some())?;
            return Ok(receiver);
        };
        for name in before {
            receiver = self.eval_field(dot, operand, name, &receiver, &[], None)?;
        }
        self.eval_field(dot, operand, last, &receiver, arguments, piped)
    }

    fn eval_field(
        &mut self,
        dot: &Slot,
        operand: &'r Operand,
        name: &str,
        receiver: &Slot,
        arguments: &'r [Operand],
        piped: Option<Value>,
    ) -> Outcome<Slot> {
        if let Value::Nil = receiver.value {
            if receiver.any {
                return self.fail(format!("nil pointer evaluating interface {{}}.{name}"));
            }
            return Ok(Slot::typed(Value::Nil));
        }
        if let Some(method) = receiver.value.method(name) {
            return self.eval_method(dot, operand, method, &receiver.value, arguments, piped);
        }
        let has_arguments = !arguments.is_empty() || piped.is_some();
        match &receiver.value {
            Value::Object(object) => {
                if let Some(index) = object.fields().iter().position(|field| field.name == name) {
                    if has_arguments {
                        return self.fail(format!("{name} has arguments but cannot be invoked as function"));
                    }
                    return Ok(Slot { value: object.field(index), any: object.fields()[index].any });
                }
            }
            Value::Map(map) => {
                if has_arguments {
                    return self.fail(format!("{name} is not a method but has arguments"));
                }
                return Ok(Slot { value: map.get_or_zero(name), any: map.map_type().element == Element::Any });
            }
            _ => {}
        }
        self.fail(format!("can't evaluate field {name} in type {}", receiver.type_name()))
    }
}

/// The value of a number by its spelling: with a point or exponent a float, else an integer. `None`: too large.
fn ideal(number: &Number) -> Option<Value> {
    if let Some((real, imaginary)) = number.complex {
        return Some(Value::Complex(real, imaginary));
    }
    let text = number.text.as_str();
    let hex_int = text.starts_with("0x") || text.starts_with("0X");
    let hex_int = hex_int && !text.contains(['p', 'P']);
    if let Some(float) = number.float
        && !hex_int
        && !text.starts_with('\'')
        && text.contains(['.', 'e', 'E', 'p', 'P'])
    {
        return Some(Value::Float(float));
    }
    number.int.map(Value::from)
}
