//! Aggregations that fold one series after the other into a group: sums, means, extremes, counts, variances.

use std::sync::Arc;

use metrics_model::{FloatHistogram, Labels};

use super::super::column::{Column, absent, is_absent};
use crate::annotations::Remark;
use crate::functions::histogram_sum::{Finding, HistogramFold};
use crate::functions::kahan::{Kahan, Mean};
use crate::parser::ast::AggregateOp;

/// A remark that came up while folding.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum FoldRemark {
    Ignored(&'static str),
    Mixed,
    Histogram(Finding),
}

impl FoldRemark {
    pub(crate) fn as_remark(&self) -> Remark<'_> {
        match self {
            Self::Ignored(aggregation) => Remark::HistogramIgnoredInAggregation { aggregation },
            Self::Mixed => Remark::MixedFloatsHistogramsInAggregation,
            Self::Histogram(finding) => finding.as_remark(),
        }
    }
}

/// Adds a remark unless it is there.
fn note(remarks: &mut Vec<FoldRemark>, remark: FoldRemark) {
    if !remarks.contains(&remark) {
        remarks.push(remark);
    }
}

/// The state of one group at all steps.
pub(super) struct Fold {
    op: AggregateOp,
    state: State,
    /// The histograms of sums and means, by step.
    histograms: Vec<Histograms>,
}

/// The histograms of a sum or mean at one step.
#[derive(Default)]
enum Histograms {
    #[default]
    None,
    /// There are some, but floats came before them, so that there will be no result.
    Ignored,
    Folded(Box<HistogramFold>),
}

enum State {
    Sum(Vec<Kahan>),
    Avg(Vec<Option<Mean>>),
    /// The best so far, or absent.
    Extreme(Vec<f64>),
    Count(Vec<u32>),
    /// Whether there is anything.
    Group(Vec<bool>),
    Variance(Vec<Variance>),
}

/// Variance value by value.
#[derive(Debug, Clone, Copy, Default)]
struct Variance {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Variance {
    fn add(&mut self, value: f64) {
        if self.count == 0.0 {
            let squares = if value.is_finite() { 0.0 } else { f64::NAN };
            *self = Self { count: 1.0, mean: value, squares };
            return;
        }
        self.count += 1.0;
        let delta = value - self.mean;
        self.mean += delta / self.count;
        self.squares += delta * (value - self.mean);
    }
}

impl Fold {
    /// The memory that the state takes, whatever is folded.
    pub(super) fn bytes(op: AggregateOp, count: usize) -> usize {
        let each = match op {
            AggregateOp::Avg => size_of::<Option<Mean>>(),
            AggregateOp::Max | AggregateOp::Min => size_of::<f64>(),
            AggregateOp::Count => size_of::<u32>(),
            AggregateOp::Group => size_of::<bool>(),
            AggregateOp::StdDev | AggregateOp::StdVar => size_of::<Variance>(),
            _ => size_of::<Kahan>(),
        };
        each.saturating_mul(count)
    }

    pub(super) fn new(op: AggregateOp, count: usize) -> Self {
        let state = match op {
            AggregateOp::Avg => State::Avg(vec![None; count]),
            AggregateOp::Max | AggregateOp::Min => State::Extreme(vec![absent(); count]),
            AggregateOp::Count => State::Count(vec![0; count]),
            AggregateOp::Group => State::Group(vec![false; count]),
            AggregateOp::StdDev | AggregateOp::StdVar => State::Variance(vec![Variance::default(); count]),
            _ => State::Sum(vec![Kahan::new(absent()); count]),
        };
        Self { op, state, histograms: Vec::new() }
    }

    /// Adds a series to the group.
    pub(super) fn add(&mut self, column: &Column, labels: &Labels, remarks: &mut Vec<FoldRemark>) {
        self.add_floats(column);
        for (step, histogram) in column.histograms() {
            self.add_histogram(*step, histogram, labels, remarks);
        }
    }

