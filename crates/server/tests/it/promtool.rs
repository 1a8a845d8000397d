//! The tool as a process: what it prints, and how it ends.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::server::{Folder, Server};

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
    assert!(code == 1 && text.contains("path 'nope.yml' does not exist"), "{text}");
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

const TEST: &str = "rule_files: [rules.yml]\ntests:\n- name: good\n  promql_expr_test: [{expr: a, eval_time: 1m, exp_samples: \
                    [{labels: a, value: 1}]}]\n- name: bad & ugly\n  promql_expr_test: [{expr: a, eval_time: 1m}]\n";

#[test]
fn rules_are_unit_tested() {
    let folder = Folder::new("");
    folder.write("rules.yml", RULES);
    folder.write("test.yml", TEST);
    let (code, text) = promtool(folder.path(), &["test", "rules", "--run=good", "test.yml"], "");
    assert_eq!((code, text.as_str()), (0, "Unit Testing:  test.yml\n  SUCCESS\n\n"));
    let (code, text) = promtool(folder.path(), &["test", "rules", "--junit=junit.xml", "test.yml"], "");
    let expected = "  FAILED:\n    expr: \"a\", time: 1m,\n        exp: nil\n        got: a 1\n\n";
    assert!(code == 1 && text.ends_with(expected), "{text}");
    let junit = std::fs::read_to_string(folder.path().join("junit.xml")).expect("the results are written");
    assert!(junit.contains("<testsuite name=\"test.yml\" tests=\"2\" failures=\"1\" errors=\"0\""), "{junit}");
    assert!(junit.contains("<testcase name=\"bad &amp; ugly\""), "{junit}");
    let (_, text) = promtool(folder.path(), &["test", "rules", "--diff", "test.yml"], "");
    assert!(text.contains("        (-expected +found)\n      + a 1\n"), "{text}");
    let (_, text) = promtool(folder.path(), &["test", "rules", "--debug", "--run=good", "test.yml"], "");
    assert!(text.contains("DEBUG: Test good finished, took ") && text.contains("\na => 1 @[0] 1 @[60]\n"), "{text}");
    folder.write("rules.yml", &RULES.replace("name: g,", "name: g, owner: me,"));
    assert_eq!(promtool(folder.path(), &["test", "rules", "--run=good", "test.yml"], "").0, 1);
    let lenient = ["test", "rules", "--run=good", "--ignore-unknown-fields", "test.yml"];
    assert_eq!(promtool(folder.path(), &lenient, "").0, 0);
    let (code, text) = promtool(folder.path(), &["test", "rules", "nope.yml"], "");
    assert!(code == 1 && text.contains("nope.yml: cannot read file"), "{text}");
    assert_eq!(promtool(folder.path(), &["test", "rules", "--run=(", "test.yml"], "").0, 1);
}

#[test]
fn lints_find_what_is_most_likely_not_meant() {
    let folder = Folder::new("scrape_configs: [{job_name: slow, scrape_interval: 10m}]\n");
    folder.write("rules.yml", "groups: [{name: g, rules: [{record: a, expr: 1}, {record: a, expr: 2}]}]\n");
    let (code, text) = promtool(folder.path(), &["check", "rules", "rules.yml"], "");
    assert!(code == 0 && text.contains("1 duplicate rule(s) found.\nMetric: a\n"), "{text}");
    assert_eq!(promtool(folder.path(), &["check", "rules", "--lint-fatal", "rules.yml"], "").0, 3);
    assert_eq!(promtool(folder.path(), &["check", "rules", "--lint-fatal", "--lint=none", "rules.yml"], "").0, 0);
    let config =
        |flags: &[&str]| promtool(folder.path(), &[&["check", "config", "prometheus.yml"], flags].concat(), "").0;
    assert_eq!(config(&["--lint-fatal"]), 0);
    assert_eq!(config(&["--lint-fatal", "--lint=too-long-scrape-interval"]), 3);
    assert_eq!(config(&["--lint-fatal", "--lint=all", "--query.lookback-delta=20m"]), 0);
    assert_eq!(config(&["--agent"]), 0);
    folder.write("prometheus.yml", "rule_files: [rules.yml]\n");
    assert_eq!(config(&["--agent"]), 1);
    let (code, text) = promtool(folder.path(), &["check", "rules", "nope.yml"], "");
    assert!(code == 1 && text.contains("path 'nope.yml' does not exist"), "{text}");
}

#[test]
fn label_matchers_are_set_and_deleted() {
    let folder = Folder::new("");
    let check = |arguments: &[&str], expected: &str| {
        let (code, text) = promtool(folder.path(), &[&["promql", "label-matchers"], arguments].concat(), "");
        assert_eq!((code, text.trim_end()), (0, expected), "{arguments:?}");
    };
    check(&["set", "sum(up) / up{job=\"a\"}", "job", "b"], "sum(up{job=\"b\"}) / up{job=\"b\"}");
    check(&["set", "-t", "=~", "up", "job", "a|b"], "up{job=~\"a|b\"}");
    check(&["set", "--type=!=", "rate(x[5m])", "a", "1"], "rate(x{a!=\"1\"}[5m])");
    check(&["set", "up", "__name__", "down"], "{__name__=\"down\"}");
    check(&["delete", "up{job=\"a\",x=\"y\"}", "job"], "up{x=\"y\"}");
    check(&["delete", "up", "job"], "up");
    assert_eq!(promtool(folder.path(), &["promql", "label-matchers", "set", "up{", "a", "b"], "").0, 1);
    assert_eq!(promtool(folder.path(), &["promql", "label-matchers", "set", "-t", "=~", "up", "a", "("], "").0, 1);
}

