//! The engine: whatever a query asks, it answers or says why not, within its limits; and a query over a range of one step
//! has as many series as the same query at that time.

#![no_main]

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use metrics_model::{FloatHistogram, Labels, SampleValue, Span, stale_nan};
use promql::{Engine, EngineOptions, Features, QueryContext, RangeParams, Value};
use storage::{MemoryStorage, Storage};

/// The longest a query may take: the engine's limit and room for a slow machine.
const LONGEST: Duration = Duration::from_secs(20);

static STORE: LazyLock<MemoryStorage> = LazyLock::new(store);

fn store() -> MemoryStorage {
    let storage = MemoryStorage::new();
    let mut appender = storage.appender();
    for (at, (name, job)) in [("a", "x"), ("a", "y"), ("b", "x"), ("h", "x"), ("c_bucket", "1"), ("c_bucket", "+Inf")]
        .into_iter()
        .enumerate()
    {
        let label = if name == "c_bucket" { "le" } else { "job" };
        let labels = Labels::from_pairs([("__name__", name), (label, job)]);
        for sample in 0..40_u32 {
            let number = f64::from(sample * 7 % 11 + at as u32);
            let value = match (name, sample % 13) {
                ("h", _) => SampleValue::FloatHistogram(Arc::new(histogram(number))),
                ("b", 0) => SampleValue::Float(f64::NAN),
                ("b", 1) => SampleValue::Float(f64::INFINITY),
                ("b", 2) => SampleValue::Float(stale_nan()),
                _ => SampleValue::Float(number),
            };
            appender.append(&labels, i64::from(sample) * 15_000, value).expect("a sample");
        }
    }
    appender.commit().expect("a store in memory");
    storage
}

fn histogram(number: f64) -> FloatHistogram {
    FloatHistogram {
        schema: 1,
        count: number * 3.0,
        sum: number,
        positive_spans: vec![Span { offset: -1, length: 2 }],
        positive_buckets: vec![number, number * 2.0],
        ..FloatHistogram::default()
    }
}

fuzz_target!(|input: (&str, u16)| {
    let (query, time) = input;
    let engine = Engine::new(EngineOptions {
        timeout: Duration::from_secs(2),
        samples_max: 100_000,
        memory_bytes_max: 8 << 20,
        features: Features { delayed_name_removal: time % 2 == 0, ..Features::ALL },
        ..EngineOptions::default()
    });
    let started = Instant::now();
    let time_ms = i64::from(time) * 20;
    let context = QueryContext { per_step_stats: true, ..QueryContext::default() };
    let instant = engine.instant(&*STORE, query, time_ms, &context);
    let range = RangeParams { start_ms: time_ms, end_ms: time_ms + 100_000, step_ms: 7_000 };
    let _several = engine.range(&*STORE, query, range, &context);
    let range = RangeParams { start_ms: time_ms, end_ms: time_ms, step_ms: 1_000 };
    if let (Ok(instant), Ok(single)) = (instant, engine.range(&*STORE, query, range, &context))
        && let (Value::Vector(vector), Value::Matrix(matrix)) = (instant.value, single.value)
        && !query.contains("step")
    {
        assert_eq!(vector.len(), matrix.len(), "{query}");
    }
    assert!(started.elapsed() < LONGEST, "{query}");
});
