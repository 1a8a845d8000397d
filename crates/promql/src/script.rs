//! Test scripts: the language of the original's own tests. A script loads samples, evaluates queries and says what to
//! expect. `firewatch-promtool test promql` runs them, and so do the tests of this crate.
//!
//! * `command`: what a script says
//! * [`series`]: `metric{label="value"} 1+1x3 _ stale {{schema:1}}`
//! * `storage`, `custom_buckets`: what loads fill
//! * `run`, `compare`: queries and what is expected of them

mod command;
mod compare;
mod custom_buckets;
mod points;
mod run;
pub mod series;
mod storage;

use std::fmt;
use std::path::Path;

use crate::engine::{Engine, EngineOptions, Features};

pub use storage::hint_in_chunk;

/// What came of a script.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Evaluations that gave what was expected.
    pub passed: usize,
    /// Those that did not.
    pub failures: Vec<Failure>,
}

impl Report {
    /// Takes in what came of another script.
    pub fn merge(&mut self, other: Self) {
        self.passed += other.passed;
        self.failures.extend(other.failures);
    }
}

/// `12 passed, 1 failed`
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failures.len())
    }
}

/// Something that was not as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The script.
    pub file: String,
    /// Its line, from 1.
    pub line: usize,
    /// What was different.
    pub message: String,
}

/// `staleness.test:12: expected ...`
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

/// The options that scripts are written for: everything on.
#[must_use]
pub fn options() -> EngineOptions {
    // Labels for type and unit change what is remarked on counters, so they are the one thing that is off.
    let features = Features { type_and_unit_labels: false, ..Features::ALL };
    EngineOptions { features, ..EngineOptions::default() }
}

/// Runs the script in a file with [`options`].
///
/// # Errors
/// [`std::io::Error`] when the file cannot be read.
pub fn run_file(path: &Path) -> std::io::Result<Report> {
    let text = std::fs::read_to_string(path)?;
    Ok(run_text(&path.display().to_string(), &text, &Engine::new(options())))
}

/// Runs a script. `name` is what its failures are reported under.
#[must_use]
pub fn run_text(name: &str, text: &str, engine: &Engine) -> Report {
    let commands = match command::parse(text) {
        Ok(commands) => commands,
        Err(problem) => {
            let failure = Failure { file: name.to_owned(), line: problem.line, message: problem.message };
            return Report { passed: 0, failures: vec![failure] };
        }
    };
    run::run(name, &commands, engine)
}
