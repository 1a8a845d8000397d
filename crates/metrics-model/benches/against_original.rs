//! Our parser beside the original's on the same pages, in one run: `cargo bench -p metrics-model --bench against_original`.
//!
//! The original scrapes each page from many targets, and its own processor profile of that time says how long it was in
//! its parser (package `textparse`; series it has seen, so no labels are made). Ours reads the same pages meanwhile, in
//! processor time of this thread, so that both have the same machine under the same load. Where the original is not at
//! hand (in the folder that `FIREWATCH_PEERS` names, or in the cache folder), it says so and measures nothing.
#![expect(clippy::unwrap_used, reason = "a benchmark stops where it unwraps")]

mod original;
mod pages;
#[path = "../tests/peer/mod.rs"]
mod peer;

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use metrics_model::exposition::{Entry, MediaType, ReadOptions, Reader};
use pages::Page;
use peer::{Original, serve_pages};

/// How long the original is looked at, for each page.
const PROFILE: Duration = Duration::from_secs(20);

/// Targets that show the same page, so that there is enough to measure.
const TARGETS: usize = 20;

fn main() {
    // Cargo passes `--bench` and, to every bench, the filters of one.
    if std::env::args().skip(1).any(|argument| !argument.starts_with("--") && !"against_original".contains(&argument)) {
        return;
    }
    for page in [pages::node_exporter(), pages::kube_state_metrics(), pages::histograms()] {
        compare(&page);
    }
}

fn compare(page: &Page) {
    let served = Arc::new(AtomicU64::new(0));
    let (counter, text): (_, Arc<[u8]>) = (Arc::clone(&served), page.text.as_bytes().into());
    let address = serve_pages(Arc::new(move |_: &str| {
        counter.fetch_add(1, Ordering::Relaxed);
        ("text/plain; version=0.0.4", Arc::clone(&text))
    }));
    let jobs: String = (0..TARGETS)
        .map(|index| format!("- {{job_name: job{index}, static_configs: [{{targets: ['{address}']}}]}}\n"))
        .collect();
    let config = format!("global: {{scrape_interval: 100ms, scrape_timeout: 100ms}}\nscrape_configs:\n{jobs}");
    let Some(mut original) = Original::start(&config) else { return };
    // Until all series are known.
    std::thread::sleep(Duration::from_secs(5));
    let count = || original::samples_of_pages(&original, served.load(Ordering::Relaxed));
    let samples_before = count();
    let (profile, ours_ns) = std::thread::scope(|scope| {
        let reading = scope.spawn(|| read_repeatedly(page));
        (original::profile(&original, PROFILE), reading.join().unwrap())
    });
    let samples = count() - samples_before;
    assert!(original.is_alive(), "the original died meanwhile");
    let theirs_ns = profile.nanoseconds_in("model/textparse.") as f64 / samples as f64;
    let whole_ns = profile.nanoseconds() as f64 / samples as f64;
    println!(
        "{}: ours {ours_ns:.0} ns/sample, the original's parser {theirs_ns:.0} ns/sample ({:.1} times as long; its whole \
         process {whole_ns:.0} ns/sample, {samples} samples)",
        page.name,
        theirs_ns / ours_ns,
    );
}

/// Reads the page now and then while the original is looked at; nanoseconds of processor time for a sample.
fn read_repeatedly(page: &Page) -> f64 {
    let start = Instant::now();
    let (mut used, mut samples) = (Duration::ZERO, 0);
    while start.elapsed() < PROFILE {
        let before = thread_cpu();
        for _ in 0..100 {
            samples += read(page);
        }
        used += thread_cpu() - before;
        // The original shall have the machine for most of the time.
        std::thread::sleep(Duration::from_millis(200));
    }
    used.as_nanos() as f64 / samples as f64
}

/// Reads a page as a scrape of known series does; gives the number of samples.
fn read(page: &Page) -> usize {
    let mut reader = Reader::new(MediaType::Text, black_box(page.text.as_bytes()), ReadOptions::default());
    let mut samples = 0;
    while let Some(Ok(entry)) = reader.next() {
        if let Entry::Sample(sample) = entry {
            black_box((sample.series, sample.value));
            samples += 1;
        }
    }
    samples
}

/// Processor time that this thread has used.
fn thread_cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}
