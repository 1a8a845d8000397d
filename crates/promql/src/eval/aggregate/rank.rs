//! `topk`, `bottomk`, `limitk` and `limit_ratio`: aggregations that keep some of the series as they are.

use metrics_model::Labels;
use metrics_model::number::format_general;

use super::super::column::{Column, VectorSeries, is_absent};
use super::super::{Data, Evaluated, Evaluator, execution, unexpected};
use super::Groups;
use crate::annotations::Remark;
use crate::functions::quantile::nan_first;
use crate::parser::ast::AggregateOp;
use crate::plan::{AggregatePlan, Steps};

/// 2^63: numbers of series from here on, or below its negative, do not fit.
const INTEGER_END: f64 = 9_223_372_036_854_775_808.0;

impl Evaluator<'_> {
    pub(super) fn ranked(&mut self, aggregate: &AggregatePlan, steps: Steps) -> Evaluated<Data> {
        let mark = self.budget.mark();
        let Some(param) = aggregate.param else { return Err(unexpected("a parameter")) };
        let wanted = self.eval_scalars(param, steps)?;
        let all = self.eval_vector(aggregate.expr, steps)?;
        if !self.check_parameter(aggregate.op, wanted.values(), self.plan.node(param).position)? {
            return Ok(Data::Vector(Vec::new()));
        }
        let mut groups = Groups::new(aggregate);
        let places: Vec<usize> = all.iter().map(|series| groups.place(&series.labels).0).collect();
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); groups.len()];
        for (at, place) in places.iter().enumerate() {
            members[*place].push(at);
        }
        if matches!(aggregate.op, AggregateOp::TopK | AggregateOp::BottomK)
            && all.iter().any(|series| !series.column.histograms().is_empty())
        {
            let remark = Remark::HistogramIgnoredInAggregation { aggregation: aggregate.op.as_str() };
            self.annotations.add(&remark, aggregate.position);
        }
        let ratios: Vec<f64> = match aggregate.op {
            AggregateOp::LimitRatio => all.iter().map(|series| sample_offset(&series.labels)).collect(),
            _ => Vec::new(),
        };
        let mut kept: Vec<Column> = vec![Column::default(); all.len()];
        let mut order = Vec::new();
        for step in 0..steps.count() {
            let wanted = wanted.at(step);
            for members in &members {
                self.budget.check()?;
                let chosen = choose(aggregate.op, wanted, &all, members, &ratios, step);
                for at in chosen {
                    if let Some(point) = all[at].column.get(step) {
                        kept[at].push(step, point.to_value());
                    }
                    if steps.is_instant() {
                        order.push(at);
                    }
                }
            }
        }
        if !steps.is_instant() {
            order = (0..all.len()).collect();
        }
        let mut all: Vec<Option<VectorSeries>> = all.into_iter().map(Some).collect();
        let mut results = Vec::with_capacity(order.len());
        for at in order {
            let column = std::mem::take(&mut kept[at]);
            if let Some(series) = all[at].take().filter(|_| !column.is_empty()) {
                results.push(VectorSeries { column, ..series });
            }
        }
        self.budget.rewind(mark);
        self.hold(&results)?;
        Ok(Data::Vector(results))
    }

    /// Whether the parameter lets anything through at all.
    fn check_parameter(&mut self, op: AggregateOp, values: &[f64], position: usize) -> Evaluated<bool> {
        let highest = values.iter().copied().fold(f64::MIN, crate::functions::math::go_max);
        let lowest = values.iter().copied().fold(f64::MAX, crate::functions::math::go_min);
        let has_nan = values.iter().any(|value| value.is_nan());
        if op == AggregateOp::LimitRatio {
            if highest == 0.0 && lowest == 0.0 {
                return Ok(false);
            }
            if has_nan {
                return Err(execution("Ratio value is NaN"));
            }
            if highest > 1.0 {
                self.annotations.add(&Remark::InvalidRatio { given: highest, capped: 1.0 }, position);
            }
            if lowest < -1.0 {
                self.annotations.add(&Remark::InvalidRatio { given: lowest, capped: -1.0 }, position);
            }
            return Ok(true);
        }
        if highest < 1.0 {
            return Ok(false);
        }
        if has_nan {
            return Err(execution("Parameter value is NaN"));
        }
        if lowest <= -INTEGER_END {
            return Err(execution(format!("Scalar value {} underflows int64", format_general(lowest))));
        }
        if highest >= INTEGER_END {
            return Err(execution(format!("Scalar value {} overflows int64", format_general(highest))));
        }
        Ok(true)
    }
}

