//! `rate`, `increase`, `delta`: the change over a window, extrapolated to its borders; `irate` and `idelta`: the change
//! between the last two samples.

use std::sync::Arc;

use metrics_model::{FloatHistogram, ResetHint};
use rustc_hash::FxHashMap;

use super::histogram_rate::{self, IncompatibleRange};
use super::range::{Answer, RangeContext, RangeFunction};
use super::sliding::{Follower, Marks};
use super::{extended, start_times};
use crate::annotations::{HistogramOperation, Remark};
use crate::eval::column::{Column, absent};
use crate::eval::shapes::Ahead;
use crate::eval::window::View;
use crate::value::PointValue;

/// Which change is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Change {
    /// Falling means that a counter started over.
    pub(crate) is_counter: bool,
    /// Per second.
    pub(crate) is_rate: bool,
}

/// `rate`, the increase per second; `increase`, how much a counter went up; `delta`, how much a gauge changed.
pub(crate) struct Rate {
    change: Change,
    floats: Follower,
    /// Where floats fell, and from what.
    falls: Marks<f64>,
    histograms: Follower,
    /// Where histograms started over.
    resets: Marks<()>,
    extrapolations: ExtrapolationsByShape,
}

impl Rate {
    pub(crate) fn new(is_counter: bool, is_rate: bool) -> Self {
        Self {
            change: Change { is_counter, is_rate },
            floats: Follower::default(),
            falls: Marks::default(),
            histograms: Follower::default(),
            resets: Marks::default(),
            extrapolations: ExtrapolationsByShape::default(),
        }
    }
}

impl RangeFunction for Rate {
    fn clear(&mut self) {
        self.floats.clear();
        self.falls.clear();
        self.histograms.clear();
        self.resets.clear();
    }

    fn values(&mut self, ahead: &Ahead<'_>, range_s: f64, column: &mut Column) -> bool {
        let change = self.change;
        let (first_step, windows) = self.extrapolations.of(ahead, change.is_rate.then_some(range_s));
        let floats = ahead.floats;
        let falls: Vec<u32> = if change.is_counter { falls(floats) } else { Vec::new() };
        if falls.is_empty() {
            column.extend_floats(
                first_step,
                windows.iter().map(|window| {
                    let first = floats[window.first as usize];
                    window.extrapolate(floats[window.last as usize] - first, first, change.is_counter)
                }),
            );
        } else {
            let mut falls = &falls[..];
            column.extend_floats(
                first_step,
                windows.iter().map(|window| {
                    let first = floats[window.first as usize];
                    falls = &falls[falls.partition_point(|at| *at <= window.first)..];
                    let inside = falls.iter().take_while(|at| **at <= window.last);
                    let change =
                        inside.fold(floats[window.last as usize] - first, |sum, at| sum + floats[*at as usize - 1]);
                    window.extrapolate(change, first, true)
                }),
            );
        }
        true
    }

    fn value(&mut self, view: View<'_>, context: &mut RangeContext<'_>) -> Answer {
        let change = self.change;
        if !view.floats.is_empty() && !view.histograms.is_empty() {
            context.remark_mixed();
            return Ok(None);
        }
        if let Some(extension) = context.extension {
            return Ok(if view.histograms.is_empty() {
                extended::float_change(view, context, change, extension).map(PointValue::Float)
            } else {
                histogram_rate::extended_change(view, context, change, extension)
            });
        }
        Ok(if view.histograms.is_empty() {
            self.float_change(view, context).map(PointValue::Float)
        } else {
            self.histogram_change(view, context).map(|histogram| PointValue::Histogram(Arc::new(histogram)))
        })
    }
}

impl Rate {
    /// What a counter had reached each time it started over, added to `sum`.
    fn add_falls(&mut self, view: View<'_>, context: &mut RangeContext<'_>, sum: f64) -> f64 {
        if !view.float_starts.is_empty() {
            return sum + start_times::float_resets(view, context);
        }
        let floats = view.floats;
        let shift = self.floats.follow(view.floats_before, floats.len());
        let fall = |place: usize| (floats[place] < floats[place - 1]).then(|| floats[place - 1]);
        self.falls.follow(shift, floats.len(), fall);
        self.falls.iter().fold(sum, |sum, (_, reached)| sum + reached)
    }

