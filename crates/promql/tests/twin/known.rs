//! Differences that are known, each with its reason. `docs/promql.md` has them in words.

use promql::parser::ast::{DurationSpec, VectorSelector};
use promql::parser::{NodeId, NodeKind, ParserOptions, parse};
use promql::{Expr, Features};

/// A reason for a difference.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    pub(crate) reason: &'static str,
    /// Whether it holds only if both agree when each step is asked for alone.
    pub(crate) needs_equal_steps: bool,
}

/// What the original at hand, 3.5, does otherwise than the version that we follow, 3.14.
pub(crate) fn known(query: &str, is_range: bool, difference: &str) -> Option<Known> {
    let features = Features { experimental_functions: true, duration_expressions: true, ..Features::default() };
    let expr = parse(query, ParserOptions { features, ..ParserOptions::default() });
    let expr = expr.as_ref().ok();
    let reason = by_text(query, difference).or_else(|| by_structure(expr?, query, difference));
    let plain = |reason| Known { reason, needs_equal_steps: false };
    reason.map(plain).or_else(|| {
        let has_gaps = is_range && has_call(expr?, &["info"], &|_| true);
        let reason = "info() mixed up series that have gaps, where there are several steps";
        has_gaps.then_some(Known { reason, needs_equal_steps: true })
    })
}

/// What the texts of query and difference tell.
fn by_text(query: &str, difference: &str) -> Option<&'static str> {
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
    // Only these have NaN; what it comes to may be looked at further.
    if has(&["mad_over_time"]) && has(&["odd"]) && is_numeric(difference) {
        return Some("mad_over_time of NaN left it out");
    }
    if has(&["last_over_time("]) && says(&["metric: ours"]) {
        return Some("last_over_time of a subquery brought back names that go late");
    }
    if has(&["count_values"]) && says(&["{count:"]) {
        return Some("count_values of histograms: their texts show the last digits of sums");
    }
    if says(&["bucket label"]) && has(&["histogram_fraction", "histogram_quantile"]) {
        return Some("warnings about bounds of different metrics were different texts");
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
    if difference.starts_with("warnings") && says(&["is not a gauge", "is not a counter"]) && has(&["-"]) {
        return Some("a histogram that is multiplied by a negative number did not become a gauge");
    }
    if says(&["original {\"status\":\"error\",\"errorType\":\"execution\",\"error\":\"vector cannot contain metrics"])
        && has(&[" or ", "label_replace(", "label_join("])
    {
        return Some("series that have become the same were refused, also where they do not overlap");
    }
    if says(&["runtime error: index out of range"]) {
        return Some("the evaluation broke off with an error of the program itself");
    }
    if difference.starts_with("form: ") && has(&["i:nstance"]) {
        return Some("a label with a colon was printed without the quotes that it needs");
    }
    let grows = has(&["sinh(", "cosh(", "exp(", "^", "predict_linear("]);
    if grows && has(&["sin(", "cos(", "tan(", "%"]) && is_numeric(difference) {
        return Some("an angle or a remainder of a number so large that its last digits are all that counts");
    }
    let is_change = has(&["rate(", "increase(", "delta(", "deriv(", "changes(", "resets("]);
    if is_change
        && has(&["atan2", "sin", "cos", "tan", "exp(", "ln(", "log", "^", "deg(", "rad("])
        && is_numeric(difference)
    {
        return Some("the change of a number so small that its last digits are all that counts");
    }
    None
}

/// Whether only the numbers differ: not which elements there are, nor what is remarked on.
fn is_numeric(difference: &str) -> bool {
    difference.starts_with("result")
        && difference.contains(" instead of ")
        && !difference.contains("elements instead of")
}

