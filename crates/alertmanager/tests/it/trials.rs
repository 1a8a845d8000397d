//! Trying out receivers and templates over the API.

use serde_json::{Value, json};

use crate::receiver::Receiver;
use crate::support::Daemon;

fn config(receiver: &Receiver) -> String {
    format!(
        "
route: {{receiver: unused}}
receivers:
- name: unused
- name: team
  webhook_configs: [{{url: 'http://{0}/hook'}}]
  slack_configs: [{{api_url: 'http://{0}/slack', channel: '#x', title: '{{{{ .CommonLabels.alertname }}}}!', text: '{{{{ template \"nothing\" . }}}}'}}]
",
        receiver.address
    )
}

async fn post(daemon: &Daemon, path: &str, body: Value) -> (u16, Value) {
    let (status, body) = daemon.request("POST", &format!("/api/v2/{path}"), &body.to_string()).await;
    (status, serde_json::from_str(&body).expect("JSON"))
}

#[tokio::test]
async fn receivers_are_tested_with_a_mark() {
    let receiver = Receiver::start().await;
    let daemon = Daemon::start(&config(&receiver)).await;
    daemon.report(&json!([{"labels": {"alertname": "Disk full", "severity": "critical"}}])).await;
    let (status, outcomes) = post(&daemon, "receivers/test", json!({"receiver": "team"})).await;
    assert_eq!(status, 200);
    let by_kind = |kind: &str| {
        let outcomes = outcomes.as_array().expect("a list");
        outcomes.iter().find(|outcome| outcome["integration"] == kind).expect("there").clone()
    };
    assert_eq!(by_kind("webhook")["ok"], true);
    assert_eq!(by_kind("slack")["ok"], false);
    let error = by_kind("slack")["error"].as_str().expect("a reason").to_owned();
    assert!(error.contains("nothing"), "{error}");
    let body: Value = serde_json::from_str(&receiver.received()[0].body).expect("JSON");
    assert_eq!(body["commonLabels"]["alertname"], "[TEST] Example");

    let (_, alerts) = daemon.get("/api/v2/alerts").await;
    let alerts: Value = serde_json::from_str(&alerts).expect("JSON");
    let stored = json!({"receiver": "team", "integration": "webhook", "fingerprint": alerts[0]["fingerprint"],
        "resolved": true});
    assert_eq!(post(&daemon, "receivers/test", stored).await.0, 200);
    let body: Value = serde_json::from_str(&receiver.received()[1].body).expect("JSON");
    assert_eq!(
        (&body["alerts"][0]["labels"]["alertname"], &body["status"]),
        (&json!("[TEST] Disk full"), &json!("resolved"))
    );

    for (body, status) in [
        (json!({"receiver": "nobody"}), 404),
        (json!({"receiver": "team", "integration": "email"}), 404),
        (json!({"receiver": "team", "fingerprint": "0"}), 404),
        (json!({}), 422),
        (json!({"receiver": "team", "url": "http://elsewhere"}), 400),
    ] {
        assert_eq!(post(&daemon, "receivers/test", body.clone()).await.0, status, "{body}");
    }
    assert_eq!(receiver.received().len(), 2, "a test cannot be sent anywhere else");
    let (_, groups) = daemon.get("/api/v2/alerts/groups").await;
    assert!(!groups.contains("[TEST]"), "a test is no alert");
    daemon.app.stop().await;
}

#[tokio::test]
async fn templates_are_shown_before_they_are_sent() {
    let receiver = Receiver::start().await;
    let daemon = Daemon::start(&config(&receiver)).await;
    let preview = async |body: Value| post(&daemon, "templates/preview", body).await;
    let text = "{{ .Status }}: {{ range .Alerts }}{{ .Labels.a }}{{ .Annotations.b }}{{ end }}";
    let asked = json!({"template": text, "labels": {"a": "<1>"}, "annotations": {"b": "&"}});
    assert_eq!(preview(asked.clone()).await, (200, json!({"text": "firing: <1>&"})));
    let mut html = asked;
    html["html"] = true.into();
    assert_eq!(preview(html).await, (200, json!({"text": "firing: &lt;1&gt;&amp;"})));
    let (status, error) = preview(json!({"template": "a\n{{ .Nothing.There }"})).await;
    assert_eq!(status, 400);
    assert!(error.as_str().expect("a text").contains(":2"), "the line is named: {error}");
    let (status, texts) = preview(json!({"receiver": "team"})).await;
    assert_eq!(status, 200);
    let texts = texts.as_array().expect("a list");
    assert!(texts.iter().any(|text| text["text"] == "Example!"), "{texts:?}");
    assert!(texts.iter().any(|text| text["error"].is_string()), "the broken one says so");
    assert!(receiver.received().is_empty());
    daemon.app.stop().await;
}
