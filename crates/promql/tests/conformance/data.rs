//! Finds the data and counts what comes of it.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// A folder of the conformance data; says so when it is not there.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    let named = std::env::var_os("FIREWATCH_CONFORMANCE_DIR").map(PathBuf::from);
    let shared = std::env::var_os("FIREWATCH_SHARED").map(|shared| PathBuf::from(shared).join("conformance"));
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance");
    let path = named.or(shared).unwrap_or(beside).join(name);
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("skipped: no conformance data in {}", path.display());
    None
}

/// The rows of a file with one JSON value a line.
pub(crate) fn rows(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().filter(|line| !line.is_empty()).map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A field of a row that is a text.
pub(crate) fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row[field].as_str().unwrap_or_default()
}

/// Counts cases and prints those that fail.
#[derive(Default)]
pub(crate) struct Tally {
    passed: usize,
    failed: usize,
}

impl Tally {
    pub(crate) fn add(&mut self, name: &str, outcome: Result<(), String>) {
        match outcome {
            Ok(()) => self.passed += 1,
            Err(problem) => {
                self.failed += 1;
                let head: String = name.chars().take(150).collect();
                eprintln!("FAILED {head:?}: {problem}");
            }
        }
    }

    pub(crate) fn finish(self, what: &str) {
        eprintln!("{what}: {} passed, {} failed", self.passed, self.failed);
        assert_eq!(self.failed, 0, "{what}");
    }
}

/// Says what differs.
pub(crate) fn equal<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, wanted: &T) -> Result<(), String> {
    if found == wanted { Ok(()) } else { Err(format!("{what} is {found:?} instead of {wanted:?}")) }
}
