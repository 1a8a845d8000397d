//! Why: what `/api/v2/explain` says of an alert must be what the pipeline does with it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::receiver::Receiver;
use crate::support::{Daemon, seconds_from_now, wait_until};

fn config(receiver: &Receiver) -> String {
    let webhook = format!("webhook_configs: [{{url: 'http://{}/X', send_resolved: true}}]", receiver.address);
    let named = |name: &str| format!("- name: {name}\n  {}\n", webhook.replace('X', name));
    format!(
        "
route:
  receiver: default
  group_by: [case]
  group_wait: 100ms
  group_interval: 1h
  repeat_interval: 4h
  routes:
  - {{matchers: [team=db], receiver: db, continue: true}}
  - {{matchers: [team=db, severity=critical], receiver: pager}}
  - {{matchers: [when=never], receiver: db, active_time_intervals: [never]}}
  - {{matchers: [when=muted], receiver: db, mute_time_intervals: [always]}}
  - {{matchers: [when=both], receiver: db, mute_time_intervals: [always], active_time_intervals: [always]}}
  - {{matchers: [to=nobody], receiver: nobody}}
  - matchers: [deep=yes]
    receiver: db
    routes: [{{matchers: [deeper=yes], receiver: pager, group_by: [...]}}]
inhibit_rules:
- {{name: by cause, source_matchers: [role=cause], target_matchers: [role=effect], equal: [site]}}
time_intervals:
- {{name: always, time_intervals: [{{years: ['2000:3000']}}]}}
- {{name: never, time_intervals: [{{years: ['1990:1991']}}]}}
receivers:
- name: nobody
{}{}{}",
        named("default"),
        named("db"),
        named("pager")
    )
}

/// Labels besides `case`, the verdict, and the receivers that must be told.
type Case = (&'static [(&'static str, &'static str)], &'static str, &'static [&'static str]);

const CASES: [Case; 20] = [
    (&[], "told", &["default"]),
    (&[("team", "web")], "told", &["default"]),
    (&[("team", "db")], "told", &["db"]),
    (&[("team", "db"), ("severity", "critical")], "told", &["db", "pager"]),
    (&[("team", "db"), ("severity", "warning")], "told", &["db"]),
    (&[("severity", "critical")], "told", &["default"]),
    (&[("when", "never")], "outsideActiveTime", &[]),
    (&[("when", "muted")], "muted", &[]),
    (&[("when", "both")], "muted", &[]),
    (&[("to", "nobody")], "nothingToTell", &[]),
    (&[("deep", "yes")], "told", &["db"]),
    (&[("deep", "yes"), ("deeper", "yes")], "told", &["pager"]),
    (&[("deeper", "yes")], "told", &["default"]),
    (&[("quiet", "yes")], "silenced", &[]),
    (&[("quiet", "no")], "told", &["default"]),
    (&[("role", "effect"), ("site", "x")], "inhibited", &[]),
    (&[("role", "effect"), ("site", "y")], "told", &["default"]),
    (&[("role", "effect"), ("site", "x"), ("quiet", "yes")], "inhibited", &[]),
    (&[("when", "muted"), ("quiet", "yes")], "muted", &[]),
    (&[("when", "never"), ("role", "effect"), ("site", "x")], "inhibited", &[]),
];

fn labels(number: usize, more: &[(&str, &str)]) -> Value {
    let mut labels = json!({"alertname": format!("Case {number}"), "case": number.to_string()});
    for (name, value) in more {
        labels[*name] = (*value).into();
    }
    labels
}

async fn explain(daemon: &Daemon, labels: &Value, more: &str) -> Value {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in labels.as_object().expect("an object") {
        query.append_pair("label", &format!("{name}={value}"));
    }
    let (status, body) = daemon.get(&format!("/api/v2/explain?{}{more}", query.finish())).await;
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).expect("JSON")
}

