//! A daemon, a receiver that writes down what it is sent, and waiting with a bound.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use alertmanager::app::{App, Options};
use alertmanager::matcher::Syntax;
use alertmanager::silence::Limits;
use http_client::{Client, HttpClientConfig, Request};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
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

/// What a receiver was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) body: String,
}

/// Answers every request with what was prepared, else with `ok`, and writes down what came.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    answers: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let received = Arc::new(Mutex::new(Vec::new()));
        let answers = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn(serve(listener, Arc::clone(&received), Arc::clone(&answers)));
        Self { address, received, answers, task }
    }

    /// The next requests get these heads (status line and headers), each with an empty body.
    pub(crate) fn answer_with(&self, heads: &[&str]) {
        self.answers.lock().expect("not poisoned").extend(heads.iter().map(|head| (*head).to_owned()));
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().expect("not poisoned").clone()
    }

    /// Waits until at least `count` requests came.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Received> {
        wait_until(&format!("{count} requests"), || self.received().len() >= count).await;
        self.received()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, received: Arc<Mutex<Vec<Received>>>, answers: Arc<Mutex<Vec<String>>>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let Some(request) = read_request(&mut stream).await else { continue };
        let head = {
            let mut answers = answers.lock().expect("not poisoned");
            if answers.is_empty() { None } else { Some(answers.remove(0)) }
        };
        let answer = match head {
            Some(head) => format!("{head}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
            None => "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok".to_owned(),
        };
        received.lock().expect("not poisoned").push(request);
        // A client that went away has its own test.
        drop(stream.write_all(answer.as_bytes()).await);
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
            });
            if body.len() >= length.unwrap_or(0) {
                let path = head.split(' ').nth(1)?.to_owned();
                return Some(Received { path, body: body.to_owned() });
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
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
