//! The value of arithmetic in durations, once the step and the range of the query are known.

use crate::parser::ast::{DurationOp, DurationSpec, Expr, NodeId, NodeKind};

/// What `step()` and `range()` stand for, in seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct QueryTimes {
    pub(super) step_s: f64,
    pub(super) range_s: f64,
}

/// 2^63 nanoseconds in seconds: what the original's durations hold.
const SECONDS_MAX: f64 = 9_223_372_036_854_775_808.0 / 1e9;

impl QueryTimes {
    /// A duration in milliseconds. Only offsets may be negative or zero.
    ///
    /// The error is the text that the original has, with byte offsets in it.
    pub(super) fn milliseconds(self, expr: &Expr, spec: DurationSpec, is_offset: bool) -> Result<i64, String> {
        let id = match spec {
            DurationSpec::Fixed(nanoseconds) => return Ok(nanoseconds / 1_000_000),
            DurationSpec::Computed(id) => id,
        };
        let seconds = self.seconds(expr, id)?;
        let problem = if !seconds.is_finite() {
            "duration is NaN or infinite"
        } else if seconds <= 0.0 && !is_offset {
            "duration must be greater than 0"
        } else if seconds.abs() > SECONDS_MAX {
            "duration is out of range"
        } else {
            return Ok((seconds * 1000.0) as i64);
        };
        Err(complaint(expr, id, problem))
    }

    fn seconds(self, expr: &Expr, id: NodeId) -> Result<f64, String> {
        let arithmetic = match &expr.node(id).kind {
            NodeKind::Number(number) => return Ok(number.value),
            NodeKind::Duration(arithmetic) => arithmetic,
            _ => return Err(complaint(expr, id, "unexpected duration expression")),
        };
        let left = arithmetic.lhs.map(|lhs| self.seconds(expr, lhs)).transpose()?;
        let right = arithmetic.rhs.map(|rhs| self.seconds(expr, rhs)).transpose()?.unwrap_or(0.0);
        let left_or_zero = left.unwrap_or(0.0);
        Ok(match arithmetic.op {
            DurationOp::Step => self.step_s,
            DurationOp::Range => self.range_s,
            DurationOp::MinOf => go_min(left_or_zero, right),
            DurationOp::MaxOf => go_max(left_or_zero, right),
            DurationOp::Add => left_or_zero + right,
            DurationOp::Sub if left.is_none() => -right,
            DurationOp::Sub => left_or_zero - right,
            DurationOp::Mul => left_or_zero * right,
            DurationOp::Div if right == 0.0 => return Err(complaint(expr, id, "division by zero")),
            DurationOp::Div => left_or_zero / right,
            DurationOp::Mod if right == 0.0 => return Err(complaint(expr, id, "modulo by zero")),
            DurationOp::Mod => left_or_zero % right,
            DurationOp::Pow => left_or_zero.powf(right),
        })
    }
}

fn complaint(expr: &Expr, id: NodeId, problem: &str) -> String {
    let range = &expr.node(id).range;
    format!("{}:{}: {problem}", range.start, range.end)
}

/// The smaller number; unlike [`f64::min`] a NaN on either side wins, over all but minus infinity.
pub(crate) fn go_min(a: f64, b: f64) -> f64 {
    if a == f64::NEG_INFINITY || b == f64::NEG_INFINITY {
        f64::NEG_INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else {
        a.min(b)
    }
}

/// The larger number; unlike [`f64::max`] a NaN on either side wins, over all but infinity.
pub(crate) fn go_max(a: f64, b: f64) -> f64 {
    if a == f64::INFINITY || b == f64::INFINITY {
        f64::INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else {
        a.max(b)
    }
}
