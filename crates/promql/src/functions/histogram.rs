//! Functions of histograms: classic ones in buckets with an `le` label, and native ones.

mod classic;

use metrics_model::histogram::{Estimate, NanObservations};
use metrics_model::name::METRIC_NAME;
use metrics_model::number::format_openmetrics;
use metrics_model::{FloatHistogram, Labels};

use crate::annotations::{Monotonicity, Remark};
use crate::eval::column::{Column, Point, Scalars, VectorSeries};
use crate::eval::{Data, Evaluated, Evaluator, execution};
use crate::functions::FunctionId;
use crate::plan::{CallPlan, Steps};
use classic::Group;

/// The value of a call of one of these functions.
pub(crate) fn call(evaluator: &mut Evaluator<'_>, call: &CallPlan, steps: Steps) -> Evaluated<Data> {
    let number: fn(&FloatHistogram) -> f64 = match call.function {
        FunctionId::HistogramCount => |histogram| histogram.count,
        FunctionId::HistogramSum => |histogram| histogram.sum,
        FunctionId::HistogramAvg => |histogram| histogram.sum / histogram.count,
        FunctionId::HistogramStdvar => FloatHistogram::variance,
        FunctionId::HistogramStddev => |histogram| histogram.variance().sqrt(),
        FunctionId::HistogramQuantile => return quantile(evaluator, call, steps),
        FunctionId::HistogramQuantiles => return quantiles(evaluator, call, steps),
        FunctionId::HistogramFraction => return fraction(evaluator, call, steps),
        _ => return Err(execution(format!("function {:?} cannot be called here", call.name))),
    };
    numbers(evaluator, call, steps, number)
}

/// A number of each native histogram; floats are left out.
fn numbers(
    evaluator: &mut Evaluator<'_>,
    call: &CallPlan,
    steps: Steps,
    number: fn(&FloatHistogram) -> f64,
) -> Evaluated<Data> {
    let mut results = Vec::new();
    for mut series in evaluator.eval_vector(Evaluator::arg(call, 0)?, steps)? {
        let mut column = Column::default();
        for (step, histogram) in series.column.histograms() {
            column.push_float(*step, number(histogram));
        }
        if column.is_empty() {
            continue;
        }
        series.column = column;
        // Unlike elsewhere type and unit stay.
        if !evaluator.options.delayed_name_removal {
            series.labels = Labels::from_sorted(series.labels.iter().filter(|(name, _)| *name != METRIC_NAME));
        }
        series.drop_name = true;
        results.push(series);
    }
    Ok(Data::Vector(evaluator.unique(results, steps)?))
}

/// What quantiles and fractions have in common: classic histograms by group, native ones by series.
struct Histograms {
    all: Vec<VectorSeries>,
    groups: Vec<Group>,
    /// For each series the group of classic buckets with the same labels.
    twins: Vec<Option<usize>>,
    steps: Steps,
    /// Where the argument starts.
    position: usize,
}

impl Histograms {
    fn new(evaluator: &mut Evaluator<'_>, call: &CallPlan, at: usize, steps: Steps) -> Evaluated<Self> {
        let arg = Evaluator::arg(call, at)?;
        let position = evaluator.plan.node(arg).position;
        let all = evaluator.eval_vector(arg, steps)?;
        let groups = classic::group(evaluator, &all, position);
        let has_native = |series: &VectorSeries| !series.column.histograms().is_empty();
        let twin = |series: &VectorSeries| groups.iter().position(|group| group.labels == series.labels);
        let twins = all.iter().map(|series| if has_native(series) { twin(series) } else { None }).collect();
        Ok(Self { all, groups, twins, steps, position })
    }