    fn float_change(&mut self, view: View<'_>, context: &mut RangeContext<'_>) -> Option<f64> {
        let change = self.change;
        let (first, last) = (*view.floats.first()?, *view.floats.last()?);
        let mut result = last - first;
        if change.is_counter {
            result = self.add_falls(view, context, result);
        }
        let extrapolation = Extrapolation::new(view.float_times, context);
        let started_inside = change.is_counter.then(|| view.float_starts.first()).flatten();
        let factor = match extrapolation.factor_since(started_inside.copied(), view.float_times, context) {
            Some(factor) => {
                // The counter was zero at its start.
                result += first;
                factor
            }
            None if view.floats.len() < 2 => return None,
            None => {
                let zero_at = (change.is_counter && result > 0.0 && first >= 0.0).then(|| first / result);
                extrapolation.factor(zero_at)
            }
        };
        Some(result * if change.is_rate { factor / context.range_s } else { factor })
    }

    /// Looks for resets among the histograms of a window, where they are not those of start times.
    fn follow_resets(&mut self, view: View<'_>) {
        if self.change.is_counter && view.histogram_starts.is_empty() {
            let all = view.histograms;
            let shift = self.histograms.follow(view.histograms_before, all.len());
            let reset = |place: usize| all[place].is_reset_after(&all[place - 1]).then_some(());
            self.resets.follow(shift, all.len(), reset);
        }
    }

    fn histogram_change(&mut self, view: View<'_>, context: &mut RangeContext<'_>) -> Option<FloatHistogram> {
        let change = self.change;
        let first = view.histograms.first()?;
        let mut result = None;
        self.follow_resets(view);
        if view.histograms.len() > 1 {
            let resets = self.resets.iter().map(|(number, ())| number - view.histograms_before);
            result = Some(histogram_rate::change(view, context, change.is_counter, resets)?);
        }
        let extrapolation = Extrapolation::new(view.histogram_times, context);
        let started_inside = change.is_counter.then(|| view.histogram_starts.first()).flatten();
        let since = extrapolation.factor_since(started_inside.copied(), view.histogram_times, context);
        let (mut result, factor) = match since {
            Some(factor) => match result {
                None => (FloatHistogram::clone(first), factor),
                Some(mut result) => {
                    histogram_rate::add(&mut result, first, context).ok()?;
                    (result, factor)
                }
            },
            None => {
                let result = result?;
                let has_zero = change.is_counter && result.count > 0.0 && first.count >= 0.0;
                let zero_at = has_zero.then(|| first.count / result.count);
                (result, extrapolation.factor(zero_at))
            }
        };
        result.scale(if change.is_rate { factor / context.range_s } else { factor });
        Some(result)
    }
}

/// How far the samples of a window are from its borders, in seconds.
#[derive(Debug, Clone, Copy, Default)]
struct Extrapolation {
    to_start: f64,
    to_end: f64,
    sampled: f64,
    between_samples: f64,
}

/// The places at which floats are less than the one before.
fn falls(floats: &[f64]) -> Vec<u32> {
    // Without a branch for each value; few counters fall.
    let has_fall = floats.windows(2).fold(false, |has_fall, pair| has_fall | (pair[1] < pair[0]));
    if !has_fall {
        return Vec::new();
    }
    (1..floats.len()).filter(|at| floats[*at] < floats[at - 1]).map(|at| at as u32).collect()
}

/// A window over floats with what only depends on their times.
#[derive(Debug, Clone, Copy)]
struct Extrapolated {
    /// Places of the first and the last float. The same for a window of one, which has no value.
    first: u32,
    last: u32,
    extrapolation: Extrapolation,
    /// How far the value goes on before the first float, in seconds, if zero is not near.
    to_start: f64,
    /// What changes are multiplied with, if zero is not near.
    factor: f64,
    /// Changes are divided by it; 1 if the change per second is not wanted.
    per_s: f64,
}

impl Extrapolated {
    fn new(ahead: &Ahead<'_>, step: usize, (low, high): (u32, u32), range_s: Option<f64>) -> Self {
        let (range_start_ms, range_end_ms) = ahead.grid.window(step);
        let times = &ahead.times[low as usize..high as usize];
        let per_s = range_s.unwrap_or(1.0);
        if times.len() < 2 {
            let (extrapolation, factor) = (Extrapolation::default(), absent());
            return Self { first: low, last: low, extrapolation, to_start: 0.0, factor, per_s };
        }
        let extrapolation = Extrapolation::between(times, range_start_ms, range_end_ms);
        let factor = extrapolation.factor(None) / per_s;
        let to_start = extrapolation.to_start();
        Self { first: low, last: high - 1, extrapolation, to_start, factor, per_s }
    }

