//! The data: counters with resets, gauges, gaps, staleness markers, odd numbers, classic and native histograms.

use std::sync::Arc;

use metrics_model::histogram::CUSTOM_BUCKETS_SCHEMA;
use metrics_model::{FloatHistogram, Labels, ResetHint, SampleValue, Span, stale_nan};
use storage::{MemoryStorage, Storage};

use crate::generator::Random;
use crate::original::Original;
use crate::wire::{WireSeries, write_request};

/// Time between samples.
pub(crate) const STEP_MS: i64 = 15_000;

/// Samples of each series.
pub(crate) const SAMPLES: i64 = 240;

/// A series and its samples.
struct Made {
    labels: Labels,
    samples: Vec<(i64, SampleValue)>,
}

/// Makes data that starts at `start_ms`, and gives it to both.
pub(crate) fn load(original: &Original, start_ms: i64) -> MemoryStorage {
    let mut made = make(start_ms, &mut Random::new(17));
    // The original gives series in the order they were made, ours in order of labels: the same, then.
    made.sort_by(|a, b| a.labels.cmp(&b.labels));
    for series in &mut made {
        series.samples.insert(0, (start_ms - 20 * STEP_MS, SampleValue::Float(stale_nan())));
    }
    let storage = MemoryStorage::new();
    let mut appender = storage.appender();
    for series in &made {
        for (time_ms, value) in &series.samples {
            appender.append(&series.labels, *time_ms, value.clone()).unwrap();
        }
    }
    appender.commit().unwrap();
    // In order of time, so that nothing is too old.
    let end_ms = start_ms + SAMPLES * STEP_MS;
    let mut from_ms = start_ms - 20 * STEP_MS;
    while from_ms < end_ms {
        let until_ms = from_ms + 20 * STEP_MS;
        let wire: Vec<WireSeries<'_>> = made.iter().map(|series| part(series, from_ms, until_ms)).collect();
        original.write(&write_request(&wire));
        from_ms = until_ms;
    }
    storage
}

fn part(series: &Made, from_ms: i64, until_ms: i64) -> WireSeries<'_> {
    let mut wire = WireSeries { labels: &series.labels, floats: Vec::new(), histograms: Vec::new() };
    for (time_ms, value) in series.samples.iter().filter(|(time_ms, _)| (from_ms..until_ms).contains(time_ms)) {
        match value {
            SampleValue::Float(value) => wire.floats.push((*time_ms, *value)),
            SampleValue::FloatHistogram(histogram) => wire.histograms.push((*time_ms, histogram)),
            SampleValue::Histogram(_) => {}
        }
    }
    wire
}

fn make(start_ms: i64, random: &mut Random) -> Vec<Made> {
    let mut made = Vec::new();
    for job in ["api", "db"] {
        for instance in ["0", "1", "2"] {
            let base = [("job", job), ("instance", instance)];
            for code in ["200", "500"] {
                let labels = with(&base, &[("__name__", "requests_total"), ("code", code)]);
                made.push(counter(labels, start_ms, random));
            }
            made.push(gauge(with(&base, &[("__name__", "memory_bytes")]), start_ms, random));
            made.push(odd(with(&base, &[("__name__", "odd")]), start_ms, random));
            made.push(sparse(with(&base, &[("__name__", "sparse")]), start_ms, random));
            made.push(constant(with(&base, &[("__name__", "up")]), start_ms, f64::from(u8::from(instance != "2"))));
            let version = if instance == "1" { "v2" } else { "v1" };
            made.push(constant(with(&base, &[("__name__", "build_info"), ("version", version)]), start_ms, 1.0));
            made.push(constant(with(&base, &[("__name__", "target_info"), ("zone", version)]), start_ms, 1.0));
            made.extend(classic(&base, start_ms, random));
            made.push(native(with(&base, &[("__name__", "native")]), start_ms, random, Kind::Counter));
            made.push(native(with(&base, &[("__name__", "native_gauge")]), start_ms, random, Kind::Gauge));
            made.push(native(with(&base, &[("__name__", "native_custom")]), start_ms, random, Kind::Custom));
        }
    }
    made.push(mixed(start_ms, random));
    made.extend(uneven(start_ms, random));
    for (service, instance) in [("a/1", "0"), ("a/2", "1"), ("b c", "2")] {
        let base = [("__name__", "http.requests"), ("service.name", service)];
        made.push(counter(with(&base, &[("job", "api"), ("instance", instance)]), start_ms, random));
    }
    made
}

