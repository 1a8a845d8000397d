//! Differences that are known, each with its reason. `docs/promql.md` has them in words.

use promql::parser::{NodeId, NodeKind, ParserOptions, parse};
use promql::{Expr, Features};

/// What the original at hand, 3.5, does otherwise than the version that we follow, 3.14.
pub(crate) fn known(query: &str, difference: &str) -> Option<&'static str> {
    let has = |any: &[&str]| any.iter().any(|part| query.contains(part));
    let says = |any: &[&str]| any.iter().any(|part| difference.contains(part));
    if says(&["multiple matches for labels"]) && has(&["<", ">", "="]) {
        return Some("a comparison that does not hold counted as no match");
    }
    if says(&["parse error: unexpected character", "use BOOL modifier", "in offset, expected number or duration"]) {
        return Some(
            "parse errors: wording inside of brackets, what an offset takes in, position of operators behind on()",
        );
    }
    if says(&["Parameter value is NaN", "Ratio value is NaN"]) {
        return Some("NaN for a number of elements is refused in other words, and also where there are no elements");
    }
    if says(&["a mix of histograms with exponential and custom"]) {
        return Some(
            "which metric a warning about a group names depends on the order of its elements, which is random",
        );
    }
    if has(&["limitk"]) && says(&["result"]) {
        return Some("which elements limitk takes depends on their order, which is random");
    }
    if has(&["topk", "bottomk"]) && says(&["result"]) {
        return Some("which of several equal elements topk takes depends on their order, which is random");
    }
    if has(&["mad_over_time"]) && says(&["NaN instead of"]) {
        return Some("mad_over_time of NaN left it out");
    }
    if has(&["last_over_time("]) && says(&["metric: ours"]) {
        return Some("last_over_time of a subquery brought back names that go late");
    }
    if has(&["count_values"]) && says(&["{count:"]) {
        return Some("count_values of histograms: their texts show the last digits of sums");
    }
    if has(&["info("]) && !says(&["warnings:", "infos:"]) {
        return Some("info() looked at another time than `@` and `offset`, and mixed up series that have gaps");
    }
    if has(&["histogram_fraction"]) && says(&["result"]) {
        return Some("fractions of classic histograms with bounds outside of their buckets were others");
    }
    if has(&["sort_by_label"]) && says(&["metric: ours"]) {
        return Some("sort_by_label has no order between a label and none");
    }
    if has(&["timestamp("]) && has(&[" @ "]) && has(&["offset"]) {
        return Some("timestamp() of a selector with `@` forgets the offset");
    }
    if has(&["avg", "sum"]) && says(&[".buckets: "]) {
        return Some("sums of histograms were not compensated, which leaves traces in buckets that should be empty");
    }
    if has(&["rate(", "increase("]) && has(&["native", "mixed", "{job=", "{__name__"]) {
        return Some("rates of native histograms: below zero, of gauges without buckets, resets in subqueries");
    }
    let features = Features { experimental_functions: true, duration_expressions: true, ..Features::default() };
    let expr = parse(query, ParserOptions { features, ..ParserOptions::default() }).ok()?;
    if has_fixed_time_in_parameter(&expr) {
        return Some("`@` in the parameter of an aggregation moved along with the steps");
    }
    if has_fixed_times_within_each_other(&expr) {
        return Some("`@` within a subquery that starts where what is around it starts looked at another time");
    }
    None
}

/// The original fits the offsets of what has an `@` to the first step of a subquery, but not when that is also the first
/// step of what is around it: then they stay fitted to another time.
fn has_fixed_times_within_each_other(expr: &Expr) -> bool {
    any(expr, expr.root(), &|kind| match kind {
        NodeKind::Subquery(subquery) => has_fixed_time(expr, subquery.expr),
        _ => false,
    })
}

/// The original prepares the aggregated vector for `@`, but not the parameter.
fn has_fixed_time_in_parameter(expr: &Expr) -> bool {
    any(expr, expr.root(), &|kind| match kind {
        NodeKind::Aggregate(aggregate) => aggregate.param.is_some_and(|param| has_fixed_time(expr, param)),
        _ => false,
    })
}

fn has_fixed_time(expr: &Expr, below: NodeId) -> bool {
    any(expr, below, &|kind| match kind {
        NodeKind::Vector(selector) => selector.at.is_some(),
        NodeKind::Subquery(subquery) => subquery.at.is_some(),
        _ => false,
    })
}

/// Whether `holds` for any node from `id` down.
fn any(expr: &Expr, id: NodeId, holds: &dyn Fn(&NodeKind) -> bool) -> bool {
    holds(&expr.node(id).kind) || expr.children(id).into_iter().any(|child| any(expr, child, holds))
}
