//! Plan to values.
//!
//! Each node is evaluated for all steps at once, series by series, not step by step for all series: arithmetic runs
//! over columns, and an aggregation folds each series away as it is read.
//!
//! * [`mod@column`]: values by step
//! * `budget`: limits, deadline, cancellation
//! * `selector`, [`window`], [`shapes`]: samples from the store
//! * `lanes`: several threads
//! * `call`, `aggregate`, `binary`, `subquery`: the nodes

pub(crate) mod aggregate;
pub(crate) mod binary;
pub(crate) mod budget;
pub(crate) mod call;
pub(crate) mod column;
mod lanes;
pub(crate) mod names;
pub(crate) mod selector;
pub(crate) mod shapes;
mod smoothed;
pub(crate) mod stats_only;
mod subquery;
mod vector_call;
pub(crate) mod window;

use std::sync::Arc;

use storage::{BoxedSeries, Querier};

use crate::annotations::Annotations;
use crate::engine::QueryError;
use crate::parser::ast::Extension;
use crate::plan::{InstantSelector, Op, Plan, PlanId, Steps, Text};
use crate::value::{RangeSeries, ValueType};
use budget::Budget;
use column::{Column, Scalars, VectorSeries};
use lanes::Reader;
use selector::{Lookup, Want};

pub(crate) type Evaluated<T> = Result<T, QueryError>;

/// What a node evaluates to.
#[derive(Debug)]
pub(crate) enum Data {
    Scalar(Scalars),
    Text(String),
    Vector(Vec<VectorSeries>),
    Matrix(Vec<RangeSeries>),
}

/// What evaluation depends on besides plan and store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EvalOptions {
    pub(crate) lookback_ms: i64,
    pub(crate) delayed_name_removal: bool,
    pub(crate) type_and_unit_labels: bool,
    pub(crate) start_timestamps: bool,
    /// How many threads may read series.
    pub(crate) threads: usize,
}

/// Samples used and read, for statistics.
#[derive(Debug, Default)]
pub(crate) struct ReadCounts {
    /// Samples used, once for each step.
    pub(crate) total: u64,
    /// Samples read from the store.
    pub(crate) read: u64,
    /// The same for each step of the query, when wanted.
    pub(crate) per_step: Option<Vec<PerStep>>,
}

/// Samples of one step.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PerStep {
    pub(crate) used: u64,
    pub(crate) read: u64,
}

/// Receives the series of a vector one by one. It may take a series' parts; what it leaves is used again.
pub(crate) type Sink<'s> = dyn FnMut(&mut VectorSeries) -> Evaluated<()> + 's;

/// Evaluates one query.
pub(crate) struct Evaluator<'q> {
    pub(crate) plan: &'q Plan,
    pub(crate) querier: &'q dyn Querier,
    /// The series of each source of the plan.
    pub(crate) selections: &'q [Vec<BoxedSeries<'q>>],
    pub(crate) options: EvalOptions,
    pub(crate) budget: Budget,
    pub(crate) annotations: Annotations,
    pub(crate) counts: ReadCounts,
}

impl<'q> Evaluator<'q> {
    /// The value of a node at all steps.
    pub(crate) fn eval(&mut self, id: PlanId, steps: Steps) -> Evaluated<Data> {
        self.budget.check()?;
        let plan = self.plan;
        let node = plan.node(id);
        if steps.count() == 0 {
            return Ok(empty(node.value_type));
        }
        match &node.op {
            Op::Number(value) => Ok(Data::Scalar(Scalars::Constant(*value))),
            Op::Text(text) => Ok(Data::Text(text.text.clone())),
            Op::Instant(_) => self.collect(id, steps),
            Op::Range(selector) => self.range_selector(selector, steps),
            Op::Subquery(subquery) => self.subquery_value(subquery, steps),
            Op::Call(call) => self.call(id, call, steps),
            Op::Info(info) => crate::functions::info::call(self, info, steps),
            Op::Aggregate(aggregate) => self.aggregate(aggregate, steps),
            Op::Binary(_) => self.binary_chain(id, steps),
            Op::Unary { negative, expr } => {
                let data = self.eval(*expr, steps)?;
                if *negative { self.negate(data, steps) } else { Ok(data) }
            }
            Op::Invariant(inner) => self.invariant(*inner, steps),
        }
    }

