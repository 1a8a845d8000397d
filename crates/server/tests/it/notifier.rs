//! Several Alertmanagers: each has its queue, its batches and its relabeling; a stop sends what waits.

use std::time::Duration;

use serde_json::Value;
use testkit::{Answer, Target, wait_until};

use crate::server::{Folder, PATIENCE, Server};

/// Ten alerts, `load{shard="0"}` and so on.
const PAGE: &str = "load{shard=\"0\"} 9\nload{shard=\"1\"} 9\nload{shard=\"2\"} 9\nload{shard=\"3\"} 9\nload{shard=\"4\"} 9\n\
                    load{shard=\"5\"} 9\nload{shard=\"6\"} 9\nload{shard=\"7\"} 9\nload{shard=\"8\"} 9\nload{shard=\"9\"} 9\n";

/// A server that tells `alertmanagers` of ten alerts.
async fn server(target: &Target, alertmanagers: &str, flags: &[&str]) -> (Folder, Server) {
    let folder = Folder::new(&format!(
        "global: {{scrape_interval: 100ms, evaluation_interval: 100ms}}\nalerting:\n  alertmanagers:\n{alertmanagers}rule_files: \
         [rules.yml]\nscrape_configs: [{{job_name: app, static_configs: [{{targets: ['{}']}}]}}]\n",
        target.address()
    ));
    folder.write("rules.yml", "groups: [{name: g, rules: [{alert: High, expr: load > 5}]}]\n");
    let server = Server::in_memory(&folder, flags).await;
    (folder, server)
}

fn section(alertmanager: &Target, more: &str) -> String {
    format!("  - {{static_configs: [{{targets: ['{}']}}]{more}}}\n", alertmanager.address())
}

/// The alerts of each message so far.
fn messages(alertmanager: &Target) -> Vec<Vec<Value>> {
    let requests = alertmanager.requests();
    requests.iter().map(|request| serde_json::from_slice(&request.body).expect("alerts are JSON")).collect()
}

#[tokio::test]
async fn one_that_hangs_delays_no_other() {
    let target = Target::always(Answer::text(PAGE)).await;
    let (silent, well) = (Target::always(Answer::Silence).await, Target::always(Answer::text("")).await);
    let sections = section(&silent, ", timeout: 30s") + &section(&well, "");
    let (_folder, server) = server(&target, &sections, &[]).await;
    wait_until("the alerts at the one that is well", PATIENCE, || {
        messages(&well).iter().map(Vec::len).sum::<usize>() >= 10
    })
    .await;
    let metrics = server.get("/metrics").await.text;
    assert!(metrics.contains("prometheus_notifications_alertmanagers_discovered 2\n"), "{metrics}");
    server.stop().await;
}

#[tokio::test]
async fn messages_are_as_large_as_the_flag_says() {
    let target = Target::always(Answer::text(PAGE)).await;
    let alertmanager = Target::always(Answer::text("")).await;
    let flags = ["--alertmanager.notification-batch-size=4"];
    let (_folder, server) = server(&target, &section(&alertmanager, ""), &flags).await;
    wait_until("ten alerts", PATIENCE, || messages(&alertmanager).iter().map(Vec::len).sum::<usize>() >= 10).await;
    let sizes: Vec<usize> = messages(&alertmanager).iter().map(Vec::len).collect();
    assert_eq!(sizes, [4, 4, 2]);
    server.stop().await;
}

#[tokio::test]
async fn each_has_its_own_relabeling() {
    let target = Target::always(Answer::text(PAGE)).await;
    let (some, all) = (Target::always(Answer::text("")).await, Target::always(Answer::text("")).await);
    let keep = ", alert_relabel_configs: [{source_labels: [shard], regex: '[0-2]', action: keep}, {target_label: to, \
                replacement: some}]";
    let sections = section(&some, keep) + &section(&all, "");
    let (_folder, server) = server(&target, &sections, &[]).await;
    let total = |alertmanager: &Target| messages(alertmanager).iter().map(Vec::len).sum::<usize>();
    wait_until("the alerts of both", PATIENCE, || total(&some) >= 3 && total(&all) >= 10).await;
    let labels: Vec<Value> = messages(&some).concat().into_iter().map(|alert| alert["labels"]["to"].clone()).collect();
    assert_eq!(labels, ["some"; 3]);
    assert!(messages(&all).concat().iter().all(|alert| alert["labels"]["to"].is_null()), "the other sees its own");
    server.stop().await;
}

#[tokio::test]
async fn a_stop_sends_what_waits() {
    let target = Target::always(Answer::text(PAGE)).await;
    let slow = Answer::Late(Duration::from_millis(300), Box::new(Answer::text("")));
    let alertmanager = Target::always(slow).await;
    let flags = ["--alertmanager.notification-batch-size=1"];
    let (_folder, server) = server(&target, &section(&alertmanager, ""), &flags).await;
    wait_until("the first alert", PATIENCE, || !messages(&alertmanager).is_empty()).await;
    assert!(messages(&alertmanager).len() < 10, "the others wait");
    server.stop().await;
    let alerts = messages(&alertmanager).concat();
    let shards: std::collections::BTreeSet<String> =
        alerts.iter().map(|alert| alert["labels"]["shard"].to_string()).collect();
    assert_eq!(shards.len(), 10, "all ten were sent before the end");
}

#[tokio::test]
async fn without_draining_a_stop_is_quick() {
    let target = Target::always(Answer::text(PAGE)).await;
    let slow = Answer::Late(Duration::from_secs(30), Box::new(Answer::text("")));
    let alertmanager = Target::always(slow).await;
    let flags = ["--alertmanager.notification-batch-size=1", "--no-alertmanager.drain-notification-queue-on-shutdown"];
    let (_folder, server) = server(&target, &section(&alertmanager, ", timeout: 60s"), &flags).await;
    wait_until("the first alert", PATIENCE, || !messages(&alertmanager).is_empty()).await;
    let started = std::time::Instant::now();
    server.stop().await;
    assert!(started.elapsed() < Duration::from_secs(8), "nobody waits for the Alertmanager");
}
