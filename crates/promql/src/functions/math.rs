//! Functions of one float, and arithmetic where Rust's differs from the original's.

use super::table::FunctionId;

/// What a function of one float computes; `None` for other functions.
pub(crate) fn float_function(function: FunctionId) -> Option<fn(f64) -> f64> {
    Some(match function {
        FunctionId::Abs => f64::abs,
        FunctionId::Ceil => f64::ceil,
        FunctionId::Floor => f64::floor,
        FunctionId::Exp => f64::exp,
        FunctionId::Sqrt => f64::sqrt,
        FunctionId::Ln => f64::ln,
        FunctionId::Log2 => f64::log2,
        FunctionId::Log10 => f64::log10,
        FunctionId::Sin => f64::sin,
        FunctionId::Cos => f64::cos,
        FunctionId::Tan => f64::tan,
        FunctionId::Asin => f64::asin,
        FunctionId::Acos => f64::acos,
        FunctionId::Atan => f64::atan,
        FunctionId::Sinh => sinh,
        FunctionId::Cosh => cosh,
        FunctionId::Tanh => f64::tanh,
        FunctionId::Asinh => f64::asinh,
        FunctionId::Acosh => f64::acosh,
        FunctionId::Atanh => f64::atanh,
        FunctionId::Rad => |degrees| degrees * std::f64::consts::PI / 180.0,
        FunctionId::Deg => |radians| radians * 180.0 / std::f64::consts::PI,
        FunctionId::Sgn => sign,
        _ => return None,
    })
}

/// From here on the other half, `e^-x`, is lost in rounding. The original then computes `e^x / 2`, which is infinite a
/// little earlier than the hyperbolic functions themselves are.
const HYPERBOLIC_LARGE: f64 = 21.0;

fn sinh(value: f64) -> f64 {
    if value.abs() > HYPERBOLIC_LARGE { (value.abs().exp() * 0.5).copysign(value) } else { value.sinh() }
}

fn cosh(value: f64) -> f64 {
    if value.abs() > HYPERBOLIC_LARGE { value.abs().exp() * 0.5 } else { value.cosh() }
}

fn sign(value: f64) -> f64 {
    if value < 0.0 {
        -1.0
    } else if value > 0.0 {
        1.0
    } else {
        // Zeros and NaN stay what they are.
        value
    }
}

/// Rounds to a multiple of `1 / inverse`, ties up.
pub(crate) fn round_to(value: f64, inverse: f64) -> f64 {
    (value * inverse + 0.5).floor() / inverse
}

/// The value between the bounds.
pub(crate) fn clamp(value: f64, low: f64, high: f64) -> f64 {
    go_max(low, go_min(high, value))
}

pub(crate) use crate::plan::duration::{go_max, go_min};
