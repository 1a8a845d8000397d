//! Test files of rules: what passes, what fails, and how that is told.

use promql::EngineOptions;

use crate::unit_test::{FileReport, UnitTestOptions, run_file};

const RULES: &str = "groups:\n- name: g\n  rules:\n  - alert: Down\n    expr: up == 0\n    for: 2m\n    labels: {severity: \
                     page}\n    annotations: {summary: '{{ $labels.instance }} of {{ $externalLabels.zone }} at {{ \
                     $externalURL }}'}\n  - record: job:up:sum\n    expr: sum by (job) (up)\n";

/// Runs a test file beside [`RULES`]; the error when it cannot be run.
fn run(test: &str, change: impl FnOnce(&mut UnitTestOptions<'_>)) -> Result<FileReport, String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("rules.yml"), RULES).expect("the folder takes files");
    let file = folder.path().join("test.yml");
    std::fs::write(&file, test).expect("the folder takes files");
    let mut options = UnitTestOptions {
        engine: EngineOptions::default(),
        wants: &|_| true,
        ignore_unknown_fields: false,
        diff: false,
        debug: false,
    };
    change(&mut options);
    run_file(&file, &options).map_err(|error| error.to_string().replace(&file.display().to_string(), "test.yml"))
}

fn failures(test: &str) -> Vec<String> {
    let report = run(test, |_| {}).expect("the file can be run");
    report.groups.into_iter().flat_map(|group| group.failures).collect()
}

fn passes(test: &str) {
    let failures = failures(test);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

const SERIES: &str = "rule_files: ['*.yml_', rules.yml]\ntests:\n- external_labels: {zone: eu}\n  external_url: http://x\n  \
                      input_series:\n  - {series: 'up{job=\"a\",instance=\"i\"}', values: '0x5 1 1'}\n";

#[test]
fn alerts_are_looked_at_between_evaluations() {
    let expected =
        "exp_labels: {severity: page, job: a, instance: i}, exp_annotations: {summary: 'i of eu at http://x'}";
    passes(&format!(
        "{SERIES}  alert_rule_test:\n  - {{eval_time: 1m59s, alertname: Down}}\n  - {{eval_time: 2m30s, alertname: \
         Down, exp_alerts: [{{{expected}}}]}}\n  - {{eval_time: 6m, alertname: Down, exp_alerts: []}}\n"
    ));
}

#[test]
fn expressions_see_recorded_series_and_alerts() {
    passes(&format!(
        "{SERIES}  promql_expr_test:\n  - {{expr: 'job:up:sum', eval_time: 6m, exp_samples: [{{labels: \
         'job:up:sum{{job=\"a\"}}', value: 1}}]}}\n  - {{expr: 'count(ALERTS) by (alertstate)', eval_time: 1m, \
         exp_samples: [{{labels: '{{alertstate=\"pending\"}}', value: 1}}]}}\n  - {{expr: 'vector(0) / 0', eval_time: \
         1m, exp_samples: [{{value: .nan}}]}}\n"
    ));
}

#[test]
fn what_differs_is_told() {
    let test = format!(
        "{SERIES}  name: mine\n  alert_rule_test:\n  - {{eval_time: 3m, alertname: Down, exp_alerts: [{{exp_labels: \
         {{severity: ticket}}}}]}}\n  promql_expr_test:\n  - {{expr: up, eval_time: 1m, exp_samples: []}}\n  - {{expr: \
         'up + ', eval_time: 1m}}\n  - {{expr: up, eval_time: 1m, exp_samples: [{{labels: 'up{{'}}]}}\n"
    );
    let expected = [
        "    name: mine,\n    alertname: Down, time: 3m,\n        exp:[\n            0:\n              \
         Labels:{alertname=\"Down\", severity=\"ticket\"}\n              Annotations:{}\n            ],\n        \
         got:[\n            0:\n              Labels:{alertname=\"Down\", instance=\"i\", job=\"a\", severity=\"page\"}\n     \
         \x20        Annotations:{summary=\"i of eu at http://x\"}\n            ]",
        "    expr: \"up\", time: 1m,\n        exp: nil\n        got: up{instance=\"i\", job=\"a\"} 0",
    ];
    let found = failures(&test);
    assert_eq!(found.len(), 4, "{found:?}");
    assert_eq!(found[..2], expected);
    assert!(found[2].starts_with("    expr: \"up + \", time: 1m, err: 1:6: parse error: "), "{}", found[2]);
    assert!(found[3].starts_with("    expr: \"up\", time: 1m, err: labels \"up{\": "), "{}", found[3]);
    let report = run(&test, |options| options.diff = true).expect("the file can be run");
    let expected = "    name: mine,\n    alertname: Down, time: 3m,\n        (-expected +found)\n        labels:\n          \
                    alertname: \"Down\"\n      -   severity: \"ticket\"\n      +   instance: \"i\"\n      +   job: \"a\"\n      \
                    +   severity: \"page\"\n        annotations:\n      +   summary: \"i of eu at http://x\"";
    assert_eq!(report.groups[0].failures[0], expected);
}

#[test]
fn groups_are_chosen_by_name() {
    let test = "tests:\n- name: one\n- name: two\n- {}\n";
    let report = run(test, |options| options.wants = &|name| name.starts_with('t')).expect("the file can be run");
    assert_eq!(report.groups.iter().map(|group| group.name.as_str()).collect::<Vec<_>>(), ["two"]);
    let report = run(test, |_| {}).expect("the file can be run");
    assert_eq!(report.groups[2].name, "unnamed#2");
}

#[test]
fn all_samples_are_told_when_asked_for() {
    let test =
        format!("{SERIES}  promql_expr_test: [{{expr: 'vector(1)', eval_time: 1m, exp_samples: [{{value: 1}}]}}]\n");
    let report = run(&test, |options| options.debug = true).expect("the file can be run");
    let line = "job:up:sum{job=\"a\"} => 0 @[0] 0 @[60]".to_owned();
    assert!(report.groups[0].samples.contains(&line), "{:?}", report.groups[0].samples);
    let unmatched: Vec<_> = report.unmatched.iter().filter_map(|path| path.file_name()).collect();
    assert_eq!(unmatched, ["*.yml_"]);
}

#[test]
fn wrong_files_are_refused_with_a_position() {
    let check = |test: &str, expected: &str| {
        let error = run(test, |_| {}).expect_err("the file is wrong");
        assert!(error.starts_with(expected), "{error:?} does not start with {expected:?}");
    };
    check("test: []\n", "test.yml:1:1: test: unknown field `test`");
    check(
        "tests:\n- alert_rule_test: [{eval_time: 1m}]\n",
        "test.yml:2:21: tests[0].alert_rule_test[0]: an item under",
    );
    check("group_eval_order: [a, b, a]\n", "test.yml:1:26: group_eval_order[2]: group name repeated");
    check(
        "tests: [{start_timestamp: yesterday}]\n",
        "test.yml:1:9: tests[0].start_timestamp: \"yesterday\" is neither",
    );
}

#[test]
fn bad_series_and_rules_fail_the_group() {
    let found = failures("tests: [{input_series: [{series: 'up{', values: 1}]}, {}]\n");
    assert!(found.len() == 1 && found[0].starts_with("    series: \"up{\", err: "), "{found:?}");
    let found = failures("rule_files: [test.yml]\ntests: [{}]\n");
    assert!(found.len() == 1 && found[0].contains("unknown field `rule_files`"), "{found:?}");
}

#[test]
fn times_start_where_the_file_says() {
    let check = |start: &str, expected: &str| {
        passes(&format!(
            "tests:\n- start_timestamp: {start}\n  promql_expr_test: [{{expr: 'time()', eval_time: 1m, exp_samples: \
             [{{value: {expected}}}]}}]\n"
        ));
    };
    check("1609459200", "1609459260");
    check("'2021-01-01T00:00:00Z'", "1609459260");
    check("'2021-01-01T01:00:00+01:00'", "1609459260");
    check("0.5", "60.5");
}
