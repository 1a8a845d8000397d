//! `check config`, `check rules`, `check web-config` and `check metrics`.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use daemon::web::WebConfig;
use metrics_model::exposition::text;
use metrics_model::family::{MetricFamily, MetricValue};
use metrics_model::lint::lint;
use metrics_model::name::NameScheme;
use promql::Engine;
use rules::{Checks, GroupConfig, RuleFileErrors};

use super::lint::LintOptions;
use super::{Outcome, failed, files};
use crate::config::{LoadOptions, RuleFiles, load};

pub(super) fn configs(paths: &[PathBuf], syntax_only: bool, lint: &LintOptions, engine: &Engine) -> Outcome {
    let outcomes = paths.iter().map(|path| config(path, syntax_only, lint, engine));
    outcomes.max().unwrap_or(Outcome::Fine)
}

fn config(path: &Path, syntax_only: bool, lint: &LintOptions, engine: &Engine) -> Outcome {
    println!("Checking {}", path.display());
    let rule_files = if syntax_only { RuleFiles::Untouched } else { RuleFiles::Named };
    let environment = |name: &str| std::env::var(name).ok();
    let config = match load(path, &LoadOptions { engine, environment, rule_files }) {
        Ok(config) => config,
        Err(error) => return failed(format!("  FAILED: {error}\n")),
    };
    for warning in &config.warnings {
        println!("  WARNING: {warning}");
    }
    if !syntax_only && let Err(error) = files::check(&config) {
        return failed(format!("  FAILED: {error}\n"));
    }
    if !config.rule_files.is_empty() && !syntax_only {
        println!("  SUCCESS: {} rule files found", config.rule_files.len());
    }
    let found = lint.config(&config);
    let mut outcome = Outcome::Fine;
    if found.is_empty() {
        println!(" SUCCESS: {} is valid prometheus config file syntax\n", path.display());
    } else {
        outcome = lint_failed(&found, lint);
    }
    if !syntax_only {
        let checks = Checks { engine, names: config.name_scheme };
        for file in &config.rule_files {
            outcome = outcome.max(rule_file(file, rules::load_file(file, &checks), lint));
        }
    }
    outcome
}

pub(super) fn rules(paths: &[PathBuf], lint: &LintOptions, engine: &Engine) -> Outcome {
    let checks = Checks { engine, names: NameScheme::Utf8 };
    if paths.is_empty() {
        let mut text = String::new();
        if let Err(error) = std::io::stdin().read_to_string(&mut text) {
            return failed(format!("  FAILED: cannot read standard input: {error}"));
        }
        let name = Path::new("standard input");
        return rule_file(name, rules::parse_text(name, &text, &checks), lint);
    }
    let outcomes = paths.iter().map(|path| rule_file(path, rules::load_file(path, &checks), lint));
    outcomes.max().unwrap_or(Outcome::Fine)
}

fn rule_file(path: &Path, loaded: Result<Vec<GroupConfig>, RuleFileErrors>, lint: &LintOptions) -> Outcome {
    println!("Checking {}", path.display());
    let groups = match loaded {
        Ok(groups) => groups,
        Err(errors) => return failed(format!("  FAILED:\n{errors}\n")),
    };
    let found = lint.rules(&groups);
    if !found.is_empty() {
        return lint_failed(&found, lint);
    }
    let count: usize = groups.iter().map(|group| group.rules.len()).sum();
    println!("  SUCCESS: {count} rules found\n");
    Outcome::Fine
}

fn lint_failed(found: &str, lint: &LintOptions) -> Outcome {
    eprintln!("  FAILED:\nlint error {found}\n");
    if lint.lint_fatal { Outcome::Lint } else { Outcome::Fine }
}

pub(super) fn web_configs(paths: &[PathBuf]) -> Outcome {
    let mut outcome = Outcome::Fine;
    for path in paths {
        match WebConfig::load(path) {
            Ok(config) => {
                for warning in config.warnings() {
                    eprintln!("{} WARNING: {warning}", path.display());
                }
                eprintln!("{} SUCCESS", path.display());
            }
            Err(error) => outcome = failed(format!("{} FAILED: {}", path.display(), daemon::run::chain(&error))),
        }
    }
    outcome
}

pub(super) fn metrics(extended: bool, linted: bool) -> Outcome {
    if !extended && !linted {
        return failed("error: at least one of --extended or linting must be enabled");
    }
    let mut input = Vec::new();
    if let Err(error) = std::io::stdin().read_to_end(&mut input) {
        return failed(format!("cannot read standard input: {error}"));
    }
    // The original's advice is for names in the legacy alphabet only; its count takes all.
    let names = if linted { NameScheme::Legacy } else { NameScheme::Utf8 };
    let families = match text::read_families(&input, names) {
        Ok(families) => families,
        Err(error) => return failed(format!("error while linting: {error}")),
    };
    let problems = if linted { lint(&families) } else { Vec::new() };
    for problem in &problems {
        eprintln!("{} {}", problem.metric, problem.text);
    }
    if extended {
        print_cardinality(&families);
    }
    if problems.is_empty() { Outcome::Fine } else { Outcome::Lint }
}

/// How many samples each family has, the largest first.
fn print_cardinality(families: &[MetricFamily]) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for family in families {
        let samples = family.metrics.iter().map(|metric| match &metric.value {
            MetricValue::Counter { .. } | MetricValue::Gauge(_) | MetricValue::Untyped(_) => 1,
            MetricValue::Summary(summary) => summary.quantiles.len() + 2,
            MetricValue::Histogram(histogram) => histogram.buckets.len() + 2,
        });
        *counts.entry(&family.name).or_default() += samples.sum::<usize>();
    }
    let total: usize = counts.values().sum();
    let mut rows: Vec<(&str, usize)> = counts.into_iter().collect();
    rows.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
    println!("{:<60}{:>12}{:>12}", "Metric", "Cardinality", "Percentage");
    for (name, count) in rows {
        println!("{name:<60}{count:>12}{:>11.2}%", count as f64 / total.max(1) as f64 * 100.0);
    }
    println!("{:<60}{total:>12}{:>11.2}%", "Total", 100.0);
}
