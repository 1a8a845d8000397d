//! `kill -9` of the server while an alert fires: it fires on, since when it did, and nobody is told that it is over.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use e2e::process::{Process, binary, free_port};
use e2e::stand_in::StandIn;
use e2e::{api, wait_for};
use jiff::Timestamp;
use serde_json::Value;

const BOUND: Duration = Duration::from_secs(60);
/// How long the server is watched after its restart: several evaluations.
const WATCHED: Duration = Duration::from_secs(3);

fn start(folder: &Path) -> (Process, String) {
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let mut server = Process::start(
        &binary("server"),
        &[
            format!("--config.file={}", folder.join("prometheus.yml").display()),
            format!("--storage.tsdb.path={}", folder.join("data").display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
            "--rules.alert.resend-delay=500ms".to_owned(),
        ],
        folder,
    );
    server.wait_ready(&format!("{url}/-/ready"));
    (server, url)
}

fn alerts(url: &str) -> Option<Vec<Value>> {
    api::get(&format!("{url}/api/v1/alerts"))?["data"]["alerts"].as_array().cloned()
}

fn firing(url: &str) -> Option<Value> {
    alerts(url)?.into_iter().find(|alert| alert["state"] == "firing")
}

/// All alerts that the stand-in for an Alertmanager was told, and when.
fn told(alertmanager: &StandIn) -> Vec<(Value, Timestamp)> {
    let messages = alertmanager.received().into_iter().filter(|received| received.path == "/api/v2/alerts");
    messages
        .flat_map(|received| {
            let alerts: Vec<Value> = serde_json::from_str(&received.body).expect("alerts are JSON");
            alerts.into_iter().map(move |alert| (alert, received.at))
        })
        .collect()
}

#[test]
fn a_killed_server_goes_on_with_its_alerts() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let target = StandIn::start("load 9\n");
    let alertmanager = StandIn::start("");
    let config = format!(
        "global: {{scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 250ms}}\nrule_files: [rules.yml]\n\
         alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{}']}}]}}]}}\n\
         scrape_configs: [{{job_name: app, static_configs: [{{targets: ['{}']}}]}}]\n",
        alertmanager.address(),
        target.address(),
    );
    std::fs::write(folder.path().join("prometheus.yml"), config).expect("the test's folder is writable");
    let rules =
        "groups: [{name: g, rules: [{alert: High, expr: load > 5, for: 1s, annotations: {is: '{{ $value }}'}}]}]\n";
    std::fs::write(folder.path().join("rules.yml"), rules).expect("the test's folder is writable");

    let (mut server, url) = start(folder.path());
    let before = wait_for("the alert fires", BOUND, || firing(&url));
    wait_for("the alert is told", BOUND, || told(&alertmanager).into_iter().next());
    server.kill_9();
    let (mut server, url) = start(folder.path());
    let after = wait_for("an alert after the restart", BOUND, || alerts(&url)?.into_iter().next());
    assert_eq!(after["state"], "firing", "the first that is seen of it: {after}");
    assert_eq!(after["activeAt"], before["activeAt"]);
    let told_before = told(&alertmanager).len();
    let started = Instant::now();
    while started.elapsed() < WATCHED {
        let alert = alerts(&url).and_then(|alerts| alerts.into_iter().next()).expect("the alert stays");
        assert_eq!((&alert["state"], &alert["activeAt"]), (&before["state"], &before["activeAt"]));
        std::thread::sleep(Duration::from_millis(50));
    }
    wait_for("the alert is told again", BOUND, || (told(&alertmanager).len() > told_before).then_some(()));
    let all = told(&alertmanager);
    let starts: BTreeSet<String> = all.iter().map(|(alert, _)| alert["startsAt"].to_string()).collect();
    assert_eq!(starts.len(), 1, "one start, before and after: {starts:?}");
    let end = |alert: &Value| alert["endsAt"].as_str().and_then(|end| end.parse::<Timestamp>().ok());
    // While an alert fires, its end lies ahead of the message.
    let is_over = |(alert, at): &&(Value, Timestamp)| end(alert).is_none_or(|end| end <= *at);
    let ended = all.iter().filter(is_over).count();
    assert_eq!(ended, 0, "nobody was told of an end");
    let pending = api::query(&url, "count_over_time(ALERTS{alertstate=\"pending\"}[2s])").expect("the server answers");
    assert!(pending.is_empty(), "not pending again: {pending:?}");
    server.terminate();
}