    fn add_floats(&mut self, column: &Column) {
        let (first, floats) = column.floats();
        let present = floats.iter().enumerate().filter(|(_, value)| !is_absent(**value));
        match &mut self.state {
            State::Sum(sums) => {
                for (sum, value) in sums.iter_mut().skip(first).zip(floats) {
                    if is_absent(*value) {
                        continue;
                    }
                    if is_absent(sum.sum) { *sum = Kahan::new(*value) } else { sum.add(*value) }
                }
            }
            State::Avg(means) => {
                for (at, value) in present {
                    match &mut means[first + at] {
                        Some(mean) => mean.add(*value),
                        mean => *mean = Some(Mean::new(*value)),
                    }
                }
            }
            State::Extreme(best) => {
                let is_max = self.op == AggregateOp::Max;
                for (at, value) in present {
                    let best = &mut best[first + at];
                    // Absence is a NaN too, and anything is better than NaN.
                    let better = if is_max { *value > *best } else { *value < *best };
                    if better || best.is_nan() {
                        *best = *value;
                    }
                }
            }
            State::Count(counts) => present.for_each(|(at, _)| counts[first + at] += 1),
            State::Group(seen) => present.for_each(|(at, _)| seen[first + at] = true),
            State::Variance(variances) => present.for_each(|(at, value)| variances[first + at].add(*value)),
        }
    }

    fn add_histogram(
        &mut self,
        step: usize,
        histogram: &Arc<FloatHistogram>,
        labels: &Labels,
        remarks: &mut Vec<FoldRemark>,
    ) {
        match &mut self.state {
            State::Count(counts) => counts[step] += 1,
            State::Group(seen) => seen[step] = true,
            State::Extreme(_) | State::Variance(_) => note(remarks, FoldRemark::Ignored(self.op.as_str())),
            State::Sum(_) | State::Avg(_) => {
                let has_float = match &self.state {
                    State::Sum(sums) => !is_absent(sums[step].sum),
                    State::Avg(means) => means[step].is_some(),
                    _ => false,
                };
                if self.histograms.len() <= step {
                    self.histograms.resize_with(step + 1, Histograms::default);
                }
                let is_mean = self.op == AggregateOp::Avg;
                let slot = &mut self.histograms[step];
                match slot {
                    Histograms::None if has_float => *slot = Histograms::Ignored,
                    Histograms::None => {
                        *slot = Histograms::Folded(Box::new(HistogramFold::new(histogram, is_mean)));
                    }
                    Histograms::Ignored => {}
                    Histograms::Folded(fold) => fold.add(histogram, labels.metric_name()),
                }
            }
        }
    }

    /// The values of the group.
    pub(super) fn finish(self, remarks: &mut Vec<FoldRemark>) -> Column {
        let Self { op, state, mut histograms } = self;
        let count = |count: usize| if count == 0 { absent() } else { count as f64 };
        let floats: Vec<f64> = match state {
            State::Sum(sums) => {
                sums.into_iter().map(|sum| if is_absent(sum.sum) { absent() } else { sum.total() }).collect()
            }
            State::Avg(means) => means.into_iter().map(|mean| mean.map_or_else(absent, Mean::value)).collect(),
            State::Extreme(best) => best,
            State::Count(counts) => counts.into_iter().map(|seen| count(seen as usize)).collect(),
            State::Group(seen) => seen.into_iter().map(|seen| count(usize::from(seen))).collect(),
            State::Variance(variances) => variances
                .into_iter()
                .map(|variance| match op {
                    _ if variance.count == 0.0 => absent(),
                    AggregateOp::StdDev => (variance.squares / variance.count).sqrt(),
                    _ => variance.squares / variance.count,
                })
                .collect(),
        };
        if histograms.is_empty() {
            return Column::dense(floats);
        }
        histograms.resize_with(floats.len(), Histograms::default);
        let mut column = Column::default();
        for (step, (value, histograms)) in floats.into_iter().zip(histograms).enumerate() {
            let (findings, histogram) = match histograms {
                Histograms::None => {
                    if !is_absent(value) {
                        column.push_float(step, value);
                    }
                    continue;
                }
                Histograms::Ignored => (Vec::new(), None),
                Histograms::Folded(fold) => fold.finish(),
            };
            // Floats and histograms do not add up.
            let is_mixed = !is_absent(value);
            let worth_it = |finding: &Finding| !is_mixed || *finding != Finding::ResetCollision;
            findings.into_iter().filter(worth_it).for_each(|finding| note(remarks, FoldRemark::Histogram(finding)));
            match histogram {
                _ if is_mixed => note(remarks, FoldRemark::Mixed),
                Some(histogram) => column.push_histogram(step, Arc::new(histogram)),
                None => {}
            }
        }
        column
    }
}
