//! Operators between two elements.

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
        (Point::Float(_), Point::Histogram(_)) => types("float", "histogram"),
        (Point::Histogram(_), Point::Float(_)) => types("histogram", "float"),
        (Point::Histogram(_), Point::Histogram(_)) => types("histogram", "histogram"),
    }
}
