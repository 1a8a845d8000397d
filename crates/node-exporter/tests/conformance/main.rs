//! The original's fixtures and lists of collectors and flags: `cargo xtask conformance node-exporter`. Skips where there
//! is no test data.

mod golden;
#[path = "../hosted/mod.rs"]
mod hosted;
mod textfile;
mod ttar;

use node_exporter::cli;
use node_exporter::collector::{NOT_BUILT, TABLE};
use serde_json::Value;
use testkit::corpus::{close, folder, json_lines};

/// The folder of the test data.
const TOPIC: &str = "node-exporter";

/// Collectors of other systems, which the original tells by the names of its files and not by a condition.
const OF_OTHER_SYSTEMS: &[&str] = &["devstat", "netinterface", "netisr", "partition", "thermal"];

/// Whether the original's own condition for building a collector holds on Linux.
fn is_for_linux(row: &Value) -> bool {
    if row["collector"].as_str().is_some_and(|name| OF_OTHER_SYSTEMS.contains(&name)) {
        return false;
    }
    let conditions = row["platforms"].as_array().cloned().unwrap_or_default();
    let systems: Vec<&str> =
        conditions.iter().filter_map(Value::as_str).filter(|word| !word.starts_with("!no")).collect();
    systems.is_empty()
        || systems.iter().any(|system| system.split(['&', '|', ' ', '(', ')']).any(|word| word == "linux"))
}

#[test]
fn listed_collectors_are_there_or_refused_by_name() {
    let Some(folder) = folder(TOPIC) else { return };
    let rows: Vec<Value> = json_lines(&folder.join("collectors.jsonl")).into_iter().filter(is_for_linux).collect();
    let mut failures = Vec::new();
    for row in &rows {
        let name = row["collector"].as_str().unwrap_or_default();
        let enabled = cli::parse(["exporter", &format!("--collector.{name}")]);
        let right = match TABLE.iter().find(|entry| entry.name == name) {
            Some(entry) => enabled.is_ok() && row["default_enabled"] == entry.default_on,
            None => {
                NOT_BUILT.iter().any(|absent| absent.name == name)
                    && enabled.is_err_and(|error| error.to_string().contains(name))
            }
        };
        if !right {
            failures.push(format!("{row}"));
        }
    }
    close("collectors", rows.len(), &failures);
}

#[test]
fn listed_flags_are_taken_or_refused_by_name() {
    let Some(folder) = folder(TOPIC) else { return };
    let rows = json_lines(&folder.join("flags.jsonl"));
    let mut failures = Vec::new();
    for row in &rows {
        let flag = row["flag"].as_str().unwrap_or_default();
        let is_switch = row["type"] == "bool";
        let used = match row["default"].as_str() {
            // Named constants are not in the list.
            Some(default) if !default.starts_with("(constant") && !default.is_empty() => default,
            _ if flag.ends_with("workers") || flag.ends_with("requests") => "4",
            _ => "/x",
        };
        let ways: Vec<Vec<String>> = if is_switch {
            vec![vec![flag.to_owned()], vec![flag.replacen("--", "--no-", 1)]]
        } else {
            vec![vec![format!("{flag}={used}")], vec![flag.to_owned(), used.to_owned()]]
        };
        for way in ways {
            let flags = std::iter::once("exporter".to_owned()).chain(way.iter().cloned());
            let error = cli::parse(flags).err().map(|error| error.to_string());
            let refused_by_name = |error: &String| error.contains("does not have the collector");
            if error.as_ref().is_some_and(|error| !refused_by_name(error)) {
                failures.push(format!("{way:?}: {error:?}"));
                break;
            }
        }
    }
    close("flags", rows.len(), &failures);
}
