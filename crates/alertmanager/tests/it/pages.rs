//! The pages for people, with hostile content.

use serde_json::json;

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
    for path in ["/", "/silences", "/status", "/ui/style.css"] {
        let (status, page) = daemon.get(path).await;
        assert_eq!(status, 200, "{path}");
        assert!(!page.contains("<script") && !page.contains("javascript:"), "{path}: {page}");
    }
    let (_, page) = daemon.get("/").await;
    assert!(page.contains("2 alerts in 2 groups"), "{page}");
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
