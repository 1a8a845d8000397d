//! The original beside ours: the same alerts, the same requests to the receiver, byte for byte.
//!
//! The original is looked for in the folder that `FIREWATCH_PEERS` names, else in `firewatch-peers` of the user's cache.
//! Without it, or without the acceptance files, the test says that it was skipped.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Daemon, Received, Receiver, request, seconds_from_now, wait_until};

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

/// The acceptance configuration with another receiver and no waiting, and the folder that its templates are in.
fn acceptance(receiver: &Receiver) -> Option<String> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared"));
    let folder = std::env::var_os("FIREWATCH_SHARED").map_or_else(beside, PathBuf::from).join("acceptance");
    let Ok(text) = std::fs::read_to_string(folder.join("config/alertmanager.yml")) else {
        eprintln!("skipped: no acceptance files in {}", folder.display());
        return None;
    };
    let folder = folder.canonicalize().expect("there");
    Some(
        text.replace("127.0.0.1:18080", &receiver.address.to_string())
            .replace("'../templates/", &format!("'{}/templates/", folder.display()))
            .replace("group_wait: 10s", "group_wait: 500ms")
            .replace("group_interval: 1m", "group_interval: 1s"),
    )
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
    let process = Command::new("unshare").args(["-m", "sh", "-c", &script]).stderr(Stdio::null()).spawn().ok()?;
    let mut original = Original { process, address };
    let limit = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while std::net::TcpStream::connect(address).is_err() {
        let ended = original.process.try_wait().ok()?.is_some();
        if ended || std::time::Instant::now() > limit {
            eprintln!("skipped: the original does not start here");
            return None;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    Some(original)
}

/// Bodies in an order of their own: groups are told in none.
fn bodies(received: Vec<Received>) -> Vec<Received> {
    let mut received = received;
    received.sort_by(|left, right| left.body.cmp(&right.body));
    received
}

fn alerts() -> [Value; 4] {
    let alert = |name: &str, instance: &str, severity: &str, description: &str| {
        json!({
            "labels": {"alertname": name, "instance": instance, "severity": severity, "job": "linux"},
            "annotations": {"message": format!("Instance {instance} "), "description": description},
            "startsAt": seconds_from_now(0),
            "endsAt": seconds_from_now(600),
            "generatorURL": "http://server:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
        })
    };
    [
        alert("Server Down", "127.0.0.1:9100", "critical", "labels=map[instance:127.0.0.1:9100] Value=0"),
        alert("Server Down", "localhost:9100", "critical", ""),
        alert("Server CPU Warnning", "h\u{f6}st \u{d55c}\u{ae00} \u{1f642}", "warning", "<b>80%</b> & \"more\"\n\ttab"),
        alert("Heap Used Critical", "", "", "\u{2028}\u{7f}\\"),
    ]
}

#[tokio::test]
async fn slack_gets_the_same_requests_from_both() {
    let (theirs, ours) = (Receiver::start().await, Receiver::start().await);
    let (Some(root), Some(config), Some(peer_config)) = (peers(), acceptance(&ours), acceptance(&theirs)) else {
        return;
    };
    let daemon = Daemon::start(&config).await;
    std::fs::write(daemon.folder.path().join("original.yml"), peer_config).expect("writable");
    let Some(original) = start_original(&root, daemon.folder.path()).await else { return };

    let report = async |alerts: &Value| {
        daemon.report(alerts).await;
        assert_eq!(request(original.address, "POST", "/api/v2/alerts", &alerts.to_string()).await.0, 200);
    };
    let [first, second, third, fourth] = alerts();
    let resolved = |alert: &Value| {
        let mut alert = alert.clone();
        alert["endsAt"] = json!(seconds_from_now(0));
        alert
    };
    let both_got = async |count: usize| {
        wait_until(&format!("{count} requests to both"), || {
            theirs.received().len() >= count && ours.received().len() >= count
        })
        .await;
    };
    report(&json!([first, second, third, fourth])).await;
    both_got(3).await;
    report(&json!([resolved(&first)])).await;
    both_got(4).await;
    report(&json!([resolved(&second), resolved(&third), resolved(&fourth)])).await;
    both_got(7).await;
    assert_eq!(bodies(ours.received()), bodies(theirs.received()));
    daemon.app.stop().await;
}
