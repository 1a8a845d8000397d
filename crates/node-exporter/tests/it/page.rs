//! Pages of metrics, taken apart for comparison.

use std::collections::{BTreeMap, BTreeSet};

/// The lines of each family, by its name: help, type and samples.
pub(crate) type Families = BTreeMap<String, Vec<String>>;

/// Sorts the lines of a page by family.
pub(crate) fn families(page: &str) -> Families {
    let mut families = Families::new();
    let mut current = String::new();
    for line in page.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            current = comment.split(' ').nth(1).unwrap_or("").to_owned();
        }
        families.entry(current.clone()).or_default().push(line.to_owned());
    }
    families
}

/// What differs between two sets of lines, for the message of an assertion; empty when nothing does.
pub(crate) fn difference(expected: &BTreeSet<String>, found: &BTreeSet<String>) -> String {
    let missing = expected.difference(found).map(|line| format!("- {line}\n"));
    let extra = found.difference(expected).map(|line| format!("+ {line}\n"));
    missing.chain(extra).collect()
}
