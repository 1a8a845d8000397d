//! Three Redis servers behind one exporter: the walk-through's job, and the panels of the dashboard that people put on it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use e2e::process::{Process, binary, free_port, start_server};
use e2e::{acceptance, api, wait_for};
use serde_json::Value;

const BOUND: Duration = Duration::from_secs(60);

/// The walk-through's password.
const PASSWORD: &str = "test1234";

/// What the panels about memory of dashboard 763 ask, where its full list is not at hand.
const MEMORY_PANELS: &[&str] = &[
    "sum(100 * (redis_memory_used_bytes{instance=~\".*\"} / redis_memory_max_bytes{instance=~\".*\"}))",
    "redis_memory_used_bytes{instance=~\".*\"}",
];

/// A Redis with a password and some keys, where its server is installed, and its port.
fn start_redis(folder: &Path) -> Option<(Process, u16)> {
    let path = std::env::var_os("PATH")?;
    let mut programs = std::env::split_paths(&path).map(|folder| folder.join("redis-server"));
    let Some(program) = programs.find(|file| file.is_file()) else {
        eprintln!("skipped: there is no redis-server");
        return None;
    };
    let port = free_port();
    let number = port.to_string();
    let mut arguments = vec!["--port", &number, "--bind", "127.0.0.1", "--save", "", "--daemonize", "no"];
    arguments.extend(["--requirepass", PASSWORD, "--maxmemory", "100mb"]);
    let redis = Process::start(&program, &arguments, folder);
    wait_for("redis listens", BOUND, || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
    Some((redis, port))
}

/// The job as the walk-through has it, in front of these ports.
fn config(exporter: u16, servers: &[u16]) -> String {
    let targets: String = servers.iter().map(|port| format!("      - redis://127.0.0.1:{port}\n")).collect();
    format!(
        "global:\n  scrape_interval: 1s\nscrape_configs:\n- job_name: redis\n  static_configs:\n  - targets:\n{targets}  \
         metrics_path: /scrape\n  relabel_configs:\n  - source_labels: [__address__]\n    target_label: __param_target\n  \
         - source_labels: [__param_target]\n    target_label: instance\n  - target_label: __address__\n    \
         replacement: 127.0.0.1:{exporter}\n"
    )
}

/// All expressions of the dashboard, where they are at hand.
fn dashboard() -> Vec<String> {
    let folder = acceptance::folder().parent().map(Path::to_owned).unwrap_or_default();
    let list: PathBuf = folder.join("conformance/dashboards/expressions.jsonl");
    let text = std::fs::read_to_string(&list).unwrap_or_default();
    let rows = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let of_dashboard = rows.filter(|row| row["dashboard"] == "763");
    let expressions: Vec<String> = of_dashboard.filter_map(|row| row["expr"].as_str().map(str::to_owned)).collect();
    if expressions.is_empty() {
        eprintln!("skipped: the dashboard's other panels, for lack of {}", list.display());
    }
    MEMORY_PANELS.iter().map(|panel| (*panel).to_owned()).chain(expressions).collect()
}

#[test]
fn one_exporter_shows_three_servers_and_fills_the_dashboard() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut servers = Vec::new();
    for _ in 0..3 {
        let Some(redis) = start_redis(folder.path()) else { return };
        servers.push(redis);
    }
    let ports: Vec<u16> = servers.iter().map(|(_, port)| *port).collect();
    let exporter_port = free_port();
    let address = format!("127.0.0.1:{exporter_port}");
    // The walk-through's flags, single dashes and all.
    let flags = ["-web.listen-address", &address, "-redis.password", PASSWORD, "-redis.addr", ""];
    let mut exporter = Process::start(&binary("redis-exporter"), &flags, folder.path());
    exporter.wait_ready(&format!("http://{address}/metrics"));
    let (mut server, url) = start_server(&config(exporter_port, &ports), folder.path());
    wait_for("three targets are up", BOUND, || {
        let targets = api::get(&format!("{url}/api/v1/targets"))?;
        let targets = targets["data"]["activeTargets"].as_array()?;
        let up = targets.iter().filter(|target| target["health"] == "up" && target["scrapePool"] == "redis");
        (up.count() == 3).then_some(())
    });
    wait_for("three servers are up", BOUND, || (api::value(&url, "sum(redis_up)")? == 3.0).then_some(()));
    for port in &ports {
        let of_one = format!("redis_memory_used_bytes{{instance=\"redis://127.0.0.1:{port}\"}}");
        assert!(api::value(&url, &of_one).is_some_and(|bytes| bytes > 100_000.0), "{of_one}");
    }
    for expression in dashboard() {
        wait_for(&expression, BOUND, || Some(api::query(&url, &expression)?.first()?.clone()));
    }
    server.terminate();
    exporter.terminate();
}
