//! `label_replace` and `label_join`: new labels from old ones.

use metrics_model::Labels;
use metrics_model::name::METRIC_NAME;
use metrics_model::pattern;

use crate::eval::budget::Mark;
use crate::eval::column::VectorSeries;
use crate::eval::names::merged;
use crate::eval::{Data, Evaluated, Evaluator, execution};
use crate::plan::{CallPlan, Steps};

/// `label_replace(v, dst, replacement, src, regex)`
pub(crate) fn replace(evaluator: &mut Evaluator<'_>, call: &CallPlan, steps: Steps) -> Evaluated<Data> {
    let text = |at| Evaluator::arg(call, at).and_then(|arg| evaluator.text(arg));
    let target = text(1)?;
    let (replacement, source, expression) = (&text(2)?.text, &text(3)?.text, &text(4)?.text);
    let regex = pattern::compile(expression)
        .map_err(|_| execution(format!("invalid regular expression in label_replace(): {expression}")))?;
    if !target.is_label_name() {
        return Err(execution(format!("invalid destination label name in label_replace(): {}", target.text)));
    }
    let mark = evaluator.budget.mark();
    let mut all = evaluator.eval_vector(Evaluator::arg(call, 0)?, steps)?;
    let mut value = String::new();
    let mut allowance = evaluator.budget.allowance();
    for series in &mut all {
        evaluator.budget.check()?;
        if let Some(captures) = regex.captures(series.labels.get_or_empty(source)) {
            value.clear();
            // Each reference takes two characters at least and puts in no more than all of the source.
            let longest = captures.get_match().as_str().len();
            allowance.take(longest.saturating_mul(replacement.len() / 2).saturating_add(replacement.len()))?;
            captures.expand(replacement, &mut value);
            set(series, &target.text, &value);
        }
    }
    finish(evaluator, all, mark)
}

/// `label_join(v, dst, separator, src...)`
pub(crate) fn join(evaluator: &mut Evaluator<'_>, call: &CallPlan, steps: Steps) -> Evaluated<Data> {
    let text = |at| Evaluator::arg(call, at).and_then(|arg| evaluator.text(arg));
    let (target, separator) = (text(1)?, text(2)?);
    let sources = (3..call.args.len()).map(text).collect::<Evaluated<Vec<_>>>()?;
    if let Some(source) = sources.iter().find(|source| !source.is_label_name()) {
        return Err(execution(format!("invalid source label name in label_join(): {}", source.text)));
    }
    if !target.is_label_name() {
        return Err(execution(format!("invalid destination label name in label_join(): {}", target.text)));
    }
    let mark = evaluator.budget.mark();
    let mut all = evaluator.eval_vector(Evaluator::arg(call, 0)?, steps)?;
    let mut allowance = evaluator.budget.allowance();
    for series in &mut all {
        evaluator.budget.check()?;
        let values: Vec<&str> = sources.iter().map(|source| series.labels.get_or_empty(&source.text)).collect();
        let bytes = values.iter().map(|value| value.len() + separator.text.len()).sum();
        allowance.take(bytes)?;
        let value = values.join(&separator.text);
        set(series, &target.text, &value);
    }
    finish(evaluator, all, mark)
}

/// What is held at the end is the result, with labels that may be longer than those it was made from.
fn finish(evaluator: &mut Evaluator<'_>, all: Vec<VectorSeries>, mark: Mark) -> Evaluated<Data> {
    let all = merged(all)?;
    evaluator.budget.rewind(mark);
    evaluator.hold(&all)?;
    Ok(Data::Vector(all))
}

/// Sets a label. A name that is set by hand stays.
fn set(series: &mut VectorSeries, label: &str, value: &str) {
    let labels: Labels = series.labels.to_builder().set(label, value).build();
    series.labels = labels;
    if label == METRIC_NAME {
        series.drop_name = false;
    }
}