    /// The value of a node that is an instant vector.
    pub(crate) fn eval_vector(&mut self, id: PlanId, steps: Steps) -> Evaluated<Vec<VectorSeries>> {
        match self.eval(id, steps)? {
            Data::Vector(series) => Ok(series),
            _ => Err(unexpected("an instant vector")),
        }
    }

    /// The value of a node that is a scalar.
    pub(crate) fn eval_scalars(&mut self, id: PlanId, steps: Steps) -> Evaluated<Scalars> {
        match self.eval(id, steps)? {
            Data::Scalar(scalars) => Ok(scalars),
            _ => Err(unexpected("a scalar")),
        }
    }

    /// The text of a node that is a string.
    pub(crate) fn text(&self, id: PlanId) -> Evaluated<&'q Text> {
        match &self.plan.node(id).op {
            Op::Text(text) => Ok(text),
            _ => Err(unexpected("a string")),
        }
    }

    /// Hands the series of a vector to `sink` one by one: those read from the store without ever holding all of them.
    pub(crate) fn stream(&mut self, id: PlanId, steps: Steps, sink: &mut Sink<'_>) -> Evaluated<()> {
        let plan = self.plan;
        match &plan.node(id).op {
            Op::Instant(selector) => self.instant_selector(selector, steps, plan.node(id).position, sink),
            Op::Call(call) if self.is_over_range_selector(call) => self.range_call(call, steps, sink),
            _ => {
                for mut series in self.eval_vector(id, steps)? {
                    sink(&mut series)?;
                }
                Ok(())
            }
        }
    }

    /// Collects what [`Evaluator::stream`] hands over.
    pub(crate) fn collect(&mut self, id: PlanId, steps: Steps) -> Evaluated<Data> {
        let mut all = Vec::new();
        let mark = self.budget.mark();
        self.stream(id, steps, &mut |series| {
            all.push(std::mem::take(series));
            Ok(())
        })?;
        self.budget.rewind(mark);
        self.hold(&all)?;
        Ok(Data::Vector(all))
    }

    /// Takes what `series` need from the budget.
    pub(crate) fn hold(&mut self, series: &[VectorSeries]) -> Evaluated<()> {
        let samples = series.iter().map(|series| series.column.samples()).sum();
        let bytes = series.iter().map(VectorSeries::bytes).sum();
        self.budget.hold(samples, bytes)
    }

    fn instant_selector(
        &mut self,
        selector: &InstantSelector,
        steps: Steps,
        position: usize,
        sink: &mut Sink<'_>,
    ) -> Evaluated<()> {
        let plan = self.plan;
        self.budget.blame(&plan.sources[selector.source].text);
        if selector.extension == Some(Extension::Smoothed) {
            return self.smoothed_selector(selector, steps, position, sink);
        }
        self.lookup(selector, steps, Want::Values, sink)
    }

    /// Looks up the samples of an instant selector.
    pub(crate) fn lookup(
        &mut self,
        selector: &InstantSelector,
        steps: Steps,
        want: Want,
        sink: &mut Sink<'_>,
    ) -> Evaluated<()> {
        let lookup = Lookup {
            steps,
            shift: selector.shift,
            lookback_ms: self.options.lookback_ms,
            stats_only: selector.stats_only,
        };
        let new_reader = || Ok(LookupReader { lookup, want });
        self.read_series(&self.selections[selector.source], steps.count(), &new_reader, sink)
    }

    /// Counts the points of a column as samples read.
    pub(crate) fn count_column(&mut self, column: &Column, steps: Steps) {
        let samples = column.samples() as u64;
        self.counts.total += samples;
        self.counts.read += samples;
        if self.counts.per_step.is_some() {
            for (step, point) in column.points() {
                let samples = match point {
                    column::Point::Float(_) => 1,
                    column::Point::Histogram(histogram) => column::histogram_samples(histogram),
                };
                self.count_at(steps.time_ms(step), samples as u64, samples as u64);
            }
        }
    }

    /// Counts samples for the step of the query at `time_ms`, if there is one and anybody wants to know.
    pub(crate) fn count_at(&mut self, time_ms: i64, used: u64, read: u64) {
        let Some(per_step) = &mut self.counts.per_step else { return };
        let steps = self.plan.steps;
        let since = time_ms.saturating_sub(steps.start_ms);
        if let Ok(step) = usize::try_from(since / steps.step_ms)
            && let Some(counts) = per_step.get_mut(step)
        {
            counts.used += used;
            counts.read += read;
        }
    }

    /// Evaluates once and repeats the value for all steps.
    fn invariant(&mut self, inner: PlanId, steps: Steps) -> Evaluated<Data> {
        let once = Steps { end_ms: steps.start_ms, ..steps };
        let count = steps.count();
        let mark = self.budget.mark();
        let used_before = self.counts.total;
        let data = self.eval(inner, once)?;
        self.budget.rewind(mark);
        // Every step uses what was read for the first.
        let used = self.counts.total - used_before;
        self.counts.total += used.saturating_mul(count.saturating_sub(1) as u64);
        for counts in self.counts.per_step.iter_mut().flat_map(|counts| counts.iter_mut().take(count).skip(1)) {
            counts.used += used;
        }
        Ok(match data {
            Data::Scalar(scalars) => Data::Scalar(Scalars::Constant(scalars.at(0))),
            Data::Vector(mut all) => {
                self.budget.hold(all.len().saturating_mul(count), all.len().saturating_mul(count).saturating_mul(8))?;
                for series in &mut all {
                    series.column.repeat_first(count);
                }
                self.budget.rewind(mark);
                self.hold(&all)?;
                Data::Vector(all)
            }
            // Ranges do not depend on the step.
            other @ (Data::Text(_) | Data::Matrix(_)) => other,
        })
    }

    fn negate(&mut self, data: Data, steps: Steps) -> Evaluated<Data> {
        match data {
            Data::Scalar(Scalars::Constant(value)) => Ok(Data::Scalar(Scalars::Constant(-value))),
            Data::Scalar(Scalars::Steps(mut values)) => {
                values.iter_mut().for_each(|value| *value = -*value);
                Ok(Data::Scalar(Scalars::Steps(values)))
            }
            Data::Vector(mut all) => {
                for series in &mut all {
                    self.drop_name(series);
                    series.column.map_floats(|value| -value);
                    for (_, histogram) in series.column.histograms_mut() {
                        Arc::make_mut(histogram).scale(-1.0);
                    }
                }
                Ok(Data::Vector(self.unique(all, steps)?))
            }
            other => Ok(other),
        }
    }
}

