//! The change of native histograms over a window.

use std::sync::Arc;

use metrics_model::{FloatHistogram, ResetHint};

use super::extended::Range;
use super::range::RangeContext;
use super::rate::Change;
use super::start_times;
use crate::annotations::{HistogramOperation, Remark};
use crate::eval::window::View;
use crate::parser::ast::Extension;
use crate::value::PointValue;

/// Histograms with exponential and custom buckets are in one range; it is remarked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IncompatibleRange;

/// Adds or subtracts `other`, and remarks on what comes up.
pub(crate) fn combine(
    base: &mut FloatHistogram,
    other: &FloatHistogram,
    operation: HistogramOperation,
    context: &mut RangeContext<'_>,
) -> Result<(), IncompatibleRange> {
    let combined = match operation {
        HistogramOperation::Subtraction => base.subtract(other),
        HistogramOperation::Addition | HistogramOperation::Aggregation => base.add(other),
    };
    match combined {
        Ok(combined) => {
            // Contradictory hints are no news here: functions of counters look at resets themselves.
            if combined.bounds_reconciled {
                context.remark(&Remark::MismatchedCustomBuckets { operation });
            }
            Ok(())
        }
        Err(_) => {
            remark_incompatible(context);
            Err(IncompatibleRange)
        }
    }
}

/// Adds `other`, and remarks on what comes up.
pub(crate) fn add(
    base: &mut FloatHistogram,
    other: &FloatHistogram,
    context: &mut RangeContext<'_>,
) -> Result<(), IncompatibleRange> {
    combine(base, other, HistogramOperation::Addition, context)
}

/// Says that exponential and custom buckets do not go together.
pub(crate) fn remark_incompatible(context: &mut RangeContext<'_>) {
    let metric = context.labels.metric_name().to_owned();
    context.remark(&Remark::MixedExponentialCustom { metric: &metric });
}

fn remark_not_counter(context: &mut RangeContext<'_>) {
    let metric = context.labels.metric_name().to_owned();
    context.remark(&Remark::NotCounter { metric: &metric });
}

fn remark_not_gauge(context: &mut RangeContext<'_>) {
    let metric = context.labels.metric_name().to_owned();
    context.remark(&Remark::NotGauge { metric: &metric });
}

fn is_gauge(histogram: &FloatHistogram) -> bool {
    histogram.reset_hint == ResetHint::Gauge
}

/// The change between the first and the last of at least two histograms, resets taken into account. Where there are no
/// start times, `resets` has the places of histograms that started over, in order.
pub(crate) fn change(
    view: View<'_>,
    context: &mut RangeContext<'_>,
    is_counter: bool,
    resets: impl Iterator<Item = usize>,
) -> Option<FloatHistogram> {
    let all = view.histograms;
    let (first, last) = (all.first()?, all.last()?);
    if is_counter && (is_gauge(first) || is_gauge(last)) {
        remark_not_counter(context);
    }
    let resets: Vec<usize> = if view.histogram_starts.is_empty() { resets.collect() } else { resets_by_starts(view) };
    // A reset right after the first sample makes its layout irrelevant.
    let nothing;
    let mut base: &FloatHistogram = first;
    if is_counter && resets.first() == Some(&1) {
        let custom_values = all[1].custom_values.clone();
        nothing = FloatHistogram { schema: all[1].schema, custom_values, ..FloatHistogram::default() };
        base = &nothing;
    }
    let schema = common_schema(all, base, context, is_counter)?;
    let mut result = last.to_schema(schema);
    combine(&mut result, base, HistogramOperation::Subtraction, context).ok()?;
    if is_counter {
        if !view.histogram_starts.is_empty() && (1..all.len()).any(|at| overlaps(view, at)) {
            start_times::remark_overlap(context);
        }
        for at in resets {
            if at > 1 {
                add(&mut result, &all[at - 1], context).ok()?;
            } else if all[1].reset_hint == ResetHint::Reset || started_over(view, 1) {
                // Nothing is added, but its bounds are compared.
                add(&mut result, base, context).ok()?;
            }
        }
    } else if !is_gauge(first) || !is_gauge(last) {
        remark_not_gauge(context);
    }
    result.reset_hint = ResetHint::Gauge;
    result.compact();
    Some(result)
}

/// The start time of a histogram; 0 when it is not known.
fn start_ms(view: View<'_>, at: usize) -> i64 {
    view.histogram_starts.get(at).copied().unwrap_or(0)
}

/// The places of histograms that started over, by their start times or by what they count.
fn resets_by_starts(view: View<'_>) -> Vec<usize> {
    let all = view.histograms;
    (1..all.len()).filter(|at| started_over(view, *at) || all[*at].is_reset_after(&all[at - 1])).collect()
}

/// Whether the start time of a histogram says that it started over after the one before it.
fn started_over(view: View<'_>, at: usize) -> bool {
    let times = view.histogram_times;
    start_times::is_reset(start_ms(view, at - 1), times[at - 1], start_ms(view, at), times[at])
}

/// Whether a histogram claims to have started before the one before it.
fn overlaps(view: View<'_>, at: usize) -> bool {
    start_times::overlaps(start_ms(view, at - 1), view.histogram_times[at - 1], start_ms(view, at))
}

