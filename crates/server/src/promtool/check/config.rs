//! `check config`: a configuration, the files it names, and its rule files.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use promql::Engine;
use rules::Checks;

use super::lint::{self, Lint, LintFatal, RuleLints};
use super::rules::{IgnoreUnknownFields, rule_file};
use super::{exist, files};
use crate::config::{Config, LoadOptions, RuleFiles, load};
use crate::promtool::{Outcome, failed};

#[derive(Debug, Args)]
pub(super) struct ConfigOptions {
    /// Only check the config file syntax, ignoring file and content validation referenced in the config.
    #[arg(long = "syntax-only")]
    syntax_only: bool,
    /// Linting checks to apply to the rules and scrape configs: all, duplicate-rules, none, too-long-scrape-interval.
    #[arg(long, default_value = "duplicate-rules", value_delimiter = ',', value_name = "CHECKS")]
    lint: Vec<Lint>,
    #[command(flatten)]
    fatal: LintFatal,
    #[command(flatten)]
    unknown: IgnoreUnknownFields,
    /// Check the config as one of the original's agent mode. Firewatch has no such mode.
    #[arg(long)]
    agent: bool,
    /// The config files to check.
    #[arg(required = true, value_name = "CONFIG-FILES")]
    files: Vec<PathBuf>,
}

pub(super) fn run(options: &ConfigOptions, lookback: Duration, engine: &Engine) -> Outcome {
    if !exist(&options.files) {
        return Outcome::Failed;
    }
    let outcomes = options.files.iter().map(|path| config(path, options, lookback, engine));
    outcomes.max().unwrap_or(Outcome::Fine)
}

fn config(path: &Path, options: &ConfigOptions, lookback: Duration, engine: &Engine) -> Outcome {
    println!("Checking {}", path.display());
    let rule_files = if options.syntax_only { RuleFiles::Untouched } else { RuleFiles::Named };
    let environment = |name: &str| std::env::var(name).ok();
    let config = match load(path, &LoadOptions { engine, environment, rule_files }) {
        Ok(config) => config,
        Err(error) => return failed(format!("  FAILED: {error}\n")),
    };
    if options.agent
        && let Some(section) = not_for_agents(&config)
    {
        return failed(format!("  FAILED: {}: field {section} is not allowed in agent mode\n", path.display()));
    }
    for warning in &config.warnings {
        println!("  WARNING: {warning}");
    }
    if !options.syntax_only
        && let Err(error) = files::check(&config)
    {
        return failed(format!("  FAILED: {error}\n"));
    }
    if !config.rule_files.is_empty() && !options.syntax_only {
        println!("  SUCCESS: {} rule files found", config.rule_files.len());
    }
    let found = lint::scrape_intervals(&options.lint, lookback, &config);
    let mut outcome = Outcome::Fine;
    if found.is_empty() {
        println!(" SUCCESS: {} is valid prometheus config file syntax\n", path.display());
    } else {
        outcome = options.fatal.told(&found);
    }
    if !options.syntax_only {
        let ignore_unknown_fields = options.unknown.ignore_unknown_fields;
        let checks = Checks { engine, names: config.name_scheme, ignore_unknown_fields };
        let lints = RuleLints { duplicates: Lint::DuplicateRules.runs(&options.lint), fatal: options.fatal };
        for file in &config.rule_files {
            outcome = outcome.max(rule_file(file, rules::load_file(file, &checks), lints));
        }
    }
    outcome
}

/// A section that the original's agent mode refuses.
fn not_for_agents(config: &Config) -> Option<&'static str> {
    let alerting = &config.alerting;
    if !alerting.alertmanagers.is_empty() || !alerting.relabel.is_empty() {
        return Some("alerting");
    }
    config.names_rule_files.then_some("rule_files")
}
