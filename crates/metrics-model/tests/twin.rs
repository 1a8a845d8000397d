//! The original's server and ours on the same odd pages: which are refused, and which samples the others give.
//! `cargo xtask compare exposition` runs it; otherwise, and where the original is not at hand, it says that it is skipped.

#[path = "twin/pages.rs"]
mod pages;
mod peer;
#[path = "twin/promtool.rs"]
mod promtool;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use metrics_model::exposition::{Entry, MediaType, ReadOptions, Reader};
use pages::Page;
use peer::{Original, program, serve_pages};
use serde_json::Value;

/// Labels, sorted, and the value as text.
type Samples = BTreeMap<Vec<(String, String)>, String>;

#[test]
fn scrapes_agree() {
    if std::env::var_os("FIREWATCH_COMPARE").is_none() {
        println!("skipped: `cargo xtask compare exposition` runs this");
        return;
    }
    if program("prometheus").is_none() {
        return;
    }
    let pages: Arc<[Page]> = pages::all().into();
    let served = Arc::new(Mutex::new(Vec::new()));
    let (shown, log) = (Arc::clone(&pages), Arc::clone(&served));
    let address = serve_pages(Arc::new(move |path: &str| {
        let page = path.trim_start_matches('/').parse::<usize>().ok().and_then(|index| {
            log.lock().expect("nobody panicked").push(index);
            shown.get(index)
        });
        page.map_or(("text/plain", Arc::from(&b""[..])), |page| (page.content_type(), Arc::from(page.bytes.as_slice())))
    }));
    let mut twin = Twin { pages, served, address, differences: Vec::new(), deaths: Vec::new() };
    let mut left: Vec<usize> = (0..twin.pages.len()).collect();
    while !left.is_empty() {
        let rest = left.split_off(left.len().min(PAGES_AT_ONCE));
        twin.compare(&left);
        left = rest;
    }
    let Twin { pages, differences, deaths, .. } = &twin;
    for page in deaths {
        println!("the original does not survive {page}");
    }
    println!("{} passed, {} failed", pages.len() - differences.len(), differences.len());
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Pages that one process of the original scrapes.
const PAGES_AT_ONCE: usize = 300;

struct Twin {
    pages: Arc<[Page]>,
    /// Which pages were asked for, in order.
    served: Arc<Mutex<Vec<usize>>>,
    address: SocketAddr,
    differences: Vec<String>,
    deaths: Vec<String>,
}

impl Twin {
    /// Compares these pages. When the original dies, the pages that it saw last are tried one by one.
    fn compare(&mut self, indices: &[usize]) {
        self.served.lock().expect("nobody panicked").clear();
        let jobs: String = indices
            .iter()
            .map(|index| {
                format!(
                    "- {{job_name: p{index}, metrics_path: /{index}, honor_timestamps: false, static_configs: \
                     [{{targets: ['{}']}}]}}\n",
                    self.address
                )
            })
            .collect();
        let interval = if indices.len() > 1 { "10s" } else { "2s" };
        let config =
            format!("global: {{scrape_interval: {interval}, scrape_timeout: {interval}}}\nscrape_configs:\n{jobs}");
        let Some(original) = Original::start(&config) else { return };
        let alive = RefCell::new(original);
        let is_done = || {
            let known = targets(&alive.borrow());
            known.iter().filter(|target| target["health"] != "unknown").count() == indices.len()
        };
        let start = Instant::now();
        while !is_done() {
            if !alive.borrow_mut().is_alive() {
                return self.narrow(indices);
            }
            assert!(start.elapsed() < Duration::from_secs(120), "not in time: all pages are scraped");
            std::thread::sleep(Duration::from_millis(100));
        }
        let original = alive.into_inner();
        let targets = targets(&original);
        for index in indices {
            let page = &self.pages[*index];
            let (theirs, ours) = (theirs(&original, &targets, *index), ours(page));
            if theirs.as_ref().ok() != ours.as_ref().ok() && !is_deliberate(page) {
                self.differences.push(format!("{page:?}\n  ours:   {ours:?}\n  theirs: {theirs:?}"));
            }
        }
    }

    /// Finds the page that the original died of, and compares the others.
    fn narrow(&mut self, indices: &[usize]) {
        if let [index] = indices {
            self.deaths.push(format!("{:?}", self.pages[*index]));
            return;
        }
        let served = self.served.lock().expect("nobody panicked").clone();
        let suspects: Vec<usize> = served.iter().rev().take(SUSPECTS).copied().collect();
        for suspect in &suspects {
            self.compare(&[*suspect]);
        }
        let others: Vec<usize> = indices.iter().filter(|index| !suspects.contains(index)).copied().collect();
        if !others.is_empty() {
            self.compare(&others);
        }
    }
}

/// How many pages may be under way when the original dies.
const SUSPECTS: usize = 4;

fn targets(original: &Original) -> Vec<Value> {
    json(original, "/api/v1/targets")["data"]["activeTargets"].as_array().cloned().unwrap_or_default()
}

fn json(original: &Original, path: &str) -> Value {
    original.get(path).and_then(|body| serde_json::from_slice(&body).ok()).unwrap_or_default()
}

/// What the original made of a page.
fn theirs(original: &Original, targets: &[Value], index: usize) -> Result<Samples, String> {
    let job = format!("p{index}");
    let target = targets.iter().find(|target| target["scrapePool"] == job.as_str());
    let error = target.map_or("no target", |target| target["lastError"].as_str().unwrap_or_default());
    if !error.is_empty() {
        return Err(error.to_owned());
    }
    let found = json(original, &format!("/api/v1/query?query=%7Bjob%3D%22{job}%22%7D"));
    let mut samples = Samples::new();
    for series in found["data"]["result"].as_array().into_iter().flatten() {
        let labels = series["metric"].as_object().into_iter().flatten();
        let labels: Vec<(String, String)> = labels
            .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
            .filter(|(name, _)| name != "job" && name != "instance")
            .collect();
        let name = labels.iter().find(|(name, _)| name == "__name__").map_or("", |(_, value)| value.as_str());
        if !REPORTED.contains(&name) {
            let value = series["value"][1].as_str().unwrap_or_default().parse().unwrap_or(f64::MIN);
            samples.insert(sorted(labels), value.to_string());
        }
    }
    Ok(samples)
}

/// Series about a scrape, which the original adds.
const REPORTED: [&str; 5] = [
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
];

/// Where we differ on purpose, all in the classic format.
fn is_deliberate(page: &Page) -> bool {
    let mut lines = page.bytes.split(|byte| *byte == b'\n');
    !page.is_openmetrics
        && lines.any(|line| {
            // To the original, the blanks before a name are a part of it.
            let is_indented = line.starts_with(b" ") || line.starts_with(b"\t");
            // The original takes a zero byte there for the end and says nothing of what follows.
            let is_cut = line.starts_with(b"\0");
            // The original does not look at the byte after a name in metadata; to us it must be UTF-8, as all the rest.
            let is_foreign = line.starts_with(b"# ") && line.contains(&0xff);
            is_indented || is_cut || is_foreign
        })
}

/// What we make of a page, with the checks that a scrape makes of names.
fn ours(page: &Page) -> Result<Samples, String> {
    // An answer without content is no page.
    if page.bytes.is_empty() {
        return Ok(Samples::new());
    }
    let media_type = if page.is_openmetrics { MediaType::OpenMetrics } else { MediaType::Text };
    let mut reader = Reader::new(media_type, &page.bytes, ReadOptions::default());
    let mut samples = Samples::new();
    while let Some(entry) = reader.next() {
        if let Entry::Sample(sample) = entry.map_err(|error| error.to_string())? {
            let labels = sample.labels().map_err(|error| error.to_string())?;
            if labels.metric_name().is_empty() || labels.iter().any(|(name, _)| name.is_empty()) {
                return Err("invalid metric name or label names".to_owned());
            }
            let pairs = labels.iter().filter(|(name, _)| *name != "job" && *name != "instance");
            let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            // Of two samples of a series at the same time the first counts.
            samples.entry(sorted(pairs)).or_insert_with(|| sample.value.to_string());
        }
    }
    Ok(samples)
}

fn sorted(mut labels: Vec<(String, String)>) -> Vec<(String, String)> {
    labels.sort();
    labels
}
