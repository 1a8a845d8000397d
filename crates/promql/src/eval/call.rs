//! Calls of functions over ranges: the window slides over each series, step by step.

use metrics_model::Labels;
use rustc_hash::FxHashSet;

use super::column::{Column, Scalars, VectorSeries};
use super::lanes::Reader;
use super::names::{SAME_LABELS, without_metadata};
use super::shapes::{Ahead, Grid};
use super::window::{Slider, View, Wants, Window};
use super::{Data, Evaluated, Evaluator, Sink, execution};
use crate::annotations::Remark;
use crate::functions::FunctionId;
use crate::functions::range::{RangeContext, RangeFunction, check_extension, range_function};
use crate::parser::ast::Extension;
use crate::plan::{CallPlan, Op, PlanId, RangeSelector, Steps, SubqueryPlan, TimeShift};
use crate::value::{PointValue, ValueType};
use storage::{BoxedSeries, TimeRange};

/// Whether a query is to stop is looked at once in this many steps of a series.
const STEPS_PER_CHECK: usize = 16;

/// A function over ranges with everything that is the same for all series.
struct RangeCall<'c> {
    id: FunctionId,
    steps: Steps,
    range_ms: i64,
    shift: TimeShift,
    extension: Option<Extension>,
    lookback_ms: i64,
    scalars: [Option<&'c Scalars>; 2],
    /// Where the first argument starts.
    position: usize,
    /// Whether samples come from the store, and not from a subquery that has counted them.
    reads_store: bool,
}

impl RangeCall<'_> {
    /// Where its windows lie.
    fn grid(&self) -> Grid {
        Grid { steps: self.steps, shift: self.shift, range_ms: self.range_ms }
    }

    /// The length of the range as written, in seconds.
    fn range_s(&self) -> f64 {
        self.range_ms as f64 / 1000.0
    }

    /// How far before the start and behind the end of the range samples are wanted.
    fn margins_ms(&self) -> (i64, i64) {
        match self.extension {
            None => (0, 0),
            Some(Extension::Anchored) => (self.lookback_ms, 0),
            Some(Extension::Smoothed) => (self.lookback_ms, self.lookback_ms),
        }
    }

    /// The time that windows over all steps need.
    fn needed(&self) -> TimeRange {
        let (before_ms, after_ms) = self.margins_ms();
        let first_ms = self.shift.apply(self.steps.start_ms);
        let last_ms = self.shift.apply(self.steps.last_ms());
        TimeRange {
            start_ms: first_ms.saturating_sub(self.range_ms).saturating_sub(before_ms).saturating_add(1),
            end_ms: last_ms.saturating_add(after_ms),
        }
    }
}

