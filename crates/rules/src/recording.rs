//! Recording rules: the answer of an expression becomes series with the rule's name and labels.

use std::collections::HashSet;

use metrics_model::name::METRIC_NAME;
use parking_lot::Mutex;

use crate::config::RuleConfig;
use crate::rule::{Answer, RuleError, RuleSample, RuleStatus, sample_value};
use crate::selectors::SelectorHealth;

/// A recording rule. Its state is only how the last evaluation went.
#[derive(Debug)]
pub struct RecordingRule {
    config: RuleConfig,
    query: String,
    pub(crate) status: Mutex<RuleStatus>,
    pub(crate) selectors: SelectorHealth,
}

impl RecordingRule {
    pub(crate) fn new(config: RuleConfig) -> Self {
        Self { query: config.expr.to_string(), config, status: Mutex::default(), selectors: SelectorHealth::default() }
    }

    /// As it stands in the file.
    #[must_use]
    pub fn config(&self) -> &RuleConfig {
        &self.config
    }

    /// Its expression, as the query language writes it.
    #[must_use]
    pub fn query(&self) -> &str {
        &self.query
    }

    pub(crate) fn evaluate(&self, answers: Vec<Answer>, limit: usize) -> Result<Vec<RuleSample>, RuleError> {
        let mut seen = HashSet::with_capacity(answers.len());
        let mut samples = Vec::with_capacity(answers.len());
        for answer in answers {
            let mut labels = answer.labels.to_builder();
            labels.set(METRIC_NAME, &self.config.name);
            for (name, value) in &self.config.labels {
                labels.set(name, value);
            }
            let labels = labels.build();
            if !seen.insert(labels.clone()) {
                return Err(RuleError::DuplicateSeries);
            }
            samples.push(RuleSample { labels, value: sample_value(answer.value) });
        }
        if limit > 0 && samples.len() > limit {
            return Err(RuleError::TooManySeries { limit, count: samples.len() });
        }
        Ok(samples)
    }
}
