//! A full disk: samples stop, queries go on, and with room again samples come by themselves.

use std::process::Command;
use std::time::Duration;

use e2e::process::{Process, binary, free_port};
use e2e::small_disk::SmallDisk;
use e2e::stand_in::StandIn;
use e2e::{api, wait_for};

const BOUND: Duration = Duration::from_secs(60);

fn up(url: &str) -> f64 {
    api::value(url, "sum(count_over_time(up[10m]))").unwrap_or(0.0)
}

#[test]
fn samples_stop_and_come_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let Some(disk) = SmallDisk::mount(&folder.path().join("disk"), 96) else { return };
    // Half full already, so that a reserve is kept.
    std::fs::write(disk.path().join("others"), vec![1; 48 << 20]).expect("there is room for that");
    let target = StandIn::start("value 1\n");
    let config = folder.path().join("prometheus.yml");
    let text = format!(
        "global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}\nscrape_configs:\n- job_name: app\n  static_configs: \
         [{{targets: ['{}']}}]\n",
        target.address()
    );
    std::fs::write(&config, text).expect("the test's folder is writable");
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let arguments = [
        format!("--config.file={}", config.display()),
        format!("--storage.tsdb.path={}", disk.path().join("data").display()),
        format!("--web.listen-address=127.0.0.1:{port}"),
        "--web.enable-admin-api".to_owned(),
    ];
    let mut server = Process::start(&binary("server"), &arguments, folder.path());
    server.wait_ready(&format!("{url}/-/ready"));
    wait_for("samples", BOUND, || Some(()).filter(|()| up(&url) > 3.0));
    wait_for("a reserve", BOUND, || disk.path().join("data/reserve").is_file().then_some(()));
    // Somebody else takes all the room.
    let ballast = disk.path().join("ballast");
    let filled = Command::new("dd")
        .args(["if=/dev/zero", "bs=1M", "status=none"])
        .arg(format!("of={}", ballast.display()))
        .output();
    assert!(filled.is_ok_and(|filled| !filled.status.success()), "the disk is full");
    let full =
        || api::text(&format!("{url}/metrics")).is_some_and(|page| page.contains("firewatch_storage_disk_full 1"));
    wait_for("the disk to be found full", BOUND, || full().then_some(()));
    assert!(!disk.path().join("data/reserve").exists(), "the reserve was given up");
    let before = up(&url);
    std::thread::sleep(Duration::from_secs(2));
    assert!(before > 3.0 && (up(&url) - before).abs() < 0.5, "no samples come, those there are are shown");
    // Deleting and cleaning work with what the reserve left.
    let (status, answer) =
        api::post(&format!("{url}/api/v1/admin/tsdb/delete_series?match[]=value"), "").expect("answered");
    assert_eq!(status, 204, "{answer}");
    assert!(api::query(&url, "value").is_some_and(|found| found.is_empty()));
    let (status, answer) = api::post(&format!("{url}/api/v1/admin/tsdb/clean_tombstones"), "").expect("answered");
    assert_eq!(status, 204, "{answer}");
    std::fs::remove_file(&ballast).expect("it is ours");
    wait_for("samples again", BOUND, || Some(()).filter(|()| up(&url) > before + 3.0));
    wait_for("a reserve again", BOUND, || disk.path().join("data/reserve").is_file().then_some(()));
    // Nothing is corrupt: it starts on it again, and shows the same.
    let shown = up(&url);
    server.kill_9();
    let mut server = Process::start(&binary("server"), &arguments, folder.path());
    server.wait_ready(&format!("{url}/-/ready"));
    assert!(up(&url) >= shown);
    let page = api::text(&format!("{url}/metrics")).expect("a page");
    for fine in ["firewatch_storage_damaged_blocks_total 0", "prometheus_tsdb_wal_corruptions_total 0"] {
        assert!(page.contains(fine), "{fine}");
    }
    server.terminate();
    drop(server);
}