/// The members of a group to keep at a step, in the order of the result.
fn choose(
    op: AggregateOp,
    wanted: f64,
    all: &[VectorSeries],
    members: &[usize],
    ratios: &[f64],
    step: usize,
) -> Vec<usize> {
    if op == AggregateOp::LimitRatio {
        let ratio = wanted.clamp(-1.0, 1.0);
        let inside = |at: &usize| if ratio >= 0.0 { ratios[*at] < ratio } else { ratios[*at] >= 1.0 + ratio };
        return members.iter().copied().filter(|at| all[*at].column.has(step)).filter(inside).collect();
    }
    if wanted < 1.0 {
        return Vec::new();
    }
    // Numbers of series above what fits were refused.
    let count = wanted as usize;
    if op == AggregateOp::LimitK {
        return members.iter().copied().filter(|at| all[*at].column.has(step)).take(count).collect();
    }
    let values = members.iter().map(|at| (all[*at].column.float(step), *at)).filter(|(value, _)| !is_absent(*value));
    let mut best = Best { largest: op == AggregateOp::TopK, count, heap: Vec::new() };
    values.for_each(|(value, at)| best.offer(value, at));
    best.in_order()
}

/// The best of the values that are offered, in a heap with the worst of them on top. Which of equal values stay depends
/// on how a heap moves its elements, so it does exactly what the original's does.
struct Best {
    largest: bool,
    count: usize,
    heap: Vec<(f64, usize)>,
}

impl Best {
    /// Whether `a` is worse than `b`; NaN is the worst.
    fn is_worse(&self, a: f64, b: f64) -> bool {
        a.is_nan() || if self.largest { a < b } else { a > b }
    }

    fn offer(&mut self, value: f64, at: usize) {
        if self.heap.len() < self.count {
            self.heap.push((value, at));
            self.rise(self.heap.len() - 1);
            return;
        }
        let worst = self.heap[0].0;
        let is_better = if self.largest { worst < value } else { worst > value };
        if is_better || (worst.is_nan() && !value.is_nan()) {
            self.heap[0] = (value, at);
            self.sink(0);
        }
    }

    fn rise(&mut self, mut at: usize) {
        while at > 0 {
            let parent = (at - 1) / 2;
            if !self.is_worse(self.heap[at].0, self.heap[parent].0) {
                break;
            }
            self.heap.swap(at, parent);
            at = parent;
        }
    }

    fn sink(&mut self, mut at: usize) {
        loop {
            let mut child = 2 * at + 1;
            if child >= self.heap.len() {
                break;
            }
            if child + 1 < self.heap.len() && self.is_worse(self.heap[child + 1].0, self.heap[child].0) {
                child += 1;
            }
            if !self.is_worse(self.heap[child].0, self.heap[at].0) {
                break;
            }
            self.heap.swap(at, child);
            at = child;
        }
    }

    /// The places of what has stayed, the best first.
    fn in_order(mut self) -> Vec<usize> {
        let largest = self.largest;
        self.heap.sort_by(|(a, _), (b, _)| match (a.is_nan(), b.is_nan()) {
            (false, false) if largest => nan_first(b, a),
            (false, false) => nan_first(a, b),
            (a, b) => a.cmp(&b),
        });
        self.heap.into_iter().map(|(_, at)| at).collect()
    }
}

/// A number from 0 to 1 that only depends on the labels: their hash, as the original computes it, over its range.
fn sample_offset(labels: &Labels) -> f64 {
    let mut bytes = Vec::new();
    for (name, value) in labels.iter() {
        push_sized(&mut bytes, name);
        push_sized(&mut bytes, value);
    }
    xxhash_rust::xxh64::xxh64(&bytes, 0) as f64 / u64::MAX as f64
}

/// A text with its length before it: one byte, or 255 and three more.
fn push_sized(bytes: &mut Vec<u8>, text: &str) {
    match u8::try_from(text.len()) {
        Ok(length) if length < 255 => bytes.push(length),
        _ => {
            bytes.push(255);
            bytes.extend_from_slice(&text.len().to_le_bytes()[..3]);
        }
    }
    bytes.extend_from_slice(text.as_bytes());
}