    fn extrapolate(&self, change: f64, first: f64, is_counter: bool) -> f64 {
        if self.first == self.last {
            return absent();
        }
        let (sampled, to_start) = (self.extrapolation.sampled, self.to_start);
        // Close to zero, but not exact: without a division.
        let is_near_zero =
            is_counter && change > 0.0 && first >= 0.0 && first * sampled <= change * to_start * 1.000_001;
        if is_near_zero {
            return change * (self.extrapolation.factor(Some(first / change)) / self.per_s);
        }
        change * self.factor
    }
}

/// The extrapolations of windows of the same shape.
#[derive(Debug, Default)]
struct ExtrapolationsByShape {
    known: FxHashMap<u64, (usize, Vec<Extrapolated>)>,
}

/// Windows that are remembered: 3 MB.
const SHAPES_MAX: usize = 256;

impl ExtrapolationsByShape {
    /// The first step with a value, and the windows from there to the last one with a value.
    fn of(&mut self, ahead: &Ahead<'_>, range_s: Option<f64>) -> (usize, &[Extrapolated]) {
        if self.known.len() > SHAPES_MAX {
            self.known.clear();
        }
        let (first_step, windows) = self.known.entry(ahead.shape.number).or_insert_with(|| {
            let shape = ahead.shape;
            let has_value = |bounds: &(u32, u32)| bounds.1 > bounds.0 + 1;
            let first = shape.bounds.iter().position(has_value).unwrap_or(shape.bounds.len());
            let end = shape.bounds.iter().rposition(has_value).map_or(first, |last| last + 1);
            let step = shape.first_step + first;
            let windows = (step..).zip(&shape.bounds[first..end]);
            (step, windows.map(|(step, bounds)| Extrapolated::new(ahead, step, *bounds, range_s)).collect())
        });
        (*first_step, windows)
    }
}

impl Extrapolation {
    fn new(times: &[i64], context: &RangeContext<'_>) -> Self {
        Self::between(times, context.range_start_ms, context.range_end_ms)
    }

    /// Of samples at these times in a range.
    fn between(times: &[i64], range_start_ms: i64, range_end_ms: i64) -> Self {
        let (first_ms, last_ms) = (times[0], times[times.len() - 1]);
        let sampled = (last_ms - first_ms) as f64 / 1000.0;
        let gaps = times.len() - 1;
        Self {
            to_start: (first_ms - range_start_ms) as f64 / 1000.0,
            to_end: (range_end_ms - last_ms) as f64 / 1000.0,
            sampled,
            between_samples: if gaps > 0 { sampled / gaps as f64 } else { 0.0 },
        }
    }

    /// Samples up to 10% farther from a border than from each other still stand for all of the time up to it.
    fn threshold(self) -> f64 {
        self.between_samples * 1.1
    }

    fn to_start(self) -> f64 {
        if self.to_start >= self.threshold() { self.between_samples / 2.0 } else { self.to_start }
    }

    fn to_end(self) -> f64 {
        if self.to_end >= self.threshold() { self.between_samples / 2.0 } else { self.to_end }
    }

    /// What the change between the samples is to be multiplied with to cover the whole range.
    ///
    /// Where samples are too far from a border the series is taken to start or end half a distance outside of them. A
    /// counter was not below zero: `zero_at` is the part of the sampled time, before the first sample, at which it
    /// would have been zero.
    fn factor(self, zero_at: Option<f64>) -> f64 {
        let mut to_start = self.to_start();
        if let Some(part) = zero_at {
            let to_zero = self.sampled * part;
            if to_zero < to_start {
                to_start = to_zero;
            }
        }
        if self.sampled == 0.0 { 1.0 } else { (self.sampled + to_start + self.to_end()) / self.sampled }
    }

