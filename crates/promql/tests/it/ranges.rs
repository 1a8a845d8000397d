//! A range query is the instant queries at its steps: however many windows are looked at at once, whichever series share
//! the times of their samples, and however many threads read them.

use std::collections::BTreeMap;

use metrics_model::{FloatHistogram, Labels, SampleValue, stale_nan};
use promql::{Engine, EngineOptions, Features, QueryContext, QueryError, RangeParams, Value};
use proptest::prelude::*;
use storage::{MemoryStorage, Storage};

use crate::data::{metric, store};

const FUNCTIONS: [&str; 24] = [
    "rate(x_total[1m])",
    "rate(x_total[5m] offset 45s)",
    "increase(x_total[3m])",
    "delta(x_total[2m])",
    "irate(x_total[2m])",
    "idelta(x_total[2m])",
    "resets(x_total[4m])",
    "changes(x_total[4m])",
    "sum_over_time(x_total[2m])",
    "avg_over_time(x_total[10m])",
    "min_over_time(x_total[2m])",
    "max_over_time(x_total[2m])",
    "count_over_time(x_total[1m])",
    "last_over_time(x_total[1m])",
    "present_over_time(x_total[30s])",
    "stddev_over_time(x_total[3m])",
    "quantile_over_time(0.3, x_total[3m])",
    "deriv(x_total[3m])",
    "ts_of_max_over_time(x_total[3m])",
    "absent_over_time(x_total{series=\"1\"}[1m])",
    "rate(x_total[2m:20s])",
    "max_over_time(rate(x_total[1m])[3m:30s])",
    "sum by (target) (rate(x_total[90s]))",
    "rate(x_total[2m] @ 300)",
];

/// What a target has of one series at one time.
#[derive(Debug, Clone, Copy)]
enum Cell {
    Absent,
    Stale,
    /// So much more than before.
    Up(u8),
    /// Starts over.
    Fall,
    Nan,
    Histogram,
}

fn cell() -> impl Strategy<Value = Cell> {
    prop_oneof![
        2 => Just(Cell::Absent),
        1 => Just(Cell::Stale),
        20 => (0..9_u8).prop_map(Cell::Up),
        1 => Just(Cell::Fall),
    ]
}

fn odd_cell() -> impl Strategy<Value = Cell> {
    prop_oneof![10 => cell(), 1 => Just(Cell::Nan), 1 => Just(Cell::Histogram)]
}

/// Series of some targets; those of one have their samples at the same times.
fn filled(targets: &[(Vec<u32>, Vec<Vec<Cell>>)]) -> MemoryStorage {
    let storage = MemoryStorage::new();
    for (target, (gaps, series)) in targets.iter().enumerate() {
        for (at, cells) in series.iter().enumerate() {
            let labels = Labels::from_pairs([
                ("__name__", "x_total"),
                ("target", &target.to_string()),
                ("series", &at.to_string()),
            ]);
            let mut appender = storage.appender();
            let (mut time_ms, mut count) = (0, 100.0);
            for (gap, cell) in gaps.iter().zip(cells) {
                time_ms += i64::from(*gap);
                let value = match cell {
                    Cell::Absent => continue,
                    Cell::Stale => SampleValue::Float(stale_nan()),
                    Cell::Nan => SampleValue::Float(f64::NAN),
                    Cell::Up(more) => {
                        count += f64::from(*more);
                        SampleValue::Float(count)
                    }
                    Cell::Fall => {
                        count = 0.5;
                        SampleValue::Float(count)
                    }
                    Cell::Histogram => SampleValue::FloatHistogram(FloatHistogram::default().into()),
                };
                appender.append(&labels, time_ms, value).unwrap();
            }
            appender.commit().unwrap();
        }
    }
    storage
}

/// Values by labels and time; histograms as text.
type Points = BTreeMap<(String, i64), Point>;

#[derive(Debug)]
enum Point {
    Float(f64),
    Histogram(String),
}

/// Equal, up to the rounding of sums that go on from window to window.
impl PartialEq for Point {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Float(a), Self::Float(b)) => {
                a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-12 * a.abs()
            }
            (Self::Histogram(a), Self::Histogram(b)) => a == b,
            _ => false,
        }
    }
}