async fn set_up() -> (Receiver, Daemon, String) {
    let receiver = Receiver::start().await;
    let daemon = Daemon::start(&config(&receiver)).await;
    let silence = json!({"matchers": [{"name": "quiet", "value": "yes", "isRegex": false}], "createdBy": "me",
        "startsAt": seconds_from_now(-1), "endsAt": seconds_from_now(600), "comment": "at work"});
    let (_, body) = daemon.request("POST", "/api/v2/silences", &silence.to_string()).await;
    let id = serde_json::from_str::<Value>(&body).expect("JSON")["silenceID"].as_str().expect("an id").to_owned();
    let cause = json!([{"labels": {"alertname": "Cause", "case": "cause", "role": "cause", "site": "x"}}]);
    daemon.report(&cause).await;
    receiver.wait_for(1).await;
    (receiver, daemon, id)
}

#[tokio::test]
async fn the_answer_is_what_happens() {
    let (receiver, daemon, _) = set_up().await;
    // Asked before, about alerts that there might be.
    for (number, (more, verdict, told)) in CASES.iter().enumerate() {
        let answer = explain(&daemon, &labels(number, more), "").await;
        assert_eq!(answer["verdict"], *verdict, "case {number}: {answer:#}");
        assert!(answer.get("state").is_none(), "it is made up");
        let routes = answer["routes"].as_array().expect("routes");
        let would: BTreeSet<&str> = routes
            .iter()
            .filter(|route| route["verdict"] == "told")
            .map(|route| route["receiver"].as_str().expect("a name"))
            .collect();
        assert_eq!(would, told.iter().copied().collect(), "case {number}");
    }
    // Then it happens.
    let alerts: Vec<Value> =
        CASES.iter().enumerate().map(|(number, (more, ..))| json!({"labels": labels(number, more)})).collect();
    daemon.report(&alerts.into()).await;
    let expected: BTreeSet<(String, String)> = CASES
        .iter()
        .enumerate()
        .flat_map(|(number, (.., told))| told.iter().map(move |name| ((*name).to_owned(), number.to_string())))
        .chain([("default".to_owned(), "cause".to_owned())])
        .collect();
    receiver.wait_for(expected.len()).await;
    // Long enough for what must not come.
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    let told = |request: &crate::receiver::Received| {
        let body: Value = serde_json::from_str(&request.body).expect("JSON");
        let case = body["commonLabels"]["case"].as_str().expect("a case").to_owned();
        (request.path.trim_start_matches('/').to_owned(), case)
    };
    assert_eq!(receiver.received().iter().map(told).collect::<BTreeSet<_>>(), expected);
    assert_eq!(receiver.received().len(), expected.len(), "each once");
    // Asked again, about alerts that there are: who was told is not told at once again.
    for (number, (more, verdict, _)) in CASES.iter().enumerate() {
        let answer = explain(&daemon, &labels(number, more), "").await;
        let verdict = if *verdict == "told" { "alreadyTold" } else { verdict };
        assert_eq!(answer["verdict"], verdict, "case {number}: {answer:#}");
        assert_eq!(answer["state"], "firing");
        if verdict == "alreadyTold" {
            let route = &answer["routes"][0];
            assert_eq!(route["attempts"][0]["outcome"], "sent", "case {number}: {answer:#}");
            let next = route["integrations"][0]["nextSend"].as_str().expect("a time");
            let next: jiff::Timestamp = next.parse().expect("a time");
            let hours = (next.as_second() - jiff::Timestamp::now().as_second()) as f64 / 3600.0;
            assert!((3.9..5.1).contains(&hours), "after the repeat interval, at a flush: {hours} hours");
        }
    }
    daemon.app.stop().await;
}

#[tokio::test]
async fn near_misses_name_the_label() {
    let (_receiver, daemon, id) = set_up().await;
    let answer =
        explain(&daemon, &labels(0, &[("quiet", "no"), ("role", "effect"), ("site", "y"), ("team", "db")]), "").await;
    let expected = json!([{"what": id, "matcher": "quiet=\"yes\"", "label": "quiet", "value": "no"}]);
    assert_eq!(answer["silences"]["nearMisses"], expected);
    let missed = &answer["inhibition"]["nearMisses"][0];
    assert_eq!(
        (&missed["rule"], &missed["label"], &missed["value"], &missed["wanted"]),
        (&json!("by cause"), &json!("site"), &json!("y"), &json!("x"))
    );
    let severity = answer["missedRoutes"].as_array().expect("routes").iter().find(|miss| miss["label"] == "severity");
    assert_eq!(severity.expect("there")["what"], "{}/{severity=\"critical\",team=\"db\"}");
    let answer = explain(&daemon, &labels(0, &[("role", "cause-not"), ("site", "x")]), "").await;
    assert_eq!(answer["inhibition"]["nearMisses"][0]["wanted"], "role=\"effect\"");
    daemon.app.stop().await;
}

