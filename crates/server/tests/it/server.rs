//! A server for a test: its folder, its configuration, and a client.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use daemon::App as _;
use http_client::{Client, HttpClientConfig, Request};
use metrics_model::{Labels, SampleValue, SystemClock};
use serde_json::Value;
use server::store::Store;
use server::{App, AppOptions, Options};
use storage::{MemoryStorage, Storage as _};
use tempfile::TempDir;

/// How long anything may take before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A folder with a configuration.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new(config: &str) -> Self {
        let folder = Self(tempfile::tempdir().expect("a temporary folder"));
        folder.write("prometheus.yml", config);
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).expect("the folder takes files");
    }

    /// The flags of a server in this folder.
    pub(crate) fn flags(&self, more: &[&str]) -> Options {
        let flags = [
            "firewatch-server".to_owned(),
            format!("--config.file={}", self.path().join("prometheus.yml").display()),
            format!("--storage.tsdb.path={}", self.path().join("data").display()),
            "--web.listen-address=127.0.0.1:0".to_owned(),
        ];
        let more = more.iter().map(|flag| (*flag).to_owned());
        Options::read(flags.into_iter().chain(more).map(Into::into).collect()).expect("the flags are right")
    }
}

/// A running server.
pub(crate) struct Server {
    pub(crate) app: App,
    pub(crate) memory: MemoryStorage,
    client: Client,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

impl Server {
    /// A server on the reference store.
    pub(crate) async fn in_memory(folder: &Folder, flags: &[&str]) -> Self {
        let memory = MemoryStorage::new();
        let store = Store { storage: Arc::new(memory.clone()), admin: None };
        Self::start(folder, flags, Some(store), memory).await
    }

    /// A server on the store on disk.
    pub(crate) async fn on_disk(folder: &Folder, flags: &[&str]) -> Self {
        Self::start(folder, flags, None, MemoryStorage::new()).await
    }

    async fn start(folder: &Folder, flags: &[&str], store: Option<Store>, memory: MemoryStorage) -> Self {
        let options = AppOptions {
            flags: folder.flags(flags),
            clock: Arc::new(SystemClock),
            environment: |name| (name == "ZONE").then(|| "eu-1".to_owned()),
            store,
        };
        let app = App::start_with(options).await.expect("the server starts");
        Self { app, memory, client: plain_client() }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.app.addresses()[0]
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(self.url(path).parse().expect("a URL"))).await
    }

    pub(crate) async fn post(&self, path: &str, form: &str) -> Answer {
        let url = self.url(path).parse().expect("a URL");
        self.send(Request::post(url, "application/x-www-form-urlencoded", form.to_owned())).await
    }

    pub(crate) async fn send(&self, request: Request) -> Answer {
        let response = self.client.send(request.timeout(PATIENCE)).await.expect("the server answers");
        Answer {
            status: response.status.as_u16(),
            content_type: response.content_type().to_owned(),
            text: String::from_utf8_lossy(&response.body).into_owned(),
        }
    }

    /// The value of each series in the answer to an instant query, by its labels as JSON.
    pub(crate) async fn query(&self, query: &str) -> Vec<(String, String)> {
        let form: String = form_urlencoded::Serializer::new(String::new()).append_pair("query", query).finish();
        let answer = self.post("/api/v1/query", &form).await.json();
        let result = answer["data"]["result"].as_array().cloned().unwrap_or_else(|| panic!("{query}: {answer}"));
        result
            .iter()
            .map(|series| {
                let value = series["value"][1].as_str().unwrap_or_default().to_owned();
                (series["metric"].to_string(), value)
            })
            .collect()
    }

    /// Waits until the query has this value in its first series.
    pub(crate) async fn wait_for(&self, query: &str, value: &str) {
        let started = std::time::Instant::now();
        loop {
            let found = self.query(query).await;
            if found.first().is_some_and(|(_, found)| found == value) {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "{query} is {found:?}, not {value}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Stores samples of one series at whole seconds.
    pub(crate) fn store(&self, labels: &[(&str, &str)], samples: &[(i64, f64)]) {
        let labels = Labels::from_pairs(labels.iter().copied());
        let mut appender = self.memory.appender();
        for (second, value) in samples {
            appender.append(&labels, second * 1_000, SampleValue::Float(*value)).expect("memory takes all");
        }
        appender.commit().expect("memory takes all");
    }

    pub(crate) async fn stop(self) {
        self.app.stop().await;
    }
}

/// A client that shows redirects as they are.
pub(crate) fn plain_client() -> Client {
    let mut config = HttpClientConfig::default();
    config.follow_redirects = false;
    Client::new(&config, "test").expect("a plain client")
}

/// The folder with conformance and acceptance data, when there is one.
pub(crate) fn shared() -> Option<PathBuf> {
    let folder = std::env::var_os("FIREWATCH_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    folder.is_dir().then_some(folder)
}
