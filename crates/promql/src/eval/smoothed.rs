//! `smoothed` instant selectors: the value on the line between the samples around each step.

use std::sync::Arc;

use metrics_model::ResetHint;

use super::column::VectorSeries;
use super::window::{View, Wants, Window};
use super::{Evaluated, Evaluator, Sink};
use crate::functions::extended::interpolate;
use crate::functions::histogram_rate;
use crate::functions::range::RangeContext;
use crate::plan::{InstantSelector, Steps};
use crate::value::PointValue;
use storage::TimeRange;

impl Evaluator<'_> {
    pub(super) fn smoothed_selector(
        &mut self,
        selector: &InstantSelector,
        steps: Steps,
        position: usize,
        sink: &mut Sink<'_>,
    ) -> Evaluated<()> {
        let lookback_ms = self.options.lookback_ms;
        let needed = TimeRange {
            start_ms: selector.shift.apply(steps.start_ms).saturating_sub(lookback_ms - 1),
            end_ms: selector.shift.apply(steps.last_ms()).saturating_add(lookback_ms),
        };
        let wants = Wants { starts: false, stats_only: selector.stats_only };
        let mut window = Window::default();
        let mut current = VectorSeries::default();
        for series in &self.selections[selector.source] {
            self.budget.check()?;
            let mut slider = window.over(series.cursor(needed), wants);
            current.column.clear();
            for step in 0..steps.count() {
                let at_ms = selector.shift.apply(steps.time_ms(step));
                let view = slider.slide(at_ms.saturating_sub(lookback_ms), at_ms.saturating_add(lookback_ms))?;
                let mut context = RangeContext {
                    labels: series.labels(),
                    position,
                    range_start_ms: at_ms,
                    range_end_ms: at_ms,
                    range_s: 0.0,
                    time_ms: at_ms,
                    scalars: [0.0; 2],
                    extension: selector.extension,
                    annotations: &mut self.annotations,
                };
                if let Some(value) = value_at(view, at_ms, &mut context) {
                    current.column.push(step, value);
                }
            }
            if current.column.is_empty() {
                continue;
            }
            current.labels = series.labels().clone();
            current.drop_name = false;
            self.count_column(&current.column, steps);
            self.budget.hold(current.column.samples(), current.bytes())?;
            sink(&mut current)?;
        }
        Ok(())
    }
}

/// The value at a time: that of a sample, or of the line between the samples around it, or of the last one before it.
fn value_at(view: View<'_>, at_ms: i64, context: &mut RangeContext<'_>) -> Option<PointValue> {
    if !view.floats.is_empty() && !view.histograms.is_empty() {
        context.remark_mixed();
        return None;
    }
    let times = if view.histograms.is_empty() { view.float_times } else { view.histogram_times };
    let after = times.partition_point(|time_ms| *time_ms < at_ms);
    let is_exact = times.get(after) == Some(&at_ms);
    let before = after.checked_sub(1);
    if view.histograms.is_empty() {
        let point = |place: usize| (view.float_times[place], view.floats[place]);
        return match (before, after < times.len()) {
            _ if is_exact => Some(PointValue::Float(view.floats[after])),
            (Some(before), true) => Some(PointValue::Float(interpolate(point(before), point(after), at_ms, false))),
            (Some(before), false) => Some(PointValue::Float(view.floats[before])),
            (None, _) => None,
        };
    }
    if is_exact {
        return Some(PointValue::Histogram(Arc::clone(&view.histograms[after])));
    }
    let before = before?;
    let first = &view.histograms[before];
    let Some(second) = view.histograms.get(after) else {
        let mut carried = metrics_model::FloatHistogram::clone(first);
        carried.reset_hint = ResetHint::Unknown;
        return Some(PointValue::Histogram(Arc::new(carried)));
    };
    if first.uses_custom_buckets() != second.uses_custom_buckets() {
        histogram_rate::remark_incompatible(context);
        return None;
    }
    let is_counter = first.reset_hint != ResetHint::Gauge || second.reset_hint != ResetHint::Gauge;
    let points = ((times[before], &**first), (times[after], &**second));
    let between = histogram_rate::interpolate(points.0, points.1, at_ms, is_counter, context).ok()?;
    Some(PointValue::Histogram(Arc::new(between)))
}
