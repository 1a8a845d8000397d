//! Subqueries and bare range selectors: ranges that are wanted as they are, or that functions slide over.

use std::sync::Arc;

use super::column::{Point, VectorSeries};
use super::counts::{ReadCounts, StepCounts};
use super::window::{Wants, Window};
use super::{Data, Evaluated, Evaluator, execution};
use crate::functions::extended;
use crate::parser::ast::Extension;
use crate::plan::{RangeSelector, Steps, SubqueryPlan};
use crate::value::RangeSeries;
use storage::TimeRange;

impl SubqueryPlan {
    /// The steps of the subquery for an evaluation at `outer`: multiples of its step, from the first one inside of the
    /// range on.
    fn steps(&self, outer: Steps) -> Steps {
        let end_ms = self.shift.apply(outer.last_ms());
        let border_ms = self.shift.apply(outer.start_ms).saturating_sub(self.range_ms);
        // Rounds towards zero, then one step on unless that was up.
        let mut start_ms = self.step_ms.saturating_mul(border_ms / self.step_ms);
        if start_ms <= border_ms {
            start_ms = start_ms.saturating_add(self.step_ms);
        }
        Steps { start_ms, end_ms, step_ms: self.step_ms }
    }
}

impl Evaluator<'_> {
    /// The series of a subquery and the steps they are at. What was read for it is counted; the samples it has used are
    /// not, but given.
    pub(super) fn subquery_series(
        &mut self,
        subquery: &SubqueryPlan,
        outer: Steps,
    ) -> Evaluated<(Steps, Vec<VectorSeries>, u64)> {
        let steps = subquery.steps(outer);
        self.budget.fits_steps(steps.count())?;
        // Where there is one outer step, or no gap between their ranges, all that is read counts.
        let has_gaps = outer.count() > 1 && subquery.range_ms < outer.step_ms;
        let needs_steps = outer.count() > 1 && (has_gaps || self.counts.per_step.is_some());
        let inside = ReadCounts { per_step: needs_steps.then(|| StepCounts::new(steps)), ..ReadCounts::default() };
        let outside = std::mem::replace(&mut self.counts, inside);
        let series = self.eval_vector(subquery.expr, steps);
        let inside = std::mem::replace(&mut self.counts, outside);
        match &inside.per_step {
            Some(per_step) => self.count_subquery(subquery, per_step, outer),
            None => {
                self.counts.read += inside.read;
                self.count_at(outer.start_ms, 0, inside.read);
            }
        }
        Ok((steps, series?, inside.total))
    }

    /// A subquery that is the whole query.
    pub(super) fn subquery_value(&mut self, subquery: &SubqueryPlan, steps: Steps) -> Evaluated<Data> {
        let (inner_steps, series, used) = self.subquery_series(subquery, steps)?;
        self.counts.total += used;
        self.count_at(steps.last_ms(), used, 0);
        let series = self.finish_names(series)?;
        let matrix: Vec<RangeSeries> = series.iter().map(|series| to_range(series, inner_steps)).collect();
        Ok(Data::Matrix(matrix))
    }

    /// A range selector that is the whole query.
    pub(super) fn range_selector(&mut self, selector: &RangeSelector, steps: Steps) -> Evaluated<Data> {
        let plan = self.plan;
        self.budget.blame(&plan.sources[selector.source].text);
        let end_ms = selector.shift.apply(steps.start_ms);
        let start_ms = end_ms.saturating_sub(selector.range_ms);
        let lookback_ms = self.options.lookback_ms;
        let (before_ms, after_ms) = match selector.extension {
            None => (0, 0),
            Some(Extension::Anchored) => (lookback_ms, 0),
            Some(Extension::Smoothed) => (lookback_ms, lookback_ms),
        };
        let (from_ms, until_ms) = (start_ms.saturating_sub(before_ms), end_ms.saturating_add(after_ms));
        let needed = TimeRange { start_ms: from_ms.saturating_add(1), end_ms: until_ms };
        let mut window = Window::default();
        let mut matrix = Vec::new();
        for series in &self.selections[selector.source] {
            self.budget.check()?;
            let mut slider = window.over(series.cursor(needed), Wants::default());
            let view = slider.slide(from_ms, until_ms)?;
            if view.is_empty() {
                continue;
            }
            self.budget.hold(view.samples(), view.samples() * 16)?;
            self.counts.total += view.samples() as u64;
            self.counts.read += view.samples() as u64;
            self.count_at(steps.start_ms, view.samples() as u64, view.samples() as u64);
            let floats = match selector.extension {
                None => view.float_times.iter().copied().zip(view.floats.iter().copied()).collect(),
                Some(extension) if !view.histograms.is_empty() => {
                    let word = extension.as_str();
                    return Err(execution(format!("{word} modifier is not supported with histograms")));
                }
                Some(extension) => extended::samples(view.float_times, view.floats, start_ms, end_ms, extension),
            };
            let histograms = view.histogram_times.iter().copied().zip(view.histograms.iter().map(Arc::clone)).collect();
            let range = RangeSeries { labels: series.labels().clone(), floats, histograms };
            if range.floats.is_empty() && range.histograms.is_empty() {
                continue;
            }
            matrix.push(range);
        }
        Ok(Data::Matrix(matrix))
    }
}

/// The points of a series with their times.
fn to_range(series: &VectorSeries, steps: Steps) -> RangeSeries {
    let mut range = RangeSeries { labels: series.labels.clone(), ..RangeSeries::default() };
    for (step, point) in series.column.points() {
        let time_ms = steps.time_ms(step);
        match point {
            Point::Float(value) => range.floats.push((time_ms, value)),
            Point::Histogram(histogram) => range.histograms.push((time_ms, Arc::clone(histogram))),
        }
    }
    range
}
