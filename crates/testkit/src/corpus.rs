//! Test data that is not part of this repository, one folder a topic, and the count of its cases that
//! `cargo xtask conformance` reads.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// The folder of a topic: below `FIREWATCH_CONFORMANCE_DIR`, or beside the repository. Where there is none, says that the
/// test is skipped.
#[must_use]
pub fn folder(topic: &str) -> Option<PathBuf> {
    let dir = match std::env::var_os("FIREWATCH_CONFORMANCE_DIR") {
        Some(dir) => PathBuf::from(dir),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance"),
    };
    let folder = dir.join(topic);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: there is no test data at {}", folder.display());
    None
}

/// The rows of a file with a JSON value in each line.
///
/// # Panics
/// When it cannot be read, or a line is none.
#[must_use]
pub fn json_lines(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).expect("the file is there");
    text.lines().map(|line| serde_json::from_str(line).expect("each line is a JSON value")).collect()
}

/// The rows of a file of comma separated values, without the line of titles. Quotes hold commas; a doubled quote is one.
///
/// # Panics
/// When it cannot be read.
#[must_use]
pub fn comma_separated(file: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(file).expect("the file is there");
    text.lines().skip(1).filter(|line| !line.is_empty()).map(columns).collect()
}

fn columns(line: &str) -> Vec<String> {
    let (mut columns, mut column, mut quoted) = (Vec::new(), String::new(), false);
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => column.extend(letters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => columns.push(std::mem::take(&mut column)),
            letter => column.push(letter),
        }
    }
    columns.push(column);
    columns
}

/// Prints the count that the runner reads.
///
/// # Panics
/// When a case failed: then all that did are printed before.
pub fn close(what: &str, total: usize, failures: &[String]) {
    for failure in failures {
        println!("FAILED {failure}");
    }
    println!("{what}: {} passed, {} failed", total.saturating_sub(failures.len()), failures.len());
    assert!(failures.is_empty(), "{} cases failed", failures.len());
}

#[cfg(test)]
mod tests {
    use super::columns;

    #[test]
    fn quotes_hold_commas_and_quotes() {
        assert_eq!(columns(r#"a,"b, ""c""",,d"#), ["a", "b, \"c\"", "", "d"]);
    }
}
