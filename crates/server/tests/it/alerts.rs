//! From a scrape to an Alertmanager.

use std::time::Duration;

use serde_json::Value;
use testkit::{Answer, Target, wait_until};

use crate::server::{Folder, PATIENCE, Server};

fn config(target: &Target, alertmanager: &Target) -> String {
    format!(
        "global: {{scrape_interval: 100ms, evaluation_interval: 100ms, external_labels: {{zone: $ZONE}}}}\n\
         alerting:\n  alert_relabel_configs:\n  - {{regex: secret, action: labeldrop}}\n  alertmanagers:\n  \
         - path_prefix: /am\n    static_configs: [{{targets: ['{}']}}]\n\
         rule_files: [rules.yml]\n\
         scrape_configs:\n- job_name: app\n  static_configs: [{{targets: ['{}']}}]\n",
        alertmanager.address(),
        target.address(),
    )
}

const RULES: &str = "groups:\n- name: g\n  rules:\n  - record: job:load:max\n    expr: max by (job) (load)\n  \
                     - alert: High\n    expr: load > 5\n    labels: {severity: page, secret: x}\n    annotations: \
                     {summary: 'load of {{ $labels.job }} is {{ $value }}'}\n";

#[tokio::test]
async fn alerts_reach_the_alertmanager_and_resolve() {
    let target = Target::always(Answer::text("load 7\n")).await;
    let alertmanager = Target::always(Answer::text("")).await;
    let folder = Folder::new(&config(&target, &alertmanager));
    folder.write("rules.yml", RULES);
    let server = Server::on_disk(&folder, &[]).await;
    let messages = || -> Vec<Value> {
        let requests = alertmanager.requests();
        let bodies = requests.iter().filter(|request| request.path == "/am/api/v2/alerts");
        bodies.flat_map(|request| serde_json::from_slice::<Vec<Value>>(&request.body).expect("JSON")).collect()
    };
    wait_until("an alert", PATIENCE, || !messages().is_empty()).await;
    let alert = messages().remove(0);
    let address = target.address();
    let labels =
        serde_json::json!({"alertname": "High", "instance": address, "job": "app", "severity": "page", "zone": "eu-1"});
    assert_eq!(alert["labels"], labels, "external labels in, dropped labels out");
    assert_eq!(alert["annotations"]["summary"], "load of app is 7");
    let url = alert["generatorURL"].as_str().expect("a URL");
    assert!(url.ends_with("/graph?g0.expr=load+%3E+5&g0.tab=1"), "{url}");
    assert!(alert["startsAt"].as_str() < alert["endsAt"].as_str());
    server.wait_for("job:load:max", "7").await;
    server.wait_for("count(ALERTS{alertstate=\"firing\"})", "1").await;
    let shown = server.get("/api/v1/alerts").await.json();
    assert_eq!(shown["data"]["alerts"][0]["state"], "firing");
    assert_eq!(shown["data"]["alerts"][0]["value"], "7e+00");
    let rules = server.get("/api/v1/rules?type=alert&rule_name%5B%5D=High").await.json();
    assert_eq!(rules["data"]["groups"][0]["rules"][0]["state"], "firing");
    target.rescript(|_, _| Answer::text("load 1\n"));
    let resolved = |alert: &Value| {
        let end: jiff::Timestamp = alert["endsAt"].as_str().expect("a time").parse().expect("a time");
        end <= jiff::Timestamp::now()
    };
    wait_until("the end of the alert", PATIENCE, || messages().iter().any(resolved)).await;
    let sent = server.get("/metrics").await.text;
    assert!(sent.contains("prometheus_notifications_sent_total{alertmanager="), "{sent}");
    server.stop().await;
}

#[tokio::test]
async fn an_alertmanager_that_comes_back_gets_the_alert() {
    let target = Target::always(Answer::text("load 7\n")).await;
    let alertmanager = Target::always(Answer::status(503)).await;
    let folder = Folder::new(&config(&target, &alertmanager));
    folder.write("rules.yml", RULES);
    let server = Server::on_disk(&folder, &[]).await;
    wait_until("a first try", PATIENCE, || !alertmanager.requests().is_empty()).await;
    let tries = alertmanager.requests().len();
    alertmanager.rescript(|_, _| Answer::text(""));
    wait_until("another try", PATIENCE, || alertmanager.requests().len() > tries).await;
    let accepted = |metrics: &str| {
        metrics.lines().any(|line| line.starts_with("prometheus_notifications_sent_total") && line.ends_with(" 1"))
    };
    let started = std::time::Instant::now();
    while !accepted(&server.get("/metrics").await.text) {
        assert!(started.elapsed() < PATIENCE, "no alert was accepted");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn down_targets_are_shown_with_the_reason() {
    let garbage = Target::always(Answer::text("this is { not a metric\n")).await;
    let silent = Target::always(Answer::Close).await;
    let folder = Folder::new(&format!(
        "global: {{scrape_interval: 100ms}}\nscrape_configs:\n- job_name: garbage\n  static_configs: [{{targets: ['{}']}}]\n\
         - job_name: silent\n  static_configs: [{{targets: ['{}']}}]\n",
        garbage.address(),
        silent.address(),
    ));
    let server = Server::in_memory(&folder, &[]).await;
    server.wait_for("up{job=\"garbage\"}", "0").await;
    server.wait_for("up{job=\"silent\"}", "0").await;
    let targets = server.get("/api/v1/targets").await.json();
    let targets = targets["data"]["activeTargets"].as_array().cloned().expect("a list");
    assert_eq!(targets.len(), 2);
    for target in targets {
        assert_eq!(target["health"], "down", "{target}");
        assert!(target["lastError"].as_str().is_some_and(|error| !error.is_empty()), "{target}");
    }
    server.stop().await;
}
