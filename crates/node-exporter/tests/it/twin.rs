//! Beside the original on this machine: the same names, types, help texts and labels.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::hosted::{difference, families, get, page_of};

/// The collectors that must agree in everything.
const BINDING: &str = "cpu meminfo loadavg filesystem netdev diskstats uname time vmstat stat";

/// Labels whose values are not the host's but the program's or the version's: 1.11 calls every disk not rotational when
/// any file of its queue is missing.
const NOT_COMPARED: &[&str] = &["node_exporter_build_info", "node_disk_info"];

const BOUND: Duration = Duration::from_secs(30);

/// A program that is one of the originals, if it is there.
fn peer(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("FIREWATCH_PEERS").map(PathBuf::from).or_else(|| {
        let home = std::env::var_os("HOME").map(PathBuf::from)?;
        Some(home.join(".cache/firewatch-peers/root/usr/bin"))
    })?;
    let path = folder.join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} is not there", path.display());
    None
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Flags that both programs take. The original of a distribution has other defaults for file systems.
fn flags() -> Vec<String> {
    let mut flags = vec![
        "--collector.disable-defaults".to_owned(),
        "--collector.filesystem.mount-points-exclude=^/(dev|proc|sys)($|/)".to_owned(),
    ];
    flags.extend(BINDING.split(' ').map(|name| format!("--collector.{name}")));
    flags
}

async fn page_of_original() -> Option<String> {
    let program = peer("prometheus-node-exporter")?;
    // A port that was free a moment ago: the original cannot be asked which one it took.
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("a port").port();
    let address = format!("127.0.0.1:{port}");
    let child = Command::new(program)
        .arg(format!("--web.listen-address={address}"))
        .args(flags())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the original starts");
    let _running = Running(child);
    let started = Instant::now();
    while tokio::net::TcpStream::connect(&address).await.is_err() {
        assert!(started.elapsed() < BOUND, "the original does not listen");
        tokio::task::yield_now().await;
    }
    Some(get(&address, "/metrics", "").await.text())
}

/// The help and type lines, and the series without their values.
fn shape(page: &str) -> BTreeSet<String> {
    let mut shape = BTreeSet::new();
    for (name, lines) in families(page).into_iter().filter(|(name, _)| !name.starts_with("go_")) {
        for line in lines {
            if line.starts_with('#') {
                shape.insert(line);
            } else if NOT_COMPARED.contains(&name.as_str()) {
                let names =
                    line.split('{').nth(1).unwrap_or("").split("\",").filter_map(|label| label.split('=').next());
                shape.insert(format!("{name} {}", names.collect::<Vec<_>>().join(" ")));
            } else {
                shape.insert(line.rsplit_once(' ').map_or(line.clone(), |(series, _)| series.to_owned()));
            }
        }
    }
    shape
}

#[tokio::test(flavor = "multi_thread")]
async fn the_binding_collectors_agree_with_the_original() {
    let Some(original) = page_of_original().await else { return };
    let ours = page_of(&flags()).await;
    let difference = difference(&shape(&original), &shape(&ours));
    assert!(difference.is_empty(), "- is the original's, + is ours:\n{difference}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_original_tool_finds_no_fault_in_the_page() {
    use std::io::Write as _;
    let Some(program) = peer("promtool") else { return };
    let page = page_of(&[]).await;
    let mut child = Command::new(program)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the tool starts");
    child.stdin.take().expect("it reads").write_all(page.as_bytes()).expect("it takes the page");
    let output = child.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stderr);
    // Names that the original's authors would choose otherwise today are complained about with another code than errors.
    assert!(output.status.code() != Some(1), "{text}");
    assert!(!text.contains("error while linting"), "{text}");
}
