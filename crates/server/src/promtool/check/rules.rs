//! `check rules`: rule files, or rules from standard input.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;
use metrics_model::name::NameScheme;
use promql::Engine;
use rules::{Checks, GroupConfig, RuleFileErrors};

use super::exist;
use super::lint::{self, LintFatal, RuleLint, RuleLints};
use crate::promtool::{Outcome, failed};

#[derive(Debug, Args)]
pub(super) struct RulesOptions {
    /// Linting checks to apply: all, duplicate-rules, none.
    #[arg(long, default_value = "duplicate-rules", value_delimiter = ',', value_name = "CHECKS")]
    lint: Vec<RuleLint>,
    #[command(flatten)]
    fatal: LintFatal,
    #[command(flatten)]
    unknown: IgnoreUnknownFields,
    /// The rule files to check, default is read from standard input.
    #[arg(value_name = "RULE-FILES")]
    files: Vec<PathBuf>,
}

/// What becomes of fields that are not known.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct IgnoreUnknownFields {
    /// Leave fields of rule files alone that are not known. A server refuses such files.
    #[arg(long = "ignore-unknown-fields")]
    pub(super) ignore_unknown_fields: bool,
}

pub(super) fn run(options: &RulesOptions, engine: &Engine) -> Outcome {
    let ignore_unknown_fields = options.unknown.ignore_unknown_fields;
    let checks = Checks { engine, names: NameScheme::Utf8, ignore_unknown_fields };
    let lints = RuleLints { duplicates: RuleLint::DuplicateRules.runs(&options.lint), fatal: options.fatal };
    if options.files.is_empty() {
        let mut text = String::new();
        if let Err(error) = std::io::stdin().read_to_string(&mut text) {
            return failed(format!("  FAILED: cannot read standard input: {error}"));
        }
        let name = Path::new("standard input");
        return rule_file(name, rules::parse_text(name, &text, &checks), lints);
    }
    if !exist(&options.files) {
        return Outcome::Failed;
    }
    let outcomes = options.files.iter().map(|path| rule_file(path, rules::load_file(path, &checks), lints));
    outcomes.max().unwrap_or(Outcome::Fine)
}

/// Says what came of one rule file.
pub(super) fn rule_file(path: &Path, loaded: Result<Vec<GroupConfig>, RuleFileErrors>, lints: RuleLints) -> Outcome {
    println!("Checking {}", path.display());
    let groups = match loaded {
        Ok(groups) => groups,
        Err(errors) => return failed(format!("  FAILED:\n{errors}\n")),
    };
    if lints.duplicates {
        let found = lint::duplicate_rules(&groups);
        if !found.is_empty() {
            return lints.fatal.told(&found);
        }
    }
    let count: usize = groups.iter().map(|group| group.rules.len()).sum();
    println!("  SUCCESS: {count} rules found\n");
    Outcome::Fine
}