/// Buckets with bounds that differ from series to series, that are no numbers, or that fall.
fn uneven(start_ms: i64, random: &mut Random) -> Vec<Made> {
    let bounds: [(&str, &[&str]); 4] = [
        ("0", &["-1", "0", "2.5", "+Inf"]),
        ("1", &["0.1", "0.10", "1e1", "Inf"]),
        ("2", &["1", "2", "3"]),
        ("3", &["1", "high", "", "+Inf"]),
    ];
    let mut made = Vec::new();
    for (instance, bounds) in bounds {
        for (at, le) in bounds.iter().enumerate() {
            let mut total = 0.0;
            let samples = times(start_ms)
                .map(|time_ms| {
                    total += random.below(4) as f64 + at as f64;
                    let falls = if random.one_in(10) { 3.0 } else { 0.0 };
                    (time_ms, SampleValue::Float(total - falls))
                })
                .collect();
            let mut labels = vec![("__name__", "uneven_bucket"), ("job", "api"), ("instance", instance)];
            if !le.is_empty() {
                labels.push(("le", le));
            }
            made.push(Made { labels: Labels::from_pairs(labels), samples });
        }
    }
    made
}

fn with(base: &[(&str, &str)], more: &[(&str, &str)]) -> Labels {
    Labels::from_pairs(base.iter().chain(more).copied())
}

fn times(start_ms: i64) -> impl Iterator<Item = i64> {
    (0..SAMPLES).map(move |at| start_ms + at * STEP_MS)
}

fn counter(labels: Labels, start_ms: i64, random: &mut Random) -> Made {
    let mut total = 0.0;
    let begins = random.below(60) as i64;
    let ends = SAMPLES - random.below(60) as i64;
    let mut samples = Vec::new();
    for (at, time_ms) in times(start_ms).enumerate() {
        let at = at as i64;
        if at < begins || at > ends || random.one_in(40) {
            continue;
        }
        if at == ends {
            samples.push((time_ms, SampleValue::Float(stale_nan())));
            continue;
        }
        total = if random.one_in(50) { 0.0 } else { total + random.below(100) as f64 / 4.0 };
        // Not all samples are on the beat.
        samples.push((time_ms + random.below(200) as i64, SampleValue::Float(total)));
    }
    Made { labels, samples }
}

fn gauge(labels: Labels, start_ms: i64, random: &mut Random) -> Made {
    let samples = times(start_ms)
        .map(|time_ms| (time_ms, SampleValue::Float((random.below(2_000_000) as f64 - 500_000.0) / 8.0)))
        .collect();
    Made { labels, samples }
}

fn odd(labels: Labels, start_ms: i64, random: &mut Random) -> Made {
    let samples = times(start_ms)
        .map(|time_ms| {
            let value = match random.below(12) {
                0 => f64::NAN,
                1 => f64::INFINITY,
                2 => f64::NEG_INFINITY,
                3 => 0.0,
                4 => -0.0,
                5 => 1e300,
                6 => 1e-300,
                _ => random.below(10) as f64 - 5.0,
            };
            (time_ms, SampleValue::Float(value))
        })
        .collect();
    Made { labels, samples }
}

fn sparse(labels: Labels, start_ms: i64, random: &mut Random) -> Made {
    let mut samples = Vec::new();
    for time_ms in times(start_ms) {
        match random.below(20) {
            0 => samples.push((time_ms, SampleValue::Float(stale_nan()))),
            1..=3 => samples.push((time_ms, SampleValue::Float(random.below(7) as f64))),
            _ => {}
        }
    }
    Made { labels, samples }
}

fn constant(labels: Labels, start_ms: i64, value: f64) -> Made {
    Made { labels, samples: times(start_ms).map(|time_ms| (time_ms, SampleValue::Float(value))).collect() }
}

