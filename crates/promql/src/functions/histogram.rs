//! Functions of histograms: classic ones in buckets with an `le` label, and native ones.

mod classic;

use metrics_model::Labels;

use crate::annotations::Remark;
use crate::eval::column::{Column, Point, VectorSeries};
use crate::eval::{Data, Evaluated, Evaluator, execution};
use crate::functions::FunctionId;
use crate::plan::{CallPlan, Steps};

/// The value of a call of one of these functions.
pub(crate) fn call(evaluator: &mut Evaluator<'_>, call: &CallPlan, steps: Steps) -> Evaluated<Data> {
    match call.function {
        FunctionId::HistogramQuantile => quantile(evaluator, call, steps),
        _ => Err(execution(format!("function {:?} is not supported here", call.name))),
    }
}

fn quantile(evaluator: &mut Evaluator<'_>, call: &CallPlan, steps: Steps) -> Evaluated<Data> {
    let quantiles = evaluator.eval_scalars(Evaluator::arg(call, 0)?, steps)?;
    let positions: Vec<usize> = call.args.iter().map(|arg| evaluator.plan.node(*arg).position).collect();
    if let Some(given) = quantiles.values().iter().find(|given| !(0.0..=1.0).contains(*given)) {
        evaluator.annotations.add(&Remark::InvalidQuantile { given: *given }, positions[0]);
    }
    let all = evaluator.eval_vector(Evaluator::arg(call, 1)?, steps)?;
    let groups = classic::group(evaluator, &all, positions[1]);
    let mut results = Vec::new();
    for group in groups {
        let mut column = Column::default();
        for step in 0..steps.count() {
            let mut buckets = group.buckets_at(&all, step);
            if buckets.is_empty() {
                continue;
            }
            column.push_float(step, classic::quantile(quantiles.at(step), &mut buckets).value);
        }
        let mut result = VectorSeries { labels: group.labels, drop_name: false, column };
        if !result.column.is_empty() {
            evaluator.drop_name(&mut result);
            results.push(result);
        }
    }
    Ok(Data::Vector(evaluator.unique(results, steps)?))
}

#[expect(unused, reason = "native histograms come next")]
fn keep(_: &Labels, _: Point<'_>) {}
