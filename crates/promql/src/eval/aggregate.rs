//! Aggregations. Groups are found once per series; the series are then folded into their groups column by column.

mod count_values;
mod fold;
mod rank;

use metrics_model::Labels;
use metrics_model::name::METRIC_NAME;
use rustc_hash::FxHashMap;

use super::column::VectorSeries;
use super::{Data, Evaluated, Evaluator};
use crate::annotations::Remark;
use crate::functions::math::{go_max, go_min};
use crate::parser::ast::AggregateOp;
use crate::plan::{AggregatePlan, Steps};
use fold::Fold;

impl AggregatePlan {
    /// Whether a label is part of what groups are known by.
    fn is_grouping(&self, name: &str) -> bool {
        let is_listed = self.grouping.binary_search_by(|label| label.as_str().cmp(name)).is_ok();
        if self.without { name != METRIC_NAME && !is_listed } else { is_listed }
    }
}

/// Numbers the groups of an aggregation.
pub(super) struct Groups<'p> {
    plan: &'p AggregatePlan,
    /// By the packed labels of the group.
    places: FxHashMap<String, usize>,
    packed: String,
}

impl<'p> Groups<'p> {
    pub(super) fn new(plan: &'p AggregatePlan) -> Self {
        Self { plan, places: FxHashMap::default(), packed: String::new() }
    }

    /// The number of the group of a series, from 0 in order of appearance; and its labels, when it is new.
    pub(super) fn place(&mut self, labels: &Labels) -> (usize, Option<Labels>) {
        self.packed.clear();
        labels.pack_filtered(&mut self.packed, |name| self.plan.is_grouping(name));
        if let Some(place) = self.places.get(self.packed.as_str()) {
            return (*place, None);
        }
        let next = self.places.len();
        self.places.insert(self.packed.clone(), next);
        (next, Some(labels.filtered(|name| self.plan.is_grouping(name))))
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }
}

impl Evaluator<'_> {
    /// The value of an aggregation.
    pub(super) fn aggregate(&mut self, aggregate: &AggregatePlan, steps: Steps) -> Evaluated<Data> {
        match aggregate.op {
            AggregateOp::CountValues => self.count_values(aggregate, steps),
            AggregateOp::TopK | AggregateOp::BottomK | AggregateOp::LimitK | AggregateOp::LimitRatio => {
                self.ranked(aggregate, steps)
            }
            AggregateOp::Quantile => self.quantile_of_groups(aggregate, steps),
            AggregateOp::Avg
            | AggregateOp::Count
            | AggregateOp::Group
            | AggregateOp::Max
            | AggregateOp::Min
            | AggregateOp::StdDev
            | AggregateOp::StdVar
            | AggregateOp::Sum => self.folded(aggregate, steps),
        }
    }

    fn folded(&mut self, aggregate: &AggregatePlan, steps: Steps) -> Evaluated<Data> {
        let mark = self.budget.mark();
        let position = self.plan.node(aggregate.expr).position;
        let mut groups = Groups::new(aggregate);
        let mut results: Vec<(VectorSeries, Fold)> = Vec::new();
        let mut remarks = Vec::new();
        let mut allowance = self.budget.allowance();
        let count = steps.count();
        self.stream(aggregate.expr, steps, &mut |series| {
            let (place, new) = groups.place(&series.labels);
            if let Some(labels) = new {
                let result = VectorSeries { labels, ..VectorSeries::default() };
                allowance.take(Fold::bytes(aggregate.op, count))?;
                results.push((result, Fold::new(aggregate.op, count)));
            }
            let (result, fold) = &mut results[place];
            result.drop_name |= series.drop_name;
            fold.add(&series.column, &series.labels, &mut remarks);
            Ok(())
        })?;
        let mut finished = Vec::with_capacity(results.len());
        for (mut result, fold) in results {
            self.budget.check()?;
            result.column = fold.finish(&mut remarks);
            if !result.column.is_empty() {
                finished.push(result);
            }
        }
        for remark in &remarks {
            self.annotations.add(&remark.as_remark(), position);
        }
        self.budget.rewind(mark);
        self.hold(&finished)?;
        Ok(Data::Vector(finished))
    }

    fn quantile_of_groups(&mut self, aggregate: &AggregatePlan, steps: Steps) -> Evaluated<Data> {
        let mark = self.budget.mark();
        let Some(param) = aggregate.param else { return Err(super::unexpected("a parameter")) };
        let quantiles = self.eval_scalars(param, steps)?;
        let all = self.eval_vector(aggregate.expr, steps)?;
        self.remark_on_quantiles(quantiles.values(), self.plan.node(param).position);
        if all.iter().any(|series| !series.column.histograms().is_empty()) {
            let aggregation = aggregate.op.as_str();
            let remark = Remark::HistogramIgnoredInAggregation { aggregation };
            self.annotations.add(&remark, self.plan.node(aggregate.expr).position);
        }
        let mut groups = Groups::new(aggregate);
        let mut results: Vec<VectorSeries> = Vec::new();
        let mut members: Vec<Vec<usize>> = Vec::new();
        for (at, series) in all.iter().enumerate() {
            let (place, new) = groups.place(&series.labels);
            if let Some(labels) = new {
                results.push(VectorSeries { labels, ..VectorSeries::default() });
                members.push(Vec::new());
            }
            results[place].drop_name |= series.drop_name;
            members[place].push(at);
        }
        let mut values = Vec::new();
        for (result, members) in results.iter_mut().zip(&members) {
            for step in 0..steps.count() {
                self.budget.check()?;
                values.clear();
                let floats = members.iter().map(|at| all[*at].column.float(step));
                values.extend(floats.filter(|value| !super::column::is_absent(*value)));
                if !values.is_empty() {
                    let quantile = crate::functions::quantile::quantile(quantiles.at(step), &mut values);
                    result.column.push_float(step, quantile);
                }
            }
        }
        results.retain(|result| !result.column.is_empty());
        self.budget.rewind(mark);
        self.hold(&results)?;
        Ok(Data::Vector(results))
    }

    fn remark_on_quantiles(&mut self, quantiles: &[f64], position: usize) {
        let mut remark = |given: f64| self.annotations.add(&Remark::InvalidQuantile { given }, position);
        if quantiles.iter().any(|given| given.is_nan()) {
            remark(f64::NAN);
        }
        // Any NaN hides both, as in the original.
        let highest = quantiles.iter().copied().fold(f64::MIN, go_max);
        let lowest = quantiles.iter().copied().fold(f64::MAX, go_min);
        if highest > 1.0 {
            remark(highest);
        }
        if lowest < 0.0 {
            remark(lowest);
        }
    }
}
