//! `*_over_time`: aggregations of a window.

use std::sync::Arc;

use super::histogram_sum;
use super::kahan::{Kahan, Mean};
use super::quantile::{self as quantiles, Position};
use super::range::{Answer, RangeContext, RangeFunction};
use super::sliding::{Extremes, Follower, Ranks, Sums};
use crate::annotations::Remark;
use crate::eval::window::View;
use crate::value::PointValue;

#[expect(clippy::unnecessary_wraps, reason = "the shape of all functions over windows")]
fn float(value: f64) -> Answer {
    Ok(Some(PointValue::Float(value)))
}

/// `sum_over_time` and `avg_over_time`
pub(crate) struct Sum {
    is_mean: bool,
    follower: Follower,
    sums: Sums,
}

impl Sum {
    pub(crate) fn new(is_mean: bool) -> Self {
        Self { is_mean, follower: Follower::default(), sums: Sums::default() }
    }

    fn of_floats(&mut self, view: View<'_>) -> f64 {
        let shift = self.follower.follow(view.floats_before, view.floats.len());
        match (self.sums.follow(shift, view.floats), view.floats) {
            (Some(sum), _) if self.is_mean => Mean::of_sum(sum, view.floats.len()).value(),
            (Some(sum), _) => sum.total(),
            (None, [first, rest @ ..]) if self.is_mean => {
                let mut mean = Mean::new(*first);
                rest.iter().for_each(|value| mean.add(*value));
                mean.value()
            }
            (None, values) => {
                let mut sum = Kahan::default();
                values.iter().for_each(|value| sum.add(*value));
                if sum.sum.is_infinite() { sum.sum } else { sum.total() }
            }
        }
    }
}

impl RangeFunction for Sum {
    fn clear(&mut self) {
        self.follower.clear();
        self.sums.clear();
    }

    fn value(&mut self, view: View<'_>, context: &mut RangeContext<'_>) -> Answer {
        match (view.floats.is_empty(), view.histograms.is_empty()) {
            (false, false) => {
                context.remark_mixed();
                Ok(None)
            }
            (true, _) if self.is_mean => Ok(histogram_sum::mean_of_window(view.histograms, context)),
            (true, _) => Ok(histogram_sum::sum_of_window(view.histograms, context)),
            (false, true) => float(self.of_floats(view)),
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

/// `min_over_time`, `max_over_time`, `ts_of_min_over_time`, `ts_of_max_over_time`
pub(crate) struct Extreme {
    is_max: bool,
    wants_time: bool,
    follower: Follower,
    extremes: Extremes,
}

impl Extreme {
    pub(crate) fn new(is_max: bool, wants_time: bool) -> Self {
        Self { is_max, wants_time, follower: Follower::default(), extremes: Extremes::default() }
    }
}

impl RangeFunction for Extreme {
    fn clear(&mut self) {
        self.follower.clear();
        self.extremes.clear();
    }

    fn value(&mut self, view: View<'_>, context: &mut RangeContext<'_>) -> Answer {
        let Some(last) = view.floats.len().checked_sub(1) else { return Ok(None) };
        note_histograms(view, context);
        let shift = self.follower.follow(view.floats_before, view.floats.len());
        // Of equal values the first counts, and the time of the last.
        match (self.is_max, self.wants_time) {
            (true, false) => self.extremes.follow(shift, view.floats, |value, other| value > other),
            (true, true) => self.extremes.follow(shift, view.floats, |value, other| value >= other),
            (false, false) => self.extremes.follow(shift, view.floats, |value, other| value < other),
            (false, true) => self.extremes.follow(shift, view.floats, |value, other| value <= other),
        }
        // When all are NaN the last one counts.
        let place = self.extremes.best().map_or(last, |number| number - view.floats_before);
        float(if self.wants_time { view.float_times[place] as f64 / 1000.0 } else { view.floats[place] })
    }
}

fn note_histograms(view: View<'_>, context: &mut RangeContext<'_>) {
    if !view.histograms.is_empty() {
        context.remark_ignored_histograms();
    }
}

/// `quantile_over_time`
#[derive(Default)]
pub(crate) struct Quantile {
    follower: Follower,
    ranks: Ranks,
}

impl RangeFunction for Quantile {
    fn clear(&mut self) {
        self.follower.clear();
        self.ranks.clear();
    }

    fn value(&mut self, view: View<'_>, context: &mut RangeContext<'_>) -> Answer {
        if view.floats.is_empty() {
            return Ok(None);
        }
        let given = context.scalars[0];
        if !(0.0..=1.0).contains(&given) {
            context.remark(&Remark::InvalidQuantile { given });
        }
        note_histograms(view, context);
        self.ranks.follow(self.follower.follow(view.floats_before, view.floats.len()), view.floats);
        float(match quantiles::position(given, self.ranks.len()) {
            Position::Value(value) => value,
            Position::Between { lower, upper, weight } => {
                self.ranks.at(lower) * (1.0 - weight) + self.ranks.at(upper) * weight
            }
        })
    }
}

/// `mad_over_time`
#[derive(Default)]
pub(crate) struct Deviation {
    follower: Follower,
    ranks: Ranks,
    deviations: Vec<f64>,
}

impl RangeFunction for Deviation {
    fn clear(&mut self) {
        self.follower.clear();
        self.ranks.clear();
    }

    fn value(&mut self, view: View<'_>, context: &mut RangeContext<'_>) -> Answer {
        if view.floats.is_empty() {
            return Ok(None);
        }
        note_histograms(view, context);
        self.ranks.follow(self.follower.follow(view.floats_before, view.floats.len()), view.floats);
        // NaNs sort first.
        if self.ranks.at(0).is_nan() {
            return float(f64::NAN);
        }
        let middle = (self.ranks.len() - 1) / 2;
        let median = if self.ranks.len() % 2 == 1 {
            self.ranks.at(middle)
        } else {
            self.ranks.at(middle) * 0.5 + self.ranks.at(middle + 1) * 0.5
        };
        self.deviations.clear();
        self.deviations.extend(self.ranks.sorted().map(|value| (value - median).abs()));
        float(quantiles::quantile(0.5, &mut self.deviations))
    }
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
