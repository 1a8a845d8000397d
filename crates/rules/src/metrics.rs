//! What rule groups say about themselves, under the original's names.

use instrument::{CounterVec, GaugeVec, IntCounterVec, IntGaugeVec, Registry, Summary};

const QUANTILES: &[f64] = &[0.5, 0.9, 0.99];
const GROUP_QUANTILES: &[f64] = &[0.01, 0.05, 0.5, 0.9, 0.99];

/// The metrics of all groups of a process; each is labelled with the key of its group.
#[derive(Debug, Clone)]
pub struct Metrics {
    pub(crate) evaluations: IntCounterVec,
    pub(crate) failures: IntCounterVec,
    pub(crate) evaluation_seconds: Summary,
    pub(crate) group_seconds: Summary,
    pub(crate) iterations: IntCounterVec,
    pub(crate) iterations_missed: IntCounterVec,
    pub(crate) last_evaluation: GaugeVec,
    pub(crate) last_duration: GaugeVec,
    pub(crate) last_samples: IntGaugeVec,
    pub(crate) last_restore: GaugeVec,
    pub(crate) rules: IntGaugeVec,
    pub(crate) interval: GaugeVec,
    pub(crate) samples_refused: CounterVec,
    pub(crate) unmatched_rules: IntGaugeVec,
}

impl Metrics {
    /// Makes the metrics in `registry`.
    #[must_use]
    pub fn new(registry: &Registry) -> Self {
        const GROUP: &[&str] = &["rule_group"];
        Self {
            evaluations: registry.counters(
                "prometheus_rule_evaluations_total",
                "The total number of rule evaluations.",
                GROUP,
            ),
            failures: registry.counters(
                "prometheus_rule_evaluation_failures_total",
                "The total number of rule evaluation failures.",
                GROUP,
            ),
            evaluation_seconds: registry.summary(
                "prometheus_rule_evaluation_duration_seconds",
                "The duration for a rule to execute.",
                QUANTILES,
            ),
            group_seconds: registry.summary(
                "prometheus_rule_group_duration_seconds",
                "The duration of rule group evaluations.",
                GROUP_QUANTILES,
            ),
            iterations: registry.counters(
                "prometheus_rule_group_iterations_total",
                "The total number of scheduled rule group evaluations, whether executed or missed.",
                GROUP,
            ),
            iterations_missed: registry.counters(
                "prometheus_rule_group_iterations_missed_total",
                "The total number of rule group evaluations missed due to slow rule group evaluation.",
                GROUP,
            ),
            last_evaluation: registry.float_gauges(
                "prometheus_rule_group_last_evaluation_timestamp_seconds",
                "The timestamp of the last rule group evaluation in seconds.",
                GROUP,
            ),
            last_duration: registry.float_gauges(
                "prometheus_rule_group_last_duration_seconds",
                "The duration of the last rule group evaluation.",
                GROUP,
            ),
            last_samples: registry.gauges(
                "prometheus_rule_group_last_evaluation_samples",
                "The number of samples returned during the last rule group evaluation.",
                GROUP,
            ),
            last_restore: registry.float_gauges(
                "prometheus_rule_group_last_restore_duration_seconds",
                "The duration of the last alert rules alerts restoration using the `ALERTS_FOR_STATE` series across \
                 all the groups.",
                GROUP,
            ),
            rules: registry.gauges("prometheus_rule_group_rules", "The number of rules.", GROUP),
            interval: registry.float_gauges(
                "prometheus_rule_group_interval_seconds",
                "The interval of a rule group.",
                GROUP,
            ),
            unmatched_rules: registry.gauges(
                "firewatch_rule_group_unmatched_rules",
                "Rules that give no answer because a selector has matched no series for a while: renamed metrics, say.",
                GROUP,
            ),
            samples_refused: registry.float_counters(
                "firewatch_rule_samples_refused_total",
                "Samples of rules that the storage did not take.",
                GROUP,
            ),
        }
    }

    /// Shows a group from its start on, with zeros.
    pub(crate) fn add_group(&self, key: &str, rules: usize, interval_seconds: f64) {
        let labels = &[key];
        for counters in [&self.evaluations, &self.failures, &self.iterations, &self.iterations_missed] {
            counters.with_label_values(labels);
        }
        self.last_evaluation.with_label_values(labels);
        self.last_duration.with_label_values(labels);
        self.last_samples.with_label_values(labels);
        self.unmatched_rules.with_label_values(labels);
        self.rules.with_label_values(labels).set(i64::try_from(rules).unwrap_or(i64::MAX));
        self.interval.with_label_values(labels).set(interval_seconds);
    }

    /// Forgets a group that is gone. Absent label values are no error here.
    pub(crate) fn remove_group(&self, key: &str) {
        let labels = &[key];
        for counters in [&self.evaluations, &self.failures, &self.iterations, &self.iterations_missed] {
            drop(counters.remove_label_values(labels));
        }
        for gauges in [&self.last_evaluation, &self.last_duration, &self.last_restore, &self.interval] {
            drop(gauges.remove_label_values(labels));
        }
        for gauges in [&self.last_samples, &self.rules, &self.unmatched_rules] {
            drop(gauges.remove_label_values(labels));
        }
        drop(self.samples_refused.remove_label_values(labels));
    }
}
