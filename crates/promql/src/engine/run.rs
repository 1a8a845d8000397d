//! One query from tree to value.

use std::time::{Duration, Instant};

use metrics_model::Labels;
use storage::{BoxedSeries, Querier, Queryable, StorageError};

use super::{Engine, QueryContext, QueryError, QueryOutput, QueryStats};
use crate::annotations::Annotations;
use crate::eval::budget::Budget;
use crate::eval::column::{Point, Scalars, VectorSeries};
use crate::eval::counts::{PerStep, ReadCounts, StepCounts};
use crate::eval::{Data, EvalOptions, Evaluator};
use crate::parser::{Expr, ParseErrors};
use crate::plan::{BuildOptions, Plan, Source, Steps, build};
use crate::value::{InstantSample, RangeSeries, Value};

impl Engine {
    /// Plans and evaluates `expr`. Instant queries have no step of their own.
    pub(super) fn run(
        &self,
        storage: &dyn Queryable,
        expr: &Expr,
        steps: Steps,
        query_step_ms: i64,
        context: &QueryContext,
    ) -> Result<QueryOutput, QueryError> {
        let started = Instant::now();
        let options = self.eval_options(context);
        let build_options = BuildOptions {
            steps,
            query_step_ms,
            lookback_ms: options.lookback_ms,
            subquery_step_ms: milliseconds(self.options.subquery_step).max(1),
        };
        let plan = build(expr, build_options).map_err(|message| QueryError::Parse(ParseErrors::whole(message)))?;
        let mut budget = self.budget(context, started);
        budget.check()?;
        budget.fits_steps(steps.count())?;
        let querier = storage.querier(plan.time_range())?;
        let selections = select(&*querier, &plan.sources, self.options.threads)?;
        let prepared = Instant::now();
        let per_step = context.per_step_stats.then(|| StepCounts::new(steps));
        let mut evaluator = Evaluator {
            plan: &plan,
            querier: &*querier,
            selections: &selections,
            options,
            budget,
            annotations: Annotations::default(),
            counts: ReadCounts { per_step, ..ReadCounts::default() },
        };
        let data = evaluator.eval(plan.root, steps)?;
        let data = match data {
            Data::Vector(all) => Data::Vector(evaluator.finish_names(all)?),
            other => other,
        };
        let evaluated = Instant::now();
        let value = if query_step_ms == 0 { instant_value(data, steps) } else { range_value(data, &plan) };
        let Evaluator { budget, annotations, counts, .. } = evaluator;
        let per_step = |number: fn(PerStep) -> u64| {
            let all = counts.per_step.iter().flat_map(StepCounts::all);
            all.map(|(time_ms, counts)| (time_ms, number(counts))).collect()
        };
        let stats = QueryStats {
            preparation: prepared - started,
            evaluation: evaluated - prepared,
            sorting: evaluated.elapsed(),
            samples_total: counts.total,
            samples_read: counts.read,
            samples_peak: budget.samples_peak(),
            samples_per_step: per_step(|counts| counts.used),
            read_per_step: per_step(|counts| counts.read),
        };
        Ok(QueryOutput { value, annotations, stats })
    }

    fn eval_options(&self, context: &QueryContext) -> EvalOptions {
        let lookback = context.lookback.filter(|lookback| !lookback.is_zero()).unwrap_or(self.options.lookback);
        EvalOptions {
            lookback_ms: milliseconds(lookback),
            delayed_name_removal: self.options.features.delayed_name_removal,
            type_and_unit_labels: self.options.features.type_and_unit_labels,
            start_timestamps: self.options.features.start_timestamps,
            threads: self.options.threads,
        }
    }

    fn budget(&self, context: &QueryContext, started: Instant) -> Budget {
        let own = started.checked_add(self.options.timeout);
        let deadline = match (own, context.deadline) {
            (Some(own), Some(callers)) => Some(own.min(callers)),
            (own, callers) => own.or(callers),
        };
        Budget::new(self.options.samples_max, self.options.memory_bytes_max, deadline, context.cancel.clone())
    }
}

/// A selection that takes so long is not the only one of its kind: the others are made in threads of their own.
const LONG_SELECTION: Duration = Duration::from_micros(500);

/// The series of each source.
fn select<'q>(
    querier: &'q dyn Querier,
    sources: &[Source],
    threads: usize,
) -> Result<Vec<Vec<BoxedSeries<'q>>>, StorageError> {
    let one = |source: &Source| querier.select(&source.matchers, &source.hints);
    let Some((first, others)) = sources.split_first() else { return Ok(Vec::new()) };
    let started = Instant::now();
    let mut selections = vec![one(first)?];
    let at_once = if started.elapsed() < LONG_SELECTION { 1 } else { threads.max(1) };
    for round in others.chunks(at_once) {
        let selected: Vec<_> = std::thread::scope(|scope| {
            let running: Vec<_> = round[1..].iter().map(|source| scope.spawn(move || one(source))).collect();
            let own = one(&round[0]);
            let others = running.into_iter().map(|thread| match thread.join() {
                Ok(selected) => selected,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            std::iter::once(own).chain(others).collect()
        });
        for selection in selected {
            selections.push(selection?);
        }
    }
    Ok(selections)
}

fn milliseconds(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// The answer at one time. Vectors keep the order they were evaluated in.
fn instant_value(data: Data, steps: Steps) -> Value {
    let timestamp_ms = steps.start_ms;
    match data {
        Data::Scalar(scalars) => Value::Scalar { timestamp_ms, value: scalars.at(0) },
        Data::Text(text) => Value::String { timestamp_ms, text },
        Data::Vector(all) => Value::Vector(
            all.into_iter()
                .filter_map(|series| {
                    let value = series.column.get(0)?.to_value();
                    Some(InstantSample { labels: series.labels, timestamp_ms, value })
                })
                .collect(),
        ),
        Data::Matrix(mut all) => {
            all.sort_by(|a, b| a.labels.cmp(&b.labels));
            Value::Matrix(all)
        }
    }
}

/// The answer over a range, in order of labels.
fn range_value(data: Data, plan: &Plan) -> Value {
    let steps = plan.steps;
    match data {
        Data::Scalar(scalars) => {
            let floats = match scalars {
                Scalars::Constant(value) => (0..steps.count()).map(|step| (steps.time_ms(step), value)).collect(),
                Scalars::Steps(values) => {
                    values.into_iter().enumerate().map(|(step, value)| (steps.time_ms(step), value)).collect()
                }
            };
            let series = RangeSeries { labels: Labels::empty(), floats, histograms: Vec::new() };
            Value::Matrix(if series.floats.is_empty() { Vec::new() } else { vec![series] })
        }
        Data::Vector(all) => {
            let mut all: Vec<RangeSeries> = all.into_iter().map(|series| range_series(series, steps)).collect();
            all.sort_by(|a, b| a.labels.cmp(&b.labels));
            Value::Matrix(all)
        }
        Data::Text(_) | Data::Matrix(_) => Value::Matrix(Vec::new()),
    }
}

fn range_series(series: VectorSeries, steps: Steps) -> RangeSeries {
    let mut range = RangeSeries { labels: series.labels, ..RangeSeries::default() };
    for (step, point) in series.column.points() {
        let time_ms = steps.time_ms(step);
        match point {
            Point::Float(value) => range.floats.push((time_ms, value)),
            Point::Histogram(histogram) => range.histograms.push((time_ms, std::sync::Arc::clone(histogram))),
        }
    }
    range
}
