//! Unit tests of rules: a file gives series, the rules run over them on a simulated clock, and the file says which alerts
//! and samples are expected at which time. `firewatch-promtool test rules` runs them.
//!
//! * `file`: the test file as written, and checked
//! * `run`: one test group, from its series to what was wrong
//! * `compare`: expected and found alerts and samples, and how they differ
//! * `store`: the reference store, reading histograms back as the original's store does

mod compare;
mod file;
mod run;
mod store;

use std::path::{Path, PathBuf};
use std::time::Duration;

use config_file::ConfigFileError;
use metrics_model::name::NameScheme;
use promql::{Engine, EngineOptions};

use crate::config::{Checks, GroupConfig, RuleFileErrors, load_file};

/// How test files are run.
#[derive(Clone)]
pub struct UnitTestOptions<'a> {
    /// Answers the queries; its subquery step is set by each file's `evaluation_interval`.
    pub engine: EngineOptions,
    /// Which test groups run, by name.
    pub wants: &'a dyn Fn(&str) -> bool,
    /// Whether fields of rule files that are not known are left alone.
    pub ignore_unknown_fields: bool,
    /// Whether differences are told line by line rather than as two blocks.
    pub diff: bool,
    /// Whether all samples there are at the end of a test group are told.
    pub debug: bool,
}

impl std::fmt::Debug for UnitTestOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UnitTestOptions").field("engine", &self.engine).finish_non_exhaustive()
    }
}

/// What came of one test file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FileReport {
    /// Patterns of rule files that match none.
    pub unmatched: Vec<PathBuf>,
    /// The test groups that ran, in the order of the file.
    pub groups: Vec<GroupReport>,
}

impl FileReport {
    /// Whether everything was as expected.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.groups.iter().all(|group| group.failures.is_empty())
    }
}

/// What came of one test group.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GroupReport {
    /// Its name, or `unnamed#2` after its place in the file.
    pub name: String,
    /// Everything that was not as expected.
    pub failures: Vec<String>,
    /// All samples at the end, one line a series; only when asked for.
    pub samples: Vec<String>,
    /// How long it took.
    pub took: Duration,
}

/// Why a test file could not be run at all.
#[derive(Debug, thiserror::Error)]
pub enum UnitTestError {
    /// The file is not a test file.
    #[error(transparent)]
    File(#[from] ConfigFileError),
    /// A pattern of rule files is none.
    #[error("rule file pattern {pattern:?}")]
    Pattern {
        /// As written, relative to the test file.
        pattern: String,
        /// The cause.
        #[source]
        source: glob::PatternError,
    },
}

/// Runs all test groups of a file.
///
/// # Errors
/// [`UnitTestError`] when the file cannot be read or makes no sense. What is wrong with rule files is a failure of each
/// test group.
pub fn run_file(file: &Path, options: &UnitTestOptions<'_>) -> Result<FileReport, UnitTestError> {
    let tests = file::read(file)?;
    let mut report = FileReport::default();
    let mut rule_files = Vec::new();
    for pattern in &tests.rule_files {
        let found = matching(file, pattern)?;
        if found.is_empty() {
            report.unmatched.push(config_file::resolve(file, pattern));
        }
        rule_files.extend(found);
    }
    let subquery_step = tests.evaluation_interval;
    let engine = Engine::new(EngineOptions { subquery_step, ..options.engine.clone() });
    let rules = load(&rule_files, &engine, options.ignore_unknown_fields, &tests.group_order);
    for group in tests.groups.iter().filter(|group| (options.wants)(&group.name)) {
        let outcome = match &rules {
            Ok(rules) => run::run(group, rules, &tests, &engine, options),
            Err(errors) => GroupReport { failures: vec![errors.to_string()], ..GroupReport::default() },
        };
        report.groups.push(GroupReport { name: group.label.clone(), ..outcome });
    }
    Ok(report)
}

/// The rule files that `pattern` means, sorted; relative patterns start from the folder of the test file.
fn matching(file: &Path, pattern: &str) -> Result<Vec<PathBuf>, UnitTestError> {
    let path = config_file::resolve(file, pattern);
    let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::default() };
    let paths = glob::glob_with(&path.to_string_lossy(), options)
        .map_err(|source| UnitTestError::Pattern { pattern: pattern.to_owned(), source })?;
    // What cannot be looked at is not there for us; the warning about an unmatched pattern then says so.
    Ok(paths.filter_map(Result::ok).collect())
}

/// All groups of the rule files, in the order that `group_eval_order` gives; groups it does not name come first, as in
/// the original.
fn load(
    files: &[PathBuf],
    engine: &Engine,
    ignore_unknown_fields: bool,
    order: &[String],
) -> Result<Vec<GroupConfig>, RuleFileErrors> {
    let checks = Checks { engine, names: NameScheme::Utf8, ignore_unknown_fields };
    let mut groups = Vec::new();
    for file in files {
        groups.extend(load_file(file, &checks)?);
    }
    groups.sort_by_key(|group: &GroupConfig| order.iter().position(|name| *name == group.name).unwrap_or(0));
    Ok(groups)
}
