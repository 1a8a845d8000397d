//! `test rules`: unit tests of rules, from files to a verdict people and build servers can read.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use clap::Args;
use metrics_model::duration::format_duration;
use promql::EngineOptions;
use regex::Regex;
use rules::unit_test::{FileReport, GroupReport, UnitTestError, UnitTestOptions, run_file};

use super::junit;
use crate::promtool::{Outcome, failed};

#[derive(Debug, Args)]
pub(in crate::promtool) struct RulesOptions {
    /// File path to store JUnit XML test results.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Only run test groups whose names match the regular expression. Can be given several times.
    #[arg(long, value_name = "REGEX")]
    run: Vec<String>,
    /// Print all samples there are at the end of each test group.
    #[arg(long)]
    debug: bool,
    /// Print differences line by line.
    #[arg(long)]
    diff: bool,
    /// Leave fields of rule files alone that are not known. A server refuses such files.
    #[arg(long = "ignore-unknown-fields")]
    ignore_unknown_fields: bool,
    /// The unit test files.
    #[arg(required = true, value_name = "TEST-RULE-FILE")]
    files: Vec<PathBuf>,
}

pub(super) fn run(options: &RulesOptions, engine: &EngineOptions) -> Outcome {
    let wanted = match options.run.iter().map(|pattern| Regex::new(pattern)).collect::<Result<Vec<_>, _>>() {
        Ok(wanted) => wanted,
        Err(error) => return failed(format!("--run: {error}")),
    };
    let wants = |name: &str| wanted.is_empty() || wanted.iter().any(|pattern| pattern.is_match(name));
    let test = UnitTestOptions {
        engine: engine.clone(),
        wants: &wants,
        ignore_unknown_fields: options.ignore_unknown_fields,
        diff: options.diff,
        debug: options.debug,
    };
    let mut results = Vec::with_capacity(options.files.len());
    for file in &options.files {
        println!("Unit Testing:  {}", file.display());
        let result = run_file(file, &test);
        print(&result, options);
        results.push((file.as_path(), result));
    }
    if let Some(path) = &options.junit
        && let Err(error) = std::fs::write(path, junit::document(&results))
    {
        return failed(format!("cannot write {}: {error}", path.display()));
    }
    let passed =
        |(_, result): &(&Path, Result<FileReport, UnitTestError>)| result.as_ref().is_ok_and(FileReport::passed);
    if results.iter().all(passed) { Outcome::Fine } else { Outcome::Failed }
}

fn print(result: &Result<FileReport, UnitTestError>, options: &RulesOptions) {
    match result {
        Err(error) => eprintln!("  FAILED:\n{}", daemon::run::chain(error)),
        Ok(report) => {
            for pattern in &report.unmatched {
                eprintln!("  WARNING: no file match pattern {}", pattern.display());
            }
            report.groups.iter().filter(|_| options.debug).for_each(print_samples);
            if report.passed() {
                println!("  SUCCESS");
            } else {
                eprintln!("  FAILED:");
                let failures = report.groups.iter().flat_map(|group| &group.failures);
                failures.for_each(|failure| eprintln!("{}\n", colored(failure, options.diff)));
            }
        }
    }
    println!();
}

fn print_samples(group: &GroupReport) {
    println!("DEBUG: Test {} finished, took {}", group.name, format_duration(group.took));
    println!("DEBUG: Dump of all data (input_series and rules):");
    group.samples.iter().for_each(|line| println!("{line}"));
}

/// Differences in red and green, where somebody looks at them.
fn colored(failure: &str, diff: bool) -> String {
    if !diff || !std::io::stderr().is_terminal() {
        return failure.to_owned();
    }
    let line = |line: &str| match line.trim_start().chars().next() {
        Some('-') => format!("\x1b[31m{line}\x1b[0m"),
        Some('+') => format!("\x1b[32m{line}\x1b[0m"),
        _ => line.to_owned(),
    };
    failure.lines().map(line).collect::<Vec<_>>().join("\n")
}