#[test]
fn targets_of_a_job_are_shown() {
    let folder = Folder::new(
        "scrape_configs:\n- job_name: a\n  file_sd_configs: [{files: [targets.yml]}]\n  static_configs: [{targets: \
         ['drop:1']}]\n  relabel_configs: [{source_labels: [__address__], regex: 'drop:.*', action: drop}]\n- {job_name: b}\n",
    );
    folder.write("targets.yml", "- {targets: ['x:1', 'x:1'], labels: {team: t}}\n");
    let (code, text) =
        promtool(folder.path(), &["check", "service-discovery", "--timeout=5s", "prometheus.yml", "a"], "");
    let rows: serde_json::Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let rows = rows.as_array().expect("a list");
    assert_eq!((code, rows.len()), (0, 2), "{text}");
    let kept = rows.iter().find(|row| row["discoveredLabels"]["__address__"] == "x:1").expect("the target is there");
    let labels = &kept["labels"];
    assert_eq!([&labels["instance"], &labels["job"], &labels["team"]], ["x:1", "a", "t"], "{text}");
    let (code, text) = promtool(folder.path(), &["check", "service-discovery", "prometheus.yml", "c"], "");
    assert!(code == 1 && text.starts_with("Job c not found. Select one of:\n\ta\n\tb\n"), "{text}");
}

#[test]
fn shells_and_manuals_are_served() {
    let folder = Folder::new("");
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let (code, text) = promtool(folder.path(), &["completions", shell], "");
        assert!(code == 0 && text.contains("firewatch-promtool") && text.contains("label-matchers"), "{shell}");
    }
    let (code, text) = promtool(folder.path(), &["man"], "");
    assert!(code == 0 && text.contains(".TH firewatch-promtool"), "{text}");
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
    let expected = "tsdb bench: not supported by firewatch-promtool yet\n".to_owned();
    assert_eq!(promtool(folder.path(), &["tsdb", "bench", "write"], ""), (1, expected));
    let (code, text) = promtool(folder.path(), &["debug", "pprof", "x"], "");
    assert!(code == 1 && text.contains("no pprof profiles"), "{text}");
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
    let labels = run(&["query", "labels", "-o", "json", &url, "job"]).await;
    assert_eq!(labels, (0, "[\"a\"]\n".to_owned()));
    let wrong = run(&["query", "instant", &url, "("]).await;
    assert!(wrong.0 == 1 && wrong.1.starts_with("query error: bad_data: invalid parameter"), "{}", wrong.1);
    server.stop().await;
}

/// Runs the tool beside a server of the same test.
async fn beside(folder: &Folder, arguments: &[&str], input: &str) -> (i32, String) {
    let path = folder.path().to_owned();
    let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
    let input = input.to_owned();
    let run = move || promtool(&path, &arguments.iter().map(String::as_str).collect::<Vec<_>>(), &input);
    tokio::task::spawn_blocking(run).await.expect("it ends")
}

#[tokio::test]
async fn metrics_are_pushed_by_remote_write() {
    let folder = Folder::new("");
    let server = Server::in_memory(&folder, &["--web.enable-remote-write-receiver"]).await;
    let url = server.url("/api/v1/write");
    let metrics = "# TYPE a counter\na{x=\"1\"} 2\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 3\nh_sum 4\n\
                   h_count 3\n";
    let pushed = beside(&folder, &["push", "metrics", "--label=job=j", "--label=y=z", &url], metrics).await;
    let expected = "Pushing metrics from standard input\n  SUCCESS: metrics pushed to remote write.\n";
    assert_eq!(pushed, (0, expected.to_owned()));
    server.wait_for("a{job=\"j\",x=\"1\",y=\"z\"}", "2").await;
    server.wait_for("h_bucket{le=\"+Inf\"}", "3").await;
    server.wait_for("h_sum", "4").await;
    let (code, text) = beside(&folder, &["push", "metrics", &server.url("/nope"), "nope.prom"], "").await;
    assert!(code == 1 && text.contains("cannot read nope.prom"), "{text}");
    folder.write("a.prom", "a 1\n");
    let (code, text) = beside(&folder, &["push", "metrics", &server.url("/nope"), "a.prom"], "").await;
    assert!(code == 1 && text.contains("server answered 404"), "{text}");
    server.stop().await;
}

#[tokio::test]
async fn histograms_are_analyzed_and_debug_information_collected() {
    let folder = Folder::new("");
    let server = Server::in_memory(&folder, &[]).await;
    for (le, values) in [("1", [1.0, 1.0]), ("5", [1.0, 2.0]), ("+Inf", [1.0, 3.0])] {
        let samples = [(10, values[0]), (20, values[1])];
        server.store(&[("__name__", "h_bucket"), ("job", "a"), ("le", le)], &samples);
    }
    let url = server.url("");
    let analyze =
        ["query", "analyze", "--server", &url, "--type=histogram", "--match=h_bucket", "--time=30", "--duration=1m"];
    let (code, text) = beside(&folder, &analyze, "").await;
    assert!(code == 0 && text.contains("- h_bucket{job=\"a\"} (classic): 1/2.000/3\n"), "{text}");
    assert!(text.contains("Classic histogram series (1 in total):\n- min populated: 1/1.000/1\n"), "{text}");
    let (code, text) = beside(&folder, &["debug", "all", &url], "").await;
    assert!(code == 0 && text.contains("debug.tar.gz"), "{text}");
    let archive = std::fs::read(folder.path().join("debug.tar.gz")).expect("the archive is there");
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(archive.as_slice()));
    let names: Vec<String> = archive
        .entries()
        .expect("an archive")
        .map(|entry| entry.expect("an entry").path().expect("a name").display().to_string())
        .collect();
    assert!(names.contains(&"metrics.txt".to_owned()) && names.contains(&"rules.json".to_owned()), "{names:?}");
    server.stop().await;
}
