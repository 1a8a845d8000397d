//! How fast label values are matched, against the automaton alone.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use metrics_model::pattern::{Pattern, compile};

/// Expressions as dashboards have them.
const SOURCES: [(&str, &str); 8] = [
    ("literals", "checkout|payments|search|frontend"),
    ("prefix", "registry-.*"),
    ("suffix", ".*-production"),
    ("contains", ".*pay.*"),
    ("between", "frontend-.+-production"),
    ("folded", "(?i)frontend-production-[a-z]+|payments-production"),
    ("small class", "frontend-[0-4]"),
    ("general", "frontend-[0-9]+-(?:staging|production)"),
];

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let values: Vec<String> = (0..1000)
        .map(|index| {
            let service = ["checkout", "payments", "search", "frontend", "registry"][index % 5];
            let stage = ["production", "staging"][index % 2];
            if index % 7 == 0 { service.to_owned() } else { format!("{service}-{index}-{stage}") }
        })
        .collect();
    let mut group = criterion.benchmark_group("pattern");
    group.throughput(Throughput::Elements(values.len() as u64));
    for (name, source) in SOURCES {
        let pattern = Pattern::new(source).expect("is valid");
        let regex = compile(source).expect("is valid");
        group.bench_function(BenchmarkId::new("shape", name), |bencher| {
            bencher.iter(|| values.iter().filter(|value| pattern.is_match(black_box(value))).count());
        });
        group.bench_function(BenchmarkId::new("automaton", name), |bencher| {
            bencher.iter(|| values.iter().filter(|value| regex.is_match(black_box(value))).count());
        });
    }
    group.finish();
    criterion.final_summary();
}