    /// Gives each native histogram to `native` and the buckets of each classic one to `classic`, series by series. Where
    /// both are there with the same labels neither counts.
    fn evaluate(
        &self,
        evaluator: &mut Evaluator<'_>,
        mut native: impl FnMut(&mut Evaluator<'_>, usize, &VectorSeries, &FloatHistogram) -> f64,
        mut classic: impl FnMut(&mut Evaluator<'_>, usize, &Group, &mut Vec<classic::Bucket>) -> f64,
    ) -> Evaluated<Vec<VectorSeries>> {
        let mut results = Vec::new();
        let mut conflicts = vec![Vec::new(); self.groups.len()];
        for (series, twin) in self.all.iter().zip(&self.twins) {
            let mut column = Column::default();
            for (step, histogram) in series.column.histograms() {
                evaluator.budget.check()?;
                if let Some(group) = twin.filter(|group| self.groups[*group].has_buckets_at(&self.all, *step)) {
                    conflicts[group].push(*step);
                    let metric = self.metric(evaluator, &series.labels);
                    evaluator.annotations.add(&Remark::MixedClassicNative { metric }, self.position);
                } else {
                    column.push_float(*step, native(evaluator, *step, series, histogram));
                }
            }
            if !column.is_empty() {
                results.push(VectorSeries { column, labels: series.labels.clone(), drop_name: false });
            }
        }
        let mut buckets = Vec::new();
        for (group, conflicts) in self.groups.iter().zip(conflicts) {
            let mut column = Column::default();
            for step in (0..self.steps.count()).filter(|step| !conflicts.contains(step)) {
                evaluator.budget.check()?;
                group.buckets_at(&self.all, step, &mut buckets);
                if !buckets.is_empty() {
                    column.push_float(step, classic(evaluator, step, group, &mut buckets));
                }
            }
            if !column.is_empty() {
                results.push(VectorSeries { column, labels: group.labels.clone(), drop_name: false });
            }
        }
        for result in &mut results {
            evaluator.drop_name(result);
        }
        Ok(results)
    }

    /// The name to put into remarks about classic histograms: names go before them unless they go late.
    fn metric<'l>(&self, evaluator: &Evaluator<'_>, labels: &'l Labels) -> &'l str {
        if evaluator.options.delayed_name_removal { labels.metric_name() } else { "" }
    }

    fn quantile(&self, evaluator: &mut Evaluator<'_>, quantiles: &Scalars) -> Evaluated<Vec<VectorSeries>> {
        self.evaluate(
            evaluator,
            |evaluator, step, series, histogram| {
                let Estimate { value, nan } = histogram.quantile(quantiles.at(step));
                let metric = self.metric(evaluator, &series.labels);
                match nan {
                    NanObservations::None => {}
                    NanObservations::Skewed => {
                        evaluator.annotations.add(&Remark::QuantileSkewedByNan { metric }, self.position);
                    }
                    NanObservations::Reached => {
                        evaluator.annotations.add(&Remark::QuantileIsNan { metric }, self.position);
                    }
                }
                value
            },
            |evaluator, step, group, buckets| {
                let quantile = classic::quantile(quantiles.at(step), buckets);
                if let Some(forced) = quantile.forced {
                    let time_ms = self.steps.time_ms(step);
                    let found = Monotonicity {
                        first_ms: time_ms,
                        last_ms: time_ms,
                        bucket_min: forced.lowest,
                        bucket_max: forced.highest,
                        difference_max: forced.difference,
                        samples: 1,
                    };
                    let metric = self.metric(evaluator, &group.labels);
                    evaluator.annotations.add(&Remark::ForcedMonotonicity { metric, found }, self.position);
                }
                quantile.value
            },
        )
    }
}

fn remark_on_quantile(evaluator: &mut Evaluator<'_>, quantiles: &Scalars, position: usize) {
    for given in quantiles.values().iter().filter(|given| !(0.0..=1.0).contains(*given)) {
        evaluator.annotations.add(&Remark::InvalidQuantile { given: *given }, position);
    }
}

fn quantile(evaluator: &mut Evaluator<'_>, call: &CallPlan, steps: Steps) -> Evaluated<Data> {
    let arg = Evaluator::arg(call, 0)?;
    let quantiles = evaluator.eval_scalars(arg, steps)?;
    let histograms = Histograms::new(evaluator, call, 1, steps)?;
    remark_on_quantile(evaluator, &quantiles, evaluator.plan.node(arg).position);
    let results = histograms.quantile(evaluator, &quantiles)?;
    Ok(Data::Vector(evaluator.unique(results, steps)?))
}

/// `histogram_quantiles(v, label, q...)`: several at once, told apart by a label.
fn quantiles(evaluator: &mut Evaluator<'_>, call: &CallPlan, steps: Steps) -> Evaluated<Data> {
    let label = &evaluator.text(Evaluator::arg(call, 1)?)?.text;
    let histograms = Histograms::new(evaluator, call, 0, steps)?;
    let mut results = Vec::new();
    for arg in call.args.iter().skip(2) {
        let quantiles = evaluator.eval_scalars(*arg, steps)?;
        remark_on_quantile(evaluator, &quantiles, evaluator.plan.node(*arg).position);
        for series in histograms.quantile(evaluator, &quantiles)? {
            results.extend(split_by_quantile(&series, label, &quantiles));
        }
    }
    Ok(Data::Vector(evaluator.unique(results, steps)?))
}

/// One series for each value that the quantile takes over the steps.
fn split_by_quantile(series: &VectorSeries, label: &str, quantiles: &Scalars) -> Vec<VectorSeries> {
    let mut split: Vec<(u64, VectorSeries)> = Vec::new();
    for (step, point) in series.column.points() {
        let Point::Float(value) = point else { continue };
        let quantile = quantiles.at(step);
        let at = split.iter().position(|(bits, _)| *bits == quantile.to_bits()).unwrap_or_else(|| {
            let labels = series.labels.to_builder().set(label, &format_openmetrics(quantile)).build();
            let part = VectorSeries { labels, drop_name: series.drop_name, column: Column::default() };
            split.push((quantile.to_bits(), part));
            split.len() - 1
        });
        split[at].1.column.push_float(step, value);
    }
    split.into_iter().map(|(_, part)| part).collect()
}

fn fraction(evaluator: &mut Evaluator<'_>, call: &CallPlan, steps: Steps) -> Evaluated<Data> {
    let lower = evaluator.eval_scalars(Evaluator::arg(call, 0)?, steps)?;
    let upper = evaluator.eval_scalars(Evaluator::arg(call, 1)?, steps)?;
    let histograms = Histograms::new(evaluator, call, 2, steps)?;
    let results = histograms.evaluate(
        evaluator,
        |evaluator, step, series, histogram| {
            let Estimate { value, nan } = histogram.fraction(lower.at(step), upper.at(step));
            if nan != NanObservations::None {
                let metric = histograms.metric(evaluator, &series.labels);
                evaluator.annotations.add(&Remark::FractionIgnoresNan { metric }, histograms.position);
            }
            value
        },
        |_, step, _, buckets| classic::fraction(lower.at(step), upper.at(step), buckets),
    )?;
    Ok(Data::Vector(evaluator.unique(results, steps)?))
}
