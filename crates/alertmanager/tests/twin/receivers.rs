//! Every kind of receiver whose address can be set: the same requests from both.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use testkit::{Answer, Recorded, Target};

use crate::original::{Pair, settle, shown};
use crate::support::seconds_from_now;

const CONFIG: &str = include_str!("../fixtures/every-kind.yml");

/// What receivers go by besides address and body.
const HEADERS: [&str; 6] =
    ["content-type", "authorization", "x-auth-token", "x-user-id", "accept-language", "x-amz-security-token"];

/// The first part of the path.
fn kind(request: &Recorded) -> String {
    request.path.split('/').nth(1).unwrap_or_default().to_owned()
}

/// Answers as the receivers themselves do.
fn answer(request: &Recorded, _before: usize) -> Answer {
    let json = |text: &str| Answer::with_type("application/json", text);
    let body = String::from_utf8_lossy(&request.body);
    match kind(request).as_str() {
        "jira" => jira(request, &body),
        "opsgenie" | "pagerduty" | "incidentio" | "victorops" => json("{}"),
        "rocketchat" => json(r#"{"success":true}"#),
        "sns" => Answer::with_type(
            "text/xml",
            "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult><MessageId>1</MessageId>\
             </PublishResult></PublishResponse>",
        ),
        "telegram" => json(r#"{"ok":true,"result":{"message_id":1,"date":0,"chat":{"id":1,"type":"private"}}}"#),
        "wechat" if request.path.contains("gettoken") => json(r#"{"access_token":"tok en"}"#),
        "wechat" => json(r#"{"errcode":0}"#),
        // Slack, Discord, Mattermost, Teams, Webex and webhooks are content with the status.
        _ => Answer::text("ok"),
    }
}

/// An issue that is done when alerts fire, and open when they are over; none for the receiver with the defaults.
fn jira(request: &Recorded, body: &str) -> Answer {
    let json = |value: Value| Answer::with_type("application/json", value.to_string());
    let has_issue = request.path.contains("/options/");
    if request.path.ends_with("/search") {
        let category = if body.contains("resolutiondate is EMPTY") { "done" } else { "indeterminate" };
        let issue = json!({"key": "OPS-1", "fields": {"status": {"name": "x", "statusCategory": {"key": category}}}});
        return json(json!({"issues": if has_issue { vec![issue] } else { Vec::new() }}));
    }
    if request.method == "GET" {
        return json(json!({"transitions": [{"id": "11", "name": "Reopen"}, {"id": "12", "name": "Resolve"}]}));
    }
    Answer::with_type("application/json", "{}")
}

/// An alert with these labels and this description.
fn alert(labels: Value, description: &str) -> Value {
    json!({
        "labels": labels,
        "annotations": {"summary": "s \u{d55c}", "description": description},
        "startsAt": seconds_from_now(-5),
        "endsAt": seconds_from_now(600),
        "generatorURL": "http://server:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
    })
}

/// Several groups and severities; texts that need escapes; texts beyond every limit.
fn alerts() -> Vec<Value> {
    let odd = "<b>80%</b> & \"more\"\n\ttab h\u{f6}st \u{d55c}\u{ae00} \u{1f642} *_`[x](y)";
    let long = "0123456789\u{e9}\u{d55c} ".repeat(3000);
    let huge = "x".repeat(600_000);
    let plain = |name: &str, instance: &str, severity: &str| json!({"alertname": name, "instance": instance, "severity": severity, "job": "node"});
    let options = |instance: &str, severity: &str| json!({"alertname": "Disk full", "instance": instance, "severity": severity, "team": "ops", "to": "options"});
    let large = |name: &str, size: &str| json!({"alertname": name, "size": size, "to": "large", "severity": "warning"});
    vec![
        alert(plain("Server Down", "a:9100", "critical"), "down"),
        alert(plain("Server Down", "b:9100", "warning"), odd),
        alert(plain("CPU \u{1f642} <&>", "c", "info"), odd),
        alert(options("a", "critical"), "<&> \u{fc}"),
        alert(options("b", "critical"), "<&> \u{fc}"),
        alert(large(&"n\u{e4}me ".repeat(120), "name"), "x"),
        alert(large("long", "description"), &long),
        alert(large("huge", "huge"), &huge),
    ]
}

fn resolved(alert: &Value) -> Value {
    let mut alert = alert.clone();
    alert["endsAt"] = json!(seconds_from_now(0));
    alert
}

/// All requests of each kind, in an order of their own: groups are told in none.
fn by_kind(target: &Target) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for request in target.requests() {
        let kind = kind(&request);
        // A signature depends on the second and on headers that do not matter.
        let headers = if kind == "sns" { &HEADERS[..1] } else { &HEADERS[..] };
        // The labels of routes are new in 0.34; here no route has any.
        let shown = shown(&request, headers).replace("\"routeLabels\":{},", "");
        all.entry(kind).or_default().push(shown);
    }
    all.values_mut().for_each(|requests| requests.sort_unstable());
    all
}

/// Where two texts part, with what is around it.
fn difference(theirs: &str, ours: &str) -> String {
    let at = theirs.bytes().zip(ours.bytes()).take_while(|(left, right)| left == right).count();
    let around = |text: &str| {
        let bytes = &text.as_bytes()[at.saturating_sub(200).min(text.len())..(at + 200).min(text.len())];
        String::from_utf8_lossy(bytes).into_owned()
    };
    format!(
        "at byte {at}\n  theirs ({} bytes): {}\n  ours   ({} bytes): {}",
        theirs.len(),
        around(theirs),
        ours.len(),
        around(ours)
    )
}

#[tokio::test]
async fn every_kind_gets_the_same_requests_from_both() {
    let (theirs, ours) = (Target::start(answer).await, Target::start(answer).await);
    let config = |target: &Target| CONFIG.replace("RECEIVER", &target.address());
    let Some(pair) = Pair::start(&config(&theirs), &config(&ours)).await else { return };
    let alerts = alerts();
    pair.report(&json!(alerts)).await;
    settle(&theirs, &ours).await;
    pair.report(&json!([resolved(&alerts[0]), resolved(&alerts[3])])).await;
    settle(&theirs, &ours).await;
    pair.report(&json!(alerts.iter().map(resolved).collect::<Vec<_>>())).await;
    settle(&theirs, &ours).await;
    let (theirs, ours) = (by_kind(&theirs), by_kind(&ours));
    let mut failures = Vec::new();
    for (kind, expected) in &theirs {
        let got = ours.get(kind).map_or(&[][..], Vec::as_slice);
        let different: Vec<_> = expected.iter().zip(got).filter(|(left, right)| left != right).collect();
        println!("{kind}: {} requests, {} of ours, {} differ", expected.len(), got.len(), different.len());
        if got.len() != expected.len() {
            failures.push(format!("{kind}: {} requests of theirs, {} of ours", expected.len(), got.len()));
        }
        if let Some((left, right)) = different.first() {
            failures.push(format!("{kind}: {}", difference(left, right)));
        }
    }
    assert_eq!(theirs.keys().collect::<Vec<_>>(), ours.keys().collect::<Vec<_>>(), "{}", pair.original_log());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    pair.daemon.app.stop().await;
}