    /// The same for a counter that is known to have started inside of the range, at `start_ms`.
    fn factor_since(mut self, start_ms: Option<i64>, times: &[i64], context: &RangeContext<'_>) -> Option<f64> {
        let start_ms = start_ms.filter(|start_ms| *start_ms != 0)?;
        if start_ms <= context.range_start_ms || start_ms >= times[0] {
            return None;
        }
        let to_end = self.to_end();
        self.sampled = (times[times.len() - 1] - start_ms) as f64 / 1000.0;
        Some(if self.sampled == 0.0 { 1.0 } else { (self.sampled + to_end) / self.sampled })
    }
}

/// `irate`: the increase per second between the last two samples.
pub(crate) fn irate(view: View<'_>, context: &mut RangeContext<'_>) -> Answer {
    Ok(last_change(view, context, true))
}

/// `idelta`: the change between the last two samples.
pub(crate) fn idelta(view: View<'_>, context: &mut RangeContext<'_>) -> Answer {
    Ok(last_change(view, context, false))
}

/// One of the last two samples.
#[derive(Debug, Clone, Copy)]
struct Last<'a> {
    time_ms: i64,
    start_ms: i64,
    value: LastValue<'a>,
}

#[derive(Debug, Clone, Copy)]
enum LastValue<'a> {
    Float(f64),
    Histogram(&'a Arc<FloatHistogram>),
}

/// The last two samples of a window, of whichever kind.
fn last_two<'a>(view: &View<'a>) -> Option<(Last<'a>, Last<'a>)> {
    let start = |starts: &[i64], at: usize| starts.get(at).copied().unwrap_or(0);
    let float = |at: usize| Last {
        time_ms: view.float_times[at],
        start_ms: start(view.float_starts, at),
        value: LastValue::Float(view.floats[at]),
    };
    if view.histograms.is_empty() {
        let before = view.floats.len().checked_sub(2)?;
        return Some((float(before), float(before + 1)));
    }
    let floats = (0..view.floats.len()).rev().take(2).map(float);
    let histograms = (0..view.histograms.len()).rev().take(2).map(|at| Last {
        time_ms: view.histogram_times[at],
        start_ms: start(view.histogram_starts, at),
        value: LastValue::Histogram(&view.histograms[at]),
    });
    let mut all: Vec<Last<'_>> = floats.chain(histograms).collect();
    all.sort_by_key(|last| last.time_ms);
    let last = all.pop()?;
    Some((all.pop()?, last))
}

fn last_change(view: View<'_>, context: &mut RangeContext<'_>, is_rate: bool) -> Option<PointValue> {
    let (before, last) = last_two(&view)?;
    if last.time_ms == before.time_ms {
        return None;
    }
    let seconds = (last.time_ms - before.time_ms) as f64 / 1000.0;
    let started_over = is_rate && start_times::is_reset(before.start_ms, before.time_ms, last.start_ms, last.time_ms);
    match (before.value, last.value) {
        (LastValue::Float(before), LastValue::Float(last)) => {
            let change = if is_rate && (last < before || started_over) { last } else { last - before };
            Some(PointValue::Float(if is_rate { change / seconds } else { change }))
        }
        (LastValue::Histogram(before), LastValue::Histogram(last)) => {
            let mut change = last_histogram_change(before, last, started_over, is_rate, context).ok()?;
            if is_rate {
                change.divide(seconds);
            }
            Some(PointValue::Histogram(Arc::new(change)))
        }
        _ => {
            context.remark_mixed();
            None
        }
    }
}

fn last_histogram_change(
    before: &FloatHistogram,
    last: &FloatHistogram,
    started_over: bool,
    is_rate: bool,
    context: &mut RangeContext<'_>,
) -> Result<FloatHistogram, IncompatibleRange> {
    let metric = context.labels.metric_name().to_owned();
    let gauges = [before, last].map(|histogram| histogram.reset_hint == ResetHint::Gauge);
    if is_rate && gauges.contains(&true) {
        context.remark(&Remark::NotCounter { metric: &metric });
    }
    if !is_rate && gauges.contains(&false) {
        context.remark(&Remark::NotGauge { metric: &metric });
    }
    let mut change = last.clone();
    if !is_rate || !(started_over || last.is_reset_after(before)) {
        histogram_rate::combine(&mut change, before, HistogramOperation::Subtraction, context)?;
    }
    change.reset_hint = ResetHint::Gauge;
    change.compact();
    Ok(change)
}
