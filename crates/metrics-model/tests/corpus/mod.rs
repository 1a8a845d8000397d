//! Where the conformance corpora are, how their tables are read, and how results are counted.

use std::path::{Path, PathBuf};

use base64::Engine;
use serde_json::Value;

/// The folder of a corpus; `None`, said so, when it is not at hand or not asked for.
pub(crate) fn dir(corpus: &str) -> Option<PathBuf> {
    // Named by `cargo xtask conformance`; what real targets answer belongs to the formats.
    if let Ok(wanted) = std::env::var("FIREWATCH_CONFORMANCE_CORPORA") {
        let asked = if corpus == "scrape-targets" { "exposition" } else { corpus };
        if !wanted.split(',').any(|name| name == asked) {
            eprintln!("skipped: {corpus} is not asked for");
            return None;
        }
    }
    let root = std::env::var_os("FIREWATCH_CONFORMANCE_DIR").map_or_else(
        || match std::env::var_os("FIREWATCH_SHARED") {
            Some(shared) => Path::new(&shared).join("conformance"),
            None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance"),
        },
        PathBuf::from,
    );
    let dir = root.join(corpus);
    if dir.is_dir() {
        return Some(dir);
    }
    eprintln!("skipped: {corpus} has no corpus at {}", dir.display());
    None
}

/// One line of a table.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) value: Value,
}

/// The rows of a table, named by file and line; a table that is not there has none.
pub(crate) fn rows(path: &Path) -> impl Iterator<Item = Row> + use<> {
    let file = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<String> = text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect();
    lines.into_iter().enumerate().map(move |(index, line)| {
        let value = serde_json::from_str(&line).expect("the corpus has valid JSON");
        Row { name: format!("{file}:{}", index + 1), value }
    })
}

/// The files of a folder, sorted.
pub(crate) fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

/// The bytes under `key`, or under `key` with `_base64`.
pub(crate) fn bytes(row: &Value, key: &str) -> Vec<u8> {
    match row[&format!("{key}_base64")].as_str() {
        Some(text) => base64::engine::general_purpose::STANDARD.decode(text).expect("the corpus has valid base64"),
        None => row[key].as_str().unwrap_or_default().as_bytes().to_vec(),
    }
}

/// Where entries first differ from those expected.
pub(crate) fn first_difference(actual: &[Value], expected: &Value) -> Option<String> {
    let expected = expected.as_array().map_or(&[][..], Vec::as_slice);
    let longest = actual.len().max(expected.len());
    let at = (0..longest).find(|at| actual.get(*at) != expected.get(*at))?;
    Some(format!("entry {at}: got {:?}, expected {:?}", actual.get(at), expected.get(at)))
}

/// Counts what passed and prints what failed.
pub(crate) struct Report {
    title: &'static str,
    passed: usize,
    failures: Vec<String>,
}

impl Report {
    pub(crate) fn new(title: &'static str) -> Self {
        Self { title, passed: 0, failures: Vec::new() }
    }

    pub(crate) fn check(&mut self, name: &str, passes: bool, detail: impl FnOnce() -> String) {
        if passes {
            self.passed += 1;
        } else {
            self.failures.push(format!("{name}: {}", detail()));
        }
    }

    /// Prints the counts and the failures, and fails the test if there are any.
    pub(crate) fn finish(self) {
        for failure in &self.failures {
            println!("failed: {failure}");
        }
        println!("{}: {} passed, {} failed", self.title, self.passed, self.failures.len());
        assert!(self.failures.is_empty(), "{} of {} failed", self.failures.len(), self.title);
    }
}
