//! Our daemons and the originals in one chain. Where the originals are not at hand, each test says that it was skipped.

mod rules;
mod soak;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use e2e::process::{Process, binary, free_port, peer, start_server};
use e2e::{acceptance, api, wait_for};
use serde_json::Value;

const BOUND: Duration = Duration::from_secs(60);

/// The active target of a job once it is up.
fn target_up(url: &str, job: &str) -> Value {
    wait_for(&format!("{job} is up"), BOUND, || {
        let targets = api::get(&format!("{url}/api/v1/targets"))?;
        let targets = targets["data"]["activeTargets"].as_array()?.clone();
        targets.into_iter().find(|target| target["scrapePool"] == job && target["health"] == "up")
    })
}

#[test]
fn the_original_server_scrapes_our_node_exporter() {
    let Some(prometheus) = peer("prometheus") else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [node_port, port] = [free_port(), free_port()];
    let mut node = Process::start(
        &binary("node-exporter"),
        &[format!("--web.listen-address=127.0.0.1:{node_port}")],
        folder.path(),
    );
    node.wait_ready(&format!("http://127.0.0.1:{node_port}/metrics"));
    let config = folder.path().join("original.yml");
    let text = format!(
        "global: {{scrape_interval: 1s}}\nscrape_configs:\n- {{job_name: node, static_configs: [{{targets: ['127.0.0.1:{node_port}']}}]}}\n"
    );
    std::fs::write(&config, text).expect("the test's folder is writable");
    let mut original = Process::start(
        &prometheus,
        &[
            format!("--config.file={}", config.display()),
            format!("--storage.tsdb.path={}", folder.path().join("original").display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
        ],
        folder.path(),
    );
    let url = format!("http://127.0.0.1:{port}");
    original.wait_ready(&format!("{url}/-/ready"));
    let target = target_up(&url, "node");
    assert_eq!(target["lastError"], "", "the page parses");
    let samples = api::value(&url, "scrape_samples_scraped{job=\"node\"}").unwrap_or_default();
    assert!(samples > 100.0, "only {samples} samples");
}

#[test]
fn our_server_scrapes_the_original_exporters() {
    let exporters = [
        ("node", peer("prometheus-node-exporter"), "/metrics"),
        ("redis", peer("prometheus-redis-exporter"), "/metrics"),
        ("push", peer("prometheus-pushgateway"), "/metrics"),
    ];
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut running = Vec::new();
    let mut config = "global: {scrape_interval: 1s}\nscrape_configs:\n".to_owned();
    for (job, program, path) in &exporters {
        let Some(program) = program else { return };
        let port = free_port();
        let mut arguments = vec![format!("--web.listen-address=127.0.0.1:{port}")];
        if *job == "redis" {
            let Some((redis, address)) = start_redis(folder.path()) else { return };
            running.push(redis);
            arguments.push(format!("--redis.addr=redis://{address}"));
        }
        if *job == "push" {
            arguments.push(format!("--persistence.file={}", folder.path().join("push").display()));
        }
        let mut process = Process::start(program, &arguments, folder.path());
        process.wait_ready(&format!("http://127.0.0.1:{port}{path}"));
        running.push(process);
        config.push_str(&format!("- {{job_name: {job}, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}\n"));
    }
    let (mut server, url) = start_server(&config, folder.path());
    for (job, ..) in &exporters {
        let target = target_up(&url, job);
        assert_eq!(target["lastError"], "", "{job}");
        let samples = wait_for("a count of samples", BOUND, || {
            api::value(&url, &format!("scrape_samples_scraped{{job=\"{job}\"}}"))
        });
        assert!(samples > 30.0, "{job}: only {samples} samples");
    }
    server.terminate();
}

/// A real Redis, where its server is installed, and its address.
fn start_redis(folder: &Path) -> Option<(Process, String)> {
    let path = std::env::var_os("PATH")?;
    let Some(program) =
        std::env::split_paths(&path).map(|folder| folder.join("redis-server")).find(|file| file.is_file())
    else {
        eprintln!("skipped: there is no redis-server");
        return None;
    };
    let port = free_port().to_string();
    let arguments = ["--port", &port, "--bind", "127.0.0.1", "--save", "", "--daemonize", "no"];
    let redis = Process::start(&program, &arguments, folder);
    let address = format!("127.0.0.1:{port}");
    wait_for("redis listens", BOUND, || std::net::TcpStream::connect(&address).ok());
    Some((redis, address))
}

#[test]
fn the_original_alertmanager_takes_our_alerts() {
    let Some(alertmanager) = peer("prometheus-alertmanager") else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [port, dead_port] = [free_port(), free_port()];
    let config = folder.path().join("am.yml");
    std::fs::write(&config, "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n").expect("writable");
    let Some(mut original) = start_original_alertmanager(&alertmanager, &config, port, folder.path()) else { return };
    let am_url = format!("http://127.0.0.1:{port}");
    original.wait_ready(&format!("{am_url}/-/ready"));
    let rules = folder.path().join("rules.yml");
    let rules_text = "groups:\n- name: g\n  rules:\n  - alert: Down\n    expr: up == 0\n    labels: {severity: critical}\n    annotations: {summary: 'no {{ $labels.instance }} – Größe'}\n";
    std::fs::write(&rules, rules_text).expect("writable");
    let text = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s, external_labels: {{site: here}}}}\nrule_files: [rules.yml]\n\
         alerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]}}\n\
         scrape_configs:\n- {{job_name: dead, static_configs: [{{targets: ['127.0.0.1:{dead_port}']}}]}}\n"
    );
    let (mut server, _) = start_server(&text, folder.path());
    let alert = wait_for("the original Alertmanager knows the alert", BOUND, || {
        api::get(&format!("{am_url}/api/v2/alerts"))?.as_array()?.first().cloned()
    });
    assert_eq!(alert["labels"]["alertname"], "Down");
    assert_eq!(alert["labels"]["site"], "here", "external labels come along");
    assert_eq!(alert["annotations"]["summary"], format!("no 127.0.0.1:{dead_port} – Größe"));
    assert_eq!(alert["status"]["state"], "active");
    assert!(alert["generatorURL"].as_str().is_some_and(|url| url.contains("/graph?g0.expr=up")), "{alert}");
    server.terminate();
}

