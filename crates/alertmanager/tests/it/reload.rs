//! Reloading and starting with wrong configurations.

use alertmanager::app::App;

use crate::support::{Daemon, options};

const CONFIG: &str = "{route: {receiver: one}, receivers: [{name: one}]}";

#[tokio::test]
async fn a_wrong_configuration_leaves_the_old_one_running() {
    let daemon = Daemon::start(CONFIG).await;
    let write = |text: &str| std::fs::write(daemon.config_file(), text).expect("writable");
    let receivers = async || daemon.get("/api/v2/receivers").await.1;

    write("route: {receiver: two}\nreceivers: [{name: two}]\n");
    assert_eq!(daemon.request("POST", "/-/reload", "").await, (200, String::new()));
    assert!(receivers().await.contains("\"two\""));

    write("route: {receiver: three}\nreceivers: [{name: two}]\n");
    let (status, body) = daemon.request("POST", "/-/reload", "").await;
    assert_eq!(status, 500);
    assert!(body.contains("am.yml:1:19: route.receiver: undefined receiver \"three\" used in route"), "{body}");
    write("templates: ['*.tmpl']\nroute: {receiver: three}\nreceivers: [{name: three}]\n");
    std::fs::write(daemon.folder.path().join("bad.tmpl"), "{{ define }}").expect("writable");
    let (_, body) = daemon.request("POST", "/-/reload", "").await;
    assert!(body.contains("bad.tmpl:1: "), "{body}");

    assert!(receivers().await.contains("\"two\""), "still the last good one");
    let (_, metrics) = daemon.get("/metrics").await;
    assert!(metrics.contains("alertmanager_config_last_reload_successful 0"), "{metrics}");
    daemon.app.stop().await;
}

#[tokio::test]
async fn alerts_outlive_a_reload() {
    let daemon = Daemon::start(CONFIG).await;
    daemon.report(&serde_json::json!([{"labels": {"alertname": "a"}}])).await;
    assert_eq!(daemon.request("POST", "/-/reload", "").await.0, 200);
    let (_, groups) = daemon.get("/api/v2/alerts/groups").await;
    assert!(groups.contains("\"a\""), "{groups}");
    daemon.app.stop().await;
}

#[tokio::test]
async fn two_daemons_do_not_share_a_folder() {
    let daemon = Daemon::start(CONFIG).await;
    let error = App::start(options(daemon.folder.path())).await.expect_err("refused");
    let error = daemon::run::chain(&error);
    assert!(error.ends_with("another process uses it"), "{error}");
    daemon.app.stop().await;
}
