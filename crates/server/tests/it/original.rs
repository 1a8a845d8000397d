//! The original beside ours, when the machine has it.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use http_client::{Client, Request, Response};

use crate::server::{Folder, PATIENCE, plain_client};

/// A running original, which ends with the test.
pub(crate) struct Original {
    child: Child,
    address: String,
    client: Client,
}

impl Drop for Original {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// One of the original's programs: `FIREWATCH_PEERS` names their folder. Says so when it is not there.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let cache = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/firewatch-peers/root/usr/bin"));
    let folder = std::env::var_os("FIREWATCH_PEERS").map(PathBuf::from).or_else(cache);
    let found = folder.map(|folder| folder.join(name)).filter(|program| program.is_file());
    if found.is_none() {
        eprintln!("skipped: the original is not on this machine");
    }
    found
}

impl Original {
    /// Starts one with the configuration `file` of a folder, and waits until it is ready; says so when there is none.
    pub(crate) async fn start(folder: &Folder, file: &str, flags: &[&str]) -> Option<Self> {
        let program = program("prometheus")?;
        let address = testkit::Target::nowhere().to_string();
        let child = Command::new(program)
            .arg(format!("--config.file={}", folder.path().join(file).display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("peer").display()))
            .arg(format!("--web.listen-address={address}"))
            .args(flags)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let original = Self { child: child.expect("the original starts"), address, client: plain_client() };
        original.wait_for("/-/ready", "").await;
        Some(original)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Its answer, if it is there.
    pub(crate) async fn try_send(&self, request: Request) -> Option<Response> {
        self.client.send(request.timeout(PATIENCE)).await.ok()
    }

    /// Status and text of an answer.
    pub(crate) async fn get(&self, path: &str) -> Option<(u16, String)> {
        let response = self.try_send(Request::get(self.url(path).parse().expect("a URL"))).await?;
        Some((response.status.as_u16(), String::from_utf8_lossy(&response.body).into_owned()))
    }

    /// Waits until the answer is fine and has a text in it.
    pub(crate) async fn wait_for(&self, path: &str, text: &str) {
        let started = Instant::now();
        while !self.get(path).await.is_some_and(|(status, found)| status == 200 && found.contains(text)) {
            assert!(started.elapsed() < PATIENCE, "the original does not answer {path} with {text}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
