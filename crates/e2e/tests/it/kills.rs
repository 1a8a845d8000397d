//! `kill -9` at random moments under scraping and remote write: nothing that was acknowledged is lost, and a start takes
//! hardly more memory than the run before it.
//!
//! `FIREWATCH_KILLS` says how often, `FIREWATCH_KILL_SEED` from which seed.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use e2e::process::{Process, binary, free_port};
use e2e::remote_write::{self, Series};
use e2e::stand_in::StandIn;
use e2e::{api, wait_for};

const BOUND: Duration = Duration::from_secs(60);
const WRITERS: u64 = 2;
const SERIES: u64 = 500;

/// One writer: what it was told is taken, as the number of its last request.
struct Writer {
    acknowledged: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// A remote write request, one sample of each series at one time.
fn request(writer: u64, number: u64, at_ms: u64) -> Vec<u8> {
    let series = |series: u64| Series {
        labels: vec![
            ("__name__", "written".to_owned()),
            ("series", format!("{series:04}")),
            ("writer", writer.to_string()),
        ],
        samples: vec![(at_ms, number as f64)],
    };
    remote_write::body(&(0..SERIES).map(series).collect::<Vec<_>>())
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64)
}

impl Writer {
    /// Writes from `first` on until it is told to stop, or nobody answers.
    fn start(url: &str, writer: u64, first: u64) -> Self {
        let (acknowledged, stop) = (Arc::new(AtomicU64::new(first)), Arc::new(AtomicBool::new(false)));
        let (told, stopped, url) = (Arc::clone(&acknowledged), Arc::clone(&stop), url.to_owned());
        let thread = std::thread::spawn(move || {
            let mut at_ms = 0;
            let agent = remote_write::agent();
            for number in first + 1.. {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                // Two requests in one millisecond would be two values for one time.
                at_ms = now_ms().max(at_ms + 1);
                match remote_write::send(&agent, &url, &request(writer, number, at_ms)) {
                    Some((200..300, _)) => told.store(number, Ordering::Relaxed),
                    Some(answer) => unreachable!("a good request is answered {answer:?}"),
                    None => return,
                }
            }
        });
        Self { acknowledged, stop, thread: Some(thread) }
    }

    /// The number of the last request that was acknowledged.
    fn end(mut self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the writer ends");
        }
        self.acknowledged.load(Ordering::Relaxed)
    }
}

/// Bytes of memory: now, and at most since the start.
fn memory(server: &Process) -> (u64, u64) {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap_or_default();
    let kibibytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
    };
    (kibibytes("VmRSS:"), kibibytes("VmHWM:"))
}

fn start(config: &Path, folder: &Path) -> (Process, String) {
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let arguments = [
        format!("--config.file={}", config.display()),
        format!("--storage.tsdb.path={}", folder.join("data").display()),
        format!("--web.listen-address=127.0.0.1:{port}"),
        "--web.enable-remote-write-receiver".to_owned(),
    ];
    let mut server = Process::start(&binary("server"), &arguments, folder);
    server.wait_ready(&format!("{url}/-/ready"));
    (server, url)
}

/// The value of a series of an answer.
fn number(series: &serde_json::Value) -> u64 {
    series["value"][1].as_str().and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0) as u64
}

/// The least and the largest value that an expression has; 0 for none, as before the first request. A query that fails is
/// no answer.
fn least_and_largest(url: &str, expression: &str) -> (u64, u64) {
    let ask = |aggregation: &str| {
        let query = format!("{aggregation}({expression})");
        wait_for(&query, BOUND, || match api::ask(url, &query) {
            Ok(result) => Some(result.first().map_or(0, number)),
            Err(error) => {
                eprintln!("{query}: {error}");
                None
            }
        })
    };
    (ask("min"), ask("max"))
}

/// The least and the largest of the newest values of a writer's series.
fn written(url: &str, writer: u64) -> (u64, u64) {
    // A short time is enough, unless the machine is slow; all there is takes long to read.
    let within =
        |window: &str| least_and_largest(url, &format!("last_over_time(written{{writer=\"{writer}\"}}[{window}])"));
    match within("30s") {
        (0, 0) => within("1h"),
        found => found,
    }
}

