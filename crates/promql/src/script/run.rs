//! Runs the commands of a script.

use super::command::{Command, Eval, Load, When};
use super::compare::{check_failure, check_remarks, check_value, vector_at};
use super::custom_buckets::Collector;
use super::series::SeriesPoint;
use super::storage::{Loaded, LoadedSample, ScriptStorage};
use super::{Failure, Report};
use crate::engine::{Engine, QueryContext, QueryError, QueryOutput, RangeParams};
use crate::parser::ast::{At, Expr, NodeId, NodeKind};
use crate::plan::depends_on_time;
use crate::value::Value;

/// Runs commands one after the other on a store of their own.
pub(super) fn run(name: &str, commands: &[Command], engine: &Engine) -> Report {
    let mut runner = Runner { engine, storage: ScriptStorage::default() };
    let mut report = Report::default();
    for command in commands {
        match command {
            Command::Clear => runner.storage.clear(),
            Command::Load(load) => runner.load(load),
            Command::Eval(eval) => match runner.eval(eval) {
                Ok(()) => report.passed += 1,
                Err(message) => {
                    let message = format!("{}: {message}", eval.query);
                    report.failures.push(Failure { file: name.to_owned(), line: eval.line, message });
                }
            },
        }
    }
    report
}

struct Runner<'e> {
    engine: &'e Engine,
    storage: ScriptStorage,
}

impl Runner<'_> {
    fn load(&mut self, load: &Load) {
        let mut classic = Collector::default();
        for series in &load.series {
            let mut samples = Vec::new();
            for (at, point) in series.description.points.iter().enumerate() {
                let time_ms = load.step_ms.saturating_mul(i64::try_from(at).unwrap_or(i64::MAX));
                let start_ms = series.starts.get(at).copied().flatten().map_or(0, |offset_ms| time_ms + offset_ms);
                let value = match point {
                    SeriesPoint::Gap => continue,
                    SeriesPoint::Float(value) => Loaded::Float(*value),
                    SeriesPoint::Histogram { histogram, .. } => Loaded::Histogram(histogram.clone().into()),
                };
                samples.push((time_ms, LoadedSample { value, start_ms }));
            }
            if load.custom_buckets {
                classic.add(&series.description.labels, &samples);
            }
            self.storage.add(&series.description.labels, samples);
        }
        for (labels, samples) in classic.finish() {
            self.storage.add(&labels, samples);
        }
    }

    fn eval(&self, eval: &Eval) -> Result<(), String> {
        match eval.when {
            When::Range { start_ms, end_ms, step_ms } => {
                let range = RangeParams { start_ms, end_ms, step_ms };
                let context = QueryContext::default();
                let outcome = self.engine.range(&self.storage, &eval.query, range, &context);
                self.check(eval, &eval.query, outcome).map(drop)
            }
            When::Instant { time_ms } => {
                self.instant(eval, &eval.query, time_ms)?;
                for (query, other_ms) in self.pinned(&eval.query, time_ms) {
                    self.instant(eval, &query, other_ms)
                        .map_err(|problem| format!("as {query} at {other_ms}: {problem}"))?;
                }
                Ok(())
            }
        }
    }

    /// Compares an outcome with what is expected; gives the value when there is one to look at further.
    fn check(
        &self,
        eval: &Eval,
        query: &str,
        outcome: Result<QueryOutput, QueryError>,
    ) -> Result<Option<Value>, String> {
        let output = match (outcome, &eval.expect.fail) {
            (Err(error), Some(expected)) => return check_failure(expected, &error.to_string()).map(|()| None),
            (Err(error), None) => return Err(format!("fails: {error}")),
            (Ok(_), Some(_)) => return Err("expected an error but got none".to_owned()),
            (Ok(output), None) => output,
        };
        check_remarks(&eval.expect.warnings, &output.annotations.warnings(query), "warn")?;
        check_remarks(&eval.expect.infos, &output.annotations.infos(query), "info")?;
        check_value(eval, &output.value)?;
        Ok(Some(output.value))
    }

    /// An instant query, and the same query over a range with the time in its middle.
    fn instant(&self, eval: &Eval, query: &str, time_ms: i64) -> Result<(), String> {
        let context = QueryContext::default();
        let outcome = self.engine.instant(&self.storage, query, time_ms, &context);
        let Some(value) = self.check(eval, query, outcome)? else { return Ok(()) };
        let expect = &eval.expect;
        let is_comparable = matches!(value, Value::Vector(_) | Value::Scalar { .. });
        if !is_comparable || expect.ordered || expect.range_vector.is_some() || depends_on_range(query) {
            return Ok(());
        }
        let range = RangeParams { start_ms: time_ms - 60_000, end_ms: time_ms + 60_000, step_ms: 60_000 };
        let output = self
            .engine
            .range(&self.storage, query, range, &context)
            .map_err(|error| format!("fails over a range: {error}"))?;
        let Value::Matrix(matrix) = output.value else { return Err("a range gives no matrix".to_owned()) };
        let vector = vector_at(&matrix, time_ms);
        let middle = match (value, vector.first().map(|sample| &sample.value)) {
            (Value::Scalar { timestamp_ms, .. }, Some(crate::value::PointValue::Float(value))) => {
                Value::Scalar { timestamp_ms, value: *value }
            }
            _ => Value::Vector(vector),
        };
        check_value(eval, &middle).map_err(|problem| format!("over a range: {problem}"))
    }

    /// The query with all its selectors pinned to the time of evaluation, and other times at which it must give the
    /// same answer. Nothing when it depends on the time all the same.
    fn pinned(&self, query: &str, time_ms: i64) -> Vec<(String, i64)> {
        let Ok(mut expr) = self.engine.parse(query) else { return Vec::new() };
        if !pin(&mut expr, time_ms) {
            return Vec::new();
        }
        let query = expr.to_string();
        let times = if time_ms == 0 {
            vec![-1_000, 0, 1_000]
        } else {
            vec![-10 * time_ms, 0, time_ms / 5, time_ms, 10 * time_ms]
        };
        times.into_iter().map(|time_ms| (query.clone(), time_ms)).collect()
    }
}

/// Whether the query asks for the range it is evaluated over.
fn depends_on_range(query: &str) -> bool {
    ["range(", "step(", "start(", "end("].iter().any(|call| {
        query
            .match_indices(call)
            .any(|(at, _)| !query[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':'))
    })
}

/// The fixed time of a selector, or else that of the evaluation, which is what `start()` and `end()` are.
fn pinned_at(at: Option<At>, time_ms: i64) -> At {
    match at {
        Some(at @ At::Timestamp(_)) => at,
        Some(At::Start | At::End) | None => At::Timestamp(time_ms),
    }
}

/// Sets `@` on every selector and subquery that has none, but for those inside of a subquery. Whether that makes the
/// value independent of the time of evaluation.
fn pin(expr: &mut Expr, time_ms: i64) -> bool {
    let mut is_independent = true;
    let mut stack: Vec<NodeId> = vec![expr.root()];
    while let Some(id) = stack.pop() {
        let children = expr.children(id);
        match &mut expr.nodes[id.index()].kind {
            NodeKind::Vector(selector) => selector.at = Some(pinned_at(selector.at, time_ms)),
            NodeKind::Subquery(subquery) => {
                subquery.at = Some(pinned_at(subquery.at, time_ms));
                continue;
            }
            NodeKind::Call(call) => is_independent &= !depends_on_time(call.function.id),
            _ => {}
        }
        stack.extend(children);
    }
    is_independent
}
