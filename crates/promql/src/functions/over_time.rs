//! `*_over_time`: aggregations of a window.

use std::sync::Arc;

use super::kahan::{Kahan, Mean};
use super::range::RangeContext;
use super::{histogram_sum, quantile as quantiles};
use crate::annotations::Remark;
use crate::engine::QueryError;
use crate::eval::window::View;
use crate::value::PointValue;

type Answer = Result<Option<PointValue>, QueryError>;

#[expect(clippy::unnecessary_wraps, reason = "the shape of all functions over windows")]
fn float(value: f64) -> Answer {
    Ok(Some(PointValue::Float(value)))
}

/// `sum_over_time`
pub(crate) fn sum(view: View<'_>, context: &mut RangeContext<'_>) -> Answer {
    match (view.floats.is_empty(), view.histograms.is_empty()) {
        (false, false) => {
            context.remark_mixed();
            Ok(None)
        }
        (true, _) => Ok(histogram_sum::sum_of_window(view.histograms, context)),
        (false, true) => {
            let mut sum = Kahan::default();
            view.floats.iter().for_each(|value| sum.add(*value));
            float(if sum.sum.is_infinite() { sum.sum } else { sum.total() })
        }
    }
}

/// `avg_over_time`
pub(crate) fn avg(view: View<'_>, context: &mut RangeContext<'_>) -> Answer {
    match (view.floats.split_first(), view.histograms.is_empty()) {
        (Some(_), false) => {
            context.remark_mixed();
            Ok(None)
        }
        (None, _) => Ok(histogram_sum::mean_of_window(view.histograms, context)),
        (Some((first, rest)), true) => {
            let mut mean = Mean::new(*first);
            rest.iter().for_each(|value| mean.add(*value));
            float(mean.value())
        }
    }
}

/// `count_over_time`
pub(crate) fn count(view: View<'_>, _: &mut RangeContext<'_>) -> Answer {
    float((view.floats.len() + view.histograms.len()) as f64)
}

/// `present_over_time`, and the inside of `absent_over_time`.
pub(crate) fn present(_: View<'_>, _: &mut RangeContext<'_>) -> Answer {
    float(1.0)
}

/// `first_over_time`
pub(crate) fn first(view: View<'_>, _: &mut RangeContext<'_>) -> Answer {
    let histogram = view.histograms.first().zip(view.histogram_times.first());
    Ok(match (view.floats.first().zip(view.float_times.first()), histogram) {
        (Some((value, time_ms)), Some((_, other_ms))) if time_ms < other_ms => Some(PointValue::Float(*value)),
        (_, Some((histogram, _))) => Some(PointValue::Histogram(Arc::clone(histogram))),
        (Some((value, _)), None) => Some(PointValue::Float(*value)),
        (None, None) => None,
    })
}

/// `last_over_time`
pub(crate) fn last(view: View<'_>, _: &mut RangeContext<'_>) -> Answer {
    let histogram = view.histograms.last().zip(view.histogram_times.last());
    Ok(match (view.floats.last().zip(view.float_times.last()), histogram) {
        (Some((value, time_ms)), Some((_, other_ms))) if time_ms > other_ms => Some(PointValue::Float(*value)),
        (_, Some((histogram, _))) => Some(PointValue::Histogram(Arc::clone(histogram))),
        (Some((value, _)), None) => Some(PointValue::Float(*value)),
        (None, None) => None,
    })
}

/// `ts_of_first_over_time`
pub(crate) fn time_of_first(view: View<'_>, _: &mut RangeContext<'_>) -> Answer {
    let first = [view.float_times.first(), view.histogram_times.first()].into_iter().flatten().min();
    Ok(first.map(|time_ms| PointValue::Float(*time_ms as f64 / 1000.0)))
}

/// `ts_of_last_over_time`
pub(crate) fn time_of_last(view: View<'_>, _: &mut RangeContext<'_>) -> Answer {
    let last = [view.float_times.last(), view.histogram_times.last()].into_iter().flatten().max();
    Ok(last.map(|time_ms| PointValue::Float(*time_ms as f64 / 1000.0)))
}

