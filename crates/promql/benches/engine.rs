//! How long queries take, over a store whose samples lie ready in columns, so that the engine alone is measured.
//!
//! 1000 series of a counter, 1000 of a gauge, 100 classic histograms of 12 buckets and 100 native ones, one sample every
//! 15 seconds for a day. Range queries ask for the last hour, a step every 15 seconds, unless the name says otherwise; the
//! group `day` for the whole day, a step every minute; the group `many` for an hour of 100,000 series, a step every
//! minute. What is measured is processor time, of all threads together.

#[path = "engine/columns.rs"]
mod columns;
#[path = "engine/cpu.rs"]
mod cpu;

use std::hint::black_box;
use std::time::Duration;

use columns::{ColumnStore, END_MS};
use cpu::CpuTime;
use criterion::{Criterion, criterion_group, criterion_main};
use promql::{Engine, EngineOptions, Features, QueryContext, RangeParams};

/// Name and query.
const QUERIES: &[(&str, &str)] = &[
    ("selector", "requests_total"),
    ("sum", "sum(memory_bytes)"),
    ("sum by", "sum by (job) (memory_bytes)"),
    ("sum without", "sum without (instance) (memory_bytes)"),
    ("quantile", "quantile by (job) (0.9, memory_bytes)"),
    ("topk", "topk(5, memory_bytes)"),
    ("count_values", r#"count_values("v", up)"#),
    ("rate 1m", "rate(requests_total[1m])"),
    ("rate 5m", "rate(requests_total[5m])"),
    ("rate 1h", "rate(requests_total[1h])"),
    ("sum of rate 5m", "sum by (job) (rate(requests_total[5m]))"),
    ("irate 5m", "irate(requests_total[5m])"),
    ("avg_over_time 1h", "avg_over_time(memory_bytes[1h])"),
    ("max_over_time 1h", "max_over_time(memory_bytes[1h])"),
    ("sum_over_time 1h", "sum_over_time(memory_bytes[1h])"),
    ("quantile_over_time 1h", "quantile_over_time(0.9, memory_bytes[1h])"),
    ("count_over_time 1h", "count_over_time(memory_bytes[1h])"),
    ("predict_linear 1h", "predict_linear(memory_bytes[1h], 3600)"),
    ("subquery", "max_over_time(rate(requests_total[5m])[30m:1m])"),
    ("scalar arithmetic", "memory_bytes * 100 / 1024"),
    ("one to one", "memory_bytes / on (instance, job) requests_total"),
    ("many to one", "memory_bytes * on (job) group_left (version) version_info"),
    ("and", "memory_bytes and on (instance) requests_total"),
    ("comparison", "memory_bytes > 500"),
    ("label_replace", r#"label_replace(memory_bytes, "host", "$1", "instance", "(.*)")"#),
    ("classic quantile", "histogram_quantile(0.9, sum by (le) (rate(latency_bucket[5m])))"),
    ("classic quantiles", "histogram_quantile(0.9, rate(latency_bucket[5m]))"),
    ("native quantile", "histogram_quantile(0.9, sum(rate(latency[5m])))"),
    ("native quantiles", "histogram_quantile(0.9, rate(latency[5m]))"),
    ("at", "rate(requests_total[5m] @ end())"),
];

/// Those that are asked for a whole day as well.
const DAY: [&str; 5] = ["sum by", "sum of rate 5m", "max_over_time 1h", "quantile_over_time 1h", "one to one"];

/// Those that are asked of many series.
const MANY: &[(&str, &str)] = &[
    ("sum by", "sum by (job) (many_total)"),
    ("sum of rate 5m", "sum by (job) (rate(many_total[5m]))"),
    ("topk of rate 5m", "topk(5, rate(many_total[5m]))"),
];

fn queries(criterion: &mut Criterion<CpuTime>) {
    let features = Features { experimental_functions: true, ..Features::default() };
    let engine = Engine::new(EngineOptions { features, ..EngineOptions::default() });
    let store = ColumnStore::filled();
    let context = QueryContext::default();
    let mut group = criterion.benchmark_group("range");
    for (name, query) in QUERIES {
        let range = RangeParams { start_ms: END_MS - 3_600_000, end_ms: END_MS, step_ms: 15_000 };
        group.bench_function(*name, |bencher| {
            bencher.iter(|| black_box(engine.range(&store, query, range, &context).expect("a good query")));
        });
    }
    group.finish();
    let mut group = criterion.benchmark_group("instant");
    for (name, query) in
        QUERIES.iter().filter(|(name, _)| ["selector", "sum by", "rate 5m", "one to one"].contains(name))
    {
        group.bench_function(*name, |bencher| {
            bencher.iter(|| black_box(engine.instant(&store, query, END_MS, &context).expect("a good query")));
        });
    }
    group.finish();
    let mut group = criterion.benchmark_group("day");
    for (name, query) in QUERIES.iter().filter(|(name, _)| DAY.contains(name)) {
        let range = RangeParams { start_ms: END_MS - 86_400_000 + 3_600_000, end_ms: END_MS, step_ms: 60_000 };
        group.bench_function(*name, |bencher| {
            bencher.iter(|| black_box(engine.range(&store, query, range, &context).expect("a good query")));
        });
    }
    group.finish();
    let many = ColumnStore::with_many();
    let mut group = criterion.benchmark_group("many");
    for (name, query) in MANY {
        let range = RangeParams { start_ms: END_MS - 3_600_000, end_ms: END_MS, step_ms: 60_000 };
        group.bench_function(*name, |bencher| {
            bencher.iter(|| black_box(engine.range(&many, query, range, &context).expect("a good query")));
        });
    }
    group.finish();
    drop(many);
    let long = r#"100 * (1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle", job=~"node|linux"}[5m])))"#;
    criterion.bench_function("parse", |bencher| bencher.iter(|| black_box(engine.parse(long).expect("a good query"))));
}

fn short() -> Criterion<CpuTime> {
    Criterion::default()
        .with_measurement(CpuTime)
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(500))
}

criterion_group! { name = benches; config = short(); targets = queries }
criterion_main!(benches);
