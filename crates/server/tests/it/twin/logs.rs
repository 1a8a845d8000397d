//! The logs of queries and of failed scrapes: lines with the same keys, and the same values where they are fixed.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::original::Original;
use crate::server::{Folder, PATIENCE, Server};

const CONFIG: &str = "\
global: {scrape_interval: 200ms, evaluation_interval: 200ms, query_log_file: FOLDER/queries.json}
rule_files: [rules.yml]
scrape_configs:
- job_name: gone
  scrape_failure_log_file: failures.json
  static_configs: [{targets: ['127.0.0.1:1']}]
";

/// A folder with the configuration and the rules.
fn folder() -> Folder {
    let folder = Folder::new("");
    folder.write("prometheus.yml", &CONFIG.replace("FOLDER/", ""));
    folder.write("rules.yml", "groups: [{name: g, rules: [{record: a, expr: 1 + 1}]}]\n");
    folder
}

/// Queries with fixed times, and one that fails.
const QUERIES: &[&str] = &[
    "/api/v1/query?query=vector(1)&time=1.5",
    "/api/v1/query?query=%22a%20%3C%20b%22&time=2",
    "/api/v1/query_range?query=vector(1)&start=0.25&end=10&step=1.5",
    "/api/v1/query?query=sum_over_time(nope%5B1m%5D)&time=5&stats=all",
    "/api/v1/query?query=label_replace(vector(1),%22x%22,%22%22,%22y%22,%22(%22)&time=20",
];

/// The lines of a log once `is_enough` of them.
async fn lines(folder: &Folder, name: &str, is_enough: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let started = Instant::now();
    loop {
        let text = std::fs::read_to_string(folder.path().join(name)).unwrap_or_default();
        let lines: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        if is_enough(&lines) {
            return lines;
        }
        assert!(started.elapsed() < PATIENCE, "{name} has {text}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn has_all(lines: &[Value]) -> bool {
    let of = |key| lines.iter().filter(|line| line.get(key).is_some()).count();
    of("httpRequest") >= QUERIES.len() && of("ruleGroup") > 0
}

/// The paths of all keys, but for what there is only in programs that are written in Go (the place in their source), in
/// those that write traces, and in one of the two versions (samples read).
fn keys(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    if let Value::Object(fields) = value {
        for (key, value) in fields {
            if !["source", "spanID", "traceID", "samplesRead", "samplesReadPerStep"].contains(&key.as_str()) {
                found.insert(format!("{path}{key}"));
                keys(value, &format!("{path}{key}."), found);
            }
        }
    }
}

/// A line with its keys, and the values that are the same wherever and whenever it was written.
fn gist(line: &Value) -> Value {
    let mut found = BTreeSet::new();
    keys(line, "", &mut found);
    let is_rule = line.get("ruleGroup").is_some();
    let params = if is_rule { line["params"]["query"].clone() } else { line["params"].clone() };
    let samples = line["stats"]["samples"]["totalQueryableSamples"].clone();
    let group = line["ruleGroup"]["name"].clone();
    serde_json::json!({
        "keys": found, "level": line["level"], "msg": line["msg"], "params": params, "error": line["error"],
        "samples": samples, "httpRequest": line["httpRequest"], "group": group,
        "job_name": line["job_name"], "target": line["target"],
    })
}

/// The queries of clients in order, then one of a rule.
fn query_gists(lines: &[Value]) -> Vec<Value> {
    let asked = lines.iter().filter(|line| line.get("httpRequest").is_some());
    asked.chain(lines.iter().find(|line| line.get("ruleGroup").is_some())).map(gist).collect()
}

#[tokio::test]
async fn logs_have_what_those_of_the_original_have() {
    let (theirs, ours) = (folder(), folder());
    let Some(original) = Original::start(&theirs, "prometheus.yml", &["--enable-feature=promql-per-step-stats"]).await
    else {
        return;
    };
    let server = Server::in_memory(&ours, &["--enable-feature=promql-per-step-stats"]).await;
    for path in QUERIES {
        original.get(path).await.expect("the original answers");
        server.get(path).await;
    }
    let expected = query_gists(&lines(&theirs, "queries.json", has_all).await);
    let found = query_gists(&lines(&ours, "queries.json", has_all).await);
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
    let expected = lines(&theirs, "failures.json", |lines| !lines.is_empty()).await;
    let found = lines(&ours, "failures.json", |lines| !lines.is_empty()).await;
    // The cause within the message is the system's, in the words of each language.
    let without_cause = |line: &Value| {
        let mut gist = gist(line);
        gist["msg"] = line["msg"].as_str().unwrap_or_default().split(": ").next().into();
        gist
    };
    assert_eq!(without_cause(&found[0]), without_cause(&expected[0]));
    server.stop().await;
}
