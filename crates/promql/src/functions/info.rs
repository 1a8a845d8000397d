//! `info`: adds the labels of info metrics, such as `target_info`, to series of the same target.

use metrics_model::labels::Quoted;
use metrics_model::name::{METRIC_NAME, is_legacy_label_name};
use metrics_model::{Labels, LabelsBuilder, MatchOp, Matcher};
use rustc_hash::{FxHashMap, FxHashSet};
use storage::{BoxedSeries, SelectHints};

use crate::eval::column::{Column, VectorSeries, is_absent};
use crate::eval::names::SAME_LABELS;
use crate::eval::selector::{Lookup, Want};
use crate::eval::{Data, Evaluated, Evaluator, execution};
use crate::plan::{InfoPlan, Steps};

/// The labels by which series and their info metrics find each other.
const IDENTIFYING: [&str; 2] = ["instance", "job"];

/// The value of a call of `info`.
pub(crate) fn call(evaluator: &mut Evaluator<'_>, plan: &InfoPlan, steps: Steps) -> Evaluated<Data> {
    let mark = evaluator.budget.mark();
    let base = evaluator.eval_vector(plan.expr, steps)?;
    let (name_matchers, data_matchers): (Vec<Matcher>, Vec<Matcher>) =
        plan.matchers.iter().cloned().partition(|matcher| matcher.name() == METRIC_NAME);
    let name_matchers = effective_names(name_matchers);
    // Info metrics themselves are left as they are.
    let is_info = |labels: &Labels| name_matchers.iter().all(|matcher| matcher.matches(labels.metric_name()));
    let ignored: Vec<bool> = base.iter().map(|series| is_info(&series.labels)).collect();
    let targets: FxHashSet<Target> = base
        .iter()
        .zip(&ignored)
        .filter(|(_, ignored)| !**ignored)
        .flat_map(|(series, _)| IDENTIFYING.map(|label| (label, series.labels.get_or_empty(label).to_owned())))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    let info = if targets.is_empty() {
        Vec::new()
    } else {
        let matchers: Vec<Matcher> = data_matchers.iter().chain(&name_matchers).cloned().collect();
        read_info(evaluator, plan, &matchers, &targets, steps)?
    };
    let enrichment = Enrichment::new(base, ignored, info, &data_matchers);
    let results = enrichment.combine(evaluator, steps)?;
    evaluator.budget.rewind(mark);
    evaluator.hold(&results)?;
    Ok(Data::Vector(results))
}

/// A value of an identifying label.
type Target = (&'static str, String);

/// The matchers that select info metrics: all whose names end in `_info` when it is only said which not to take, and
/// `target_info` when nothing is said.
fn effective_names(mut matchers: Vec<Matcher>) -> Vec<Matcher> {
    if matchers.is_empty() {
        return vec![Matcher::equal(METRIC_NAME, "target_info")];
    }
    if matchers.iter().all(|matcher| matcher.op().is_negative()) {
        matchers.extend(Matcher::new(METRIC_NAME, MatchOp::Regex, ".+_info"));
    }
    matchers
}

/// The info series of the targets, with the times of their samples in place of values.
fn read_info(
    evaluator: &mut Evaluator<'_>,
    plan: &InfoPlan,
    matchers: &[Matcher],
    targets: &FxHashSet<Target>,
    steps: Steps,
) -> Evaluated<Vec<VectorSeries>> {
    let hints = SelectHints { function: "info".to_owned(), step_ms: steps.step_ms, ..SelectHints::default() };
    let selected: Vec<BoxedSeries<'_>> = evaluator.querier.select(matchers, &hints)?;
    let lookback_ms = evaluator.options.lookback_ms;
    let lookup = Lookup { steps, shift: plan.shift, lookback_ms, stats_only: false };
    let mut info = Vec::new();
    for series in selected {
        evaluator.budget.check()?;
        let labels = series.labels();
        // For each identifying label that the base has at all the value must be one of the base's.
        let is_wanted = IDENTIFYING.iter().all(|label| {
            let known = targets.iter().any(|(name, _)| name == label);
            !known || targets.contains(&(*label, labels.get_or_empty(label).to_owned()))
        });
        if !is_wanted {
            continue;
        }
        let (mut values, mut times) = (Column::default(), Column::default());
        lookup.fill(&*series, Want::Values, &mut values)?;
        if !values.histograms().is_empty() {
            let labels = describe(labels);
            return Err(execution(format!("this should be an info metric, with float samples: {labels}")));
        }
        lookup.fill(&*series, Want::Timestamps, &mut times)?;
        if !times.is_empty() {
            evaluator.count_column(&times, steps);
            evaluator.budget.hold(times.samples(), times.bytes())?;
            info.push(VectorSeries { labels: labels.clone(), drop_name: false, column: times });
        }
    }
    Ok(info)
}

/// A label set as the original writes it in errors.
fn describe(labels: &Labels) -> String {
    let parts: Vec<String> = labels
        .iter()
        .map(|(name, value)| {
            let name = if is_legacy_label_name(name) { name.to_owned() } else { Quoted(name).to_string() };
            format!("{name}={}", Quoted(value))
        })
        .collect();
    format!("{{{}}}", parts.join(", "))
}

/// What tells targets of one info metric apart.
fn signature(labels: &Labels) -> Labels {
    Labels::from_sorted(labels.iter().filter(|(name, _)| IDENTIFYING.contains(name)))
}

/// Base series and the info series that may add labels to them.
struct Enrichment<'m> {
    base: Vec<VectorSeries>,
    ignored: Vec<bool>,
    info: Vec<VectorSeries>,
    data_matchers: &'m [Matcher],
    /// For each base series and each info metric, in order of names, the place of their meeting.
    meetings: Vec<Vec<usize>>,
    /// Info series of the same metric and target.
    rivals: Vec<Vec<usize>>,
}

