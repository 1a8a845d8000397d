//! `changes` and `resets`: how often a value changed, and how often a counter started over.

use std::sync::Arc;

use metrics_model::FloatHistogram;

use super::range::{Answer, RangeContext, RangeFunction};
use super::sliding::{Follower, Marks};
use super::{extended, start_times};
use crate::eval::window::View;
use crate::value::PointValue;

/// `changes` and `resets`
pub(crate) struct Counted {
    wants_resets: bool,
    follower: Follower,
    /// Where plain floats changed or fell.
    marks: Marks<()>,
}

impl Counted {
    /// `changes`
    pub(crate) fn changes() -> Self {
        Self { wants_resets: false, follower: Follower::default(), marks: Marks::default() }
    }

    /// `resets`
    pub(crate) fn resets() -> Self {
        Self { wants_resets: true, ..Self::changes() }
    }

    fn of_floats(&mut self, view: View<'_>) -> usize {
        let shift = self.follower.follow(view.floats_before, view.floats.len());
        let floats = view.floats;
        if self.wants_resets {
            self.marks.follow(shift, floats.len(), |place| (floats[place] < floats[place - 1]).then_some(()));
        } else {
            self.marks.follow(shift, floats.len(), |place| differ(floats[place - 1], floats[place]).then_some(()));
        }
        self.marks.len()
    }
}

impl RangeFunction for Counted {
    fn clear(&mut self) {
        self.follower.clear();
        self.marks.clear();
    }

    fn value(&mut self, view: View<'_>, context: &mut RangeContext<'_>) -> Answer {
        if view.histograms.is_empty() && view.float_starts.is_empty() && context.extension.is_none() {
            return Ok(Some(PointValue::Float(self.of_floats(view) as f64)));
        }
        Ok(if self.wants_resets { resets(view, context) } else { changes(view, context) })
    }
}

fn differ(before: f64, value: f64) -> bool {
    before != value && !(before.is_nan() && value.is_nan())
}

fn changes(view: View<'_>, context: &RangeContext<'_>) -> Option<PointValue> {
    count_pairs(view, context, |before, sample| match (before.value, sample.value) {
        (Value::Float(a), Value::Float(b)) => differ(a, b),
        (Value::Histogram(a), Value::Histogram(b)) => !b.is_same(a),
        _ => true,
    })
}

fn resets(view: View<'_>, context: &RangeContext<'_>) -> Option<PointValue> {
    count_pairs(view, context, |before, sample| {
        let started_over = || start_times::is_reset(before.start_ms, before.time_ms, sample.start_ms, sample.time_ms);
        match (before.value, sample.value) {
            (Value::Float(a), Value::Float(b)) => b < a || started_over(),
            (Value::Histogram(a), Value::Histogram(b)) => started_over() || b.is_reset_after(a),
            _ => true,
        }
    })
}

/// A sample of either kind.
#[derive(Debug, Clone, Copy)]
struct Sample<'a> {
    time_ms: i64,
    start_ms: i64,
    value: Value<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Value<'a> {
    Float(f64),
    Histogram(&'a Arc<FloatHistogram>),
}

/// How many pairs of neighbours satisfy `counts`.
fn count_pairs(
    view: View<'_>,
    context: &RangeContext<'_>,
    counts: impl Fn(Sample<'_>, Sample<'_>) -> bool,
) -> Option<PointValue> {
    let (first_float, first_histogram) = match context.extension {
        Some(_) => extended::anchor(&view, context.range_start_ms)?,
        None => (0, 0),
    };
    let start = |starts: &[i64], at: usize| starts.get(at).copied().unwrap_or(0);
    let mut floats = (first_float..view.floats.len())
        .map(|at| Sample {
            time_ms: view.float_times[at],
            start_ms: start(view.float_starts, at),
            value: Value::Float(view.floats[at]),
        })
        .peekable();
    let mut histograms = (first_histogram..view.histograms.len())
        .map(|at| Sample {
            time_ms: view.histogram_times[at],
            start_ms: start(view.histogram_starts, at),
            value: Value::Histogram(&view.histograms[at]),
        })
        .peekable();
    let mut before: Option<Sample<'_>> = None;
    let mut count = 0_u32;
    loop {
        let next = match (floats.peek(), histograms.peek()) {
            (Some(float), Some(histogram)) if float.time_ms < histogram.time_ms => floats.next(),
            (Some(_), None) => floats.next(),
            _ => histograms.next(),
        };
        let Some(sample) = next else { break };
        if before.is_some_and(|before| counts(before, sample)) {
            count += 1;
        }
        before = Some(sample);
    }
    Some(PointValue::Float(f64::from(count)))
}
