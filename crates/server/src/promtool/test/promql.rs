//! `test promql`: scripts in the language of the query engine's own tests.

use std::path::PathBuf;

use promql::script::{Report, run_file};

use crate::promtool::{Outcome, failed};

pub(super) fn run(files: &[PathBuf]) -> Outcome {
    let mut report = Report::default();
    for file in files {
        match run_file(file) {
            Ok(of_file) => report.merge(of_file),
            Err(error) => return failed(format!("cannot read {}: {error}", file.display())),
        }
    }
    for failure in &report.failures {
        eprintln!("{failure}");
    }
    println!("{report}");
    if report.failures.is_empty() { Outcome::Fine } else { Outcome::Failed }
}
