//! Rule files: what loads, and what is said about what does not.

use std::path::{Path, PathBuf};

use metrics_model::name::NameScheme;
use promql::Engine;
use serde_json::Value;

use super::{configs, parse};
use crate::config::{Checks, RuleKind, load_file, parse_text};

fn refused(text: &str, expected: &str) {
    let errors = parse(text).expect_err("the rules are wrong");
    assert!(errors.contains(expected), "{errors:?} does not contain {expected:?}");
}

#[test]
fn groups_keep_their_settings() {
    let groups = configs(
        "groups:\n- name: g\n  interval: 30s\n  query_offset: 1m\n  limit: 5\n  labels: {team: a, x: group}\n  rules:\n  \
         - record: a:b\n    expr: 1\n    labels: {x: rule}\n  - alert: A\n    expr: up == 0\n    for: 1m\n    \
         keep_firing_for: 2m\n    annotations: {b: two, a: one}\n",
    );
    let group = &groups[0];
    assert_eq!((group.file.as_str(), group.name.as_str(), group.limit), ("rules.yml", "g", 5));
    assert_eq!(group.interval.map(|interval| interval.as_secs()), Some(30));
    assert_eq!(group.query_offset.map(|offset| offset.as_secs()), Some(60));
    assert_eq!(group.rules[0].kind, RuleKind::Recording);
    assert_eq!(group.rules[0].labels, [("team".into(), "a".into()), ("x".into(), "rule".into())]);
    let RuleKind::Alerting { hold, keep_firing, annotations, .. } = &group.rules[1].kind else {
        unreachable!("the second rule alerts")
    };
    assert_eq!((hold.as_secs(), keep_firing.as_secs()), (60, 120));
    assert_eq!(annotations.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn errors_name_file_line_column_key_and_rule() {
    refused(
        "groups:\n- name: g\n  rules:\n  - record: a\n    expr: sum(\n",
        "rules.yml:5:11: groups[0].rules[0].expr: group \"g\", rule 1, \"a\": could not parse expression: ",
    );
    refused(
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up\n    annotations: {a: '{{ $label.x }}'}\n",
        "rules.yml:6:22: groups[0].rules[0].annotations.a: group \"g\", rule 1, \"A\": annotation \"a\": ",
    );
    refused("groups:\n- name: g\n  rule: []\n", "rules.yml:3:3: groups[0].rule: unknown field `rule`");
}

#[test]
fn all_errors_of_a_file_are_told() {
    let errors =
        parse("groups:\n- name: g\n  rules:\n  - record: a\n  - expr: up\n  - alert: A\n    record: b\n    expr: 1\n")
            .expect_err("three rules are wrong");
    let lines: Vec<&str> = errors.lines().collect();
    assert_eq!(lines.len(), 3, "{errors}");
    assert!(lines[0].contains("field 'expr' must be set in rule"), "{errors}");
    assert!(lines[1].contains("one of 'record' or 'alert' must be set"), "{errors}");
    assert!(lines[2].contains("only one of 'record' and 'alert' must be set"), "{errors}");
}

#[test]
fn what_cannot_be_is_refused() {
    let rule = |rule: &str| format!("groups:\n- name: g\n  rules:\n  - {rule}\n");
    refused("groups:\n- rules: []\n", "Groupname must not be empty");
    refused("groups:\n- name: g\n- name: g\n", "groupname: \"g\" is repeated in the same file");
    refused("groups:\n- name: g\n  labels: {__name__: x}\n", "invalid label name: __name__");
    refused(&rule("{record: a, expr: 1, for: 1m}"), "invalid field 'for' in recording rule");
    refused(&rule("{record: a, expr: 1, keep_firing_for: 1m}"), "invalid field 'keep_firing_for' in recording rule");
    refused(&rule("{record: a, expr: 1, annotations: {a: b}}"), "invalid field 'annotations' in recording rule");
    refused(&rule("{record: 'a{b=\"c\"}', expr: 1}"), "braces present in the recording rule name");
    refused(&rule("{alert: a, expr: 1, labels: {__name__: b}}"), "invalid label name: __name__");
    refused(&rule("{alert: a, expr: 1, labels: {b: '{{ nope }}'}}"), "label \"b\": ");
    refused(&rule("{alert: a, expr: 1, for: 5x}"), "groups[0].rules[0].for: ");
}

#[test]
fn empty_and_plain_values_are_taken() {
    assert!(configs("").is_empty());
    assert!(configs("groups:\n").is_empty());
    let groups = configs("groups:\n- name: 1\n  rules:\n  - record: a\n    expr: 1\n    labels:\n    annotations:\n");
    assert_eq!(groups[0].name, "1");
    assert_eq!(groups[0].rules[0].expr.to_string(), "1");
}

/// The folder with conformance data, when there is one.
fn conformance() -> Option<PathBuf> {
    let shared = std::env::var_os("FIREWATCH_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let folder = shared.join("conformance");
    folder.is_dir().then_some(folder)
}

#[test]
fn conformance_rule_files() {
    let Some(folder) = conformance() else {
        eprintln!("skipped: no conformance data");
        return;
    };
    let folder = folder.join("rules");
    let rows = std::fs::read_to_string(folder.join("expected.jsonl")).expect("the table can be read");
    let engine = Engine::default();
    let mut checked = 0;
    for row in rows.lines() {
        let row: Value = serde_json::from_str(row).expect("rows are JSON");
        let legacy = row["name_validation_scheme"] == "legacy";
        let names = if legacy { NameScheme::Legacy } else { NameScheme::Utf8 };
        let checks = Checks { engine: &engine, names, ignore_unknown_fields: false };
        let outcome = match row["command"].as_str() {
            Some("parse rule file") => {
                let file = row["files"][0].as_str().expect("a file");
                load_file(&folder.join(file), &checks)
            }
            Some("parse rule text") => {
                let text = row["text"].as_str().expect("a text");
                parse_text(Path::new("rules.yml"), text, &checks)
            }
            _ => continue,
        };
        checked += 1;
        assert_eq!(outcome.is_ok(), row["ok"] == true, "{row}: {outcome:?}");
        if let (Err(errors), Some(expected)) = (outcome, row["error_contains"].as_str()) {
            let errors = errors.to_string();
            // Unknown keys are worded by our reader.
            let expected = expected.replace("field annotation not found", "unknown field `annotation`");
            assert!(errors.contains(&expected), "{row}: {errors}");
        }
    }
    assert!(checked > 0, "the table has rows about rule files");
}

#[test]
fn rule_files_in_use_load() {
    let Some(folder) = conformance() else {
        eprintln!("skipped: no conformance data");
        return;
    };
    let engine = Engine::default();
    let checks = Checks { engine: &engine, names: NameScheme::Utf8, ignore_unknown_fields: false };
    let mut folders = vec![folder.join("alert-rules")];
    let mut loaded = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the folder can be read").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml") {
                let text = std::fs::read_to_string(&path).expect("the file can be read");
                // Some publish a bare list of groups, to be pasted below the key.
                let text = if text.starts_with("- ") { format!("groups:\n{text}") } else { text };
                if let Err(errors) = parse_text(&path, &text, &checks) {
                    panic!("{}: {errors}", path.display());
                }
                loaded += 1;
            }
        }
    }
    assert!(loaded > 0, "there are rule files");
}