/// The coarsest schema of those that matter. Remarks on gauges among counters; `None` when schemas do not go together.
fn common_schema(
    all: &[Arc<FloatHistogram>],
    first: &FloatHistogram,
    context: &mut RangeContext<'_>,
    is_counter: bool,
) -> Option<i32> {
    let last = all.last()?;
    let is_custom = first.uses_custom_buckets();
    if last.uses_custom_buckets() != is_custom {
        remark_incompatible(context);
        return None;
    }
    let mut schema = first.schema.min(last.schema);
    if is_counter {
        for histogram in &all[1..all.len() - 1] {
            if is_gauge(histogram) {
                remark_not_counter(context);
            }
            schema = schema.min(histogram.schema);
            if histogram.uses_custom_buckets() != is_custom {
                remark_incompatible(context);
                return None;
            }
        }
    }
    Some(schema)
}

/// The histogram that lies on the line between two others. A counter that was reset is taken to have started from
/// nothing.
pub(crate) fn interpolate(
    before: (i64, &FloatHistogram),
    after: (i64, &FloatHistogram),
    time_ms: i64,
    is_counter: bool,
    context: &mut RangeContext<'_>,
) -> Result<FloatHistogram, IncompatibleRange> {
    if time_ms == before.0 {
        return Ok(before.1.clone());
    }
    if time_ms == after.0 {
        return Ok(after.1.clone());
    }
    let part = (time_ms - before.0) as f64 / (after.0 - before.0) as f64;
    let mut result = after.1.clone();
    if is_counter && after.1.is_reset_after(before.1) {
        result.scale(part);
        return Ok(result);
    }
    combine(&mut result, before.1, HistogramOperation::Subtraction, context)?;
    result.scale(part);
    add(&mut result, before.1, context)?;
    Ok(result)
}

/// The change over a range with `anchored` or `smoothed` borders.
pub(crate) fn extended_change(
    view: View<'_>,
    context: &mut RangeContext<'_>,
    change: Change,
    extension: Extension,
) -> Option<PointValue> {
    let range = Range::find(view.histogram_times, context.range_start_ms, context.range_end_ms, extension)?;
    let all = &view.histograms[range.first..=range.last];
    let is_custom = all[0].uses_custom_buckets();
    for histogram in all {
        if histogram.uses_custom_buckets() != is_custom {
            remark_incompatible(context);
            return None;
        }
        if change.is_counter && is_gauge(histogram) {
            remark_not_counter(context);
        }
    }
    let (left, right) = borders(view, range, change.is_counter, context).ok()?;
    let are_gauges = is_gauge(&left) && is_gauge(&right);
    if !change.is_counter && !are_gauges {
        remark_not_gauge(context);
    }
    let mut result = right.clone();
    combine(&mut result, &left, HistogramOperation::Subtraction, context).ok()?;
    if change.is_counter
        && let Some(correction) = correction(view, range, &left, &right, context).ok()?
    {
        add(&mut result, &correction, context).ok()?;
    }
    if change.is_rate {
        result.divide(context.range_s);
    }
    result.reset_hint = ResetHint::Gauge;
    result.compact();
    Some(PointValue::Histogram(Arc::new(result)))
}

/// The histograms at both borders of a range.
fn borders(
    view: View<'_>,
    range: Range,
    is_counter: bool,
    context: &mut RangeContext<'_>,
) -> Result<(FloatHistogram, FloatHistogram), IncompatibleRange> {
    let at = |place: usize| (view.histogram_times[place], &*view.histograms[place]);
    let left = if range.left_is_between {
        interpolate(at(range.first), at(range.first + 1), context.range_start_ms, is_counter, context)?
    } else {
        FloatHistogram::clone(&view.histograms[range.first])
    };
    let right = if range.right_is_between {
        interpolate(at(range.last - 1), at(range.last), context.range_end_ms, is_counter, context)?
    } else {
        FloatHistogram::clone(&view.histograms[range.last])
    };
    Ok((left, right))
}

/// What counters had reached each time they were reset inside of the range, added up.
fn correction(
    view: View<'_>,
    range: Range,
    left: &FloatHistogram,
    right: &FloatHistogram,
    context: &mut RangeContext<'_>,
) -> Result<Option<FloatHistogram>, IncompatibleRange> {
    let all = view.histograms;
    // The first sample is what the left border stands for.
    let mut from = range.first + 1;
    let mut previous = left;
    if range.left_is_between && all[range.first + 1].is_reset_after(&all[range.first]) {
        // The interpolation at the border has taken this reset into account.
        previous = &all[range.first + 1];
        from += 1;
    }
    // The last sample is what the right border stands for.
    if from > range.last {
        return Ok(None);
    }
    let mut correction: Option<FloatHistogram> = None;
    let inside = all[from..range.last].iter().map(|histogram| &**histogram);
    for histogram in inside.chain(std::iter::once(right)) {
        if histogram.is_reset_after(previous) {
            match &mut correction {
                None => correction = Some(previous.clone()),
                Some(sum) => add(sum, previous, context)?,
            }
        }
        previous = histogram;
    }
    Ok(correction)
}
