//! Whether the selectors of a rule match anything. A metric that was renamed takes the alerts on it along without an
//! error: their expressions are right and never have an answer. So each evaluation notes which selectors found series.
//!
//! Not every selector has to: what stands in `absent` or behind `unless` is there to find nothing, and of the two sides of
//! an `or` one is enough.

use std::collections::HashMap;

use metrics_model::Matcher;
use parking_lot::Mutex;
use promql::Expr;
use promql::parser::ast::{BinaryOp, NodeId, NodeKind};
use storage::{BoxedSeries, Querier, Queryable, SelectHints, StorageError, TimeRange};

/// A selector that has matched nothing for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmatched {
    /// As the language writes it, without modifiers.
    pub selector: String,
    /// Since when, in milliseconds since the Unix epoch: the first evaluation that found nothing.
    pub since_ms: i64,
}

/// Since when each selector of a rule has matched nothing; no entry for those that do.
#[derive(Debug, Default)]
pub(crate) struct SelectorHealth {
    unmatched_since: Mutex<HashMap<Key, i64>>,
}

/// The matchers of a selector as one text. Two selectors with the same ones select the same.
type Key = String;

fn key<'m>(matchers: impl IntoIterator<Item = &'m Matcher>) -> Key {
    let mut texts: Vec<String> = matchers.into_iter().map(ToString::to_string).collect();
    texts.sort_unstable();
    texts.join(",")
}

impl SelectorHealth {
    /// Notes what an evaluation at `now_ms` found.
    pub(crate) fn evaluated(&self, found: &Found, now_ms: i64) {
        let found = found.0.lock();
        let mut unmatched = self.unmatched_since.lock();
        for (key, has_series) in &*found {
            if *has_series {
                unmatched.remove(key);
            } else {
                unmatched.entry(key.clone()).or_insert(now_ms);
            }
        }
    }

    /// The selectors that keep `expr` from an answer because they have matched nothing since `before_ms` or longer.
    pub(crate) fn unmatched(&self, expr: &Expr, before_ms: i64) -> Vec<Unmatched> {
        let unmatched = self.unmatched_since.lock();
        if unmatched.values().all(|since_ms| *since_ms > before_ms) {
            return Vec::new();
        }
        missing(expr, expr.root(), &|key| unmatched.get(key).copied().filter(|since_ms| *since_ms <= before_ms))
    }

    pub(crate) fn copy_state(&self, old: &Self) {
        self.unmatched_since.lock().clone_from(&old.unmatched_since.lock());
    }
}

/// The selectors below `id` whose lack leaves it without an answer.
fn missing(expr: &Expr, id: NodeId, since: &dyn Fn(&Key) -> Option<i64>) -> Vec<Unmatched> {
    match &expr.node(id).kind {
        NodeKind::Vector(selector) if !selector.matches_anything => {
            let since_ms = since(&key(&selector.matchers));
            since_ms.map(|since_ms| Unmatched { selector: shown(&selector.matchers), since_ms }).into_iter().collect()
        }
        NodeKind::Call(call) if matches!(call.function.name, "absent" | "absent_over_time") => Vec::new(),
        NodeKind::Binary(binary) if binary.op == BinaryOp::Unless => missing(expr, binary.lhs, since),
        NodeKind::Binary(binary) if binary.op == BinaryOp::Or => {
            let mut left = missing(expr, binary.lhs, since);
            let right = missing(expr, binary.rhs, since);
            if left.is_empty() || right.is_empty() {
                return Vec::new();
            }
            left.extend(right);
            left
        }
        _ => expr.children(id).into_iter().flat_map(|child| missing(expr, child, since)).collect(),
    }
}

/// `{__name__="up",job="a"}`, the name in front where it is a plain one.
fn shown(matchers: &[Matcher]) -> String {
    use metrics_model::matcher::MatchOp;
    use metrics_model::name::METRIC_NAME;

    let is_name = |matcher: &&Matcher| matcher.name() == METRIC_NAME && matcher.op() == MatchOp::Equal;
    let name = matchers.iter().find(is_name).map_or("", Matcher::value);
    let rest = matchers.iter().filter(|matcher| !is_name(matcher)).map(ToString::to_string);
    let rest = rest.collect::<Vec<_>>().join(",");
    if rest.is_empty() && !name.is_empty() { name.to_owned() } else { format!("{name}{{{rest}}}") }
}

/// Whether selections found series, by their matchers.
#[derive(Debug, Default)]
pub(crate) struct Found(Mutex<HashMap<Key, bool>>);

/// Passes queries on to `storage`, and notes which selections found series.
pub(crate) struct Noting<'a> {
    pub(crate) storage: &'a dyn Queryable,
    pub(crate) found: &'a Found,
}

impl Queryable for Noting<'_> {
    fn querier(&self, range: TimeRange) -> Result<Box<dyn Querier + '_>, StorageError> {
        Ok(Box::new(NotingQuerier { querier: self.storage.querier(range)?, found: self.found }))
    }
}

struct NotingQuerier<'a> {
    querier: Box<dyn Querier + 'a>,
    found: &'a Found,
}

impl Querier for NotingQuerier<'_> {
    fn select(&self, matchers: &[Matcher], hints: &SelectHints) -> Result<Vec<BoxedSeries<'_>>, StorageError> {
        let series = self.querier.select(matchers, hints)?;
        *self.found.0.lock().entry(key(matchers)).or_default() |= !series.is_empty();
        Ok(series)
    }

    fn label_names(&self, matchers: &[Matcher]) -> Result<Vec<String>, StorageError> {
        self.querier.label_names(matchers)
    }

    fn label_values(&self, name: &str, matchers: &[Matcher]) -> Result<Vec<String>, StorageError> {
        self.querier.label_values(name, matchers)
    }
}
