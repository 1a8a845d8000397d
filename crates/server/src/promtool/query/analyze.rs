//! `query analyze`: how many buckets of histograms have observations, over a while.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use clap::{Args, ValueEnum};
use metrics_model::duration::{format_duration, parse_duration};
use serde_json::Value;

use super::{encoded, print, seconds};
use crate::promtool::server::{self, HeaderOptions, HttpOptions};

#[derive(Debug, Clone, Args)]
pub(in crate::promtool) struct AnalyzeOptions {
    #[command(flatten)]
    http: HttpOptions,
    /// Server to query.
    #[arg(long, value_name = "URL")]
    server: String,
    /// Type of metric.
    #[arg(long = "type", value_enum, value_name = "TYPE")]
    kind: Kind,
    /// Time frame to analyze.
    #[arg(long, default_value = "1h", value_parser = |text: &str| parse_duration(text).map_err(|error| error.to_string()))]
    duration: Duration,
    /// Query time (RFC3339 or Unix timestamp), defaults to now.
    #[arg(long, value_name = "TIME")]
    time: Option<String>,
    /// Series selector. Can be specified multiple times.
    #[arg(long = "match", required = true, value_name = "SELECTOR")]
    selectors: Vec<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// Histograms, classic and native.
    Histogram,
}

/// How many buckets one histogram had observations in, sample by sample.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Populated {
    min: usize,
    average: f64,
    max: usize,
    /// Buckets that there were at any time.
    total: usize,
}

impl Populated {
    fn new(counts: &[usize], total: usize) -> Option<Self> {
        let (min, max) = (*counts.iter().min()?, *counts.iter().max()?);
        let average = counts.iter().sum::<usize>() as f64 / counts.len() as f64;
        Some(Self { min, average, max, total })
    }
}

impl fmt::Display for Populated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{:.3}/{}", self.min, self.average, self.max)?;
        if self.max == self.total { Ok(()) } else { write!(f, "/{}", self.total) }
    }
}

pub(super) fn run(options: &AnalyzeOptions) -> Result<(), String> {
    let Kind::Histogram = options.kind;
    if let Some(time) = &options.time {
        seconds(time)?;
    }
    println!(
        "Populated buckets of each histogram series over {}: minimum/average/maximum of its samples,\n\
         then the number of its buckets where that is another one.\n",
        format_duration(options.duration)
    );
    let (mut native, mut classic) = (Vec::new(), Vec::new());
    for selector in &options.selectors {
        let query = format!("{selector}[{}]", format_duration(options.duration));
        let form = encoded(&[("query", Some(&query)), ("time", options.time.as_deref())], &[]);
        let data = server::ask(&options.http, &HeaderOptions::default(), &options.server, "query", form)?;
        let mut buckets: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
        for series in data["result"].as_array().into_iter().flatten() {
            if series["values"].is_array() {
                if let Some(key) = classic_key(&series["metric"]) {
                    buckets.entry(key).or_default().push(series);
                }
            } else if let Some(populated) = of_native(series) {
                println!("- {} (native): {populated}", print::metric(&series["metric"]));
                native.push(populated);
            }
        }
        for (key, series) in buckets {
            if let Some(populated) = of_classic(series)? {
                println!("- {key} (classic): {populated}");
                classic.push(populated);
            }
        }
    }
    println!("\nAll series together: minimum/average/maximum of the figures above.");
    print_summary("Native", &native);
    print_summary("Classic", &classic);
    Ok(())
}

/// What the buckets of one classic histogram have in common; `None` for series that are no buckets.
fn classic_key(labels: &Value) -> Option<String> {
    let mut labels = labels.clone();
    let map = labels.as_object_mut()?;
    let is_bucket = map.get("__name__")?.as_str()?.ends_with("_bucket");
    map.shift_remove("le")?;
    is_bucket.then(|| print::metric(&labels))
}

/// `None` when there are fewer than two samples.
fn of_native(series: &Value) -> Option<Populated> {
    let samples = series["histograms"].as_array().filter(|samples| samples.len() > 1)?;
    let mut bounds = BTreeSet::new();
    let mut counts = Vec::with_capacity(samples.len());
    for sample in samples {
        let buckets = sample[1]["buckets"].as_array().map(Vec::as_slice).unwrap_or_default();
        counts.push(buckets.len());
        bounds.extend(buckets.iter().map(|bucket| format!("{} {} {}", bucket[0], bucket[1], bucket[2])));
    }
    Populated::new(&counts, bounds.len())
}

/// `None` when there are fewer than two samples.
fn of_classic(mut series: Vec<&Value>) -> Result<Option<Populated>, String> {
    let bound =
        |series: &Value| series["metric"]["le"].as_str().and_then(|text| text.parse::<f64>().ok()).unwrap_or(f64::NAN);
    series.sort_by(|a, b| bound(a).total_cmp(&bound(b)));
    let samples: Vec<&[Value]> =
        series.iter().map(|series| series["values"].as_array().map(Vec::as_slice).unwrap_or_default()).collect();
    let times = samples.first().map_or(0, |samples| samples.len());
    if times < 2 {
        return Ok(None);
    }
    let value = |sample: &Value| sample[1].as_str().and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    let mut counts = Vec::with_capacity(times);
    for at in 0..times {
        let mut below = 0.0;
        let mut populated = 0;
        // Buckets that began later than the others have no sample here.
        for sample in samples.iter().filter_map(|samples| samples.get(at)) {
            if sample[0] != samples[0][at][0] {
                return Err("the samples of a histogram's buckets are not of the same times".to_owned());
            }
            populated += usize::from(value(sample) != below);
            below = value(sample);
        }
        counts.push(populated);
    }
    Ok(Populated::new(&counts, samples.len()))
}

fn print_summary(kind: &str, all: &[Populated]) {
    if all.is_empty() {
        return;
    }
    println!("\n{kind} histogram series ({} in total):", all.len());
    let line = |name: &str, numbers: Vec<usize>| {
        if let Some(Populated { min, average, max, .. }) = Populated::new(&numbers, 0) {
            println!("- {name}: {min}/{average:.3}/{max}");
        }
    };
    line("min populated", all.iter().map(|one| one.min).collect());
    line("avg populated", all.iter().map(|one| one.average.round() as usize).collect());
    line("max populated", all.iter().map(|one| one.max).collect());
    if all.iter().any(|one| one.max != one.total) {
        line("total", all.iter().map(|one| one.total).collect());
    }
}
