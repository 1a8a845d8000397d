//! The tool as a process: what it prints, and how it ends.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::server::{Folder, Server, shared};

/// Runs the tool; gives its exit code and all it printed.
fn promtool(folder: &Path, arguments: &[&str], input: &str) -> (i32, String) {
    let child = Command::new(env!("CARGO_BIN_EXE_firewatch-promtool"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.expect("the tool starts");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (output.status.code().unwrap_or(-1), text)
}

const RULES: &str = "groups: [{name: g, rules: [{record: a, expr: 1}, {alert: B, expr: up == 0}]}]\n";

#[test]
fn configurations_are_checked_with_their_rule_files() {
    let folder = Folder::new("rule_files: [rules.yml]\n");
    folder.write("rules.yml", RULES);
    let (code, text) = promtool(folder.path(), &["check", "config", "prometheus.yml"], "");
    let expected = "Checking prometheus.yml\n  SUCCESS: 1 rule files found\n SUCCESS: prometheus.yml is valid prometheus \
                    config file syntax\n\nChecking rules.yml\n  SUCCESS: 2 rules found\n\n";
    assert_eq!((code, text.as_str()), (0, expected));
    folder.write("rules.yml", "groups: [{name: g, rules: [{record: a, expr: '('}]}]\n");
    let (code, text) = promtool(folder.path(), &["check", "config", "prometheus.yml"], "");
    assert!(code == 1 && text.contains("FAILED:\nrules.yml:1:"), "{text}");
    assert_eq!(promtool(folder.path(), &["check", "config", "--syntax-only", "prometheus.yml"], "").0, 0);
    let (code, text) = promtool(folder.path(), &["check", "config", "nope.yml"], "");
    assert!(code == 1 && text.contains("nope.yml: cannot read file"), "{text}");
}

#[test]
fn rules_come_from_files_or_standard_input() {
    let folder = Folder::new("");
    assert_eq!(promtool(folder.path(), &["check", "rules"], RULES).0, 0);
    assert_eq!(promtool(folder.path(), &["check", "rules"], "groups: 5").0, 1);
}

#[test]
fn metrics_are_linted() {
    let folder = Folder::new("");
    assert_eq!(promtool(folder.path(), &["check", "metrics"], "# HELP a A.\n# TYPE a gauge\na 1\n").0, 0);
    let (code, text) = promtool(folder.path(), &["check", "metrics"], "# TYPE a counter\na 1\n");
    assert_eq!((code, text.contains("a no help text")), (3, true), "{text}");
    let (code, text) = promtool(folder.path(), &["check", "metrics"], "a{ 1\n");
    assert!(code == 1 && text.starts_with("error while linting: "), "{text}");
    let (_, text) = promtool(folder.path(), &["check", "metrics", "--extended"], "a{b=\"1\"} 1\na{b=\"2\"} 1\nc 1\n");
    assert!(text.contains("a") && text.contains("66.67%"), "{text}");
}

#[test]
fn queries_are_formatted_and_tested() {
    let folder = Folder::new("");
    let (code, text) = promtool(folder.path(), &["promql", "format", "sum(up)by(job)"], "");
    assert_eq!((code, text.as_str()), (0, "sum by (job) (up)\n"));
    assert_eq!(promtool(folder.path(), &["promql", "format", "sum("], "").0, 1);
    folder.write("good.test", "load 1m\n  a 1 2 3\n\neval instant at 2m a\n  a 3\n");
    let (code, text) = promtool(folder.path(), &["test", "promql", "good.test"], "");
    assert_eq!((code, text.as_str()), (0, "1 passed, 0 failed\n"));
    folder.write("bad.test", "load 1m\n  a 1\n\neval instant at 0m a\n  a 2\n");
    let (code, text) = promtool(folder.path(), &["test", "promql", "bad.test"], "");
    assert!(code == 1 && text.contains("bad.test:4: "), "{text}");
}

#[test]
fn web_configs_are_checked() {
    let folder = Folder::new("");
    folder.write("good.yml", "http_server_config: {headers: {X-Frame-Options: deny}}\n");
    folder.write("bad.yml", "basic_auth_users:\n  bob: builder\n");
    let (code, text) = promtool(folder.path(), &["check", "web-config", "good.yml"], "");
    assert_eq!((code, text.as_str()), (0, "good.yml SUCCESS\n"));
    let (code, text) = promtool(folder.path(), &["check", "web-config", "bad.yml", "good.yml"], "");
    assert_eq!(code, 1);
    assert!(text.contains("bad.yml FAILED: bad.yml:2:8: basic_auth_users.bob: hashedSecret too short"), "{text}");
    assert!(text.contains("good.yml SUCCESS"), "{text}");
}

#[test]
fn what_is_missing_is_refused_by_name() {
    let folder = Folder::new("");
    for (command, name) in [
        (vec!["tsdb", "analyze", "--x"], "tsdb"),
        (vec!["debug", "all", "x"], "debug"),
        (vec!["push", "metrics"], "push"),
        (vec!["test", "rules", "a.yml"], "test rules"),
        (vec!["check", "service-discovery", "a.yml", "job"], "check service-discovery"),
        (vec!["promql", "label-matchers", "set"], "promql label-matchers"),
    ] {
        let expected = format!("{name}: not supported by firewatch-promtool yet\n");
        assert_eq!(promtool(folder.path(), &command, ""), (1, expected));
    }
    assert_eq!(promtool(folder.path(), &["nope"], "").0, 1);
    assert_eq!(promtool(folder.path(), &["--version"], "").0, 0);
}

#[tokio::test]
async fn a_running_server_is_asked() {
    let folder = Folder::new("");
    let server = Server::in_memory(&folder, &[]).await;
    server.store(&[("__name__", "up"), ("job", "a")], &[(10, 1.0), (20, 0.5)]);
    server.store(&[("__name__", "plain")], &[(20, 3.0)]);
    let url = server.url("");
    let run = async |arguments: &[&str]| {
        let (path, arguments) = (folder.path().to_owned(), arguments.iter().map(|text| (*text).to_owned()).collect());
        let run = move |arguments: Vec<String>| {
            promtool(&path, &arguments.iter().map(String::as_str).collect::<Vec<_>>(), "")
        };
        tokio::task::spawn_blocking(move || run(arguments)).await.expect("it ends")
    };
    let host = server.address().to_string();
    let healthy = run(&["check", "healthy", "--url", &url]).await;
    assert_eq!(healthy, (0, "  SUCCESS: Firewatch Server is Healthy.\n".to_owned()));
    assert_eq!(run(&["check", "ready", "--url", &url]).await.0, 0);
    let instant = run(&["query", "instant", "--time=20", &host, "{__name__=~\"up|plain\"}"]).await;
    assert_eq!(instant, (0, "plain => 3 @[20]\nup{job=\"a\"} => 0.5 @[20]\n".to_owned()));
    let range = run(&["query", "range", "--start=10", "--end=20", "--step=10s", &url, "up"]).await;
    assert_eq!(range, (0, "up{job=\"a\"} =>\n1 @[10]\n0.5 @[20]\n".to_owned()));
    let json = run(&["query", "instant", "-o", "json", "--time=1", &url, "1"]).await;
    assert_eq!(json, (0, "[1,\"1\"]\n".to_owned()));
    let series = run(&["query", "series", "--match=up", &url]).await;
    assert_eq!(series, (0, "{__name__=\"up\", job=\"a\"}\n".to_owned()));
    assert_eq!(run(&["query", "labels", &url, "job"]).await, (0, "a\n".to_owned()));
    let wrong = run(&["query", "instant", &url, "("]).await;
    assert!(wrong.0 == 1 && wrong.1.starts_with("query error: bad_data: invalid parameter"), "{}", wrong.1);
    server.stop().await;
}

#[test]
fn conformance_of_checks() {
    let Some(folder) = shared().map(|shared| shared.join("conformance/rules")) else {
        eprintln!("skipped: no conformance data");
        return;
    };
    let rows = std::fs::read_to_string(folder.join("expected.jsonl")).expect("the table can be read");
    let mut checked = 0;
    for row in rows.lines() {
        let row: Value = serde_json::from_str(row).expect("rows are JSON");
        let file = row["files"][0].as_str().unwrap_or_default();
        let mut arguments = match row["command"].as_str() {
            Some("check config") => vec!["check", "config"],
            Some("check rules") => vec!["check", "rules"],
            _ => continue,
        };
        if row["syntax_only"] == true {
            arguments.push("--syntax-only");
        }
        if row["exit_code"] == 3 {
            arguments.push("--lint-fatal");
        }
        arguments.push(file);
        let (code, text) = promtool(&folder, &arguments, "");
        checked += 1;
        if text.contains("not supported by Firewatch yet") {
            continue;
        }
        if let Some(expected) = row["exit_code"].as_i64() {
            assert_eq!(i64::from(code), expected, "{row}: {text}");
        }
        if let Some(ok) = row["ok"].as_bool() {
            assert_eq!(code == 0, ok, "{row}: {text}");
        }
        for expected in row["duplicates"].as_array().into_iter().flatten().chain([&row["error_contains"]]) {
            // The table was written for another name of the folder.
            let expected = expected.as_str().unwrap_or_default().replace("\"testdata/", "\"promtool/");
            assert!(text.contains(&expected), "{row}: {text}");
        }
    }
    assert!(checked > 0, "the table has rows about checks");
}