impl Evaluator<'_> {
    /// Whether a call reads a range straight from the store, and no other argument needs more than one pass.
    pub(super) fn is_over_range_selector(&self, call: &CallPlan) -> bool {
        call.function != FunctionId::AbsentOverTime
            && call.args.iter().any(|arg| matches!(self.plan.node(*arg).op, Op::Range(_)))
    }

    /// The value of a call.
    pub(super) fn call(&mut self, id: PlanId, call: &CallPlan, steps: Steps) -> Evaluated<Data> {
        if self.is_over_range_selector(call) {
            return self.collect(id, steps);
        }
        let plan = self.plan;
        for arg in &call.args {
            match &plan.node(*arg).op {
                Op::Range(_) => return self.absent_over_selector(call, steps),
                Op::Subquery(subquery) => return self.call_over_subquery(call, subquery, steps),
                _ => {}
            }
        }
        self.vector_call(call, steps)
    }

    /// The scalar arguments of a call over a range, which are all but one.
    fn scalar_args(&mut self, call: &CallPlan, steps: Steps) -> Evaluated<Vec<Scalars>> {
        let plan = self.plan;
        let scalars = call.args.iter().filter(|arg| plan.node(**arg).value_type == ValueType::Scalar);
        scalars.map(|arg| self.eval_scalars(*arg, steps)).collect()
    }

    /// Calls a function over the ranges of a selector, series by series.
    pub(super) fn range_call(&mut self, call: &CallPlan, steps: Steps, sink: &mut Sink<'_>) -> Evaluated<()> {
        let plan = self.plan;
        let range = call.args.iter().find_map(|arg| match &plan.node(*arg).op {
            Op::Range(selector) => Some(selector),
            _ => None,
        });
        let Some(selector) = range else { return Err(super::unexpected("a range vector")) };
        let scalars = self.scalar_args(call, steps)?;
        check_extension(call.name, selector.extension)?;
        let range_call = self.prepared(call, steps, &scalars, selector.range_ms, selector.shift);
        let range_call = RangeCall { extension: selector.extension, reads_store: true, ..range_call };
        self.budget.blame(&plan.sources[selector.source].text);
        self.over_selector(call, &range_call, selector, sink)
    }

    fn prepared<'c>(
        &self,
        call: &CallPlan,
        steps: Steps,
        scalars: &'c [Scalars],
        range_ms: i64,
        shift: TimeShift,
    ) -> RangeCall<'c> {
        RangeCall {
            id: call.function,
            steps,
            range_ms,
            shift,
            extension: None,
            lookback_ms: self.options.lookback_ms,
            reads_store: false,
            scalars: [scalars.first(), scalars.get(1)],
            position: call.args.first().map_or(call.position, |arg| match &self.plan.node(*arg).op {
                // The original has lost the place of a subquery by then.
                Op::Subquery(_) => 0,
                _ => self.plan.node(*arg).position,
            }),
        }
    }

    fn over_selector(
        &mut self,
        call: &CallPlan,
        range_call: &RangeCall<'_>,
        selector: &RangeSelector,
        sink: &mut Sink<'_>,
    ) -> Evaluated<()> {
        let starts = self.options.start_timestamps && wants_starts(call.function);
        let wants = Wants { starts, stats_only: selector.stats_only };
        let new_reader = || {
            let (function, window) = (function_of(call)?, Window::default());
            Ok(RangeReader { call, range_call, wants, function, window })
        };
        let steps = range_call.steps.count();
        let selection = &self.selections[selector.source];
        // Whether series are the same without their names does not matter to what only asks whether there are any.
        let may_repeat = call.function != FunctionId::AbsentOverTime
            && !self.options.delayed_name_removal
            && !self.plan.sources[selector.source].has_one_name();
        if !may_repeat {
            return self.read_series(selection, steps, &new_reader, sink);
        }
        let mut seen: FxHashSet<Labels> = FxHashSet::default();
        self.read_series(selection, steps, &new_reader, &mut |series| {
            if !seen.insert(series.labels.clone()) {
                return Err(execution(SAME_LABELS));
            }
            sink(series)
        })
    }

    /// Sets the labels of a result, and remarks on counters that do not look like counters.
    fn finish_range_series(
        &mut self,
        call: &CallPlan,
        range_call: &RangeCall<'_>,
        labels: &Labels,
        input_drops_name: bool,
        result: &mut VectorSeries,
    ) {
        // These two act like an offset.
        let keeps_name = matches!(call.function, FunctionId::LastOverTime | FunctionId::FirstOverTime);
        result.drop_name = !keeps_name || input_drops_name;
        result.labels = if result.drop_name && !self.options.delayed_name_removal {
            without_metadata(labels)
        } else {
            labels.clone()
        };
        let has_floats = !result.column.floats().1.is_empty();
        if matches!(call.function, FunctionId::Rate | FunctionId::Increase) && has_floats {
            self.remark_on_counter(labels, range_call.position);
        }
    }

    fn remark_on_counter(&mut self, labels: &Labels, position: usize) {
        let metric = labels.metric_name();
        if metric.is_empty() {
            return;
        }
        if self.options.type_and_unit_labels {
            let type_label = labels.get_or_empty("__type__");
            if !matches!(type_label, "counter" | "histogram") {
                self.annotations.add(&Remark::PossibleNonCounterLabel { metric, type_label }, position);
            }
        } else if !["_total", "_sum", "_count", "_bucket"].iter().any(|suffix| metric.ends_with(suffix)) {
            self.annotations.add(&Remark::PossibleNonCounter { metric }, position);
        }
    }

    /// Calls the function at each step: at many at once where samples are plain floats, else at one after the other.
    fn slide(
        &mut self,
        call: &RangeCall<'_>,
        function: &mut dyn RangeFunction,
        slider: &mut Slider<'_, '_>,
        labels: &Labels,
        column: &mut Column,
    ) -> Evaluated<()> {
        let (before_ms, after_ms) = call.margins_ms();
        let grid = call.grid();
        let steps = call.steps.count();
        let mut seen = (0, 0);
        let mut step = 0;
        while step < steps {
            if step % STEPS_PER_CHECK == 0 {
                self.budget.check()?;
            }
            if call.extension.is_none()
                && let Some(ahead) = slider.ahead(grid, step)?
            {
                self.jump(call, function, &ahead, seen.0, labels, column)?;
                seen.0 = seen.0.max(ahead.end());
                step = ahead.end_step;
                continue;
            }
            let (range_start_ms, range_end_ms) = grid.window(step);
            let view = slider.slide(range_start_ms.saturating_sub(before_ms), range_end_ms.saturating_add(after_ms))?;
            if !view.is_empty() {
                let new = view.samples_since(seen) as u64;
                seen = view.end();
                self.count_window(call, step, view.samples() as u64, new);
                self.push_value(call, function, view, step, labels, column)?;
            }
            step += 1;
        }
        Ok(())
    }

    /// Calls the function at the steps whose windows lie ahead. Samples up to number `seen` are counted.
    fn jump(
        &mut self,
        call: &RangeCall<'_>,
        function: &mut dyn RangeFunction,
        ahead: &Ahead<'_>,
        seen: usize,
        labels: &Labels,
        column: &mut Column,
    ) -> Evaluated<()> {
        let windows = || (ahead.shape.first_step..).zip(&ahead.shape.bounds).filter(|(_, (low, high))| low < high);
        if self.counts.per_step.is_some() {
            let mut seen = seen;
            for (step, (low, high)) in windows() {
                let end = ahead.before + *high as usize;
                self.count_window(
                    call,
                    step,
                    u64::from(high - low),
                    (end - seen.max(ahead.before + *low as usize).min(end)) as u64,
                );
                seen = seen.max(end);
            }
        } else {
            let (used, read) = ahead.counts(seen);
            self.counts.total += used;
            self.counts.read += if call.reads_store { read } else { 0 };
        }
        if function.values(ahead, call.range_s(), column) {
            return Ok(());
        }
        for (at, (step, bounds)) in windows().enumerate() {
            if at % STEPS_PER_CHECK == 0 {
                self.budget.check()?;
            }
            self.push_value(call, function, ahead.view(*bounds), step, labels, column)?;
        }
        Ok(())
    }

    /// Counts the samples of the window at a step, and those that were in none before.
    fn count_window(&mut self, call: &RangeCall<'_>, step: usize, used: u64, new: u64) {
        let read = if call.reads_store { new } else { 0 };
        self.counts.total += used;
        self.counts.read += read;
        self.count_at(call.steps.time_ms(step), used, read);
    }

    /// Calls the function at one step.
    fn push_value(
        &mut self,
        call: &RangeCall<'_>,
        function: &mut dyn RangeFunction,
        view: View<'_>,
        step: usize,
        labels: &Labels,
        column: &mut Column,
    ) -> Evaluated<()> {
        let (range_start_ms, range_end_ms) = call.grid().window(step);
        let mut context = RangeContext {
            labels,
            position: call.position,
            range_start_ms,
            range_end_ms,
            range_s: call.range_s(),
            time_ms: call.steps.time_ms(step),
            scalars: call.scalars.map(|scalars| scalars.map_or(0.0, |scalars| scalars.at(step))),
            extension: call.extension,
            annotations: &mut self.annotations,
        };
        match function.value(view, &mut context)? {
            Some(PointValue::Float(value)) => column.push_float_of(step, value, call.steps.count()),
            Some(PointValue::Histogram(value)) => column.push_histogram(step, value),
            None => {}
        }
        Ok(())
    }

    fn call_over_subquery(&mut self, call: &CallPlan, subquery: &SubqueryPlan, steps: Steps) -> Evaluated<Data> {
        let mark = self.budget.mark();
        let scalars = self.scalar_args(call, steps)?;
        // The windows over its result are counted instead of what it has used.
        let (inner_steps, inner, _) = self.subquery_series(subquery, steps)?;
        let range_call = self.prepared(call, steps, &scalars, subquery.range_ms, subquery.shift);
        let mut function = function_of(call)?;
        let mut window = Window::default();
        let mut results = Vec::new();
        for series in inner {
            let mut result = VectorSeries::default();
            let mut slider = window.over_column(&series.column, inner_steps);
            function.clear();
            self.slide(&range_call, &mut *function, &mut slider, &series.labels, &mut result.column)?;
            if !result.column.is_empty() {
                self.finish_range_series(call, &range_call, &series.labels, series.drop_name, &mut result);
                results.push(result);
            }
        }
        self.budget.rewind(mark);
        if range_call.id == FunctionId::AbsentOverTime {
            self.budget.hold(steps.count(), steps.count().saturating_mul(8))?;
            return Ok(Data::Vector(absent_result(&results, Labels::empty(), steps)));
        }
        if !self.options.delayed_name_removal {
            let mut seen: FxHashSet<&Labels> = FxHashSet::default();
            if !results.iter().all(|series| seen.insert(&series.labels)) {
                return Err(execution(SAME_LABELS));
            }
        }
        self.hold(&results)?;
        Ok(Data::Vector(results))
    }

    /// `absent_over_time` of a selector.
    fn absent_over_selector(&mut self, call: &CallPlan, steps: Steps) -> Evaluated<Data> {
        let mut found = Vec::new();
        let mark = self.budget.mark();
        self.range_call(call, steps, &mut |series| {
            found.push(std::mem::take(series));
            Ok(())
        })?;
        self.budget.rewind(mark);
        self.budget.hold(steps.count(), steps.count().saturating_mul(8))?;
        let labels = call.args.first().map_or_else(Labels::empty, |arg| self.absent_labels(*arg));
        Ok(Data::Vector(absent_result(&found, labels, steps)))
    }
}

