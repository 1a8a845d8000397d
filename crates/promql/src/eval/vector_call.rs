//! Calls of functions over instant vectors and scalars.

use metrics_model::name::METRIC_NAME;
use metrics_model::{Labels, MatchOp};

use super::call::absent_result;
use super::column::{Column, Point, Scalars, VectorSeries};
use super::selector::Want;
use super::{Data, Evaluated, Evaluator, unexpected};
use crate::annotations::Remark;
use crate::functions::date::{field, is_date_function};
use crate::functions::math::{clamp, float_function, go_max, go_min, round_to};
use crate::functions::{FunctionId, histogram, label, sort};
use crate::plan::{CallPlan, Op, PlanId, Steps};

impl Evaluator<'_> {
    /// The value of a call without a range among its arguments.
    pub(super) fn vector_call(&mut self, call: &CallPlan, steps: Steps) -> Evaluated<Data> {
        if let Some(change) = float_function(call.function) {
            return self.map_floats(call, steps, |value, _| change(value));
        }
        if is_date_function(call.function) {
            return self.date_call(call, steps);
        }
        match call.function {
            FunctionId::Time => {
                let times = (0..steps.count()).map(|step| steps.time_ms(step) as f64 / 1000.0);
                self.budget.hold(steps.count(), steps.count().saturating_mul(8))?;
                Ok(Data::Scalar(Scalars::Steps(times.collect())))
            }
            FunctionId::Pi => Ok(Data::Scalar(Scalars::Constant(std::f64::consts::PI))),
            FunctionId::MaxOf => self.zip_scalars(call, steps, go_max),
            FunctionId::MinOf => self.zip_scalars(call, steps, go_min),
            FunctionId::Scalar => self.scalar(call, steps),
            FunctionId::Vector => self.vector(call, steps),
            FunctionId::Round | FunctionId::Clamp | FunctionId::ClampMin | FunctionId::ClampMax => {
                self.bounded(call, steps)
            }
            FunctionId::Timestamp | FunctionId::StartTimestamp => self.timestamp(call, steps),
            FunctionId::Absent => self.absent(call, steps),
            FunctionId::Sort | FunctionId::SortDesc | FunctionId::SortByLabel | FunctionId::SortByLabelDesc => {
                self.sort(call, steps)
            }
            FunctionId::LabelReplace => label::replace(self, call, steps),
            FunctionId::LabelJoin => label::join(self, call, steps),
            _ => histogram::call(self, call, steps),
        }
    }

    /// The argument at this place.
    pub(crate) fn arg(call: &CallPlan, at: usize) -> Evaluated<PlanId> {
        call.args.get(at).copied().ok_or_else(|| unexpected("another argument"))
    }

    /// Applies `change` to the floats of the first argument, at each step.
    fn map_floats(&mut self, call: &CallPlan, steps: Steps, change: impl Fn(f64, usize) -> f64) -> Evaluated<Data> {
        let mark = self.budget.mark();
        let all = self.eval_vector(Self::arg(call, 0)?, steps)?;
        self.budget.rewind(mark);
        self.map_floats_of(all, steps, change)
    }

    /// Applies `change` to the floats of a vector, at each step.
    fn map_floats_of(
        &mut self,
        mut all: Vec<VectorSeries>,
        steps: Steps,
        change: impl Fn(f64, usize) -> f64,
    ) -> Evaluated<Data> {
        let mark = self.budget.mark();
        for series in &mut all {
            self.budget.check()?;
            series.column.drop_histograms();
            let first = series.column.floats().0;
            for (at, value) in series.column.floats_mut().iter_mut().enumerate() {
                if !super::column::is_absent(*value) {
                    *value = change(*value, first + at);
                }
            }
            self.drop_name(series);
        }
        all.retain(|series| !series.column.is_empty());
        let all = self.unique(all, steps)?;
        self.budget.rewind(mark);
        self.hold(&all)?;
        Ok(Data::Vector(all))
    }

    fn date_call(&mut self, call: &CallPlan, steps: Steps) -> Evaluated<Data> {
        let function = call.function;
        if !call.args.is_empty() {
            return self.map_floats(call, steps, |value, _| field(function, value).unwrap_or(f64::NAN));
        }
        self.budget.hold(steps.count(), steps.count().saturating_mul(8))?;
        let at = |step| field(function, (steps.time_ms(step) / 1000) as f64).unwrap_or(f64::NAN);
        let column = Column::dense((0..steps.count()).map(at).collect());
        Ok(Data::Vector(vec![VectorSeries { labels: Labels::empty(), drop_name: false, column }]))
    }

    fn zip_scalars(&mut self, call: &CallPlan, steps: Steps, combine: fn(f64, f64) -> f64) -> Evaluated<Data> {
        let left = self.eval_scalars(Self::arg(call, 0)?, steps)?;
        let right = self.eval_scalars(Self::arg(call, 1)?, steps)?;
        Ok(Data::Scalar(left.zip(&right, combine)))
    }

    /// `scalar`: the only float, or NaN.
    fn scalar(&mut self, call: &CallPlan, steps: Steps) -> Evaluated<Data> {
        let mark = self.budget.mark();
        let all = self.eval_vector(Self::arg(call, 0)?, steps)?;
        self.budget.hold(0, steps.count().saturating_mul(9))?;
        let mut found = vec![0_u8; steps.count()];
        let mut values = vec![f64::NAN; steps.count()];
        for series in &all {
            for (step, point) in series.column.points() {
                if let Point::Float(value) = point {
                    found[step] = found[step].saturating_add(1);
                    values[step] = if found[step] == 1 { value } else { f64::NAN };
                }
            }
        }
        self.budget.rewind(mark);
        self.budget.hold(values.len(), values.len() * 8)?;
        Ok(Data::Scalar(Scalars::Steps(values)))
    }

    fn vector(&mut self, call: &CallPlan, steps: Steps) -> Evaluated<Data> {
        let scalars = self.eval_scalars(Self::arg(call, 0)?, steps)?;
        self.budget.hold(steps.count(), steps.count().saturating_mul(8))?;
        let column = match scalars {
            Scalars::Constant(value) => Column::constant(value, steps.count()),
            Scalars::Steps(values) => Column::dense(values),
        };
        Ok(Data::Vector(vec![VectorSeries { labels: Labels::empty(), drop_name: false, column }]))
    }

    /// `round` and the clamps: functions of floats with scalar arguments.
    fn bounded(&mut self, call: &CallPlan, steps: Steps) -> Evaluated<Data> {
        let all = self.eval_vector(Self::arg(call, 0)?, steps)?;
        let bound = |evaluator: &mut Self, at: usize, default: f64| match call.args.get(at) {
            Some(arg) => evaluator.eval_scalars(*arg, steps),
            None => Ok(Scalars::Constant(default)),
        };
        match call.function {
            FunctionId::Round => {
                let nearest = bound(self, 1, 1.0)?;
                self.map_floats_of(all, steps, |value, step| round_to(value, 1.0 / nearest.at(step)))
            }
            FunctionId::ClampMin => {
                let low = bound(self, 1, f64::NEG_INFINITY)?;
                self.map_floats_of(all, steps, |value, step| clamp(value, low.at(step), f64::INFINITY))
            }
            FunctionId::ClampMax => {
                let high = bound(self, 1, f64::INFINITY)?;
                self.map_floats_of(all, steps, |value, step| clamp(value, f64::NEG_INFINITY, high.at(step)))
            }
            _ => {
                let (low, high) = (bound(self, 1, f64::NEG_INFINITY)?, bound(self, 2, f64::INFINITY)?);
                // Where nothing lies between the bounds there is no value.
                self.map_floats_of(all, steps, |value, step| {
                    let (low, high) = (low.at(step), high.at(step));
                    if high < low { super::column::absent() } else { clamp(value, low, high) }
                })
            }
        }
    }

    fn timestamp(&mut self, call: &CallPlan, steps: Steps) -> Evaluated<Data> {
        let plan = self.plan;
        let arg = Self::arg(call, 0)?;
        let is_start = call.function == FunctionId::StartTimestamp;
        let mut all = Vec::new();
        if is_start && !self.options.start_timestamps {
            return Ok(Data::Vector(Vec::new()));
        }
        if let Op::Instant(selector) = &plan.node(arg).op {
            let want = if is_start { Want::StartTimestamps } else { Want::Timestamps };
            let mark = self.budget.mark();
            self.lookup(selector, steps, want, &mut |series| {
                all.push(std::mem::take(series));
                Ok(())
            })?;
            self.budget.rewind(mark);
        } else if !is_start {
            // Anything computed has the time of evaluation.
            for mut series in self.eval_vector(arg, steps)? {
                let mut column = Column::default();
                for (step, _) in series.column.points() {
                    column.push_float(step, steps.time_ms(step) as f64 / 1000.0);
                }
                series.column = column;
                all.push(series);
            }
        }
        for series in &mut all {
            self.drop_name(series);
        }
        let all = self.unique(all, steps)?;
        self.hold(&all)?;
        Ok(Data::Vector(all))
    }

    fn absent(&mut self, call: &CallPlan, steps: Steps) -> Evaluated<Data> {
        let arg = Self::arg(call, 0)?;
        let mark = self.budget.mark();
        let all = self.eval_vector(arg, steps)?;
        let labels = self.absent_labels(arg);
        self.budget.rewind(mark);
        self.budget.hold(steps.count(), steps.count().saturating_mul(8))?;
        Ok(Data::Vector(absent_result(&all, labels, steps)))
    }

    /// The labels that a selector asks for with `=`, unless it asks for more than one value of the same label.
    pub(super) fn absent_labels(&self, arg: PlanId) -> Labels {
        let source = match &self.plan.node(arg).op {
            Op::Instant(selector) => selector.source,
            Op::Range(selector) => selector.source,
            _ => return Labels::empty(),
        };
        let mut builder = metrics_model::LabelsBuilder::default();
        let mut seen: Vec<&str> = Vec::new();
        for matcher in self.plan.sources[source].matchers.iter().filter(|matcher| matcher.name() != METRIC_NAME) {
            if matcher.op() == MatchOp::Equal && !seen.contains(&matcher.name()) {
                builder.set(matcher.name(), matcher.value());
                seen.push(matcher.name());
            } else {
                builder.remove(matcher.name());
            }
        }
        builder.build()
    }

    fn sort(&mut self, call: &CallPlan, steps: Steps) -> Evaluated<Data> {
        if !steps.is_instant() {
            self.annotations.add(&Remark::SortInRangeQuery, call.position);
        }
        let mut all = self.eval_vector(Self::arg(call, 0)?, steps)?;
        let label = |arg: &PlanId| self.text(*arg).map(|label| label.text.as_str());
        let labels = call.args.iter().skip(1).map(label).collect::<Evaluated<Vec<_>>>()?;
        let descending = matches!(call.function, FunctionId::SortDesc | FunctionId::SortByLabelDesc);
        if matches!(call.function, FunctionId::Sort | FunctionId::SortDesc) {
            for series in &mut all {
                series.column.drop_histograms();
            }
            all.retain(|series| !series.column.is_empty());
            if steps.is_instant() {
                sort::by_value(&mut all, descending);
            }
        } else if steps.is_instant() {
            sort::by_labels(&mut all, &labels, descending);
        }
        Ok(Data::Vector(all))
    }
}