/// `max_over_time`
pub(crate) fn max(view: View<'_>, context: &mut RangeContext<'_>) -> Answer {
    Ok(extreme(view, context, |value, best| value > best).map(|(value, _)| PointValue::Float(value)))
}

/// `min_over_time`
pub(crate) fn min(view: View<'_>, context: &mut RangeContext<'_>) -> Answer {
    Ok(extreme(view, context, |value, best| value < best).map(|(value, _)| PointValue::Float(value)))
}

/// `ts_of_max_over_time`: of equal values the last.
pub(crate) fn time_of_max(view: View<'_>, context: &mut RangeContext<'_>) -> Answer {
    Ok(extreme(view, context, |value, best| value >= best).map(|(_, time_ms)| PointValue::Float(time_ms / 1000.0)))
}

/// `ts_of_min_over_time`: of equal values the last.
pub(crate) fn time_of_min(view: View<'_>, context: &mut RangeContext<'_>) -> Answer {
    Ok(extreme(view, context, |value, best| value <= best).map(|(_, time_ms)| PointValue::Float(time_ms / 1000.0)))
}

/// The float that is better than all others, and its time in milliseconds. Anything is better than NaN.
fn extreme(view: View<'_>, context: &mut RangeContext<'_>, better: impl Fn(f64, f64) -> bool) -> Option<(f64, f64)> {
    let first = *view.floats.first()?;
    note_histograms(view, context);
    let mut best = (first, view.float_times[0]);
    for (value, time_ms) in view.floats.iter().zip(view.float_times) {
        if better(*value, best.0) || best.0.is_nan() {
            best = (*value, *time_ms);
        }
    }
    Some((best.0, best.1 as f64))
}

fn note_histograms(view: View<'_>, context: &mut RangeContext<'_>) {
    if !view.histograms.is_empty() {
        context.remark_ignored_histograms();
    }
}

/// `quantile_over_time`
pub(crate) fn quantile(view: View<'_>, context: &mut RangeContext<'_>) -> Answer {
    if view.floats.is_empty() {
        return Ok(None);
    }
    let given = context.scalars[0];
    if !(0.0..=1.0).contains(&given) {
        context.remark(&Remark::InvalidQuantile { given });
    }
    note_histograms(view, context);
    float(quantiles::quantile(given, &mut view.floats.to_vec()))
}

/// `mad_over_time`
pub(crate) fn median_absolute_deviation(view: View<'_>, context: &mut RangeContext<'_>) -> Answer {
    if view.floats.is_empty() {
        return Ok(None);
    }
    note_histograms(view, context);
    if view.floats.iter().any(|value| value.is_nan()) {
        return float(f64::NAN);
    }
    let mut values = view.floats.to_vec();
    let median = quantiles::quantile(0.5, &mut values);
    values.iter_mut().for_each(|value| *value = (*value - median).abs());
    float(quantiles::quantile(0.5, &mut values))
}

/// `stdvar_over_time`
pub(crate) fn stdvar(view: View<'_>, context: &mut RangeContext<'_>) -> Answer {
    Ok(variance(view, context).map(PointValue::Float))
}

/// `stddev_over_time`
pub(crate) fn stddev(view: View<'_>, context: &mut RangeContext<'_>) -> Answer {
    Ok(variance(view, context).map(|variance| PointValue::Float(variance.sqrt())))
}

fn variance(view: View<'_>, context: &mut RangeContext<'_>) -> Option<f64> {
    if view.floats.is_empty() {
        return None;
    }
    note_histograms(view, context);
    let (mut mean, mut squares, mut count) = (Kahan::default(), Kahan::default(), 0.0);
    for value in view.floats {
        count += 1.0;
        let delta = value - mean.total();
        mean.add(delta / count);
        squares.add(delta * (value - mean.total()));
    }
    Some(squares.total() / count)
}
