//! Lints of rules and configurations: what is allowed and most likely not meant.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::{Args, ValueEnum};
use metrics_model::duration::format_duration;
use rules::{GroupConfig, RuleConfig};

use crate::config::Config;
use crate::promtool::Outcome;

/// The lints of `check config`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Lint {
    All,
    DuplicateRules,
    None,
    TooLongScrapeInterval,
}

impl Lint {
    /// Whether this one runs when `wanted` are asked for.
    pub(super) fn runs(self, wanted: &[Self]) -> bool {
        !wanted.contains(&Self::None) && (wanted.contains(&Self::All) || wanted.contains(&self))
    }
}

/// The lints of `check rules`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum RuleLint {
    All,
    DuplicateRules,
    None,
}

impl RuleLint {
    /// Whether this one runs when `wanted` are asked for.
    pub(super) fn runs(self, wanted: &[Self]) -> bool {
        !wanted.contains(&Self::None) && (wanted.contains(&Self::All) || wanted.contains(&self))
    }
}

/// What a finding means for the exit code.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct LintFatal {
    /// Make lint errors exit with exit code 3.
    #[arg(long = "lint-fatal")]
    lint_fatal: bool,
}

impl LintFatal {
    /// Tells what was found.
    pub(super) fn told(self, found: &str) -> Outcome {
        eprintln!("  FAILED:\nlint error {found}\n");
        if self.lint_fatal { Outcome::Lint } else { Outcome::Fine }
    }
}

/// Which lints of rules run.
#[derive(Debug, Clone, Copy)]
pub(super) struct RuleLints {
    pub(super) duplicates: bool,
    pub(super) fatal: LintFatal,
}

/// Rules of one file that are there twice; empty when none is.
pub(super) fn duplicate_rules(groups: &[GroupConfig]) -> String {
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

/// Jobs that are scraped so rarely that queries miss their samples; empty when none is, or the lint is not asked for.
pub(super) fn scrape_intervals(wanted: &[Lint], lookback: Duration, config: &Config) -> String {
    if !Lint::TooLongScrapeInterval.runs(wanted) {
        return String::new();
    }
    let too_long = config.scrapes.iter().filter(|scrape| scrape.interval >= lookback);
    let lines = too_long.map(|scrape| {
        let (interval, lookback) = (format_duration(scrape.interval), format_duration(lookback));
        let job = &scrape.job_name;
        format!("long scrape interval found: job {job:?} has {interval}, data points are lost from {lookback} on")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// What makes two rules the same: name and labels.
type Identity<'a> = (&'a str, &'a [(String, String)]);

/// Rules of the same name and labels, each once, in order of their names.
fn duplicates(groups: &[GroupConfig]) -> Vec<&RuleConfig> {
    let mut count: BTreeMap<Identity<'_>, (usize, &RuleConfig)> = BTreeMap::new();
    for rule in groups.iter().flat_map(|group| &group.rules) {
        count.entry((&rule.name, &rule.labels)).or_insert((0, rule)).0 += 1;
    }
    count.into_values().filter(|(count, _)| *count > 1).map(|(_, rule)| rule).collect()
}
