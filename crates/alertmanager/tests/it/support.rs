//! A daemon, requests to it, and waiting with a bound.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use alertmanager::app::{App, Options};
use alertmanager::history::Limits as History;
use alertmanager::matcher::Syntax;
use alertmanager::notify::outbox::OutboxSettings;
use alertmanager::silence::Limits;
use http_client::{Client, HttpClientConfig, Request};
use tempfile::TempDir;
use url::Url;

/// A daemon with its folder.
pub(crate) struct Daemon {
    pub(crate) app: App,
    pub(crate) folder: TempDir,
}

impl Daemon {
    /// Starts a daemon with this configuration.
    pub(crate) async fn start(config: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("am.yml"), config).expect("writable");
        let app = App::start(options(folder.path())).await.expect("the daemon starts");
        Self { app, folder }
    }

    pub(crate) fn config_file(&self) -> PathBuf {
        self.folder.path().join("am.yml")
    }

    /// Sends a request; status and body.
    pub(crate) async fn request(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        request(self.app.address(), method, path, body).await
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        self.request("GET", path, "").await
    }

    /// Reports alerts, which must be accepted.
    pub(crate) async fn report(&self, alerts: &serde_json::Value) {
        assert_eq!(self.request("POST", "/api/v2/alerts", &alerts.to_string()).await, (200, String::new()));
    }
}

pub(crate) fn options(folder: &Path) -> Options {
    Options {
        config_file: folder.join("am.yml"),
        storage_path: folder.join("data"),
        retention: Duration::from_secs(3600),
        maintenance_interval: Duration::from_secs(900),
        outbox: OutboxSettings::default(),
        silence_limits: Limits::default(),
        gc_interval: Duration::from_secs(1800),
        name_limit: 0,
        start_delay: Duration::ZERO,
        listen_address: "127.0.0.1:0".to_owned(),
        web_config_file: String::new(),
        external_url: "http://alertmanager.example".to_owned(),
        route_prefix: String::new(),
        get_concurrency: 0,
        timeout: Duration::ZERO,
        syntax: Syntax::Both,
        cluster: None,
        history: History { retention: Duration::from_secs(3600), size_bytes: 1 << 30 },
        alert_bytes_max: 0,
    }
}

/// Sends a request with a JSON body to any daemon.
pub(crate) async fn request(address: SocketAddr, method: &str, path: &str, body: &str) -> (u16, String) {
    let client = Client::new(&HttpClientConfig::default(), "test").expect("a client");
    let url = Url::parse(&format!("http://{address}{path}")).expect("an address");
    let method = method.parse().expect("a method");
    let request = Request::new(method, url)
        .header(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"))
        .body(body.to_owned())
        .timeout(Duration::from_secs(20));
    let answer = client.send(request).await.expect("an answer");
    (answer.status.as_u16(), String::from_utf8_lossy(&answer.body).into_owned())
}

/// Waits for a condition, at most half a minute.
pub(crate) async fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let limit = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < limit, "{what} did not come in time");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A time `seconds` from now as the API takes it.
pub(crate) fn seconds_from_now(seconds: i64) -> String {
    let now = jiff::Timestamp::now();
    let time = jiff::Timestamp::from_millisecond(now.as_millisecond() + seconds * 1000).expect("in range");
    time.to_string()
}
