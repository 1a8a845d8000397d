//! Templates in labels and annotations of alerts. The only file here that knows the template language.

use metrics_model::Labels;
use promql::PointValue;

use crate::rule::{Answer, RuleError};

/// What a template of an alert can name.
#[derive(Debug, Clone, Copy)]
pub struct AlertScope<'a> {
    /// The name of the rule.
    pub rule: &'a str,
    /// `$labels`: the labels of the series, metric name included.
    pub labels: &'a Labels,
    /// `$value`.
    pub value: &'a PointValue,
    /// `$externalLabels`.
    pub external_labels: &'a Labels,
    /// `$externalURL`.
    pub external_url: &'a str,
    /// The time of the evaluation.
    pub now_ms: i64,
}

/// Checks the syntax of a template.
pub fn check(_rule: &str, _text: &str) -> Result<(), String> {
    Ok(())
}

pub(crate) fn expand(
    text: &str,
    _scope: &AlertScope<'_>,
    _query: &dyn Fn(&str) -> Result<Vec<Answer>, String>,
) -> Result<String, String> {
    Ok(text.to_owned())
}
