//! API v2 over HTTP.

use serde_json::{Value, json};

use crate::support::{Daemon, seconds_from_now};

const CONFIG: &str = "
route: {receiver: team, group_by: [alertname], group_wait: 1h}
receivers: [{name: team, labels: {owner: me}}, {name: other}]
inhibit_rules:
- {source_matchers: [role=cause], target_matchers: [role=effect]}
";

async fn get(daemon: &Daemon, path: &str) -> Value {
    let (status, body) = daemon.get(path).await;
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).expect("JSON")
}

fn names(alerts: &Value) -> Vec<&str> {
    let mut names: Vec<&str> =
        alerts.as_array().expect("a list").iter().filter_map(|alert| alert["labels"]["alertname"].as_str()).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn alerts_are_listed_with_what_keeps_them_quiet() {
    let daemon = Daemon::start(CONFIG).await;
    let alert = |name: &str, role: &str| {
        json!({"labels": {"alertname": name, "role": role, "empty": ""}, "annotations": {"none": ""},
               "startsAt": "2026-01-02T03:04:05.678901Z", "endsAt": "2099-01-01T00:00:00Z",
               "generatorURL": "http://server/graph"})
    };
    daemon.report(&json!([alert("a", ""), alert("b", "effect"), alert("c", "cause"), alert("d", "x")])).await;
    let silence = json!({"matchers": [{"name": "alertname", "value": "d", "isRegex": false}],
        "startsAt": seconds_from_now(-10), "endsAt": seconds_from_now(600), "createdBy": "me", "comment": "why"});
    let (status, body) = daemon.request("POST", "/api/v2/silences", &silence.to_string()).await;
    assert_eq!(status, 200, "{body}");
    let id = serde_json::from_str::<Value>(&body).expect("JSON")["silenceID"].clone();

    let all = get(&daemon, "/api/v2/alerts").await;
    assert_eq!(names(&all), ["a", "b", "c", "d"]);
    let by_name = |name: &str| {
        all.as_array().expect("a list").iter().find(|alert| alert["labels"]["alertname"] == name).expect("there")
    };
    let cause = by_name("c")["fingerprint"].clone();
    assert_eq!(
        by_name("b")["status"],
        json!({"inhibitedBy": [cause], "mutedBy": [], "silencedBy": [], "state": "suppressed"})
    );
    assert_eq!(
        by_name("d")["status"],
        json!({"inhibitedBy": [], "mutedBy": [], "silencedBy": [id], "state": "suppressed"})
    );
    let plain = by_name("a");
    assert_eq!(plain["labels"], json!({"alertname": "a"}), "empty labels are dropped");
    assert_eq!(plain["annotations"], json!({"none": ""}), "empty annotations are not");
    assert_eq!(
        (&plain["startsAt"], &plain["receivers"]),
        (&json!("2026-01-02T03:04:05.678Z"), &json!([{"name": "team"}]))
    );

    for (query, expected) in [
        ("active=false", vec!["b", "d"]),
        ("silenced=false&inhibited=false", vec!["a", "c"]),
        ("filter=alertname%3D~%22a%7Cb%22", vec!["a", "b"]),
        ("filter=role%3D%22%22", vec!["a"]),
        ("receiver=te.*", vec!["a", "b", "c", "d"]),
        ("receiver=te", vec![]),
        ("receiver_matchers=owner=me&filter=alertname=a", vec!["a"]),
        ("receiver_matchers=owner=you", vec![]),
    ] {
        assert_eq!(names(&get(&daemon, &format!("/api/v2/alerts?{query}")).await), expected, "{query}");
    }
    let groups = get(&daemon, "/api/v2/alerts/groups?silenced=false").await;
    let labels: Vec<&Value> =
        groups.as_array().expect("a list").iter().map(|group| &group["labels"]["alertname"]).collect();
    assert_eq!(labels, ["a", "b", "c"]);
    assert_eq!(groups[0]["receiver"], json!({"name": "team"}));
    daemon.app.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_report_is_said() {
    let daemon = Daemon::start(CONFIG).await;
    let cases = [
        ("[{}]", 422, r#"{"code":602,"message":"0.labels in body is required"}"#),
        ("", 422, r#"{"code":602,"message":"alerts in body is required"}"#),
        (r#"[{"labels":{}}]"#, 400, "\"at least one label pair required\"\n"),
        (r#"[{"labels":{"":"x"}}]"#, 400, "\"invalid label set: invalid name \\\"\\\"\"\n"),
        (
            r#"[{"labels":{"a":"x"},"startsAt":"2026-01-02T00:00:00Z","endsAt":"2026-01-01T00:00:00Z"}]"#,
            400,
            "\"start time must be before end time\"\n",
        ),
        (
            r#"[{"labels":{"a":"x"},"generatorURL":"a b"}]"#,
            422,
            r#"{"code":601,"message":"0.generatorURL in body must be of type uri: \"a b\""}"#,
        ),
    ];
    for (body, status, expected) in cases {
        let answer = daemon.request("POST", "/api/v2/alerts", body).await;
        assert_eq!(answer, (status, expected.to_owned()), "{body}");
    }
    let half = r#"[{"labels":{"alertname":"good"}},{"labels":{}}]"#;
    assert_eq!(daemon.request("POST", "/api/v2/alerts", half).await.0, 400);
    assert_eq!(names(&get(&daemon, "/api/v2/alerts").await), ["good"], "the rest of the report counts");
    daemon.app.stop().await;
}

#[tokio::test]
async fn silences_are_made_changed_listed_and_ended() {
    let daemon = Daemon::start(CONFIG).await;
    let silence = |id: &str, value: &str, ends: i64| {
        json!({"id": id, "matchers": [{"name": "a", "value": value, "isRegex": false}], "comment": "why",
               "startsAt": seconds_from_now(-10), "endsAt": seconds_from_now(ends), "createdBy": "me"})
        .to_string()
    };
    let set = async |body: String| {
        let (status, body) = daemon.request("POST", "/api/v2/silences", &body).await;
        let answer: Value = serde_json::from_str(&body).expect("JSON");
        (status, answer["silenceID"].as_str().unwrap_or(&body).to_owned())
    };
    let (status, first) = set(silence("", "b", 600)).await;
    assert_eq!(status, 200);
    let (status, second) = set(silence(&first, "c", 600)).await;
    assert_eq!(status, 200);
    assert_ne!(first, second, "another condition is another silence");
    let listed = get(&daemon, "/api/v2/silences").await;
    let states: Vec<(&str, &str)> = listed
        .as_array()
        .expect("a list")
        .iter()
        .map(|silence| (silence["id"].as_str().expect("an id"), silence["status"]["state"].as_str().expect("a state")))
        .collect();
    assert_eq!(states, [(second.as_str(), "active"), (first.as_str(), "expired")]);
    assert_eq!(get(&daemon, "/api/v2/silences?filter=a=c&expired=false").await.as_array().map(Vec::len), Some(1));

    assert_eq!(daemon.request("DELETE", &format!("/api/v2/silence/{second}"), "").await, (200, String::new()));
    assert_eq!(get(&daemon, &format!("/api/v2/silence/{second}")).await["status"]["state"], "expired");
    let unknown = "2b7a9f6c-4b1e-4d1a-9a3e-0d0c2c6c0d0e";
    assert_eq!(daemon.request("DELETE", &format!("/api/v2/silence/{unknown}"), "").await.0, 404);
    assert_eq!(set(silence(unknown, "b", 600)).await, (404, "\"silence not found\"\n".to_owned()));
    assert_eq!(daemon.get("/api/v2/silence/x").await.0, 422);
    assert_eq!(set(silence("", "", 600)).await.0, 400);
    assert_eq!(set(silence("", "b", -5)).await.0, 400, "ended already");
    daemon.app.stop().await;
}

#[tokio::test]
async fn status_receivers_and_the_rest() {
    let daemon = Daemon::start(CONFIG).await;
    let status = get(&daemon, "/api/v2/status").await;
    assert_eq!(status["cluster"], json!({"peers": [], "status": "disabled"}));
    assert!(status["config"]["original"].as_str().expect("a text").contains("receiver: team"));
    let receivers = get(&daemon, "/api/v2/receivers?receiver_matchers=owner=me").await;
    assert_eq!(receivers, json!([{"labels": {"name": "team", "owner": "me"}, "name": "team"}]));
    for (method, path, status) in [
        ("GET", "/-/healthy", 200),
        ("HEAD", "/-/ready", 200),
        ("GET", "/-/reload", 405),
        ("GET", "/api/v1/alerts", 410),
        ("GET", "/api/v2/nothing", 404),
        ("PUT", "/api/v2/alerts", 405),
        ("GET", "/nothing", 404),
    ] {
        assert_eq!(daemon.request(method, path, "").await.0, status, "{method} {path}");
    }
    daemon.app.stop().await;
}