/// Requests are numbered without a gap, so a series has as many samples as the number of the newest.
fn assert_complete(url: &str, writer: u64, last: u64, since: Instant) {
    let window = since.elapsed().as_secs() + 60;
    // Series by series, some at a time: all samples of all of them are more than one query may load.
    for tens in 0..SERIES.div_ceil(10) {
        let expression =
            format!("count_over_time(written{{writer=\"{writer}\",series=~\"{tens:03}[0-9]\"}}[{window}s])");
        let counts = least_and_largest(url, &expression);
        assert_eq!(counts, (last, last), "samples of writer {writer} are lost: {expression}");
    }
}

#[test]
fn nothing_acknowledged_is_lost() {
    let variable = |name| std::env::var(name).ok().and_then(|text: String| text.parse::<u64>().ok());
    let (kills, mut seed) =
        (variable("FIREWATCH_KILLS").unwrap_or(4), variable("FIREWATCH_KILL_SEED").unwrap_or(1) | 1);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let targets: Vec<StandIn> = (0..2).map(|_| StandIn::start("scraped_total 0\n")).collect();
    let addresses: Vec<String> = targets.iter().map(|target| format!("'{}'", target.address())).collect();
    let config = folder.path().join("prometheus.yml");
    let text = format!(
        "global: {{scrape_interval: 50ms, scrape_timeout: 50ms}}\nscrape_configs:\n- job_name: kills\n  \
         static_configs: [{{targets: [{}]}}]\n",
        addresses.join(", ")
    );
    std::fs::write(&config, text).expect("the test's folder is writable");
    let (mut last, mut scraped, mut peak) = ([0_u64; WRITERS as usize], 0_u64, 0_u64);
    let (mut worst, begun) = (0.0_f64, Instant::now());
    for kill in 0..kills {
        let (mut server, url) = start(&config, folder.path());
        let (_, start_peak) = memory(&server);
        if peak > 0 {
            worst = worst.max(start_peak as f64 / peak as f64);
        }
        peak = 0;
        for (writer, acknowledged) in (0..).zip(&mut last) {
            let (least, largest) = written(&url, writer);
            assert_eq!(least, largest, "kill {kill}: a request of writer {writer} is there by half");
            assert!(least >= *acknowledged, "kill {kill}: writer {writer} has {least} of {acknowledged}");
            *acknowledged = least;
        }
        // A scrape that did not answer in time ends its series.
        let (_, shown) = least_and_largest(&url, "max_over_time(scraped_total[5m])");
        assert!(shown >= scraped, "kill {kill}: {shown} is there, {scraped} had been shown");
        let writers: Vec<Writer> = (0..).zip(last).map(|(writer, first)| Writer::start(&url, writer, first)).collect();
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let life = Duration::from_millis(200 + seed % 1500);
        let started = Instant::now();
        let mut change = scraped;
        while started.elapsed() < life {
            change += 1;
            targets.iter().for_each(|target| target.answer(200, &format!("scraped_total {change}\n")));
            std::thread::sleep(Duration::from_millis(60));
            scraped = scraped.max(api::value(&url, "max(scraped_total)").unwrap_or(0.0) as u64);
            peak = peak.max(memory(&server).1);
        }
        server.kill_9();
        for (acknowledged, writer) in last.iter_mut().zip(writers) {
            *acknowledged = writer.end();
        }
    }
    eprintln!(
        "{kills} kills, {last:?} requests of {SERIES} samples, {scraped} scraped; start peak at most {worst:.3} of the peak of the run before, the last of which was {peak}"
    );
    assert!(worst <= 1.1, "a start took {worst:.3} of what the run before took");
    let (mut server, url) = start(&config, folder.path());
    wait_for("all writers", BOUND, || {
        (0..WRITERS).all(|writer| written(&url, writer).0 >= last[writer as usize]).then_some(())
    });
    for writer in 0..WRITERS {
        let (least, largest) = written(&url, writer);
        assert_eq!(least, largest, "a request of writer {writer} is there by half");
        assert_complete(&url, writer, least, begun);
    }
    server.terminate();
}
