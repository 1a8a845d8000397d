//! `kill -9` at random moments under scraping and remote write: nothing that was acknowledged is lost, and a start takes
//! hardly more memory than the run before it.
//!
//! `FIREWATCH_KILLS` says how often, `FIREWATCH_KILL_SEED` from which seed.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use e2e::process::{Process, binary, free_port};
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
    let mut out = Vec::new();
    for series in 0..SERIES {
        let mut one = Vec::new();
        for (name, value) in
            [("__name__", "written".to_owned()), ("series", format!("{series:04}")), ("writer", writer.to_string())]
        {
            let mut label = Vec::new();
            field(&mut label, 1, name.as_bytes());
            field(&mut label, 2, value.as_bytes());
            field(&mut one, 1, &label);
        }
        let mut sample = vec![1 << 3 | 1];
        sample.extend_from_slice(&(number as f64).to_bits().to_le_bytes());
        sample.push(2 << 3);
        varint(&mut sample, at_ms);
        field(&mut one, 2, &sample);
        field(&mut out, 1, &one);
    }
    snap::raw::Encoder::new().compress_vec(&out).expect("small")
}

fn field(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    out.push(number << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64)
}

impl Writer {
    /// Writes from `first` on until it is told to stop, or nobody answers.
    fn start(url: &str, writer: u64, first: u64) -> Self {
        let (acknowledged, stop) = (Arc::new(AtomicU64::new(first)), Arc::new(AtomicBool::new(false)));
        let (told, stopped, url) = (Arc::clone(&acknowledged), Arc::clone(&stop), format!("{url}/api/v1/write"));
        let thread = std::thread::spawn(move || {
            let mut at_ms = 0;
            let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
            for number in first + 1.. {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                // Two requests in one millisecond would be two values for one time.
                at_ms = now_ms().max(at_ms + 1);
                let sent = agent
                    .post(&url)
                    .header("content-type", "application/x-protobuf")
                    .header("content-encoding", "snappy")
                    .header("x-prometheus-remote-write-version", "0.1.0")
                    .send(&request(writer, number, at_ms));
                match sent {
                    Ok(answer) if answer.status().is_success() => told.store(number, Ordering::Relaxed),
                    Ok(answer) => unreachable!("a good request is answered {}", answer.status()),
                    Err(_) => return,
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

/// The least and the largest of the newest values of a writer's series.
fn written(url: &str, writer: u64) -> (u64, u64) {
    let ask = |aggregation: &str| {
        let query = format!("{aggregation}(max_over_time(written{{writer=\"{writer}\"}}[1h]))");
        // Nothing is there before the first request; a query that fails is no answer.
        wait_for(&query, BOUND, || Some(api::query(url, &query)?.first().map_or(0, number)))
    };
    (ask("min"), ask("max"))
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
    let mut worst = 0.0_f64;
    for kill in 0..kills {
        let (mut server, url) = start(&config, folder.path());
        let (_, start_peak) = memory(&server);
        if peak > 0 {
            worst = worst.max(start_peak as f64 / peak as f64);
        }
        for (writer, acknowledged) in (0..).zip(&mut last) {
            let (least, largest) = written(&url, writer);
            assert_eq!(least, largest, "kill {kill}: a request of writer {writer} is there by half");
            assert!(least >= *acknowledged, "kill {kill}: writer {writer} has {least} of {acknowledged}");
            *acknowledged = least;
        }
        let shown = api::value(&url, "max(max_over_time(scraped_total[1h]))").unwrap_or(0.0) as u64;
        assert!(shown >= scraped, "kill {kill}: {shown} is there, {scraped} had been shown");
        let writers: Vec<Writer> = (0..).zip(last).map(|(writer, first)| Writer::start(&url, writer, first)).collect();
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let life = Duration::from_millis(200 + seed % 1500);
        let begun = Instant::now();
        let mut change = scraped;
        while begun.elapsed() < life {
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
        "{kills} kills, {last:?} requests of {SERIES} samples, {scraped} scraped; start peak at most {worst:.3} of the running peak {peak}"
    );
    assert!(worst <= 1.1, "a start took {worst:.3} of what the run before took");
    let (mut server, url) = start(&config, folder.path());
    wait_for("all writers", BOUND, || {
        (0..WRITERS).all(|writer| written(&url, writer).0 >= last[writer as usize]).then_some(())
    });
    server.terminate();
}
