//! `kill -9` of the server while it scrapes: what a query had shown before is there afterwards.

use std::collections::BTreeSet;
use std::time::Duration;

use e2e::process::{Process, binary, free_port};
use e2e::stand_in::StandIn;
use e2e::{api, wait_for};

const BOUND: Duration = Duration::from_secs(60);
const TARGETS: usize = 4;
const SERIES: usize = 50;

/// One sample as the API shows it: series, time, value.
type Shown = BTreeSet<(String, String, String)>;

#[test]
fn a_killed_server_has_every_sample_that_it_had_shown() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let targets: Vec<StandIn> = (0..TARGETS).map(|_| StandIn::start(&page(0))).collect();
    let addresses: Vec<String> = targets.iter().map(|target| format!("'{}'", target.address())).collect();
    let config = folder.path().join("prometheus.yml");
    let text = format!(
        "global: {{scrape_interval: 100ms, scrape_timeout: 100ms}}\nscrape_configs:\n- job_name: crash\n  static_configs:\n  - targets: [{}]\n",
        addresses.join(", ")
    );
    std::fs::write(&config, text).expect("the test's folder is writable");
    let data = folder.path().join("data");
    let mut shown = Shown::new();
    for round in 0..3 {
        let port = free_port();
        let url = format!("http://127.0.0.1:{port}");
        let mut server = Process::start(
            &binary("server"),
            &[
                format!("--config.file={}", config.display()),
                format!("--storage.tsdb.path={}", data.display()),
                format!("--web.listen-address=127.0.0.1:{port}"),
            ],
            folder.path(),
        );
        server.wait_ready(&format!("{url}/-/ready"));
        let after_restart = samples(&url);
        let lost: Vec<_> = shown.difference(&after_restart).take(5).collect();
        assert!(
            lost.is_empty(),
            "round {round}: lost {} samples, as {lost:?}",
            shown.difference(&after_restart).count()
        );
        for change in 1..=10 {
            for target in &targets {
                target.answer(200, &page(round * 10 + change));
            }
            let before = shown.len();
            let a_round = before + TARGETS * SERIES;
            shown = wait_for("new samples", BOUND, || Some(samples(&url)).filter(|now| now.len() >= a_round));
        }
        server.kill_9();
    }
}

fn page(change: usize) -> String {
    (0..SERIES).map(|series| format!("crash_total{{series=\"{series}\"}} {}\n", change * (series + 1))).collect()
}

fn samples(url: &str) -> Shown {
    let mut shown = Shown::new();
    for series in api::query(url, "crash_total[1h]").unwrap_or_default() {
        let labels = series["metric"].to_string();
        for sample in series["values"].as_array().into_iter().flatten() {
            shown.insert((labels.clone(), sample[0].to_string(), sample[1].to_string()));
        }
    }
    shown
}
