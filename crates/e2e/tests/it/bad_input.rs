//! Bad configurations and bad targets: clear errors, nothing lost, the old state goes on.

use std::path::{Path, PathBuf};
use std::time::Duration;

use e2e::process::{Process, binary, free_port};
use e2e::stand_in::StandIn;
use e2e::{api, wait_for};

const BOUND: Duration = Duration::from_secs(60);
/// `EX_CONFIG` of sysexits.h.
const EXIT_CONFIG: i32 = 78;

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("the test's folder is writable");
    path
}

/// Starts `daemon` with a config that it must refuse, and checks exit code and message.
fn check_refused(daemon: &str, config_text: &str, storage_flag: &str, expected: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = write(folder.path(), "bad.yml", config_text);
    let mut process = Process::start(
        &binary(daemon),
        &[
            format!("--config.file={}", config.display()),
            format!("{storage_flag}={}", folder.path().join("data").display()),
            "--web.listen-address=127.0.0.1:0".to_owned(),
        ],
        folder.path(),
    );
    let status = process.wait();
    assert_eq!(status.code(), Some(EXIT_CONFIG), "{}", process.log());
    let expected = expected.replace("FILE", &config.display().to_string());
    assert!(process.log().contains(&expected), "{expected:?} is not in:\n{}", process.log());
}

#[test]
fn the_server_refuses_a_bad_config_and_says_where() {
    let flag = "--storage.tsdb.path";
    check_refused("server", "global:\n  scrape_interval: 5x\n", flag, "FILE:2:20: global.scrape_interval: ");
    check_refused(
        "server",
        "global:\n  scrape_intervall: 5s\n",
        flag,
        "FILE:2:3: global.scrape_intervall: unknown field",
    );
    check_refused(
        "server",
        "scrape_configs:\n- job_name: a\n- job_name: a\n",
        flag,
        "FILE:3:13: scrape_configs[1].job_name: ",
    );
    check_refused(
        "server",
        "scrape_configs:\n- job_name: a\n  relabel_configs:\n  - source_labels: [b]\n    regex: '('\n",
        flag,
        "FILE:",
    );
}

#[test]
fn the_alertmanager_refuses_a_bad_config_and_says_where() {
    let flag = "--storage.path";
    check_refused("alertmanager", "route: {receiver: a}\nreceivers:\n- name: b\n", flag, "FILE:1:");
    check_refused(
        "alertmanager",
        "route: {receiver: a}\nreceivers:\n- nam: a\n",
        flag,
        "FILE:3:3: receivers[0].nam: unknown field",
    );
}

#[test]
fn a_missing_config_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let missing = folder.path().join("nowhere.yml");
    let mut process = Process::start(
        &binary("server"),
        &[
            format!("--config.file={}", missing.display()),
            format!("--storage.tsdb.path={}", folder.path().join("data").display()),
            "--web.listen-address=127.0.0.1:0".to_owned(),
        ],
        folder.path(),
    );
    assert_eq!(process.wait().code(), Some(EXIT_CONFIG), "{}", process.log());
    assert!(process.log().contains("nowhere.yml"), "{}", process.log());
}

#[test]
fn a_bad_reload_keeps_the_old_config_and_bad_targets_show_why() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let good = StandIn::start("fine 1\n");
    let garbage = StandIn::start("this is {not a metric\n");
    let broken = StandIn::start("");
    broken.answer(500, "no");
    let big = StandIn::start(&"big 1\n".repeat(10_000));
    let text = format!(
        "global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}\nscrape_configs:\n\
         - {{job_name: good, static_configs: [{{targets: ['{}']}}]}}\n\
         - {{job_name: garbage, static_configs: [{{targets: ['{}']}}]}}\n\
         - {{job_name: broken, static_configs: [{{targets: ['{}']}}]}}\n\
         - {{job_name: big, body_size_limit: 1KB, static_configs: [{{targets: ['{}']}}]}}\n\
         - {{job_name: nobody, static_configs: [{{targets: ['127.0.0.1:{}']}}]}}\n",
        good.address(),
        garbage.address(),
        broken.address(),
        big.address(),
        free_port(),
    );
    let config = write(folder.path(), "prometheus.yml", &text);
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let mut server = Process::start(
        &binary("server"),
        &[
            format!("--config.file={}", config.display()),
            format!("--storage.tsdb.path={}", folder.path().join("data").display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
            "--web.enable-lifecycle".to_owned(),
        ],
        folder.path(),
    );
    server.wait_ready(&format!("{url}/-/ready"));
    for (job, reason) in [
        ("garbage", "line 1"),
        ("broken", "500 Internal Server Error"),
        ("big", "body size limit exceeded"),
        ("nobody", "refused"),
    ] {
        let error = wait_for(&format!("{job} shows as down"), BOUND, || target_error(&url, job));
        assert!(error.contains(reason), "{job}: {error:?} does not say {reason:?}");
        wait_for(&format!("up of {job} is 0"), BOUND, || up(&url, job).filter(|up| *up == 0.0));
    }

    write(folder.path(), "prometheus.yml", "global:\n  scrape_interval: 5x\n");
    let (status, answer) = api::post(&format!("{url}/-/reload"), "").expect("the server answers");
    assert_eq!(status, 500);
    assert!(answer.contains("prometheus.yml:2:20: global.scrape_interval"), "{answer}");
    let shown = api::get(&format!("{url}/api/v1/status/config")).expect("the config is shown");
    assert!(shown["data"]["yaml"].as_str().is_some_and(|yaml| yaml.contains("job_name: good")), "the old config stays");
    let scrapes = "count_over_time(up{job=\"good\"}[1h])";
    let before = wait_for("the good target was scraped", BOUND, || api::value(&url, scrapes));
    wait_for("scraping goes on", BOUND, || api::value(&url, scrapes).filter(|now| *now > before + 2.0));

    write(folder.path(), "prometheus.yml", &text.replace("job_name: good", "job_name: better"));
    server.hang_up();
    wait_for("a good config is taken", BOUND, || up(&url, "better").filter(|up| *up == 1.0));
    server.terminate();
}

fn up(url: &str, job: &str) -> Option<f64> {
    api::value(url, &format!("up{{job=\"{job}\"}}"))
}

fn target_error(url: &str, job: &str) -> Option<String> {
    let targets = api::get(&format!("{url}/api/v1/targets"))?;
    let targets = targets["data"]["activeTargets"].as_array()?.clone();
    let target = targets.into_iter().find(|target| target["scrapePool"] == job && target["health"] == "down")?;
    target["lastError"].as_str().map(str::to_owned)
}
