//! What of the storage section can be changed while the server runs: how much of the disk is used, and how late samples
//! may come.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use e2e::process::{Process, binary, free_port};
use e2e::remote_write::{self, Series};
use e2e::small_disk::SmallDisk;
use e2e::{api, wait_for};

const BOUND: Duration = Duration::from_secs(60);
const MINUTE_MS: u64 = 60_000;

struct Rig {
    server: Process,
    url: String,
    config: PathBuf,
}

impl Rig {
    fn start(folder: &Path, data: &Path) -> Self {
        let config = folder.join("prometheus.yml");
        std::fs::write(&config, "{}\n").expect("the test's folder is writable");
        let port = free_port();
        let url = format!("http://127.0.0.1:{port}");
        let arguments = [
            format!("--config.file={}", config.display()),
            format!("--storage.tsdb.path={}", data.display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
            "--web.enable-remote-write-receiver".to_owned(),
            "--web.enable-admin-api".to_owned(),
            "--web.enable-lifecycle".to_owned(),
        ];
        let mut server = Process::start(&binary("server"), &arguments, folder);
        server.wait_ready(&format!("{url}/-/ready"));
        Self { server, url, config }
    }

    /// Puts `text` under `storage.tsdb` of the configuration.
    fn configure(&self, text: &str) {
        let text = format!("storage: {{tsdb: {{{text}}}}}\n");
        std::fs::write(&self.config, text).expect("the test's folder is writable");
        self.post("/-/reload");
    }

    fn post(&self, path: &str) {
        let answer = api::post(&format!("{}{path}", self.url), "");
        assert!(answer.as_ref().is_some_and(|(status, _)| *status < 300), "{path}: {answer:?}: {}", self.server.log());
    }

    fn write(&self, series: &[Series<'_>]) -> (u16, String) {
        remote_write::send(&remote_write::agent(), &self.url, &remote_write::body(series)).expect("an answer")
    }

    fn metric(&self, name: &str) -> f64 {
        let page = api::text(&format!("{}/metrics", self.url)).unwrap_or_default();
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.parse().ok()).unwrap_or(f64::NAN)
    }
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64)
}

/// Values that do not get smaller by being packed.
fn noise(seed: u64) -> f64 {
    let bits = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    f64::from_bits((bits ^ bits >> 29) & !(0x7ff << 52) | 1023 << 52)
}

#[test]
fn the_oldest_leave_when_the_share_of_the_disk_is_used_up() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let Some(disk) = SmallDisk::mount(&folder.path().join("disk"), 128) else { return };
    let mut rig = Rig::start(folder.path(), &disk.path().join("data"));
    // Some 6 MB in the windows of the last hour.
    let from_ms = now_ms() - 55 * MINUTE_MS;
    for step in 0..55_u64 {
        let series = |series: u64| Series {
            labels: vec![("__name__", "noise".to_owned()), ("series", series.to_string())],
            samples: (0..75)
                .map(|at| (from_ms + step * MINUTE_MS + at * 800, noise(series << 32 | step << 16 | at)))
                .collect(),
        };
        let (status, text) = rig.write(&(0..200).map(series).collect::<Vec<_>>());
        assert!(status < 300, "{status}: {text}");
    }
    rig.post("/api/v1/admin/tsdb/flush");
    let before = rig.metric("prometheus_tsdb_storage_blocks_bytes");
    assert!(before > 4e6, "{before} bytes");
    let first = |rig: &Rig| {
        let query = "min(min_over_time(timestamp(noise)[2h:1m]))";
        wait_for(query, BOUND, || api::value(&rig.url, query))
    };
    let first_before = first(&rig);
    assert!(rig.metric("prometheus_tsdb_size_retentions_total") < 0.5, "nothing goes without a limit");
    // 2.5 % of 128 MiB are 3.3 MB.
    rig.configure("retention: {percentage: 2.5}");
    let limit = 0.025 * 128.0 * 1024.0 * 1024.0;
    wait_for("the oldest to leave", BOUND, || {
        (rig.metric("prometheus_tsdb_storage_blocks_bytes") <= limit).then_some(())
    });
    assert!(rig.metric("prometheus_tsdb_size_retentions_total") >= 1.0);
    assert!(first(&rig) > first_before + 60.0, "the oldest left");
    let newest = api::value(&rig.url, "count(last_over_time(noise[10m]))");
    assert!(newest.is_some_and(|count| (count - 200.0).abs() < 0.5), "the newest stayed: {newest:?}");
    rig.server.terminate();
}

#[test]
fn late_samples_are_taken_within_the_window() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut rig = Rig::start(folder.path(), &folder.path().join("data"));
    let now_ms = now_ms();
    let write = |rig: &Rig, minutes: u64, value: f64| {
        let labels = vec![("__name__", "late".to_owned())];
        rig.write(&[Series { labels, samples: vec![(now_ms - minutes * MINUTE_MS, value)] }])
    };
    assert!(write(&rig, 0, 1.0).0 < 300);
    let (status, text) = write(&rig, 10, 2.0);
    assert!(status == 400 && text.contains("out of order"), "{status}: {text}");
    rig.configure("out_of_order_time_window: 30m");
    let (status, text) = write(&rig, 10, 3.0);
    assert!(status < 300, "{status}: {text}");
    let (status, text) = write(&rig, 5, 4.0);
    assert!(status < 300, "{status}: {text}");
    let (status, text) = write(&rig, 45, 5.0);
    assert_eq!(status, 400, "{text}");
    let shown = || {
        let result = api::query(&rig.url, "late[1h]").unwrap_or_default();
        let values = result.first().and_then(|series| series["values"].as_array().cloned()).unwrap_or_default();
        values.iter().filter_map(|pair| pair[1].as_str()?.parse::<f64>().ok()).collect::<Vec<_>>()
    };
    assert_eq!(shown(), [3.0, 4.0, 1.0]);
    // And so it stays when windows are sealed, and after a start.
    rig.post("/api/v1/admin/tsdb/flush");
    assert_eq!(shown(), [3.0, 4.0, 1.0]);
    rig.configure("out_of_order_time_window: 0s");
    assert_eq!(write(&rig, 7, 6.0).0, 400);
    rig.server.terminate();
}
