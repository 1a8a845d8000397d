//! The delete commands of the walk-through, as written there; room on the disk falls; a kill in the middle of cleaning
//! does not stop it.

use std::path::Path;
use std::time::Duration;

use e2e::process::{Process, binary, free_port};
use e2e::{api, wait_for};
use serde_json::Value;

const BOUND: Duration = Duration::from_secs(60);
const HOUR: i64 = 3600;

fn start(folder: &Path) -> (Process, String) {
    let port = free_port();
    let config = folder.join("prometheus.yml");
    std::fs::write(&config, "").expect("the test's folder is writable");
    let arguments = [
        format!("--config.file={}", config.display()),
        format!("--storage.tsdb.path={}", folder.join("data").display()),
        format!("--web.listen-address=127.0.0.1:{port}"),
        "--web.enable-admin-api".to_owned(),
    ];
    let mut server = Process::start(&binary("server"), &arguments, folder);
    let url = format!("http://127.0.0.1:{port}");
    server.wait_ready(&format!("{url}/-/ready"));
    (server, url)
}

/// Samples of ten days, so that there are many partitions, of all series that the commands name.
fn fill(folder: &Path) {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock").as_secs() as i64;
    let named = [
        "a_bad_metric{job=\"x\"}",
        "other{region=\"mistake\"}",
        "node_exporter:memory:percent{instance=\"127.0.0.1:9100\"}",
        "node_filesystem_free_percent{job=\"node\"}",
        "node_memory_MemFree_percent{job=\"node\"}",
        "ALERTS{alertname=\"a\"}",
        "ALERTS_FOR_STATE{alertname=\"a\"}",
        "jmx{job=\"jmx_service\"}",
        "up{instance=\"127.0.0.1:9100\",job=\"node\"}",
        "some{foo=\"bar\"}",
        "kept{job=\"kept\"}",
    ];
    let bulk: Vec<String> = (0..200).map(|at| format!("bulk{{job=\"jmx_service\",series=\"{at}\"}}")).collect();
    let mut text = String::new();
    for series in named.iter().map(|name| (*name).to_owned()).chain(bulk) {
        for step in 0..240 {
            // Values that do not compress well.
            let value = (step * 7919_i64 + series.len() as i64 * 104_729) % 99_991;
            text.push_str(&format!("{series} {}.{value} {}\n", value % 97, now - (240 - step) * HOUR));
        }
    }
    text.push_str("# EOF\n");
    let input = folder.join("input.txt");
    std::fs::write(&input, text).expect("the test's folder is writable");
    let done = std::process::Command::new(binary("promtool"))
        .args(["tsdb", "create-blocks-from", "openmetrics"])
        .args([&input, &folder.join("data")])
        .output()
        .expect("the tool runs");
    assert!(done.status.success(), "{done:?}");
}

fn post(url: &str, target: &str) -> u16 {
    let encoded: String = target.replace('{', "%7B").replace('}', "%7D").replace('"', "%22").replace('+', "%2B");
    api::post(&format!("{url}{encoded}"), "").map_or(0, |(status, _)| status)
}

fn names(url: &str) -> Vec<String> {
    let answer = api::get(&format!("{url}/api/v1/label/__name__/values")).unwrap_or_default();
    answer["data"].as_array().into_iter().flatten().filter_map(|name| Some(name.as_str()?.to_owned())).collect()
}

fn has(url: &str, selector: &str) -> bool {
    !api::query(url, &format!("last_over_time({selector}[11d])")).expect("a good query").is_empty()
}

fn bytes_below(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => bytes_below(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}

fn cleaning(url: &str) -> Value {
    api::get(&format!("{url}/api/v1/status/cleaning")).map(|mut answer| answer["data"].take()).unwrap_or_default()
}

#[test]
fn the_commands_of_the_walk_through_delete() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fill(folder.path());
    let (mut server, url) = start(folder.path());
    let delete = "/api/v1/admin/tsdb/delete_series?";
    assert_eq!(
        ureq::get(format!("{url}{delete}match[]=up")).call().map_err(|error| error.to_string()).err().as_deref(),
        Some("http status: 405")
    );
    for (matches, gone) in [
        ("match[]={foo=\"bar\"}", vec!["some"]),
        ("match[]={job=\"jmx_service\"}", vec!["jmx", "bulk"]),
        ("match[]={instance=\"127.0.0.1:9100\"}", vec!["up", "node_exporter:memory:percent"]),
        ("match[]=a_bad_metric&match[]={region=\"mistake\"}", vec!["a_bad_metric", "other"]),
        ("match[]=node_exporter:memory:percent", vec![]),
        ("match[]=node_filesystem_free_percent", vec!["node_filesystem_free_percent"]),
        ("match[]=node_memory_MemFree_percent", vec!["node_memory_MemFree_percent"]),
        ("match[]=ALERTS", vec!["ALERTS"]),
        ("match[]=ALERTS_FOR_STATE", vec!["ALERTS_FOR_STATE"]),
    ] {
        assert!(gone.iter().all(|name| has(&url, name)), "{matches}");
        assert_eq!(post(&url, &format!("{delete}{matches}")), 204, "{matches}");
        assert!(gone.iter().all(|name| !has(&url, name)), "{matches}");
        assert!(
            gone.iter().all(|name| !names(&url).contains(&(*name).to_owned())),
            "{matches}: the name is still there"
        );
    }
    assert!(has(&url, "kept"));
    let tables = folder.path().join("data/database");
    let before = bytes_below(&tables);
    assert_eq!(post(&url, "/api/v1/admin/tsdb/clean_tombstones"), 204);
    let done = cleaning(&url);
    assert_eq!((done["running"].as_bool(), done["done"].as_u64()), (Some(false), done["partitions"].as_u64()));
    assert!(done["partitions"].as_u64() > Some(5) && done["freedBytes"].as_u64() > Some(0), "{done}");
    let after = wait_for("room on the disk", BOUND, || Some(bytes_below(&tables)).filter(|bytes| bytes * 2 < before));
    eprintln!("{before} bytes before cleaning, {after} after: {done}");
    assert_eq!(post(&url, &format!("{delete}match[]={{__name__=~\".+\"}}")), 204);
    assert!(names(&url).is_empty() && !has(&url, "kept"));
    server.terminate();
}

#[test]
fn cleaning_goes_on_after_a_kill() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fill(folder.path());
    let (mut server, url) = start(folder.path());
    assert_eq!(post(&url, "/api/v1/admin/tsdb/delete_series?match[]={job=\"jmx_service\"}"), 204);
    let tables = folder.path().join("data/database");
    let before = bytes_below(&tables);
    let clean = {
        let url = url.clone();
        std::thread::spawn(move || post(&url, "/api/v1/admin/tsdb/clean_tombstones"))
    };
    wait_for("the first partition", BOUND, || {
        Some(cleaning(&url)).filter(|cleaning| cleaning["done"].as_u64() > Some(0))
    });
    server.kill_9();
    let interrupted = clean.join().expect("the request ends") != 204;
    eprintln!("cleaning was {} by the kill", if interrupted { "interrupted" } else { "through before" });
    let (mut server, url) = start(folder.path());
    assert!(!has(&url, "bulk") && has(&url, "kept"));
    wait_for("the end of cleaning", BOUND, || {
        Some(cleaning(&url)).filter(|cleaning| cleaning["deletions"] == 0 && cleaning["running"] == false)
    });
    wait_for("room on the disk", BOUND, || Some(bytes_below(&tables)).filter(|bytes| bytes * 2 < before));
    assert!(!has(&url, "bulk") && has(&url, "kept"));
    server.terminate();
}
