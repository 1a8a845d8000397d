//! `rate`, `increase`, `delta`: the change over a window, extrapolated to its borders; `irate` and `idelta`: the change
//! between the last two samples.

use super::range::RangeContext;
use crate::engine::QueryError;
use crate::eval::window::View;
use crate::value::PointValue;

type Answer = Result<Option<PointValue>, QueryError>;

/// `rate`: the increase per second.
pub(crate) fn rate(view: View<'_>, context: &mut RangeContext<'_>) -> Answer {
    change(view, context, true, true)
}

/// `increase`: how much a counter went up.
pub(crate) fn increase(view: View<'_>, context: &mut RangeContext<'_>) -> Answer {
    change(view, context, true, false)
}

/// `delta`: how much a gauge changed.
pub(crate) fn delta(view: View<'_>, context: &mut RangeContext<'_>) -> Answer {
    change(view, context, false, false)
}

fn change(view: View<'_>, context: &mut RangeContext<'_>, is_counter: bool, is_rate: bool) -> Answer {
    if !view.floats.is_empty() && !view.histograms.is_empty() {
        context.remark_mixed();
        return Ok(None);
    }
    if !view.histograms.is_empty() {
        return refuse_histograms();
    }
    let (Some(first), Some(last)) = (view.floats.first(), view.floats.last()) else { return Ok(None) };
    if view.floats.len() < 2 {
        return Ok(None);
    }
    let mut result = last - first;
    if is_counter {
        for pair in view.floats.windows(2) {
            if pair[1] < pair[0] {
                result += pair[0];
            }
        }
    }
    let extrapolation = Extrapolation::new(view.float_times, context);
    let zero_at = (is_counter && result > 0.0 && *first >= 0.0).then(|| first / result);
    let factor = extrapolation.factor(is_counter, zero_at);
    let factor = if is_rate { factor / context.range_s } else { factor };
    Ok(Some(PointValue::Float(result * factor)))
}

pub(super) fn refuse_histograms() -> Answer {
    Err(QueryError::Execution { message: "native histograms are not supported here".to_owned() })
}

/// How far the samples of a window are from its borders, in seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extrapolation {
    to_start: f64,
    to_end: f64,
    sampled: f64,
    between_samples: f64,
}

impl Extrapolation {
    pub(super) fn new(times: &[i64], context: &RangeContext<'_>) -> Self {
        let (first_ms, last_ms) = (times[0], times[times.len() - 1]);
        let sampled = (last_ms - first_ms) as f64 / 1000.0;
        let gaps = times.len() - 1;
        Self {
            to_start: (first_ms - context.range_start_ms) as f64 / 1000.0,
            to_end: (context.range_end_ms - last_ms) as f64 / 1000.0,
            sampled,
            between_samples: if gaps > 0 { sampled / gaps as f64 } else { 0.0 },
        }
    }

    /// What the change between the samples is to be multiplied with to cover the whole range.
    ///
    /// Samples close to a border (up to 10% more than their usual distance) stand for all of the range up to it; else
    /// the series is taken to start or end half a distance outside of them. A counter was not below zero: `zero_at` is
    /// the part of the sampled time, before the first sample, at which it would have been there.
    pub(super) fn factor(self, is_counter: bool, zero_at: Option<f64>) -> f64 {
        let threshold = self.between_samples * 1.1;
        let mut to_start = self.to_start;
        if to_start >= threshold {
            to_start = self.between_samples / 2.0;
        }
        if is_counter && let Some(part) = zero_at {
            let to_zero = self.sampled * part;
            if to_zero < to_start {
                to_start = to_zero;
            }
        }
        let to_end = if self.to_end >= threshold { self.between_samples / 2.0 } else { self.to_end };
        if self.sampled == 0.0 { 1.0 } else { (self.sampled + to_start + to_end) / self.sampled }
    }
}

/// `irate`: the increase per second between the last two samples.
pub(crate) fn irate(view: View<'_>, context: &mut RangeContext<'_>) -> Answer {
    last_change(view, context, true)
}

/// `idelta`: the change between the last two samples.
pub(crate) fn idelta(view: View<'_>, context: &mut RangeContext<'_>) -> Answer {
    last_change(view, context, false)
}

fn last_change(view: View<'_>, _: &mut RangeContext<'_>, is_rate: bool) -> Answer {
    if !view.histograms.is_empty() {
        return refuse_histograms();
    }
    let [.., before, last] = view.floats else { return Ok(None) };
    let [.., before_ms, last_ms] = view.float_times else { return Ok(None) };
    if last_ms == before_ms {
        return Ok(None);
    }
    let change = if is_rate && last < before { *last } else { last - before };
    let seconds = (last_ms - before_ms) as f64 / 1000.0;
    Ok(Some(PointValue::Float(if is_rate { change / seconds } else { change })))
}
