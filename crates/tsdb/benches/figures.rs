//! Figures that a stopwatch for one function does not give: bytes per sample on disk and in memory, time per sample from
//! append to seal, time of long selections, time to open.
//!
//! `cargo bench -p tsdb --bench figures -- FILE` replays a recording (see `read_recording` for the format); without a
//! file a made-up mix of counters and gauges of 20 targets is used; `--scale N` makes that N times larger. `--window N`
//! seals windows of N seconds.
//! `--ticks N` makes it longer or shorter, `--keep` leaves the store on disk, `--open DIR` opens one that was left.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on stops where it is")]

use std::path::Path;
use std::time::Duration;

use metrics_model::{Labels, Matcher, SampleValue};
use storage::{Queryable, Run, SelectHints, SeriesRef, Storage, TimeRange};
use tsdb::{Db, Options};

/// Time that this thread had a processor: what others do on the machine does not count.
struct Cpu(u64);

impl Cpu {
    fn now() -> Self {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        Self(text.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok()).unwrap_or_default())
    }

    fn elapsed(&self) -> Duration {
        Duration::from_nanos(Self::now().0 - self.0)
    }
}

/// One target: its scrape times, and its series with a value for each.
struct Target {
    times: Vec<i64>,
    series: Vec<(Labels, Vec<f64>)>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let argument = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).map(|text| text.parse::<u64>().unwrap())
    };
    if arguments.first().is_some_and(|argument| argument == "--open") {
        return open(Path::new(&arguments[1]));
    }
    let targets = match arguments.first().filter(|argument| !argument.starts_with("--")) {
        Some(file) => read_recording(Path::new(file)),
        None => make_up(20 * argument("--scale").unwrap_or(1) as usize, argument("--ticks").unwrap_or(240) as i64),
    };
    let dir = tempfile::tempdir().unwrap();
    let window = argument("--window").map_or(Options::default().window, Duration::from_secs);
    let options = || Options { background: false, retention: None, late_limit: None, window, ..Options::default() };
    let db = Db::open(dir.path(), options()).unwrap();
    let samples = ingest(&db, &targets);
    report_head(&db, samples);
    if arguments.iter().any(|argument| argument == "--keep") {
        drop(db);
        return println!("kept in                        {}", dir.keep().display());
    }
    let started = Cpu::now();
    db.flush().unwrap();
    per_sample("seal", started.elapsed(), samples);
    let stats = db.stats();
    println!("sealed bytes per sample        {:.3}", stats.sealed_bytes as f64 / stats.sealed_samples as f64);
    println!("resident MB after sealing      {:.1}", resident_mb());
    select(&db, "select and read everything");
    select(&db, "the same, from the cache");
    drop(db);
    println!("folder MB                      {:.2}", folder_bytes(dir.path()) as f64 / 1e6);
    let started = Cpu::now();
    let db = Db::open(dir.path(), options()).unwrap();
    println!("open, ms                       {:.1}", started.elapsed().as_secs_f64() * 1e3);
    drop(db);
    println!("resident MB at the end         {:.1}", resident_mb());
}

/// Opens a store that an earlier run kept, as after a crash: with everything in the log.
fn open(dir: &Path) {
    let before = resident_mb();
    let started = std::time::Instant::now();
    let db = Db::open(dir, Options { background: false, retention: None, ..Options::default() }).unwrap();
    println!("open, ms                       {:.0}", started.elapsed().as_secs_f64() * 1e3);
    let series = db.stats().series as f64;
    println!("resident MB before and after   {before:.1} {:.1}", resident_mb());
    println!("resident bytes per series      {:.0}", (resident_mb() - before) * 1e6 / series);
    println!("label bytes per series         {:.1}", db.stats().label_bytes as f64 / series);
    println!("row bytes per series           {:.1}", db.stats().row_bytes as f64 / series);
}

fn per_sample(what: &str, took: Duration, samples: u64) {
    println!("{what:<30} {:.1} ns per sample, {:.2} s", took.as_secs_f64() * 1e9 / samples as f64, took.as_secs_f64());
}

/// Appends everything the way scrapes would: target by target, tick by tick, by reference after the first time.
fn ingest(db: &Db, targets: &[Target]) -> u64 {
    let mut refs: Vec<Vec<SeriesRef>> = targets.iter().map(|_| Vec::new()).collect();
    let ticks = targets.iter().map(|target| target.times.len()).max().unwrap();
    let (mut first, mut later) = (Duration::ZERO, Duration::ZERO);
    let (mut samples, mut series) = (0, 0);
    for tick in 0..ticks {
        for (target, refs) in targets.iter().zip(&mut refs) {
            let Some(at_ms) = target.times.get(tick).copied() else { continue };
            let started = Cpu::now();
            let mut appender = db.appender();
            if refs.is_empty() {
                for (labels, values) in &target.series {
                    refs.push(appender.append(labels, at_ms, SampleValue::Float(values[tick])).unwrap());
                }
                appender.commit().unwrap();
                first += started.elapsed();
                series += refs.len() as u64;
            } else {
                for ((_, values), series) in target.series.iter().zip(refs.iter()) {
                    appender.append_ref(*series, at_ms, SampleValue::Float(values[tick])).unwrap();
                }
                appender.commit().unwrap();
                later += started.elapsed();
                samples += refs.len() as u64;
            }
        }
        if tick % 10 == 0 {
            db.run_maintenance(targets[0].times[tick.min(targets[0].times.len() - 1)]).unwrap();
        }
    }
    println!(
        "new series                     {:.2} us each, {series} of them",
        first.as_secs_f64() * 1e6 / series as f64
    );
    per_sample("append and commit", later, samples);
    samples + series
}

