//! Nothing is lost: receivers that answer 429, are down, are told by another, over restarts.

use std::time::Duration;

use alertmanager::app::{App, Options};
use serde_json::{Value, json};
use testkit::{Answer, Target};

use crate::support::{Daemon, options, seconds_from_now, wait_until};

fn config(url: &str, more: &str) -> String {
    format!(
        "
route:
  receiver: team
  group_by: [alertname]
  group_wait: 50ms
  group_interval: 1s
receivers:
- name: team
  labels: {{firewatch_fallback: others}}
  webhook_configs:
  - url: {url}
{more}
- name: others
"
    )
}

fn alert(name: &str, ends: i64) -> Value {
    json!([{"labels": {"alertname": name}, "startsAt": seconds_from_now(-60), "endsAt": seconds_from_now(ends)}])
}

/// Status and names of the alerts that each request tells of.
fn told(target: &Target) -> Vec<String> {
    let shown = |request: &testkit::Recorded| {
        let body: Value = serde_json::from_slice(&request.body).expect("JSON");
        let names = body["alerts"].as_array().expect("a list").iter();
        let names: Vec<&str> = names.filter_map(|alert| alert["labels"]["alertname"].as_str()).collect();
        format!("{} {}", body["status"].as_str().unwrap_or_default(), names.join(" "))
    };
    target.requests().iter().map(shown).collect()
}

fn busy(seconds: u32) -> Answer {
    Answer::status(429).header("Retry-After", &seconds.to_string())
}

/// Ends a daemon as `kill -9` does: nothing is written any more. Its folder is used again under another name, as the
/// lock of the first is held until this process ends.
async fn kill(daemon: Daemon, options_of: impl Fn(&std::path::Path) -> Options) -> Daemon {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("data")).expect("writable");
    for entry in std::fs::read_dir(daemon.folder.path().join("data")).expect("readable") {
        let entry = entry.expect("readable");
        if entry.path().is_dir() {
            continue;
        }
        std::fs::copy(entry.path(), folder.path().join("data").join(entry.file_name())).expect("copied");
    }
    std::fs::copy(daemon.config_file(), folder.path().join("am.yml")).expect("copied");
    // What the old one would still do does not count: its receivers are gone before it is stopped.
    daemon.app.stop().await;
    let app = App::start(options_of(folder.path())).await.expect("starts again");
    Daemon { app, folder }
}