/// What needs a look at the parts of the query.
fn by_structure(expr: &Expr, query: &str, difference: &str) -> Option<&'static str> {
    let has = |any: &[&str]| any.iter().any(|part| query.contains(part));
    let is_root_native = selects_native(expr, expr.root());
    if difference.starts_with("samples: ours") && is_root_native {
        if has(&["histogram_count", "histogram_sum", "histogram_avg"]) {
            return Some("native histograms of which buckets are not read counted as if they were");
        }
        let is_within = |kind: &NodeKind| match kind {
            NodeKind::Subquery(subquery) => selects_native(expr, subquery.expr),
            _ => false,
        };
        if any(expr, expr.root(), &is_within) {
            return Some("native histograms that a subquery computes counted by another layout of their buckets");
        }
    }
    let is_of_native = |args: &[NodeId]| args.iter().any(|arg| selects_native(expr, *arg));
    let picks_by_value = has(&["count_values", "topk", "bottomk", "<", ">", "==", "!="]);
    if (is_numeric(difference) || picks_by_value && difference.starts_with("result"))
        && has_call(expr, &["rate", "increase", "resets"], &is_of_native)
    {
        return Some("rates of native histograms: below zero, of gauges without buckets, resets in subqueries");
    }
    if let Some(reason) = of_info(expr, difference) {
        return Some(reason);
    }
    if has_fixed_time_in_parameter(expr) {
        return Some("`@` in the parameter of an aggregation moved along with the steps");
    }
    if has_fixed_times_within_each_other(expr) {
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

/// What `info()` did otherwise.
fn of_info(expr: &Expr, difference: &str) -> Option<&'static str> {
    if !has_call(expr, &["info"], &|_| true) {
        return None;
    }
    let is_bare = |args: &[NodeId]| args.first().is_some_and(|arg| may_lack_target(expr, *arg));
    if ["result: ", "status: "].iter().any(|kind| difference.starts_with(kind)) && has_call(expr, &["info"], &is_bare) {
        return Some("info() left out series without `job` and `instance` when it was told which metrics to take");
    }
    let takes_info =
        |args: &[NodeId]| args.first().is_some_and(|arg| selects(expr, *arg, &["target_info", "build_info"]));
    if difference.starts_with("result: ") && has_call(expr, &["info"], &takes_info) {
        return Some("info() of info metrics left out what it adds no labels to, or what has them already");
    }
    let is_doubled = |args: &[NodeId]| args.first().is_some_and(|arg| has_call_below(expr, *arg, &["info"], &|_| true));
    if difference.starts_with("result: ") && has_call(expr, &["info"], &is_doubled) {
        return Some("info() left out series that have the label already that is asked for");
    }
    let differs_in_names = ["metric: ours", "error\":\"vector cannot contain metrics"];
    let has_names = ["original {\"__name__\"", "\"metric\":{\"__name__\""];
    if [differs_in_names, has_names].iter().all(|any| any.iter().any(|part| difference.contains(part))) {
        return Some("info() brought back names that go late");
    }
    let is_timed = |args: &[NodeId]| args.first().is_some_and(|arg| is_shifted(expr, *arg));
    if has_call(expr, &["info"], &is_timed) {
        return Some("info() looked at the time of the step, whatever `@` or `offset` says in its first argument");
    }
    let is_repeated = |kind: &NodeKind| match kind {
        NodeKind::Subquery(subquery) => has_call_below(expr, subquery.expr, &["info"], &|_| true),
        _ => false,
    };
    if any(expr, expr.root(), &is_repeated) {
        return Some("info() mixed up series that have gaps, at the steps of a subquery");
    }
    None
}

/// Whether series can come from `below` that have lost their `job` and `instance`, or never had them.
fn may_lack_target(expr: &Expr, below: NodeId) -> bool {
    any(expr, below, &|kind| match kind {
        NodeKind::Aggregate(_) => true,
        NodeKind::Call(call) => {
            ["vector", "absent", "absent_over_time", "label_replace", "label_join"].contains(&call.function.name)
                || call.args.is_empty()
        }
        NodeKind::Binary(binary) => binary.matching.as_ref().is_some_and(|matching| matching.on),
        _ => false,
    })
}

/// The metrics of the data that have native histograms.
const NATIVE: [&str; 4] = ["native", "native_gauge", "native_custom", "mixed"];

/// Whether a selector from `below` down can select native histograms.
fn selects_native(expr: &Expr, below: NodeId) -> bool {
    selects(expr, below, &NATIVE)
}

/// Whether a selector from `below` down can select one of these metrics.
fn selects(expr: &Expr, below: NodeId, names: &[&str]) -> bool {
    any(expr, below, &|kind| match kind {
        NodeKind::Vector(selector) => names.iter().any(|name| matches(selector, name)),
        _ => false,
    })
}

/// Whether a selector takes the metric `name`, as far as its name goes.
fn matches(selector: &VectorSelector, name: &str) -> bool {
    selector.matchers.iter().filter(|matcher| matcher.name() == "__name__").all(|matcher| matcher.matches(name))
}

/// Whether anything from `below` down has an `@` or an offset.
fn is_shifted(expr: &Expr, below: NodeId) -> bool {
    any(expr, below, &|kind| match kind {
        NodeKind::Vector(selector) => selector.at.is_some() || selector.offset != DurationSpec::Fixed(0),
        NodeKind::Subquery(subquery) => subquery.at.is_some() || subquery.offset != DurationSpec::Fixed(0),
        _ => false,
    })
}

/// Whether one of these functions is called with arguments for which `holds`.
fn has_call(expr: &Expr, names: &[&str], holds: &dyn Fn(&[NodeId]) -> bool) -> bool {
    has_call_below(expr, expr.root(), names, holds)
}

fn has_call_below(expr: &Expr, below: NodeId, names: &[&str], holds: &dyn Fn(&[NodeId]) -> bool) -> bool {
    any(expr, below, &|kind| match kind {
        NodeKind::Call(call) => names.contains(&call.function.name) && holds(&call.args),
        _ => false,
    })
}

/// Whether `holds` for any node from `id` down.
fn any(expr: &Expr, id: NodeId, holds: &dyn Fn(&NodeKind) -> bool) -> bool {
    holds(&expr.node(id).kind) || expr.children(id).into_iter().any(|child| any(expr, child, holds))
}
