//! `changes` and `resets`: how often a value changed, and how often a counter started over.

use std::sync::Arc;

use metrics_model::FloatHistogram;

use super::range::RangeContext;
use super::{extended, start_times};
use crate::engine::QueryError;
use crate::eval::window::View;
use crate::value::PointValue;

type Answer = Result<Option<PointValue>, QueryError>;

/// `changes`
pub(crate) fn changes(view: View<'_>, context: &mut RangeContext<'_>) -> Answer {
    if view.histograms.is_empty() && context.extension.is_none() {
        let differs = |pair: &&[f64]| pair[0] != pair[1] && !(pair[0].is_nan() && pair[1].is_nan());
        return Ok(Some(PointValue::Float(view.floats.windows(2).filter(differs).count() as f64)));
    }
    Ok(count_pairs(view, context, |before, sample| match (before.value, sample.value) {
        (Value::Float(a), Value::Float(b)) => a != b && !(a.is_nan() && b.is_nan()),
        (Value::Histogram(a), Value::Histogram(b)) => !b.is_same(a),
        _ => true,
    }))
}

/// `resets`
pub(crate) fn resets(view: View<'_>, context: &mut RangeContext<'_>) -> Answer {
    if view.histograms.is_empty() && view.float_starts.is_empty() && context.extension.is_none() {
        let falls = |pair: &&[f64]| pair[1] < pair[0];
        return Ok(Some(PointValue::Float(view.floats.windows(2).filter(falls).count() as f64)));
    }
    Ok(count_pairs(view, context, |before, sample| {
        let started_over = || start_times::is_reset(before.start_ms, before.time_ms, sample.start_ms, sample.time_ms);
        match (before.value, sample.value) {
            (Value::Float(a), Value::Float(b)) => b < a || started_over(),
            (Value::Histogram(a), Value::Histogram(b)) => started_over() || b.is_reset_after(a),
            _ => true,
        }
    }))
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
