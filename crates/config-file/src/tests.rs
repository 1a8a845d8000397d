//! Positions and keys of errors, at the boundary.

use std::path::Path;

use serde::Deserialize;

use crate::{DurationText, error_at, parse};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    #[serde(default)]
    #[expect(dead_code, reason = "only read by the parser")]
    global: Global,
    #[serde(default)]
    #[expect(dead_code, reason = "only read by the parser")]
    jobs: Vec<Job>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Global {
    interval: DurationText,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Job {
    #[expect(dead_code, reason = "only read by the parser")]
    name: String,
}

fn check(text: &str, expected: &str) {
    let error = parse::<Config>(Path::new("a.yml"), text).expect_err("the document is wrong");
    let shown = error.to_string();
    assert!(shown.starts_with(expected), "{shown:?} does not start with {expected:?}");
}

#[test]
fn errors_name_file_line_column_and_key() {
    check("global:\n  interval: 5x\n", "a.yml:2:13: global.interval: unknown unit \"x\" in duration \"5x\"");
    check("jobs:\n- name: a\n- nam: b\n", "a.yml:3:3: jobs[1].nam: unknown field `nam`");
    check("jobs:\n- name: a\n  bad\n", "a.yml:4:1: jobs[0]: ");
    check("jobs: 5\n", "a.yml:1:7: jobs: invalid type: integer `5`, expected a sequence");
}

#[test]
fn empty_documents_are_empty_maps() {
    for text in ["", "# nothing\n", "---\n"] {
        parse::<Config>(Path::new("a.yml"), text).expect("an empty document is fine");
    }
}

#[test]
fn later_checks_find_the_position_of_a_key() {
    let text = "global:\n  interval: 5s\njobs:\n- name: a\n- name: b\n";
    let at = |key: &str| error_at(Path::new("a.yml"), text, key, "no").to_string();
    assert_eq!(at("jobs[1].name"), "a.yml:5:9: jobs[1].name: no");
    assert_eq!(at("global.interval"), "a.yml:2:13: global.interval: no");
    assert_eq!(at("global.missing"), "a.yml:2:3: global.missing: no", "falls back to the value around it");
}

#[test]
fn relabeling_steps() {
    use crate::RelabelText;
    use metrics_model::name::NameScheme;

    let check = |text: &str| {
        let step = parse::<RelabelText>(Path::new("a.yml"), text).map_err(|error| error.to_string())?;
        let step = step.check(NameScheme::Utf8).map_err(|error| error.to_string())?;
        let fields = step.fields().clone();
        Ok::<_, String>((fields.action, fields.separator, fields.regex, fields.replacement))
    };
    let text = |text: &str| text.to_owned();
    let expected = (text("replace"), text(";"), None, text("$1"));
    assert_eq!(check("target_label: a\nsource_labels: [b]\n"), Ok(expected));
    // A key with nothing after it is empty, not missing.
    let expected = (text("Keep"), text(""), Some(text("")), text(""));
    assert_eq!(check("action: Keep\nseparator:\nregex:\nreplacement:\n"), Ok(expected));
    assert_eq!(check("action:\n"), Err(text("relabel action cannot be empty")));
    assert_eq!(check("action: nope\n"), Err(text("unknown relabel action \"nope\"")));
    assert!(check("actions: keep\n").expect_err("unknown").contains("unknown field `actions`"));
}

#[test]
fn merge_keys_take_over_what_is_not_written() {
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Named {
        name: String,
        #[serde(default)]
        note: String,
    }
    let text = "- &a {name: one, note: 1}\n- {<<: *a, name: two}\n- <<: [*a]\n  note: x\n";
    let list: Vec<Named> = parse(Path::new("a.yml"), text).expect("merge keys are part of the language");
    let shown: Vec<_> = list.iter().map(|named| (named.name.as_str(), named.note.as_str())).collect();
    assert_eq!(shown, [("one", "1"), ("two", "1"), ("one", "x")]);
    let wrong = "- &a {name: one}\n- {<<: *a, nam: two}\n";
    let error = parse::<Vec<Named>>(Path::new("a.yml"), wrong).expect_err("a key is unknown");
    assert!(error.to_string().starts_with("a.yml:2:"), "{error}");
}

#[test]
fn the_first_of_several_documents_counts() {
    parse::<Config>(Path::new("a.yml"), "jobs: [{name: a}]\n---\nnope: 1\n").expect("the first document is fine");
    check("jobs: 5\n---\n{}\n", "a.yml:1:7: jobs: ");
}
