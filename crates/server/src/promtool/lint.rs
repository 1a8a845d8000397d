//! Lints of rules and configurations: what is allowed and most likely not meant.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use rules::{GroupConfig, RuleConfig};

use crate::config::Config;
use metrics_model::duration::{format_duration, parse_duration};

/// Which lints run, and whether they fail the command.
#[derive(Debug, Clone, Args)]
pub(super) struct LintOptions {
    /// Linting checks to apply: all, none, duplicate-rules, too-long-scrape-interval.
    #[arg(long, default_value = "duplicate-rules", value_delimiter = ',', value_name = "CHECKS",
          value_parser = ["all", "none", "duplicate-rules", "too-long-scrape-interval"])]
    lint: Vec<String>,
    /// Make lint errors exit with exit code 3.
    #[arg(long = "lint-fatal")]
    pub(super) lint_fatal: bool,
    /// The longest scrape interval that queries with the usual lookback can bear.
    #[arg(long = "lint.lookback-delta", default_value = "5m", value_name = "DURATION",
          value_parser = |text: &str| parse_duration(text).map_err(|error| error.to_string()))]
    lookback: Duration,
}

impl LintOptions {
    fn runs(&self, lint: &str) -> bool {
        let named = |name: &str| self.lint.iter().any(|wanted| wanted == name);
        !named("none") && (named("all") || named(lint))
    }

    /// What is wrong with the groups of one file; empty when nothing is.
    pub(super) fn rules(&self, groups: &[GroupConfig]) -> String {
        if !self.runs("duplicate-rules") {
            return String::new();
        }
        let duplicates = duplicates(groups);
        if duplicates.is_empty() {
            return String::new();
        }
        let mut text = format!("{} duplicate rule(s) found.\n", duplicates.len());
        for rule in duplicates {
            text.push_str(&format!("Metric: {}\nLabel(s):\n", rule.name));
            for (name, value) in &rule.labels {
                text.push_str(&format!("\t{name}: {value}\n"));
            }
        }
        text.push_str("Might cause inconsistency while recording expressions");
        text
    }

    /// What is wrong with the jobs of a configuration; empty when nothing is.
    pub(super) fn config(&self, config: &Config) -> String {
        if !self.runs("too-long-scrape-interval") {
            return String::new();
        }
        let too_long = config.scrapes.iter().filter(|scrape| scrape.interval >= self.lookback);
        let lines = too_long.map(|scrape| {
            let (interval, lookback) = (format_duration(scrape.interval), format_duration(self.lookback));
            let job = &scrape.job_name;
            format!("long scrape interval found: job {job:?} has {interval}, data points are lost from {lookback} on")
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// Rules of the same name and labels, each once, in order of their names.
fn duplicates(groups: &[GroupConfig]) -> Vec<&RuleConfig> {
    let mut count: BTreeMap<(&str, &[(String, String)]), (usize, &RuleConfig)> = BTreeMap::new();
    for rule in groups.iter().flat_map(|group| &group.rules) {
        count.entry((&rule.name, &rule.labels)).or_insert((0, rule)).0 += 1;
    }
    count.into_values().filter(|(count, _)| *count > 1).map(|(_, rule)| rule).collect()
}
