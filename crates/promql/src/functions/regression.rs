//! Trends of a window: linear regression and double exponential smoothing.

use super::kahan::Kahan;
use super::range::{Answer, RangeContext};
use crate::engine::QueryError;
use crate::eval::window::View;
use crate::value::PointValue;

/// `deriv`: the slope per second.
pub(crate) fn deriv(view: View<'_>, context: &mut RangeContext<'_>) -> Answer {
    if !has_two_floats(view, context) {
        return Ok(None);
    }
    // Times near those in use keep the numbers small.
    let (slope, _) = linear_regression(view, view.float_times[0]);
    Ok(Some(PointValue::Float(slope)))
}

/// `predict_linear`: the value that the trend reaches some seconds from now.
pub(crate) fn predict_linear(view: View<'_>, context: &mut RangeContext<'_>) -> Answer {
    if !has_two_floats(view, context) {
        return Ok(None);
    }
    let (slope, intercept) = linear_regression(view, context.time_ms);
    Ok(Some(PointValue::Float(slope * context.scalars[0] + intercept)))
}

/// Whether there are two floats to draw a line through. Histograms beside at least one float are remarked on.
fn has_two_floats(view: View<'_>, context: &mut RangeContext<'_>) -> bool {
    if !view.floats.is_empty() && !view.histograms.is_empty() {
        context.remark_ignored_histograms();
    }
    view.floats.len() >= 2
}

/// Slope per second and value at `intercept_ms` of the line of least squares.
fn linear_regression(view: View<'_>, intercept_ms: i64) -> (f64, f64) {
    let first = view.floats[0];
    let mut is_constant = true;
    let (mut sum_x, mut sum_y, mut sum_xy, mut sum_x2) =
        (Kahan::default(), Kahan::default(), Kahan::default(), Kahan::default());
    for (time_ms, y) in view.float_times.iter().zip(view.floats) {
        is_constant &= *y == first;
        let x = (time_ms - intercept_ms) as f64 / 1e3;
        sum_x.add(x);
        sum_y.add(*y);
        sum_xy.add(x * y);
        sum_x2.add(x * x);
    }
    if is_constant {
        return if first.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, first) };
    }
    let n = view.floats.len() as f64;
    let (sum_x, sum_y) = (sum_x.total(), sum_y.total());
    let covariance = sum_xy.total() - sum_x * sum_y / n;
    let variance = sum_x2.total() - sum_x * sum_x / n;
    let slope = covariance / variance;
    (slope, sum_y / n - slope * sum_x / n)
}

/// `double_exponential_smoothing`: a weighted average that follows the trend.
pub(crate) fn double_exponential_smoothing(view: View<'_>, context: &mut RangeContext<'_>) -> Answer {
    let [smoothing, trend_factor] = context.scalars;
    for (name, factor, symbol) in [("smoothing", smoothing, "sf"), ("trend", trend_factor, "tf")] {
        if factor <= 0.0 || factor >= 1.0 {
            let message = format!("invalid {name} factor. Expected: 0 < {symbol} < 1, got: {factor:.6}");
            return Err(QueryError::Execution { message });
        }
    }
    if !has_two_floats(view, context) {
        return Ok(None);
    }
    let (mut before, mut level) = (0.0, view.floats[0]);
    let mut trend = view.floats[1] - view.floats[0];
    for (at, value) in view.floats.iter().enumerate().skip(1) {
        if at > 1 {
            trend = trend_factor * (level - before) + (1.0 - trend_factor) * trend;
        }
        let next = smoothing * value + (1.0 - smoothing) * (level + trend);
        (before, level) = (level, next);
    }
    Ok(Some(PointValue::Float(level)))
}
