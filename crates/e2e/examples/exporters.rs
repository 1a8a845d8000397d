//! Measures the exporters beside their originals, as a table for `docs/benchmarks.md`: how soon after its start each
//! answers its first scrape, and what it needs while it is scraped every second. Run by `cargo xtask bench exporters`.
//!
//! All programs run at the same time on the same machine, in front of the same Redis. Originals that are not at hand are
//! left out, and so is the Windows exporter unless `FIREWATCH_WINDOWS_EXE` names a build of it and Wine is installed.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use e2e::process::{Process, binary, free_port, peer};
use e2e::wait_for;

/// How often each program is started for the first figure.
const STARTS: usize = 15;

/// How often a program is asked while it starts.
const POLL: Duration = Duration::from_millis(1);

/// Pauses between two scrapes, and between two looks at the memory.
const SCRAPE_EVERY: Duration = Duration::from_secs(1);

/// Where Debian's package puts Wine's loader for 64-bit programs.
const WINE: &str = "/usr/lib/wine/wine64";

/// A program to measure.
struct Subject {
    name: &'static str,
    program: PathBuf,
    /// Arguments but for the address to listen on.
    arguments: Vec<String>,
}

impl Subject {
    /// Starts the program on a free port, and gives its address.
    fn start(&self, folder: &Path) -> (Process, String) {
        let address = format!("127.0.0.1:{}", free_port());
        let mut arguments = self.arguments.clone();
        arguments.push(format!("--web.listen-address={address}"));
        (Process::start(&self.program, &arguments, folder), address)
    }
}

/// What one program needed while it was scraped.
#[derive(Default)]
struct Held {
    scrape_ms: Vec<f64>,
    resident_kib: Vec<u64>,
    cpu_ms: f64,
    page_bytes: usize,
}

fn main() {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(300);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let redis = start_redis(folder.path());
    let subjects = subjects(folder.path(), redis.as_ref().map(|(_, address)| address.as_str()));
    println!("load at the start: {}", load());
    let starts: Vec<Vec<f64>> = subjects.iter().map(|subject| starts(subject, folder.path())).collect();
    let held = hold(&subjects, Duration::from_secs(seconds), folder.path());
    println!("load at the end: {}\n", load());
    println!(
        "| | first scrape after start, median (worst) of {STARTS} | resident, most | resident, growth in the second half | CPU for a scrape | scrape, median (p99) | page |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|");
    for ((subject, starts), held) in subjects.iter().zip(&starts).zip(&held) {
        println!("{}", row(subject.name, starts, held));
    }
    println!("\n{seconds} seconds, a scrape each second");
}

/// The programs, ours before their originals.
fn subjects(folder: &Path, redis: Option<&str>) -> Vec<Subject> {
    let mut subjects = Vec::new();
    let mut add = |name, program: Option<PathBuf>, arguments: &[String]| {
        subjects.extend(program.map(|program| Subject { name, program, arguments: arguments.to_vec() }));
    };
    add("node exporter", Some(binary("node-exporter")), &[]);
    add("node_exporter", peer("prometheus-node-exporter"), &[]);
    if let Some(address) = redis {
        let arguments = [format!("--redis.addr=redis://{address}")];
        add("redis exporter", Some(binary("redis-exporter")), &arguments);
        add("redis_exporter", peer("prometheus-redis-exporter"), &arguments);
    }
    let log = |name| [format!("--persistence.file={}", folder.join(name).display())];
    add("pushgateway", Some(binary("pushgateway")), &log("ours"));
    add("pushgateway (original)", peer("prometheus-pushgateway"), &log("original"));
    if let Some(program) = std::env::var_os("FIREWATCH_WINDOWS_EXE").filter(|_| Path::new(WINE).is_file()) {
        let program = program.to_string_lossy().into_owned();
        add("windows exporter, under Wine", Some(PathBuf::from(WINE)), &[program]);
    }
    subjects
}

/// Milliseconds from the start of the process to the end of its first page, for each of some starts.
fn starts(subject: &Subject, folder: &Path) -> Vec<f64> {
    let one = |_| {
        let begun = Instant::now();
        let (_process, address) = subject.start(folder);
        while scrape(&address).is_none() {
            assert!(begun.elapsed() < Duration::from_secs(60), "{} does not answer at {address}", subject.name);
            std::thread::sleep(POLL);
        }
        begun.elapsed().as_secs_f64() * 1e3
    };
    (0..STARTS).map(one).collect()
}

