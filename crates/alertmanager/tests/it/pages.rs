//! The pages for people, with hostile content.

use http_client::{Client, HttpClientConfig, Request};
use serde_json::json;
use url::Url;

use crate::support::Daemon;

const CONFIG: &str = "{route: {receiver: one, group_by: [alertname]}, receivers: [{name: one}]}";

#[tokio::test]
async fn pages_show_everything_and_run_nothing() {
    let daemon = Daemon::start(CONFIG).await;
    let hostile = "<script>alert(1)</script>\" onload=\"x";
    daemon
        .report(&json!([
            {"labels": {"alertname": hostile, "a": hostile}, "annotations": {"b": hostile},
             "generatorURL": "javascript:alert(1)"},
            {"labels": {"alertname": "fine"}, "generatorURL": "https://server/graph?a=1&b=2"},
        ]))
        .await;
    let silence = json!({"matchers": [{"name": "a", "value": hostile, "isRegex": false}], "createdBy": hostile,
        "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2099-01-01T00:00:00Z", "comment": hostile});
    assert_eq!(daemon.request("POST", "/api/v2/silences", &silence.to_string()).await.0, 200);
    let encoded: String = form_urlencoded::byte_serialize(format!("a=\"{hostile}\"").as_bytes()).collect();
    let with_query = [
        format!("/?filter={encoded}"),
        format!("/silence?matchers={encoded}"),
        format!("/history?filter={encoded}&kind={encoded}"),
        format!("/why?labels={encoded}"),
    ];
    let plain = ["/", "/silences", "/silences?expired=yes", "/silence", "/history", "/why", "/status", "/ui/style.css"];
    for path in plain.into_iter().chain(with_query.iter().map(String::as_str)) {
        let (status, page) = daemon.get(path).await;
        assert_eq!(status, 200, "{path}");
        let runs = page.contains("<script") || page.contains("javascript:") || page.contains("\" onload");
        assert!(!runs, "{path}: {page}");
        assert!(!page.contains("http://") || path == "/status", "nothing from elsewhere: {path}");
    }
    let (_, page) = daemon.get("/").await;
    assert!(page.contains("Alerts in 2 groups"), "{page}");
    assert!(page.contains("&lt;script&gt;") && page.contains("href=\"https://server/graph?a"), "{page}");
    daemon.app.stop().await;
}

#[tokio::test]
async fn everything_moves_below_a_prefix() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("am.yml"), CONFIG).expect("writable");
    let mut options = crate::support::options(folder.path());
    options.external_url = "http://example.com/am/".to_owned();
    let app = alertmanager::app::App::start(options).await.expect("starts");
    let daemon = Daemon { app, folder };
    for path in ["/am/", "/am/-/ready", "/am/api/v2/status", "/am/metrics", "/"] {
        assert_eq!(daemon.get(path).await.0, 200, "{path}");
    }
    assert_eq!(daemon.get("/api/v2/status").await.0, 404);
    daemon.app.stop().await;
}

/// Sends a form as a browser does; status and page.
async fn send_form(daemon: &Daemon, origin: Option<&str>, fields: &[(&str, &str)]) -> (u16, String) {
    let client = Client::new(&HttpClientConfig::default(), "test").expect("a client");
    let url = Url::parse(&format!("http://{}/silence", daemon.app.address())).expect("an address");
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let form = http::HeaderValue::from_static("application/x-www-form-urlencoded");
    let mut request = Request::new(http::Method::POST, url).header(http::header::CONTENT_TYPE, form).body(body);
    if let Some(origin) = origin {
        request = request.header(http::header::ORIGIN, origin.parse().expect("a header"));
    }
    let answer = client.send(request.timeout(std::time::Duration::from_secs(20))).await.expect("an answer");
    (answer.status.as_u16(), String::from_utf8_lossy(&answer.body).into_owned())
}

#[tokio::test]
async fn silences_are_made_changed_and_ended_by_forms() {
    let daemon = Daemon::start(CONFIG).await;
    daemon
        .report(&json!([{"labels": {"alertname": "Down", "a": "1"}}, {"labels": {"alertname": "Up", "a": "2"}}]))
        .await;
    let fields = [("matchers", "Down\na=~\"1|2\""), ("duration", "2h"), ("created_by", "me"), ("comment", "at work")];
    let with = |action: &'static str, id: &'static str| [&fields[..], &[("action", action), ("id", id)]].concat();
    let (status, page) = send_form(&daemon, None, &with("preview", "")).await;
    assert_eq!(status, 200);
    assert!(page.contains("Hides 1 of 2 alerts"), "{page}");
    let (_, silences) = daemon.get("/api/v2/silences").await;
    assert_eq!(silences, "[]\n", "a preview makes nothing");
    let own = format!("http://{}", daemon.app.address());
    assert_eq!(send_form(&daemon, Some("http://evil.example"), &with("save", "")).await.0, 403);
    // The client follows the way back to the list.
    let (status, page) = send_form(&daemon, Some(&own), &with("save", "")).await;
    assert!(status == 303 || page.contains("at work"), "{status} {page}");
    let (_, silences) = daemon.get("/api/v2/silences").await;
    let silences: serde_json::Value = serde_json::from_str(&silences).expect("JSON");
    let id = silences[0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(silences[0]["matchers"][1], json!({"isEqual": true, "isRegex": true, "name": "a", "value": "1|2"}));
    let (_, page) = daemon.get(&format!("/silence?id={id}")).await;
    assert!(page.contains("at work") && page.contains(&id), "{page}");
    send_form(&daemon, Some(&own), &[("action", "expire"), ("id", &id)]).await;
    let (_, silences) = daemon.get("/api/v2/silences").await;
    assert!(silences.contains("\"expired\""), "{silences}");
    for (fields, problem) in [
        (vec![("matchers", "a=~\"(\""), ("action", "save")], "missing closing"),
        (vec![("matchers", ""), ("action", "preview")], "one condition a line"),
        (
            vec![
                ("matchers", "alertname=~\".+\""),
                ("duration", "1h"),
                ("created_by", "x"),
                ("comment", "y"),
                ("action", "save"),
            ],
            "silence every alert",
        ),
        (vec![("matchers", "Down"), ("duration", "x"), ("action", "save")], "Duration"),
        (vec![("matchers", "Down"), ("action", "save")], "how long"),
        (vec![("matchers", "Down"), ("duration", "1h"), ("action", "save")], "who you are"),
    ] {
        let (status, page) = send_form(&daemon, None, &fields).await;
        assert!(status == 200 && page.contains(problem), "{fields:?}: {page}");
    }
    daemon.app.stop().await;
}