fn report_head(db: &Db, samples: u64) {
    let stats = db.stats();
    println!("log bytes per sample           {:.2}", stats.log_bytes as f64 / samples as f64);
    println!("row bytes per sample in memory {:.2}", stats.row_bytes as f64 / samples as f64);
    println!("label bytes per series         {:.1}", stats.label_bytes as f64 / stats.series as f64);
    println!("resident MB before sealing     {:.1}", resident_mb());
}

fn select(db: &Db, what: &str) {
    let started = Cpu::now();
    let querier = db.querier(TimeRange::ALL).unwrap();
    let series = querier
        .select(&[Matcher::new("__name__", metrics_model::MatchOp::NotEqual, "").unwrap()], &SelectHints::default());
    let series = series.unwrap();
    let selected = started.elapsed();
    let (mut samples, mut sum) = (0, 0.0);
    for series in &series {
        let mut cursor = series.cursor(TimeRange::ALL);
        while let Some(run) = cursor.next_run().unwrap() {
            if let Run::Floats { values, .. } = run {
                samples += values.len() as u64;
                sum += values.iter().filter(|value| value.is_finite()).sum::<f64>();
            }
        }
    }
    println!("{} series selected in         {:.2} ms (checksum {sum:e})", series.len(), selected.as_secs_f64() * 1e3);
    per_sample(what, started.elapsed(), samples);
}

/// Little endian: u32 targets; for each u32 count and i64 times in ms. u32 series; for each u32 length and text as
/// exposed, u8 target, u32 count and f64 values.
fn read_recording(path: &Path) -> Vec<Target> {
    let bytes = std::fs::read(path).unwrap();
    let mut rest = bytes.as_slice();
    let mut take = |count: usize| {
        let (taken, left) = rest.split_at(count);
        rest = left;
        taken
    };
    let number = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().unwrap()) as usize;
    let targets = number(take(4));
    let mut targets: Vec<Target> = (0..targets)
        .map(|_| {
            let count = number(take(4));
            let times = take(count * 8).chunks(8).map(|bytes| i64::from_le_bytes(bytes.try_into().unwrap())).collect();
            Target { times, series: Vec::new() }
        })
        .collect();
    for _ in 0..number(take(4)) {
        let length = number(take(4));
        let text = String::from_utf8(take(length).to_vec()).unwrap();
        let target = usize::from(take(1)[0]);
        let count = number(take(4));
        let values = take(count * 8).chunks(8).map(|bytes| f64::from_le_bytes(bytes.try_into().unwrap())).collect();
        targets[target].series.push((labels(&text, target), values));
    }
    targets
}

/// The labels of `name{label="value",...}`, and those that a server adds.
fn labels(text: &str, target: usize) -> Labels {
    let (name, rest) = text.split_once('{').unwrap_or((text, ""));
    let instance = format!("host-{target}:9100");
    let mut pairs = vec![("__name__", name), ("instance", &instance), ("job", "recorded")];
    for pair in rest.trim_end_matches('}').split("\",") {
        if let Some((label, value)) = pair.split_once("=\"") {
            pairs.push((label, value.trim_end_matches('"')));
        }
    }
    Labels::from_pairs(pairs)
}

/// Targets of 1,000 series each, ticks of 15 s with a millisecond of jitter; half of the series change at a tick.
fn make_up(targets: usize, ticks: i64) -> Vec<Target> {
    let mut state = 1_u64;
    let mut random = move |limit: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % limit
    };
    (0..targets)
        .map(|target| {
            let times: Vec<i64> = (0..ticks).map(|tick| 1_700_000_000_000 + tick * 15_000 + random(3) as i64).collect();
            let series = (0..1000)
                .map(|at| {
                    let mut value = random(1_000_000) as f64;
                    let values = (0..ticks)
                        .map(|_| {
                            value = match at % 10 {
                                0..=2 => value,
                                3 | 4 => value + random(1000) as f64,
                                5 => ((value * 100.0).round() + random(50) as f64) / 100.0,
                                6 => (random(10_000) * 4096) as f64,
                                7 => f64::from_bits(value.to_bits() ^ random(1 << 20)),
                                _ => value + (random(4) / 3) as f64,
                            };
                            value
                        })
                        .collect();
                    let labels = Labels::from_pairs([
                        ("__name__", format!("metric_{at}").as_str()),
                        ("instance", format!("host-{target}:9100").as_str()),
                        ("job", "made-up"),
                        ("device", format!("device-{}", at % 16).as_str()),
                    ]);
                    (labels, values)
                })
                .collect();
            Target { times, series }
        })
        .collect()
}

fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).unwrap_or_default() / 1e3
}

fn folder_bytes(dir: &Path) -> u64 {
    std::fs::read_dir(dir)
        .unwrap()
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => folder_bytes(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}
