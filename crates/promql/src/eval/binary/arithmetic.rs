//! Operators between two elements.

use std::sync::Arc;

use metrics_model::histogram::Keep;
use metrics_model::{FloatHistogram, ResetHint};

use super::super::column::Point;
use crate::annotations::HistogramOperation;
use crate::parser::ast::BinaryOp;
use crate::value::PointValue;

/// What an operator gives for two elements.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outcome {
    /// The value; of a comparison the left element.
    pub(crate) value: Option<PointValue>,
    /// Whether a comparison holds.
    pub(crate) keep: bool,
    /// Why there is no value.
    pub(crate) problem: Option<Problem>,
    /// Custom bucket bounds had to be reconciled.
    pub(crate) reconciled: Option<HistogramOperation>,
}

/// Why two elements have no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The operator does not know these types.
    Types { left: &'static str, right: &'static str },
    /// One histogram has exponential buckets, the other custom ones.
    Buckets,
    /// One histogram says there was a reset, the other that there was none.
    ResetCollision(HistogramOperation),
}

impl Outcome {
    fn value(value: PointValue) -> Self {
        Self { value: Some(value), keep: true, problem: None, reconciled: None }
    }

    fn compared(left: PointValue, keep: bool) -> Self {
        Self { keep, ..Self::value(left) }
    }

    fn problem(problem: Problem) -> Self {
        Self { value: None, keep: false, problem: Some(problem), reconciled: None }
    }
}

/// An operator between two numbers; comparisons give 0 or 1.
pub(crate) fn scalar(op: BinaryOp, left: f64, right: f64) -> f64 {
    let truth = |holds: bool| f64::from(u8::from(holds));
    match op {
        BinaryOp::Add => left + right,
        BinaryOp::Sub => left - right,
        BinaryOp::Mul => left * right,
        BinaryOp::Div => left / right,
        BinaryOp::Mod => left % right,
        BinaryOp::Pow => left.powf(right),
        BinaryOp::Atan2 => left.atan2(right),
        BinaryOp::Equal => truth(left == right),
        BinaryOp::NotEqual => truth(left != right),
        BinaryOp::Less => truth(left < right),
        BinaryOp::LessOrEqual => truth(left <= right),
        BinaryOp::Greater => truth(left > right),
        BinaryOp::GreaterOrEqual => truth(left >= right),
        BinaryOp::TrimUpper | BinaryOp::TrimLower | BinaryOp::And | BinaryOp::Or | BinaryOp::Unless => f64::NAN,
    }
}

/// An operator between two elements of vectors.
pub(crate) fn element(op: BinaryOp, left: Point<'_>, right: Point<'_>) -> Outcome {
    let types = |left, right| Outcome::problem(Problem::Types { left, right });
    match (left, right) {
        (Point::Float(_), Point::Float(_)) if matches!(op, BinaryOp::TrimUpper | BinaryOp::TrimLower) => {
            types("float", "float")
        }
        (Point::Float(left), Point::Float(right)) if op.is_comparison() => {
            Outcome::compared(PointValue::Float(left), scalar(op, left, right) != 0.0)
        }
        (Point::Float(left), Point::Float(right)) => Outcome::value(PointValue::Float(scalar(op, left, right))),
        (Point::Float(factor), Point::Histogram(histogram)) => match op {
            BinaryOp::Mul => changed(histogram, |copy| copy.scale(factor)),
            _ => types("float", "histogram"),
        },
        (Point::Histogram(histogram), Point::Float(number)) => match op {
            BinaryOp::Mul => changed(histogram, |copy| copy.scale(number)),
            BinaryOp::Div => changed(histogram, |copy| copy.divide(number)),
            BinaryOp::TrimUpper => changed(histogram, |copy| copy.trim(number, Keep::Below)),
            BinaryOp::TrimLower => changed(histogram, |copy| copy.trim(number, Keep::Above)),
            _ => types("histogram", "float"),
        },
        (Point::Histogram(left), Point::Histogram(right)) => match op {
            BinaryOp::Add | BinaryOp::Sub => combined(op, left, right),
            BinaryOp::Equal => Outcome::compared(left_value(left), left.is_same(right)),
            BinaryOp::NotEqual => Outcome::compared(left_value(left), !left.is_same(right)),
            _ => types("histogram", "histogram"),
        },
    }
}

fn left_value(histogram: &Arc<FloatHistogram>) -> PointValue {
    PointValue::Histogram(Arc::clone(histogram))
}

fn changed(histogram: &FloatHistogram, change: impl FnOnce(&mut FloatHistogram)) -> Outcome {
    let mut copy = histogram.clone();
    change(&mut copy);
    copy.compact();
    Outcome::value(PointValue::Histogram(Arc::new(copy)))
}

/// The sum or difference of two histograms.
fn combined(op: BinaryOp, left: &FloatHistogram, right: &FloatHistogram) -> Outcome {
    let mut result = left.clone();
    let (operation, combined) = if op == BinaryOp::Add {
        (HistogramOperation::Addition, result.add(right))
    } else {
        (HistogramOperation::Subtraction, result.subtract(right))
    };
    let Ok(combined) = combined else { return Outcome::problem(Problem::Buckets) };
    if combined.reset_collision {
        return Outcome::problem(Problem::ResetCollision(operation));
    }
    if op == BinaryOp::Sub {
        result.reset_hint = ResetHint::Gauge;
    }
    result.compact();
    let reconciled = combined.bounds_reconciled.then_some(operation);
    Outcome { reconciled, ..Outcome::value(PointValue::Histogram(Arc::new(result))) }
}
