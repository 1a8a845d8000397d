//! An alert's journey: node exporter down → server → alertmanager → Slack, and back up again.

use std::path::Path;
use std::time::Duration;

use e2e::process::{Process, binary, free_port};
use e2e::stand_in::StandIn;
use e2e::{acceptance, api, wait_for};
use serde_json::Value;

/// Shortened intervals: a second where the walk-through has fifteen, two where it has thirty or a minute.
const BOUND: Duration = Duration::from_secs(60);

#[test]
fn slack_hears_when_a_server_goes_down_and_when_it_is_back() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let slack = StandIn::start("ok");
    let [server_port, node_port, alertmanager_port] = [free_port(), free_port(), free_port()];
    let node_address = format!("127.0.0.1:{node_port}");
    acceptance::copy(
        folder.path(),
        &[
            ("127.0.0.1:18080", &slack.address()),
            ("localhost:9090", &format!("127.0.0.1:{server_port}")),
            ("127.0.0.1:9093", &format!("127.0.0.1:{alertmanager_port}")),
            ("127.0.0.1:9100", &node_address),
            ("scrape_interval:     15s", "scrape_interval: 1s"),
            ("evaluation_interval: 15s", "evaluation_interval: 1s"),
            ("for: 30s", "for: 2s"),
            ("group_wait: 10s", "group_wait: 1s"),
            ("group_interval: 1m", "group_interval: 2s"),
        ],
    );
    only_these_jobs(&folder.path().join("config/prometheus.yml"));

    let mut node = start_node(&node_address, folder.path());
    let alertmanager_url = format!("http://127.0.0.1:{alertmanager_port}");
    let mut alertmanager = Process::start(
        &binary("alertmanager"),
        &[
            format!("--config.file={}", folder.path().join("config/alertmanager.yml").display()),
            format!("--storage.path={}", folder.path().join("alertmanager").display()),
            format!("--web.listen-address=127.0.0.1:{alertmanager_port}"),
            "--cluster.advertise-address=0.0.0.0:9093".to_owned(),
        ],
        folder.path(),
    );
    alertmanager.wait_ready(&format!("{alertmanager_url}/-/ready"));
    let server_url = format!("http://127.0.0.1:{server_port}");
    let mut server = Process::start(
        &binary("server"),
        &[
            format!("--config.file={}", folder.path().join("config/prometheus.yml").display()),
            format!("--storage.tsdb.path={}", folder.path().join("data").display()),
            format!("--web.listen-address=127.0.0.1:{server_port}"),
            "--web.enable-admin-api".to_owned(),
        ],
        folder.path(),
    );
    server.wait_ready(&format!("{server_url}/-/ready"));
    let up = format!("up{{instance=\"{node_address}\"}}");
    wait_for("the node exporter is up", BOUND, || api::value(&server_url, &up).filter(|value| *value == 1.0));
    assert!(slack.received().is_empty(), "nothing is wrong yet: {:?}", slack.received());

    node.terminate();
    let firing = wait_for("Slack hears of it", BOUND, || message(&slack, "Server Down firing"));
    assert_eq!(firing.path, "/services/T000/B000/secret");
    let attachment = check_message(&firing.body, ":alert: Server Down firing");
    let text = attachment["text"].as_str().unwrap_or_default();
    assert!(text.contains(&format!("Instance {node_address}")), "the text names the instance: {text:?}");
    assert_eq!(attachment["color"], "danger");

    let node = start_node(&node_address, folder.path());
    let resolved = wait_for("Slack hears the end of it", BOUND, || message(&slack, "Server Down resolved"));
    let attachment = check_message(&resolved.body, ":green_heart: Server Down resolved");
    assert_eq!(attachment["color"], "good");

    drop(node);
    server.terminate();
    alertmanager.terminate();
}

fn start_node(address: &str, folder: &Path) -> Process {
    let mut node = Process::start(&binary("node-exporter"), &[format!("--web.listen-address={address}")], folder);
    node.wait_ready(&format!("http://{address}/metrics"));
    node
}

fn message(slack: &StandIn, title: &str) -> Option<e2e::stand_in::Received> {
    slack.received().into_iter().find(|received| received.body.contains(title))
}

/// Checks what every message has and gives its only attachment.
fn check_message(body: &str, title: &str) -> Value {
    let message: Value = serde_json::from_str(body).expect("Slack gets JSON");
    assert_eq!(message["channel"], "#error");
    assert_eq!(message["icon_emoji"], ":prometheus:");
    let attachments = message["attachments"].as_array().expect("a list of attachments");
    assert_eq!(attachments.len(), 1);
    assert_eq!(attachments[0]["title"], title);
    attachments[0].clone()
}

/// The walk-through's other jobs have no server here: they would fire too. Keeps the server's own job and the node's.
fn only_these_jobs(config: &Path) {
    let text = std::fs::read_to_string(config).expect("the config was copied");
    let (head, jobs) = text.split_once("scrape_configs:\n").expect("the config has scrape configs");
    let mut kept = format!("{head}scrape_configs:\n");
    for job in jobs.split("  - job_name: ").skip(1) {
        if job.starts_with("'prometheus'") || job.starts_with("'linux_server_node_exporter'") {
            kept.push_str("  - job_name: ");
            // The walk-through lists the node a second time by name; one is enough to go down.
            kept.push_str(&job.replace(", 'localhost:9100'", ""));
        }
    }
    std::fs::write(config, kept).expect("the test's folder is writable");
}