/// Reads what instant selectors look up.
struct LookupReader {
    lookup: Lookup,
    want: Want,
}

impl Reader for LookupReader {
    fn read(
        &mut self,
        evaluator: &mut Evaluator<'_>,
        series: &BoxedSeries<'_>,
        current: &mut VectorSeries,
    ) -> Evaluated<bool> {
        evaluator.budget.check()?;
        self.lookup.fill(&**series, self.want, &mut current.column)?;
        if current.column.is_empty() {
            return Ok(false);
        }
        current.labels = series.labels().clone();
        current.drop_name = false;
        evaluator.count_column(&current.column, self.lookup.steps);
        Ok(true)
    }
}

/// No value, of this type.
fn empty(value_type: ValueType) -> Data {
    match value_type {
        ValueType::Scalar => Data::Scalar(Scalars::Steps(Vec::new())),
        ValueType::String => Data::Text(String::new()),
        ValueType::Vector => Data::Vector(Vec::new()),
        ValueType::Matrix => Data::Matrix(Vec::new()),
    }
}

/// The type checker lets nothing through that makes this happen.
pub(crate) fn unexpected(wanted: &str) -> QueryError {
    QueryError::Execution { message: format!("unexpected type of expression, expected {wanted}") }
}

/// An error of the expression over this data, in the original's words.
pub(crate) fn execution(message: impl Into<String>) -> QueryError {
    QueryError::Execution { message: message.into() }
}
