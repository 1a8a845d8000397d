//! The mission's own configuration and template.

use std::path::PathBuf;

use serde_json::{Value, json};
use testkit::{Answer, Target};

use crate::original::{Pair, settle, shown};
use crate::support::seconds_from_now;

/// The acceptance configuration with another receiver and no waiting, and the folder that its templates are in.
fn acceptance(receiver: &Target) -> Option<String> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared"));
    let folder = std::env::var_os("FIREWATCH_SHARED").map_or_else(beside, PathBuf::from).join("acceptance");
    let Ok(text) = std::fs::read_to_string(folder.join("config/alertmanager.yml")) else {
        eprintln!("skipped: no acceptance files in {}", folder.display());
        return None;
    };
    let folder = folder.canonicalize().expect("there");
    Some(
        text.replace("127.0.0.1:18080", &receiver.address())
            .replace("'../templates/", &format!("'{}/templates/", folder.display()))
            .replace("group_wait: 10s", "group_wait: 500ms")
            .replace("group_interval: 1m", "group_interval: 1s"),
    )
}

fn alerts() -> [Value; 4] {
    let alert = |name: &str, instance: &str, severity: &str, description: &str| {
        json!({
            "labels": {"alertname": name, "instance": instance, "severity": severity, "job": "linux"},
            "annotations": {"message": format!("Instance {instance} "), "description": description},
            "startsAt": seconds_from_now(0),
            "endsAt": seconds_from_now(600),
            "generatorURL": "http://server:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
        })
    };
    [
        alert("Server Down", "127.0.0.1:9100", "critical", "labels=map[instance:127.0.0.1:9100] Value=0"),
        alert("Server Down", "localhost:9100", "critical", ""),
        alert("Server CPU Warnning", "h\u{f6}st \u{d55c}\u{ae00} \u{1f642}", "warning", "<b>80%</b> & \"more\"\n\ttab"),
        alert("Heap Used Critical", "", "", "\u{2028}\u{7f}\\"),
    ]
}

#[tokio::test]
async fn slack_gets_the_same_requests_from_both() {
    let ok = || Target::always(Answer::text("ok"));
    let (theirs, ours) = (ok().await, ok().await);
    let (Some(their_config), Some(our_config)) = (acceptance(&theirs), acceptance(&ours)) else { return };
    let Some(pair) = Pair::start(&their_config, &our_config).await else { return };
    let [first, second, third, fourth] = alerts();
    let resolved = |alert: &Value| {
        let mut alert = alert.clone();
        alert["endsAt"] = json!(seconds_from_now(0));
        alert
    };
    pair.report(&json!([first, second, third, fourth])).await;
    settle(&theirs, &ours).await;
    pair.report(&json!([resolved(&first)])).await;
    settle(&theirs, &ours).await;
    pair.report(&json!([resolved(&second), resolved(&third), resolved(&fourth)])).await;
    settle(&theirs, &ours).await;
    // Groups are told in no particular order.
    let sorted = |target: &Target| {
        let mut all: Vec<String> = target.requests().iter().map(|request| shown(request, &["content-type"])).collect();
        all.sort_unstable();
        all
    };
    let theirs = sorted(&theirs);
    assert_eq!(theirs.len(), 7);
    assert_eq!(sorted(&ours), theirs);
    println!("acceptance: {} Slack requests are equal", theirs.len());
    pair.daemon.app.stop().await;
}
