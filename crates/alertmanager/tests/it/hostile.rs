//! Input that nobody should send: refused with words, or shown harmlessly, and the daemon goes on.

use alertmanager::app::App;
use alertmanager::silence::Limits;
use serde_json::{Value, json};

use crate::support::{Daemon, options, seconds_from_now};

const CONFIG: &str = "{route: {receiver: one, group_by: [alertname], group_wait: 1h}, receivers: [{name: one}]}";

fn silence(matchers: Value) -> Value {
    json!({"matchers": matchers, "createdBy": "me", "comment": "why", "startsAt": seconds_from_now(-1),
           "endsAt": seconds_from_now(600)})
}

#[tokio::test]
async fn silences_of_everything_need_a_flag() {
    let daemon = Daemon::start(CONFIG).await;
    let matcher = |name: &str, value: &str, regex: bool, equal: bool| json!({"name": name, "value": value, "isRegex": regex, "isEqual": equal});
    for matchers in [
        json!([matcher("alertname", ".+", true, true)]),
        json!([matcher("alertname", "(?s).+", true, true), matcher("job", "", false, false)]),
        json!([matcher("job", "^$", true, false)]),
        json!([matcher("alertname", "[^x]*.*.", true, true)]),
    ] {
        let (status, body) = daemon.request("POST", "/api/v2/silences", &silence(matchers).to_string()).await;
        assert_eq!(status, 400, "{body}");
        assert!(body.contains("--silences.allow-match-all"), "{body}");
    }
    for matchers in [
        json!([matcher("alertname", ".+", true, true), matcher("team", "a", false, true)]),
        json!([matcher("severity", "critical", false, false)]),
        json!([matcher("alertname", "[A-Z].+", true, true)]),
    ] {
        let (status, body) = daemon.request("POST", "/api/v2/silences", &silence(matchers).to_string()).await;
        assert_eq!(status, 200, "{body}");
    }
    daemon.report(&json!([{"labels": {"alertname": "A", "t": "1"}}, {"labels": {"alertname": "B", "t": "2"}}])).await;
    let asked = silence(json!([matcher("t", "1", false, true)])).to_string();
    let (status, body) = daemon.request("POST", "/api/v2/silences/preview", &asked).await;
    let preview: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(status, 200);
    assert_eq!((&preview["count"], &preview["total"], &preview["matchesAll"]), (&json!(1), &json!(2), &json!(false)));
    assert_eq!(preview["alerts"][0]["alertname"], "A");
    daemon.app.stop().await;
}

#[tokio::test]
async fn floods_are_refused_and_the_daemon_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("am.yml"), CONFIG).expect("writable");
    let mut options = options(folder.path());
    options.alert_bytes_max = 2 << 20;
    options.silence_limits = Limits { silences: 3, silence_bytes: 2000, allow_match_all: false };
    let app = App::start(options).await.expect("starts");
    let daemon = Daemon { app, folder };
    let mut refused = false;
    for batch in 0..10 {
        let alerts: Vec<Value> =
            (0..1000).map(|n| json!({"labels": {"alertname": "Flood", "n": format!("{batch}/{n}")}})).collect();
        let (status, body) = daemon.request("POST", "/api/v2/alerts", &Value::from(alerts).to_string()).await;
        assert!(matches!(status, 200 | 503), "{status} {body}");
        if status == 503 {
            assert!(body.contains("new alerts refused") && body.contains("--alerts.max-size-bytes"), "{body}");
            refused = true;
        }
    }
    assert!(refused);
    daemon.report(&json!([{"labels": {"alertname": "Flood", "n": "0/0"}, "annotations": {"still": "heard"}}])).await;
    let (_, known) = daemon.get("/api/v2/alerts?filter=n=%220/0%22").await;
    assert!(known.contains("still"), "{known}");
    let (_, metrics) = daemon.get("/metrics").await;
    let count = metrics.lines().find(|line| line.starts_with("firewatch_alertmanager_alerts_refused_total "));
    assert!(count.is_some_and(|line| !line.ends_with(" 0")), "{count:?}");

    let mut statuses = Vec::new();
    for n in 0..5 {
        let matchers = json!([{"name": "a", "value": n.to_string(), "isRegex": false}]);
        statuses.push(daemon.request("POST", "/api/v2/silences", &silence(matchers).to_string()).await.0);
    }
    assert_eq!(statuses, [200, 200, 200, 400, 400]);
    let large = silence(json!([{"name": "a", "value": "x".repeat(3000), "isRegex": false}])).to_string();
    let (status, body) = daemon.request("POST", "/api/v2/silences", &large).await;
    assert_eq!(status, 400, "{body}");
    daemon.app.stop().await;
}

#[tokio::test]
async fn bodies_are_refused_by_size_depth_and_type() {
    let daemon = Daemon::start(CONFIG).await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for path in ["alerts", "silences", "silences/preview", "receivers/test", "templates/preview"] {
        let path = format!("/api/v2/{path}");
        for body in [&deep, "[null]", "{\"matchers\":[null]}", "nul", "\u{0}", "{\"labels\":\u{feff}}"] {
            let (status, answer) = daemon.request("POST", &path, body).await;
            assert!((400..500).contains(&status), "{path} {status} {answer}");
        }
    }
    let large = format!("[{{\"labels\":{{\"a\":\"{}\"}}}}]", "x".repeat(65 << 20));
    let (status, answer) = daemon.request("POST", "/api/v2/alerts", &large).await;
    assert_eq!(status, 413, "{answer}");
    for query in [
        "filter=a=~%22(%22",
        "filter=%FF%FE",
        "filter=a=~%22(x{900}){900}%22",
        "limit=-1",
        "offset=99999999999999999999",
    ] {
        let (status, answer) = daemon.get(&format!("/api/v2/alerts?{query}")).await;
        assert_eq!(status, 400, "{query} {answer}");
    }
    let endless = json!({"template": "{{ define \"x\" }}{{ template \"x\" . }}{{ end }}{{ template \"x\" . }}"});
    let (status, answer) = daemon.request("POST", "/api/v2/templates/preview", &endless.to_string()).await;
    assert_eq!(status, 400, "{answer}");
    assert_eq!(daemon.get("/-/healthy").await.0, 200);
    daemon.app.stop().await;
}