/// Runs all programs at once and scrapes each every second.
fn hold(subjects: &[Subject], duration: Duration, folder: &Path) -> Vec<Held> {
    let watch = |subject: &Subject| {
        let (process, address) = subject.start(folder);
        wait_for(subject.name, Duration::from_secs(60), || scrape(&address));
        let agent = ureq::Agent::config_builder().max_idle_connections_per_host(1).build().new_agent();
        let url = format!("http://{address}/metrics");
        let (begun, cpu_before) = (Instant::now(), cpu_ms(process.id()));
        let mut held = Held::default();
        while begun.elapsed() < duration {
            let asked = Instant::now();
            // As a server asks: one connection that stays, and a compressed page.
            let mut answer = agent.get(&url).header("accept-encoding", "gzip").call().expect("an answer");
            held.page_bytes = answer.body_mut().read_to_vec().expect("a page").len();
            held.scrape_ms.push(asked.elapsed().as_secs_f64() * 1e3);
            held.resident_kib.push(resident_kib(process.id()));
            std::thread::sleep(SCRAPE_EVERY.saturating_sub(asked.elapsed()));
        }
        held.cpu_ms = cpu_ms(process.id()) - cpu_before;
        held
    };
    std::thread::scope(|scope| {
        let running: Vec<_> = subjects.iter().map(|subject| scope.spawn(move || watch(subject))).collect();
        running.into_iter().map(|thread| thread.join().expect("a measurement")).collect()
    })
}

fn row(name: &str, starts: &[f64], held: &Held) -> String {
    let mib = |kib: u64| kib as f64 / 1024.0;
    let most = held.resident_kib.iter().copied().max().unwrap_or(0);
    let middle = held.resident_kib.get(held.resident_kib.len() / 2).copied().unwrap_or(0);
    let last = held.resident_kib.last().copied().unwrap_or(0);
    format!(
        "| {name} | {:.0} ms ({:.0} ms) | {:.1} MiB | {:.1} MiB | {:.1} ms | {:.1} ms ({:.1} ms) | {:.1} KiB |",
        quantile(starts, 0.5),
        quantile(starts, 1.0),
        mib(most),
        mib(last) - mib(middle),
        held.cpu_ms / held.scrape_ms.len().max(1) as f64,
        quantile(&held.scrape_ms, 0.5),
        quantile(&held.scrape_ms, 0.99),
        held.page_bytes as f64 / 1024.0,
    )
}

fn quantile(values: &[f64], quantile: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (quantile * (sorted.len().saturating_sub(1)) as f64).round() as usize;
    sorted.get(at).copied().unwrap_or(0.0)
}

/// A whole page over a connection of its own; nothing as long as the program does not answer.
fn scrape(address: &str) -> Option<usize> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: exporter\r\nConnection: close\r\n\r\n").ok()?;
    let mut page = Vec::new();
    stream.read_to_end(&mut page).ok()?;
    page.starts_with(b"HTTP/1.1 200").then_some(page.len())
}

fn resident_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// User and system time of a process, from the fields 14 and 15 of its `stat`, which counts hundredths of a second.
fn cpu_ms(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() * 10.0
}

fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

/// A Redis with some keys, where its server is installed.
fn start_redis(folder: &Path) -> Option<(Process, String)> {
    let path = std::env::var_os("PATH")?;
    let mut places = std::env::split_paths(&path).map(|folder| folder.join("redis-server"));
    let Some(program) = places.find(|file| file.is_file()) else {
        println!("skipped: there is no redis-server");
        return None;
    };
    let address = format!("127.0.0.1:{}", free_port());
    let port = address.rsplit(':').next().unwrap_or_default();
    let redis = Process::start(&program, &["--port", port, "--bind", "127.0.0.1", "--save", ""], folder);
    let mut stream = wait_for("redis listens", Duration::from_secs(20), || TcpStream::connect(&address).ok());
    let fill = (0..1000).map(|key| format!("SET key:{key} value EX 100000\r\n")).collect::<String>();
    stream.write_all(format!("{fill}QUIT\r\n").as_bytes()).expect("redis takes keys");
    stream.read_to_end(&mut Vec::new()).expect("redis answers");
    Some((redis, address))
}
