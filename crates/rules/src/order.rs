//! Which rules of a group may be evaluated at the same time. Rules are evaluated in the order of the file, but for those
//! that have nothing to do with each other: neither reads what the other writes.

use metrics_model::alert::ALERT_NAME;
use metrics_model::name::METRIC_NAME;
use promql::parser::ast::VectorSelector;

use crate::alerting::{ALERTS, ALERTS_FOR_STATE};
use crate::config::{RuleConfig, RuleKind};

/// Positions of `rules` in steps: within a step the order does not matter, a step needs all before it.
pub(crate) fn steps(rules: &[RuleConfig]) -> Vec<Vec<usize>> {
    let mut step_of: Vec<usize> = Vec::with_capacity(rules.len());
    let mut steps: Vec<Vec<usize>> = Vec::new();
    for (at, rule) in rules.iter().enumerate() {
        let after = rules[..at].iter().zip(&step_of).filter(|(earlier, _)| must_follow(rule, earlier));
        let step = after.map(|(_, step)| step + 1).max().unwrap_or(0);
        step_of.push(step);
        if step == steps.len() {
            steps.push(Vec::new());
        }
        steps[step].push(at);
    }
    steps
}

/// Whether `rule` must not be evaluated before `earlier` is done.
fn must_follow(rule: &RuleConfig, earlier: &RuleConfig) -> bool {
    // Two rules that record the same series: the first wins, as when they run one after the other.
    let write_the_same = rule.name == earlier.name && rule.labels == earlier.labels;
    write_the_same || reads(rule, earlier) || reads(earlier, rule)
}

/// Whether the expression of `reader`, or a query in its templates, may select what `writer` writes.
fn reads(reader: &RuleConfig, writer: &RuleConfig) -> bool {
    queries_in_templates(reader) || reader.expr.selectors().any(|selector| selects(selector, writer))
}

fn selects(selector: &VectorSelector, writer: &RuleConfig) -> bool {
    let may_be = |label: &str, value: &str| {
        selector.matchers.iter().filter(|matcher| matcher.name() == label).all(|matcher| matcher.matches(value))
    };
    match writer.kind {
        RuleKind::Recording => may_be(METRIC_NAME, &writer.name),
        RuleKind::Alerting { .. } => {
            (may_be(METRIC_NAME, ALERTS) || may_be(METRIC_NAME, ALERTS_FOR_STATE)) && may_be(ALERT_NAME, &writer.name)
        }
    }
}

/// Whether templates of the rule ask for series: which ones is known only when they run.
fn queries_in_templates(rule: &RuleConfig) -> bool {
    match &rule.kind {
        RuleKind::Recording => false,
        RuleKind::Alerting { templates, annotations, .. } => {
            templates.iter().chain(annotations).any(|(_, text)| !text.is_plain() && text.as_str().contains("query"))
        }
    }
}
