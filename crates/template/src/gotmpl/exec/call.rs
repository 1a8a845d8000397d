//! Calls: arguments are checked against what functions and methods take, with the original's error messages.

use super::{Frame, Mark, Outcome, Runtime, Slot};
use crate::functions::{Body, Call, Function};
use crate::gotmpl::node::{Operand, Term};
use crate::limits::DEPTH_MAX;
use crate::value::{Int, Method, Parameter, Value};

/// What is called, as far as checking arguments goes.
struct Callee<'a> {
    name: &'a str,
    parameters: &'static [Parameter],
    variadic: Option<Parameter>,
}

impl Callee<'_> {
    fn parameter(&self, index: usize) -> Parameter {
        self.parameters.get(index).copied().or(self.variadic).unwrap_or(Parameter::Any)
    }
}

impl<'r> Frame<'_, 'r> {
    pub(super) fn eval_function(
        &mut self,
        dot: &Slot,
        function: &'static Function,
        mark: Mark<'r>,
        arguments: &'r [Operand],
        piped: Option<Value>,
    ) -> Outcome<Slot> {
        let callee = Callee { name: function.name, parameters: function.parameters, variadic: function.variadic };
        self.check_count(&callee, arguments.len(), piped.is_some())?;
        let body = match function.body {
            Body::Until(truth) => return self.eval_until(dot, truth, arguments, piped),
            Body::Call => return self.eval_call(dot, mark, arguments, piped),
            Body::Plain(body) => body,
        };
        let values = self.eval_arguments(dot, &callee, arguments, piped)?;
        self.charge(&values)?;
        let result = self.invoke(body, &values);
        self.finish_call(mark, function.name, result)
    }

    pub(super) fn eval_method(
        &mut self,
        dot: &Slot,
        operand: &'r Operand,
        method: &'static Method,
        receiver: &Value,
        arguments: &'r [Operand],
        piped: Option<Value>,
    ) -> Outcome<Slot> {
        let callee = Callee { name: method.name, parameters: method.parameters, variadic: None };
        self.check_count(&callee, arguments.len(), piped.is_some())?;
        let values = self.eval_arguments(dot, &callee, arguments, piped)?;
        self.charge(&values)?;
        self.charge(std::slice::from_ref(receiver))?;
        let result = (method.body)(receiver, &values);
        self.finish_call(Mark::Operand(operand), method.name, result)
    }

    /// Reading counts as work, so that a loop over a large text ends too.
    fn charge(&mut self, values: &[Value]) -> Outcome<()> {
        let bytes = values.iter().map(Value::weight_bytes).sum();
        self.runtime.budget.work(bytes).map_err(|message| self.failure(message))
    }

    fn invoke(
        &mut self,
        body: fn(&mut Call<'_, '_>, &[Value]) -> Result<Value, String>,
        values: &[Value],
    ) -> Result<Value, String> {
        let runtime: &mut Runtime<'r> = self.runtime;
        // What a function runs itself counts as nested in this call.
        runtime.budget.enter()?;
        let result = body(&mut Call::new(runtime), values);
        runtime.budget.leave();
        result
    }

    fn finish_call(&mut self, mark: Mark<'r>, name: &str, result: Result<Value, String>) -> Outcome<Slot> {
        let result = result.and_then(|value| {
            self.runtime.budget.work(value.weight_bytes())?;
            if value.depth() > DEPTH_MAX {
                return Err(format!("lists and maps are nested more than {DEPTH_MAX} deep"));
            }
            Ok(value)
        });
        match result {
            Ok(value) => Ok(Slot::typed(value)),
            Err(message) => {
                self.at(mark);
                self.fail(format!("error calling {name}: {message}"))
            }
        }
    }

    fn check_count(&self, callee: &Callee<'_>, arguments: usize, piped: bool) -> Outcome<()> {
        let (name, wanted) = (callee.name, callee.parameters.len());
        let given = arguments + usize::from(piped);
        if callee.variadic.is_some() {
            if given < wanted {
                // The original does not count what is piped in here.
                return self.fail(format!("wrong number of args for {name}: want at least {wanted} got {arguments}"));
            }
        } else if given != wanted {
            return self.fail(format!("wrong number of args for {name}: want {wanted} got {given}"));
        }
        Ok(())
    }

    fn eval_arguments(
        &mut self,
        dot: &Slot,
        callee: &Callee<'_>,
        arguments: &'r [Operand],
        piped: Option<Value>,
    ) -> Outcome<Vec<Value>> {
        let mut values = Vec::with_capacity(arguments.len() + 1);
        for (index, argument) in arguments.iter().enumerate() {
            values.push(self.eval_argument(dot, argument, callee.parameter(index))?);
        }
        if let Some(piped) = piped {
            let parameter = callee.parameter(values.len());
            values.push(self.check_type(Slot::typed(piped), parameter)?);
        }
        Ok(values)
    }

    /// `and` and `or`: the first argument with that truth, or the last.
    fn eval_until(&mut self, dot: &Slot, truth: bool, arguments: &'r [Operand], piped: Option<Value>) -> Outcome<Slot> {
        let mut value = Value::Nil;
        for argument in arguments {
            value = self.eval_argument(dot, argument, Parameter::Any)?;
            if value.is_true() == truth {
                return Ok(Slot::typed(value));
            }
        }
        Ok(Slot::typed(piped.unwrap_or(value)))
    }

    /// `call f arguments`
    fn eval_call(
        &mut self,
        dot: &Slot,
        mark: Mark<'r>,
        arguments: &'r [Operand],
        piped: Option<Value>,
    ) -> Outcome<Slot> {
        let callee = Callee { name: "call", parameters: &[], variadic: Some(Parameter::Any) };
        let mut values = self.eval_arguments(dot, &callee, arguments, piped)?;
        let name = arguments.first().map_or_else(|| "nil".to_owned(), Operand::without_parentheses);
        let result = match values.first() {
            Some(Value::Function(Function { body: Body::Plain(body), parameters, variadic, .. })) => {
                let callee = Callee { name: &name, parameters, variadic: *variadic };
                values.remove(0);
                self.charge(&values)?;
                check_call(&callee, &values).and_then(|()| self.invoke(*body, &values))
            }
            Some(Value::Nil) | None => Err("call of nil".to_owned()),
            Some(other) => Err(format!("non-function {name} of type {}", other.type_name())),
        };
        self.finish_call(mark, "call", result)
    }

    /// An argument that may be of any type, with what is known of its place.
    pub(super) fn eval_any_argument(&mut self, dot: &Slot, operand: &'r Operand) -> Outcome<Slot> {
        self.at_operand(operand);
        match &operand.term {
            Term::Dot => Ok(dot.clone()),
            Term::Nil => Ok(Slot::typed(Value::Nil)),
            Term::Field(_) | Term::Variable(_) | Term::Chain(..) => self.eval_path(dot, operand, &[], None),
            Term::Pipe(pipe) => self.eval_pipe(dot, pipe).map(Slot::typed),
            Term::Function(function) => self.eval_function(dot, function, Mark::Operand(operand), &[], None),
            Term::Bool(_) | Term::String { .. } | Term::Number(_) => self.eval_constant(operand).map(Slot::typed),
        }
    }

    fn eval_argument(&mut self, dot: &Slot, operand: &'r Operand, parameter: Parameter) -> Outcome<Value> {
        self.at_operand(operand);
        match (&operand.term, parameter) {
            (Term::Nil, _) if !parameter.accepts_nil() => {
                self.fail(format!("cannot assign nil to {}", parameter.type_name()))
            }
            (Term::Nil, _) => Ok(Value::Nil),
            (Term::Bool(_) | Term::String { .. } | Term::Number(_), Parameter::Any) => self.eval_constant(operand),
            (Term::Bool(_) | Term::String { .. } | Term::Number(_), _) => self.constant_as(operand, parameter),
            _ => {
                let slot = self.eval_any_argument(dot, operand)?;
                self.check_type(slot, parameter)
            }
        }
    }

    /// A literal where a certain type is wanted.
    fn constant_as(&self, operand: &Operand, parameter: Parameter) -> Outcome<Value> {
        let wanted = match (parameter, &operand.term) {
            (Parameter::String, Term::String { text, .. }) => return Ok(Value::String(std::sync::Arc::clone(text))),
            (Parameter::String, _) => "string",
            (Parameter::Int | Parameter::Duration, Term::Number(number)) if number.int.is_some() => {
                let value = number.int.unwrap_or_default();
                return Ok(Value::Int(if parameter == Parameter::Int {
                    Int::new(value)
                } else {
                    Int::duration(value)
                }));
            }
            (Parameter::Int | Parameter::Duration, _) => "integer",
            (other, _) => return self.fail(format!("can't handle {operand} for arg of type {}", other.type_name())),
        };
        self.fail(format!("expected {wanted}; found {operand}"))
    }

    fn check_type(&self, slot: Slot, parameter: Parameter) -> Outcome<Value> {
        if let Value::Nil = slot.value {
            if parameter.accepts_nil() {
                return Ok(Value::Nil);
            }
            let wanted = parameter.type_name();
            return self.fail(match slot.any {
                true => format!("wrong type for value; expected {wanted}; got interface {{}}"),
                false => format!("invalid value; expected {wanted}"),
            });
        }
        if parameter.accepts(&slot.value) {
            return Ok(slot.value);
        }
        let (wanted, found) = (parameter.type_name(), slot.value.type_name());
        self.fail(format!("wrong type for value; expected {wanted}; got {found}"))
    }
}

/// What [`Frame::eval_function`] checks piece by piece, for values that are there already.
fn check_call(callee: &Callee<'_>, values: &[Value]) -> Result<(), String> {
    let (name, given, wanted) = (callee.name, values.len(), callee.parameters.len());
    if given < wanted || (given > wanted && callee.variadic.is_none()) {
        let at_least = if callee.variadic.is_some() { "at least " } else { "" };
        return Err(format!("wrong number of args for {name}: got {given} want {at_least}{wanted}"));
    }
    for (index, value) in values.iter().enumerate() {
        let parameter = callee.parameter(index);
        let accepted = if let Value::Nil = value { parameter.accepts_nil() } else { parameter.accepts(value) };
        if !accepted {
            let (found, wanted) = (value.type_name(), parameter.type_name());
            return Err(format!("arg {index}: value has type {found}; should be {wanted}"));
        }
    }
    Ok(())
}
