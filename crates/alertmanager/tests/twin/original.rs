//! The original, and both daemons side by side.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::{Recorded, Target};

use crate::support::{Daemon, request};

/// The original, ended with the test.
pub(crate) struct Original {
    process: Child,
    pub(crate) address: SocketAddr,
}

impl Drop for Original {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Where the originals are.
pub(crate) fn peers() -> Option<PathBuf> {
    let cache = || std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache().or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")));
    let given = std::env::var_os("FIREWATCH_PEERS").map(PathBuf::from);
    let root = given.or_else(|| cache.map(|cache| cache.join("firewatch-peers")))?.join("root");
    let there = root.join("usr/bin/prometheus-alertmanager").is_file();
    if !there {
        eprintln!("skipped: no original in {}", root.display());
    }
    there.then_some(root)
}

/// Starts the original where its default templates can be seen; `None` where the system does not allow that.
pub(crate) async fn start_original(root: &Path, folder: &Path) -> Option<Original> {
    let port = std::net::TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let share = root.join("usr/share/prometheus");
    let script = format!(
        "mkdir -p /usr/share/prometheus && mount --bind '{}' /usr/share/prometheus && exec '{}' --config.file='{}' \
         --storage.path='{}' --web.listen-address={address} --cluster.listen-address= \
         --web.external-url=http://alertmanager.example",
        share.display(),
        root.join("usr/bin/prometheus-alertmanager").display(),
        folder.join("original.yml").display(),
        folder.join("original").display(),
    );
    let log = std::fs::File::create(folder.join("original.log")).ok()?;
    let process = Command::new("unshare")
        .args(["-m", "sh", "-c", &script])
        .stdout(Stdio::null())
        .stderr(Stdio::from(log))
        .spawn()
        .ok()?;
    let mut original = Original { process, address };
    let limit = Instant::now() + Duration::from_secs(20);
    while std::net::TcpStream::connect(address).is_err() {
        let ended = original.process.try_wait().ok()?.is_some();
        if ended || Instant::now() > limit {
            eprintln!("skipped: the original does not start here");
            return None;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Some(original)
}

/// Both daemons, with one configuration but for the receivers' address.
pub(crate) struct Pair {
    pub(crate) daemon: Daemon,
    original: Original,
}

impl Pair {
    /// Starts both. `None`, with the reason on standard error, where the original is not at hand.
    pub(crate) async fn start(config: &str, our_config: &str) -> Option<Self> {
        let root = peers()?;
        let daemon = Daemon::start(our_config).await;
        std::fs::write(daemon.folder.path().join("original.yml"), config).expect("writable");
        let original = start_original(&root, daemon.folder.path()).await?;
        Some(Self { daemon, original })
    }

    /// Reports alerts to both.
    pub(crate) async fn report(&self, alerts: &Value) {
        self.send("POST", "/api/v2/alerts", &alerts.to_string()).await;
    }

    /// Sends a request to both, which both must accept. Gives the answers, theirs and ours.
    pub(crate) async fn send(&self, method: &str, path: &str, body: &str) -> (String, String) {
        let (theirs, ours) = tokio::join!(
            request(self.original.address, method, path, body),
            request(self.daemon.app.address(), method, path, body)
        );
        assert_eq!((theirs.0, ours.0), (200, 200), "{path}: {} and {}", theirs.1, ours.1);
        (theirs.1, ours.1)
    }

    /// Expires a silence, which each of both knows under an id of its own.
    pub(crate) async fn delete_silence(&self, theirs: &str, ours: &str) {
        let path = |id: &str| format!("/api/v2/silence/{id}");
        let (theirs, ours) = (path(theirs), path(ours));
        let (theirs, ours) = tokio::join!(
            request(self.original.address, "DELETE", &theirs, ""),
            request(self.daemon.app.address(), "DELETE", &ours, "")
        );
        assert_eq!((theirs.0, ours.0), (200, 200), "{} and {}", theirs.1, ours.1);
    }

    /// What the original says about itself.
    pub(crate) fn original_log(&self) -> String {
        std::fs::read_to_string(self.daemon.folder.path().join("original.log")).unwrap_or_default()
    }
}

/// Waits until neither stand-in has got anything for a while: groups then have nothing more to tell.
pub(crate) async fn settle(theirs: &Target, ours: &Target) {
    let counts = || (theirs.requests().len(), ours.requests().len());
    let limit = Instant::now() + Duration::from_secs(40);
    let (mut last, mut since) = (counts(), Instant::now());
    while since.elapsed() < Duration::from_millis(2500) && Instant::now() < limit {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if counts() != last {
            (last, since) = (counts(), Instant::now());
        }
    }
}

/// A request as it is compared: method, address, the headers that receivers go by, body.
pub(crate) fn shown(request: &Recorded, headers: &[&str]) -> String {
    let mut text = format!("{} {}\n", request.method, request.path);
    for name in headers {
        if let Some(value) = request.header(name) {
            text.push_str(&format!("{name}: {value}\n"));
        }
    }
    text + &String::from_utf8_lossy(&request.body)
}