#[tokio::test]
async fn other_times_have_other_answers() {
    let (_receiver, daemon, id) = set_up().await;
    let quiet = labels(0, &[("quiet", "yes")]);
    let later = explain(&daemon, &quiet, &format!("&time={}", seconds_from_now(3600))).await;
    assert_eq!(later["verdict"], "told", "the silence is over by then");
    assert_eq!(later["silences"]["atOtherTimes"][0]["id"], id);
    let effect = labels(0, &[("role", "effect"), ("site", "x")]);
    let before = explain(&daemon, &effect, "&time=2026-01-01T00:00:00Z").await;
    assert_eq!(before["verdict"], "told", "nothing inhibited then");
    let just_now = explain(&daemon, &effect, &format!("&time={}", jiff::Timestamp::now())).await;
    assert_eq!(just_now["verdict"], "inhibited", "by what the history has: {just_now:#}");
    for (query, status) in [("", 400), ("?label=a!=b", 400), ("?label=a=b&time=x", 400), ("?fingerprint=0", 404)] {
        assert_eq!(daemon.get(&format!("/api/v2/explain{query}")).await.0, status, "{query}");
    }
    daemon.app.stop().await;
}

#[tokio::test]
async fn the_history_outlives_the_daemon() {
    let (receiver, daemon, id) = set_up().await;
    daemon.report(&json!([{"labels": {"alertname": "Other", "case": "other", "quiet": "yes"}}])).await;
    let over = json!([{"labels": {"alertname": "Cause", "case": "cause", "role": "cause", "site": "x"},
        "startsAt": seconds_from_now(-60), "endsAt": seconds_from_now(0)}]);
    daemon.report(&over).await;
    let outcomes = async |daemon: &Daemon, query: &str| -> Vec<String> {
        let (status, body) = daemon.get(&format!("/api/v2/history?{query}")).await;
        assert_eq!(status, 200, "{body}");
        let events: Value = serde_json::from_str(&body).expect("JSON");
        let word = |event: &Value| {
            let word = ["state", "outcome", "change"].into_iter().find_map(|key| event[key].as_str());
            word.expect("each event says what became of it").to_owned()
        };
        events.as_array().expect("a list").iter().map(word).collect()
    };
    // The flush that finds the other alert silenced comes after its group wait.
    let folder = daemon.folder.path().join("data/history");
    let written = || {
        let files = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        files.filter_map(|file| std::fs::read_to_string(file.path()).ok()).any(|text| text.contains("\"silenced\""))
    };
    wait_until("the silenced alert", written).await;
    assert_eq!(daemon.request("DELETE", &format!("/api/v2/silence/{id}"), "").await.0, 200);
    assert_eq!(receiver.received().len(), 1);
    let everything = ["silenced", "expired", "resolved", "firing", "sent", "firing", "created"];
    let check = async |daemon: &Daemon| {
        let mut found = outcomes(daemon, "").await;
        found.sort();
        let mut expected = everything.map(str::to_owned).to_vec();
        expected.sort();
        assert_eq!(found, expected);
        assert_eq!(outcomes(daemon, "kind=silence").await, ["expired", "created"]);
        assert_eq!(outcomes(daemon, "kind=notification&receiver=default").await, ["sent"]);
        assert_eq!(outcomes(daemon, "filter=alertname=Cause&limit=2").await, ["resolved", "sent"]);
        assert_eq!(outcomes(daemon, "outcome=silenced").await, ["silenced"]);
        assert_eq!(outcomes(daemon, "end=2026-01-01T00:00:00Z").await, [""; 0]);
        assert_eq!(daemon.get("/api/v2/history?limit=x").await.0, 400);
    };
    check(&daemon).await;
    let Daemon { app, folder } = daemon;
    app.stop().await;
    let app = alertmanager::app::App::start(crate::support::options(folder.path())).await.expect("starts again");
    let daemon = Daemon { app, folder };
    check(&daemon).await;
    daemon.app.stop().await;
}