/// Debian's build reads its default templates from the system's share folder; a mount namespace of its own shows it the
/// unpacked one. That takes root.
fn start_original_alertmanager(program: &Path, config: &Path, port: u16, folder: &Path) -> Option<Process> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: starting the original Alertmanager takes root");
        return None;
    }
    let share = program.parent()?.parent()?.join("share/prometheus");
    let script = "mkdir -p /usr/share/prometheus && mount --bind \"$0\" /usr/share/prometheus && exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", script]).arg(share).arg(program);
    command.arg(format!("--config.file={}", config.display()));
    command.arg(format!("--storage.path={}", folder.join("original-am").display()));
    command.args([format!("--web.listen-address=127.0.0.1:{port}"), "--cluster.listen-address=".to_owned()]);
    Some(Process::start_command(&mut command, folder))
}

#[test]
fn both_amtools_agree_on_the_walk_throughs_config() {
    let Some(amtool) = peer("amtool") else { return };
    let good = acceptance::folder().join("config/alertmanager.yml");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let bad = folder.path().join("bad.yml");
    std::fs::write(&bad, "route: {receiver: nobody}\nreceivers: [{name: somebody}]\n").expect("writable");
    for (file, accepted) in [(&good, true), (&bad, false)] {
        for program in [&amtool, &binary("amtool")] {
            let output = Command::new(program).arg("check-config").arg(file).output().expect("amtool runs");
            let text =
                format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            assert_eq!(output.status.success(), accepted, "{} on {}: {text}", program.display(), file.display());
        }
    }
}