#[tokio::test]
async fn a_busy_receiver_that_then_is_down_over_a_restart_is_told_once() {
    let busy_one = Target::start(|_, before| if before < 3 { busy(1) } else { Answer::Close }).await;
    let daemon = Daemon::start(&config(&busy_one.url("/"), "")).await;
    daemon.report(&alert("one", 600)).await;
    daemon.report(&alert("two", 600)).await;
    // Three times "not now", then no answer at all.
    wait_until("attempts", || busy_one.requests().len() >= 8).await;
    let healthy = Target::always(Answer::text("ok")).await;
    let text = std::fs::read_to_string(daemon.config_file()).expect("readable");
    std::fs::write(daemon.config_file(), text.replace(&busy_one.url("/"), &healthy.url("/"))).expect("writable");
    // The servers are silent after the restart: only the outbox knows.
    let daemon = kill(daemon, options).await;
    wait_until("both are told", || healthy.requests().len() >= 2).await;
    daemon.report(&alert("one", 600)).await;
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let mut all = told(&healthy);
    all.sort_unstable();
    assert_eq!(all, ["firing one", "firing two"], "exactly once each");
    let (_, list) = daemon.get("/api/v2/outbox").await;
    assert_eq!(list.trim(), r#"{"pending":[],"undelivered":[]}"#);
    daemon.app.stop().await;
}

#[tokio::test]
async fn what_a_receiver_asks_for_outlasts_a_flush() {
    let target = Target::start(|_, before| if before == 0 { busy(4) } else { Answer::text("ok") }).await;
    let daemon =
        Daemon::start(&config(&target.url("/"), "").replace("group_interval: 1s", "group_interval: 10ms")).await;
    let started = std::time::Instant::now();
    daemon.report(&alert("one", 600)).await;
    wait_until("the second attempt", || target.requests().len() >= 2).await;
    assert!(started.elapsed() >= Duration::from_secs(4), "{:?}", started.elapsed());
    daemon.app.stop().await;
}

#[tokio::test]
async fn what_fired_and_resolved_while_the_receiver_was_down_is_told_once() {
    // A refusal ends the flush, so that the next one looks at the group anew.
    let target = Target::always(Answer::status(400)).await;
    let daemon = Daemon::start(&config(&target.url("/"), "")).await;
    daemon.report(&alert("short", 600)).await;
    wait_until("an attempt", || !target.requests().is_empty()).await;
    daemon.report(&alert("short", 0)).await;
    wait_until("news", || told(&target).last().is_some_and(|last| last == "resolved short")).await;
    let before = target.requests().len();
    target.rescript(|_, _| Answer::text("ok"));
    wait_until("delivery", || target.requests().len() > before).await;
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let after: Vec<String> = told(&target).split_off(before);
    assert_eq!(after, ["resolved short"]);
    daemon.app.stop().await;
}

#[tokio::test]
async fn another_is_told_after_enough_failures_and_hears_the_end() {
    let (down, other) = (Target::always(Answer::status(500)).await, Target::always(Answer::text("ok")).await);
    let others = format!("- name: unused\n- name: others\n  webhook_configs:\n  - url: {}", other.url("/"));
    let text = config(&down.url("/"), "").replace("- name: others\n", &others);
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("am.yml"), text).expect("writable");
    let mut options = options(folder.path());
    options.outbox.fallback_after = 2;
    let app = App::start(options).await.expect("the daemon starts");
    let daemon = Daemon { app, folder };
    daemon.report(&alert("one", 600)).await;
    wait_until("the other is told", || !other.requests().is_empty()).await;
    assert_eq!(told(&other), ["firing one"]);
    assert!(down.requests().len() >= 2);
    let (_, list) = daemon.get("/api/v2/outbox").await;
    let list: Value = serde_json::from_str(&list).expect("JSON");
    assert_eq!(list["pending"][0]["receiver"], "team");
    assert_eq!(list["pending"][0]["lastError"], "unexpected status code 500: no\n");
    daemon.report(&alert("one", 0)).await;
    wait_until("the other hears the end", || other.requests().len() >= 2).await;
    assert_eq!(told(&other), ["firing one", "resolved one"]);
    let (_, metrics) = daemon.get("/metrics").await;
    assert!(metrics.contains("firewatch_outbox_pending{receiver=\"team\"} 1"), "{metrics}");
    daemon.app.stop().await;
}

#[tokio::test]
async fn what_is_too_old_is_listed_with_the_reason() {
    let target = Target::always(Answer::status(503)).await;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("am.yml"), config(&target.url("/"), "")).expect("writable");
    let mut options = options(folder.path());
    options.outbox.max_age = Duration::from_secs(1);
    let app = App::start(options).await.expect("the daemon starts");
    let daemon = Daemon { app, folder };
    daemon.report(&alert("one", 600)).await;
    let limit = std::time::Instant::now() + Duration::from_secs(40);
    let undelivered = loop {
        let (_, list) = daemon.get("/api/v2/outbox").await;
        let list: Value = serde_json::from_str(&list).expect("JSON");
        if let Some(first) = list["undelivered"].get(0) {
            break first.clone();
        }
        assert!(std::time::Instant::now() < limit, "nothing was given up");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(undelivered["reason"], "not delivered within 1s: unexpected status code 503: no\n");
    assert_eq!(undelivered["alerts"][0]["labels"]["alertname"], "one");
    daemon.app.stop().await;
}