fn classic(base: &[(&str, &str)], start_ms: i64, random: &mut Random) -> Vec<Made> {
    let bounds = ["0.1", "0.5", "1", "5", "+Inf"];
    let mut totals = [0.0_f64; 5];
    let mut buckets: Vec<Vec<(i64, SampleValue)>> = vec![Vec::new(); 5];
    let (mut count, mut sum) = (Vec::new(), Vec::new());
    for time_ms in times(start_ms) {
        let mut added = 0.0;
        for (total, bucket) in totals.iter_mut().zip(&mut buckets) {
            added += random.below(5) as f64;
            *total += added;
            bucket.push((time_ms, SampleValue::Float(*total)));
        }
        count.push((time_ms, SampleValue::Float(totals[4])));
        sum.push((time_ms, SampleValue::Float(totals[4] * 0.75)));
    }
    let mut made: Vec<Made> = bounds
        .iter()
        .zip(buckets)
        .map(|(le, samples)| Made { labels: with(base, &[("__name__", "latency_bucket"), ("le", le)]), samples })
        .collect();
    made.push(Made { labels: with(base, &[("__name__", "latency_count")]), samples: count });
    made.push(Made { labels: with(base, &[("__name__", "latency_sum")]), samples: sum });
    made
}

/// Kinds of native histograms.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Counter,
    Gauge,
    Custom,
}

fn native(labels: Labels, start_ms: i64, random: &mut Random, kind: Kind) -> Made {
    let mut counts = [0.0_f64; 6];
    let mut schema = 1;
    let mut samples = Vec::new();
    for time_ms in times(start_ms) {
        if random.one_in(60) || kind == Kind::Gauge {
            counts = [0.0; 6];
        }
        if random.one_in(50) {
            schema = random.below(4) as i32 - 1;
        }
        counts.iter_mut().for_each(|count| *count += random.below(4) as f64);
        if random.one_in(30) {
            continue;
        }
        let histogram = histogram(&counts, schema, kind);
        samples.push((time_ms, SampleValue::FloatHistogram(Arc::new(histogram))));
    }
    Made { labels, samples }
}

fn histogram(counts: &[f64; 6], schema: i32, kind: Kind) -> FloatHistogram {
    let hint = if kind == Kind::Gauge { ResetHint::Gauge } else { ResetHint::Unknown };
    let total: f64 = counts.iter().sum();
    if kind == Kind::Custom {
        return FloatHistogram {
            schema: CUSTOM_BUCKETS_SCHEMA,
            count: counts[..4].iter().sum(),
            sum: total * 1.5,
            positive_spans: vec![Span { offset: 0, length: 4 }],
            positive_buckets: counts[..4].to_vec(),
            custom_values: Some(Arc::from([0.5, 1.0, 2.5])),
            ..FloatHistogram::default()
        };
    }
    FloatHistogram {
        reset_hint: hint,
        schema,
        zero_threshold: 0.001,
        zero_count: counts[0],
        count: total,
        sum: total * 1.25,
        positive_spans: vec![Span { offset: -1, length: 2 }, Span { offset: 1, length: 1 }],
        positive_buckets: counts[1..4].to_vec(),
        negative_spans: vec![Span { offset: 0, length: 2 }],
        negative_buckets: counts[4..].to_vec(),
        custom_values: None,
    }
}

/// Floats that turn into histograms and back.
fn mixed(start_ms: i64, random: &mut Random) -> Made {
    let samples = times(start_ms)
        .enumerate()
        .map(|(at, time_ms)| {
            let count = random.below(9) as f64;
            let value = if at / 40 % 2 == 0 {
                SampleValue::Float(count)
            } else {
                let counts = [count, 1.0, 2.0, 3.0, 0.0, 1.0];
                SampleValue::FloatHistogram(Arc::new(histogram(&counts, 0, Kind::Counter)))
            };
            (time_ms, value)
        })
        .collect();
    Made { labels: Labels::from_pairs([("__name__", "mixed"), ("job", "api"), ("instance", "0")]), samples }
}