/// Slides a function over the ranges of series.
struct RangeReader<'c> {
    call: &'c CallPlan,
    range_call: &'c RangeCall<'c>,
    wants: Wants,
    function: Box<dyn RangeFunction>,
    window: Window,
}

impl Reader for RangeReader<'_> {
    fn read(
        &mut self,
        evaluator: &mut Evaluator<'_>,
        series: &BoxedSeries<'_>,
        current: &mut VectorSeries,
    ) -> Evaluated<bool> {
        evaluator.budget.check()?;
        let labels = series.labels();
        let mut slider = self.window.over(series.cursor(self.range_call.needed()), self.wants);
        self.function.clear();
        evaluator.slide(self.range_call, &mut *self.function, &mut slider, labels, &mut current.column)?;
        if current.column.is_empty() {
            return Ok(false);
        }
        evaluator.finish_range_series(self.call, self.range_call, labels, false, current);
        Ok(true)
    }
}

/// The function that a call slides over its ranges.
fn function_of(call: &CallPlan) -> Evaluated<Box<dyn RangeFunction>> {
    range_function(call.function).ok_or_else(|| execution(format!("function {:?} is not known", call.name)))
}

/// Functions of counters that look at when they started.
fn wants_starts(function: FunctionId) -> bool {
    matches!(function, FunctionId::Rate | FunctionId::Irate | FunctionId::Increase | FunctionId::Resets)
}

/// One series that is 1 where none of `found` has a value.
pub(super) fn absent_result(found: &[VectorSeries], labels: Labels, steps: Steps) -> Vec<VectorSeries> {
    let mut present = vec![false; steps.count()];
    for series in found {
        for (step, _) in series.column.points() {
            present[step] = true;
        }
    }
    let mut column = Column::default();
    for (step, _) in present.iter().enumerate().filter(|(_, present)| !**present) {
        column.push_float(step, 1.0);
    }
    if column.is_empty() { Vec::new() } else { vec![VectorSeries { labels, drop_name: true, column }] }
}