impl<'m> Enrichment<'m> {
    fn new(base: Vec<VectorSeries>, ignored: Vec<bool>, info: Vec<VectorSeries>, data_matchers: &'m [Matcher]) -> Self {
        let mut names: Vec<&str> = info.iter().map(|series| series.labels.metric_name()).collect();
        names.sort_unstable();
        names.dedup();
        let mut places: FxHashMap<(&str, Labels), usize> = FxHashMap::default();
        let mut rivals: Vec<Vec<usize>> = Vec::new();
        for (at, series) in info.iter().enumerate() {
            let key = (series.labels.metric_name(), signature(&series.labels));
            let place = *places.entry(key).or_insert_with(|| {
                rivals.push(Vec::new());
                rivals.len() - 1
            });
            rivals[place].push(at);
        }
        let meetings = base
            .iter()
            .map(|series| {
                let signature = signature(&series.labels);
                names.iter().filter_map(|name| places.get(&(*name, signature.clone())).copied()).collect()
            })
            .collect();
        Self { base, ignored, info, data_matchers, meetings, rivals }
    }

    fn combine(&self, evaluator: &mut Evaluator<'_>, steps: Steps) -> Evaluated<Vec<VectorSeries>> {
        let mut results: Vec<VectorSeries> = Vec::new();
        let mut places: FxHashMap<Labels, usize> = FxHashMap::default();
        let mut enriched: FxHashMap<(usize, Vec<usize>), Option<Labels>> = FxHashMap::default();
        for step in 0..steps.count() {
            evaluator.budget.check()?;
            if !self.base.iter().any(|series| series.column.has(step)) {
                continue;
            }
            let newest = self.newest(step)?;
            for (at, series) in self.base.iter().enumerate() {
                let Some(point) = series.column.get(step) else { continue };
                let found: Vec<usize> = self.meetings[at].iter().filter_map(|place| newest[*place]).collect();
                let labels = match enriched.get(&(at, found.clone())) {
                    Some(labels) => labels.clone(),
                    None => {
                        let labels = self.labels(at, &found)?;
                        enriched.insert((at, found), labels.clone());
                        labels
                    }
                };
                let Some(labels) = labels else { continue };
                let place = *places.entry(labels.clone()).or_insert_with(|| {
                    let drop_name = series.drop_name;
                    results.push(VectorSeries { labels, drop_name, column: Column::default() });
                    results.len() - 1
                });
                let column = &mut results[place].column;
                if column.has(step) {
                    return Err(execution(SAME_LABELS));
                }
                column.push(step, point.to_value());
            }
        }
        Ok(results)
    }

    /// Of the info series of each metric and target the one with the newest sample at a step.
    fn newest(&self, step: usize) -> Evaluated<Vec<Option<usize>>> {
        let mut newest = Vec::with_capacity(self.rivals.len());
        for rivals in &self.rivals {
            let mut best: Option<(f64, usize)> = None;
            for at in rivals {
                let time = self.info[*at].column.float(step);
                match best {
                    _ if is_absent(time) => {}
                    Some((best_time, other)) if best_time == time => {
                        let time_ms = (time * 1000.0).round();
                        let (existing, new) = (&self.info[other].labels, &self.info[*at].labels);
                        return Err(execution(format!(
                            "found duplicate series for info metric: existing {} @ {time_ms}, new {} @ {time_ms}",
                            describe(existing),
                            describe(new)
                        )));
                    }
                    Some((best_time, _)) if best_time > time => {}
                    _ => best = Some((time, *at)),
                }
            }
            newest.push(best.map(|(_, at)| at));
        }
        Ok(newest)
    }

    /// The labels of a base series with those of info series added. `None` when there is no info series and one is
    /// asked for.
    fn labels(&self, at: usize, found: &[usize]) -> Evaluated<Option<Labels>> {
        let base = &self.base[at].labels;
        if self.ignored[at] {
            return Ok(Some(base.clone()));
        }
        if found.is_empty() && !self.data_matchers.iter().all(Matcher::matches_empty) {
            return Ok(None);
        }
        let is_wanted = |name: &str| {
            self.data_matchers.is_empty() || self.data_matchers.iter().any(|matcher| matcher.name() == name)
        };
        let mut added = LabelsBuilder::default();
        for info in found {
            for (name, value) in self.info[*info].labels.iter().filter(|(name, _)| *name != METRIC_NAME) {
                if !is_wanted(name) {
                    continue;
                }
                if added.get(name).is_some_and(|other| other != value) {
                    return Err(execution(format!("conflicting label: {name}")));
                }
                if base.get(name).is_none() {
                    added.set(name, value);
                }
            }
        }
        let mut builder = base.to_builder();
        for (name, value) in added.iter() {
            builder.set(name, value);
        }
        Ok(Some(builder.build()))
    }
}