fn points(value: Value) -> Points {
    match value {
        Value::Vector(all) => {
            let point = |value: promql::PointValue| match value {
                promql::PointValue::Float(value) => Point::Float(value),
                promql::PointValue::Histogram(histogram) => Point::Histogram(histogram.to_string()),
            };
            all.into_iter().map(|one| ((one.labels.to_string(), one.timestamp_ms), point(one.value))).collect()
        }
        Value::Matrix(all) => all
            .into_iter()
            .flat_map(|series| {
                let labels = series.labels.to_string();
                let floats = series.floats.into_iter().map(|(time_ms, value)| (time_ms, Point::Float(value)));
                let histograms = series
                    .histograms
                    .into_iter()
                    .map(|(time_ms, value)| (time_ms, Point::Histogram(value.to_string())));
                let all: Vec<_> = floats.chain(histograms).collect();
                all.into_iter().map(move |(time_ms, value)| ((labels.clone(), time_ms), value))
            })
            .collect(),
        other => panic!("{other:?}"),
    }
}

fn check(targets: &[(Vec<u32>, Vec<Vec<Cell>>)], step_ms: i64) {
    let storage = filled(targets);
    let features = Features { type_and_unit_labels: false, ..Features::ALL };
    let context = QueryContext::default();
    let (start_ms, end_ms) = (-30_000, 900_000);
    for query in FUNCTIONS {
        let alone = Engine::new(EngineOptions { features, threads: 1, ..EngineOptions::default() });
        let mut expected = Points::new();
        for time_ms in (start_ms..=end_ms).step_by(usize::try_from(step_ms).unwrap()) {
            expected.extend(points(alone.instant(&storage, query, time_ms, &context).unwrap().value));
        }
        for threads in [1, 3] {
            let engine = Engine::new(EngineOptions { features, threads, ..EngineOptions::default() });
            let range = RangeParams { start_ms, end_ms, step_ms };
            let found = points(engine.range(&storage, query, range, &context).unwrap().value);
            assert_eq!(found, expected, "{query} every {step_ms} ms, {threads} threads");
        }
    }
}

fn targets(
    cell: impl Strategy<Value = Cell> + Clone + 'static,
) -> impl Strategy<Value = Vec<(Vec<u32>, Vec<Vec<Cell>>)>> {
    let gaps =
        proptest::collection::vec(prop_oneof![20 => Just(15_000_u32), 3 => 14_000..16_000_u32, 1 => 1_u32..90_000], 50);
    let series = proptest::collection::vec(proptest::collection::vec(cell, 50), 1..4);
    proptest::collection::vec((gaps, series), 1..3)
}

/// Enough series for several threads.
#[test]
fn threads_do_not_matter() {
    let storage = store(&metric("x_total", 1_500), 40, |series, sample| (series as i64 % 7 * sample) as f64 * 0.1);
    let context = QueryContext::default();
    let range = RangeParams { start_ms: 0, end_ms: 600_000, step_ms: 15_000 };
    for query in ["x_total", "rate(x_total[1m])", "sum(rate(x_total[1m]))", "stddev(x_total)", "topk(3, x_total)"] {
        let ask = |threads| {
            let engine = Engine::new(EngineOptions { threads, ..EngineOptions::default() });
            let output = engine.range(&storage, query, range, &context).unwrap();
            (format!("{:?}", output.value), output.stats.samples_total, output.stats.samples_read)
        };
        let alone = ask(1);
        assert!(alone.1 > 0);
        assert!(alone == ask(3), "{query}");
    }
    // The threads end when one of them fails.
    let engine = Engine::new(EngineOptions { threads: 3, samples_max: 20_000, ..EngineOptions::default() });
    let failed = engine.range(&storage, "x_total", range, &context).map(|_| ());
    assert!(matches!(failed, Err(QueryError::TooManySamples { .. })), "{failed:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn floats(targets in targets(cell().boxed()), step_ms in prop_oneof![Just(15_000), Just(60_000), 7_000..100_000_i64]) {
        check(&targets, step_ms);
    }

    #[test]
    fn floats_and_histograms(targets in targets(odd_cell().boxed()), step_ms in prop_oneof![Just(30_000), 7_000..100_000_i64]) {
        check(&targets, step_ms);
    }
}
