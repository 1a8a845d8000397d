//! A real sentinel that watches a real master.

use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use e2e::process::{Process, free_port};

use crate::common::Redis;
use crate::{Exporter, assert_lines};

/// Starts a sentinel on a file of settings, which it writes to; gives its address too.
fn start(folder: &Path, config: &str) -> (Process, String) {
    let port = free_port();
    let number = port.to_string();
    let arguments = [config, "--port", &number, "--bind", "127.0.0.1", "--sentinel"];
    let process = Process::start(Path::new("redis-server"), &arguments, folder);
    e2e::wait_for("the sentinel listens", Duration::from_secs(20), || TcpStream::connect(("127.0.0.1", port)).ok());
    (process, format!("redis://127.0.0.1:{port}"))
}

#[test]
fn a_sentinel_shows_its_masters() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(master) = Redis::start(folder.path(), &[]) else { return };
    let config = folder.path().join("sentinel.conf");
    let text =
        format!("sentinel monitor shop 127.0.0.1 {} 1\nsentinel down-after-milliseconds shop 5000\n", master.port);
    std::fs::write(&config, text).expect("writable");
    let config = config.display().to_string();
    let (_sentinel, url) = start(folder.path(), &config);
    let exporter = Exporter::start(&["--redis.addr", &url, "--include-config-metrics"]);
    let address = format!("127.0.0.1:{}", master.port);
    let labels = format!("master_address=\"{address}\",master_name=\"shop\"");
    let status = format!(
        "redis_sentinel_master_status{{master_address=\"{address}\",master_name=\"shop\",master_status=\"ok\"}} 1"
    );
    let page = e2e::wait_for("the master is watched", Duration::from_secs(30), || {
        Some(exporter.page()).filter(|page| page.lines().any(|line| line == status))
    });
    assert_lines(
        &page,
        &[
            "redis_up 1",
            "redis_sentinel_masters 1",
            "redis_sentinel_tilt 0",
            &format!("redis_sentinel_master_slaves{{{labels}}} 0"),
            &format!("redis_sentinel_master_sentinels{{{labels}}} 1"),
            &format!("redis_sentinel_master_ok_sentinels{{{labels}}} 1"),
            &format!("redis_sentinel_master_setting_down_after_milliseconds{{{labels}}} 5000"),
        ],
    );
    for part in [
        "redis_sentinel_master_ckquorum_status{master_name=\"shop\",message=\"OK 1 ",
        "redis_sentinel_config_key_value{key=\"announce-port\"",
    ] {
        assert!(page.contains(part), "no {part} in:\n{page}");
    }
}
