//! Operators between two expressions.

mod arithmetic;
mod matching;
mod sets;

use super::column::{Column, Point, Scalars, VectorSeries, is_absent};
use super::{Data, Evaluated, Evaluator, unexpected};
use crate::annotations::Remark;
use crate::parser::ast::BinaryOp;
use crate::plan::{BinaryPlan, Op, PlanId, Steps};
pub(crate) use arithmetic::{Outcome, Problem, element, scalar};

impl Evaluator<'_> {
    /// The value of an operator. Chains of operators lean to the left and can be long, so they are walked in a loop.
    pub(super) fn binary_chain(&mut self, id: PlanId, steps: Steps) -> Evaluated<Data> {
        let plan = self.plan;
        let mut chain = Vec::new();
        let mut leftmost = id;
        while let Op::Binary(binary) = &plan.node(leftmost).op {
            chain.push((binary, plan.node(leftmost).position));
            leftmost = binary.lhs;
        }
        let mark = self.budget.mark();
        let mut left = self.eval(leftmost, steps)?;
        for (binary, position) in chain.into_iter().rev() {
            let right = self.eval(binary.rhs, steps)?;
            left = self.binary(binary, left, right, position, steps)?;
            self.budget.rewind(mark);
            match &left {
                Data::Vector(all) => self.hold(all)?,
                Data::Scalar(scalars) => self.budget.hold(scalars.values().len(), scalars.values().len() * 8)?,
                Data::Text(_) | Data::Matrix(_) => {}
            }
        }
        Ok(left)
    }

    fn binary(
        &mut self,
        binary: &BinaryPlan,
        left: Data,
        right: Data,
        position: usize,
        steps: Steps,
    ) -> Evaluated<Data> {
        match (left, right) {
            (Data::Scalar(left), Data::Scalar(right)) => {
                let op = binary.op;
                Ok(Data::Scalar(left.zip(&right, |left, right| scalar(op, left, right))))
            }
            (Data::Vector(all), Data::Scalar(scalars)) => {
                self.with_scalar(binary, all, &scalars, false, position, steps)
            }
            (Data::Scalar(scalars), Data::Vector(all)) => {
                self.with_scalar(binary, all, &scalars, true, position, steps)
            }
            (Data::Vector(left), Data::Vector(right)) if binary.op.is_set() => {
                self.set_operation(binary, left, right, steps)
            }
            (Data::Vector(left), Data::Vector(right)) => self.matched(binary, left, right, position, steps),
            _ => Err(unexpected("scalars or instant vectors")),
        }
    }

    /// An operator between a vector and a scalar; `swapped` when the scalar is on the left.
    fn with_scalar(
        &mut self,
        binary: &BinaryPlan,
        all: Vec<VectorSeries>,
        scalars: &Scalars,
        swapped: bool,
        position: usize,
        steps: Steps,
    ) -> Evaluated<Data> {
        let mut results = Vec::with_capacity(all.len());
        for mut series in all {
            self.budget.check()?;
            if series.column.histograms().is_empty() && !is_trim(binary.op) {
                float_column(&mut series.column, binary, scalars, swapped);
            } else {
                series.column = self.mixed_column(&series.column, binary, scalars, swapped, position);
            }
            if series.column.is_empty() {
                continue;
            }
            if changes_meaning(binary.op) || binary.return_bool {
                self.drop_name(&mut series);
            }
            results.push(series);
        }
        Ok(Data::Vector(self.unique(results, steps)?))
    }

    /// The general case of [`float_column`].
    fn mixed_column(
        &mut self,
        column: &Column,
        binary: &BinaryPlan,
        scalars: &Scalars,
        swapped: bool,
        position: usize,
    ) -> Column {
        let mut result = Column::default();
        for (step, point) in column.points() {
            let other = Point::Float(scalars.at(step));
            let (left, right) = if swapped { (other, point) } else { (point, other) };
            let outcome = element(binary.op, left, right);
            if let Some(Problem::Types { left, right }) = outcome.problem {
                let operator = binary.op.as_str();
                self.annotations.add(&Remark::IncompatibleTypes { left, operator, right }, position);
            }
            // A remark that is an info means that there is no value.
            if outcome.problem.is_some() {
                continue;
            }
            let value = match outcome.value {
                // Of a comparison the vector's element is what stays, on whichever side it is.
                Some(_) if binary.op.is_comparison() => Some(point.to_value()),
                other => other,
            };
            if binary.return_bool {
                result.push_float(step, f64::from(u8::from(outcome.keep)));
            } else if outcome.keep
                && let Some(value) = value
            {
                result.push(step, value);
            }
        }
        result
    }
}

/// Applies an operator with a scalar to all floats in place.
fn float_column(column: &mut Column, binary: &BinaryPlan, scalars: &Scalars, swapped: bool) {
    let op = binary.op;
    if !op.is_comparison() {
        // One loop for each operator, so that the operator is not looked at for each value.
        match op {
            BinaryOp::Add => each(column, scalars, swapped, |a, b| a + b),
            BinaryOp::Sub => each(column, scalars, swapped, |a, b| a - b),
            BinaryOp::Mul => each(column, scalars, swapped, |a, b| a * b),
            BinaryOp::Div => each(column, scalars, swapped, |a, b| a / b),
            _ => each(column, scalars, swapped, |a, b| scalar(op, a, b)),
        }
        return;
    }
    let return_bool = binary.return_bool;
    let first = column.floats().0;
    for (at, value) in column.floats_mut().iter_mut().enumerate() {
        if is_absent(*value) {
            continue;
        }
        let other = scalars.at(first + at);
        let (left, right) = if swapped { (other, *value) } else { (*value, other) };
        let keep = scalar(op, left, right) != 0.0;
        if return_bool {
            *value = f64::from(u8::from(keep));
        } else if !keep {
            *value = super::column::absent();
        }
    }
}

/// Applies `combine` to every float and the scalar at its step.
fn each(column: &mut Column, scalars: &Scalars, swapped: bool, combine: impl Fn(f64, f64) -> f64) {
    let first = column.floats().0;
    for (at, value) in column.floats_mut().iter_mut().enumerate() {
        if !is_absent(*value) {
            let other = scalars.at(first + at);
            *value = if swapped { combine(other, *value) } else { combine(*value, other) };
        }
    }
}

/// Whether the result is no longer the metric that the operand was.
pub(crate) fn changes_meaning(op: BinaryOp) -> bool {
    matches!(
        op,
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::Div | BinaryOp::Mul | BinaryOp::Pow | BinaryOp::Mod | BinaryOp::Atan2
    )
}

fn is_trim(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::TrimUpper | BinaryOp::TrimLower)
}
