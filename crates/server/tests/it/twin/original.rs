//! The original as a process, and questions to it.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use http_client::{Client, Request};

use crate::server::{Folder, PATIENCE, plain_client};

/// The original with a test's configuration; ends with the test.
pub(super) struct Original {
    process: Child,
    address: String,
    client: Client,
}

impl Drop for Original {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Its program, when the machine has it: `FIREWATCH_PEERS` names the folder.
fn program() -> Option<PathBuf> {
    let cache = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/firewatch-peers/root/usr/bin"));
    let folder = std::env::var_os("FIREWATCH_PEERS").map(PathBuf::from).or_else(cache)?;
    let program = folder.join("prometheus");
    program.is_file().then_some(program)
}

impl Original {
    /// Starts it with the configuration of `folder`; `None` where it is not there, which is said.
    pub(super) fn start(folder: &Folder, flags: &[&str]) -> Option<Self> {
        let Some(program) = program() else {
            eprintln!("skipped: the original is not on this machine");
            return None;
        };
        let address = testkit::Target::nowhere();
        let process = Command::new(program)
            .arg(format!("--config.file={}", folder.path().join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("peer").display()))
            .arg(format!("--web.listen-address={address}"))
            .args(flags)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the original starts");
        Some(Self { process, address, client: plain_client() })
    }

    /// The status and the text of an answer; `None` while it does not answer.
    pub(super) async fn get(&self, path: &str) -> Option<(u16, String)> {
        let url = format!("http://{}{path}", self.address).parse().expect("a URL");
        let response = self.client.send(Request::get(url).timeout(PATIENCE)).await.ok()?;
        Some((response.status.as_u16(), String::from_utf8_lossy(&response.body).into_owned()))
    }

    /// Waits until the answer to `path` has `text` in it.
    pub(super) async fn wait_for(&self, path: &str, text: &str) {
        let started = Instant::now();
        while !self.get(path).await.is_some_and(|(_, answer)| answer.contains(text)) {
            assert!(started.elapsed() < PATIENCE, "the original has no {text:?} at {path}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
