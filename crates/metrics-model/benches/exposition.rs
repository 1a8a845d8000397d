//! How fast pages are read and written. Throughput is printed in bytes; `ns/sample` lines follow from a run of their own.

mod pages;

use std::hint::black_box;
use std::time::Instant;

use criterion::{BenchmarkId, Criterion, Throughput};
use metrics_model::exposition::openmetrics::{self, CreatedLines, OpenMetricsReader};
use metrics_model::exposition::protobuf::{self, ProtobufOptions, ProtobufReader};
use metrics_model::exposition::text::{self, TextReader};
use metrics_model::exposition::{Entry, MediaType, ReadOptions, Reader};
use metrics_model::name::NameScheme;
use metrics_model::{Labels, MetricFamily};
use pages::Page;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let pages = [pages::node_exporter(), pages::kube_state_metrics(), pages::histograms()];
    for page in &pages {
        read(&mut criterion, page);
        other_formats(&mut criterion, page);
    }
    for page in &pages {
        report_ns_per_sample(page);
    }
    criterion.final_summary();
}

/// The classic text format: what a scrape of known series costs, and what one of new series costs.
fn read(criterion: &mut Criterion, page: &Page) {
    let mut group = criterion.benchmark_group("read text");
    group.throughput(Throughput::Bytes(page.text.len() as u64));
    let bytes = page.text.as_bytes();
    group.bench_with_input(BenchmarkId::new("known series", page.name), bytes, |bencher, bytes| {
        bencher.iter(|| sum_of_values(bytes));
    });
    group.bench_with_input(BenchmarkId::new("new series", page.name), bytes, |bencher, bytes| {
        bencher.iter(|| labels(bytes).len());
    });
    group.bench_with_input(BenchmarkId::new("strict", page.name), bytes, |bencher, bytes| {
        bencher.iter(|| families(bytes).len());
    });
    group.finish();
}

fn other_formats(criterion: &mut Criterion, page: &Page) {
    let families = families(page.text.as_bytes());
    let mut openmetrics = String::new();
    openmetrics::write_families(&mut openmetrics, &families, CreatedLines::Omit);
    let mut protobuf = Vec::new();
    protobuf::write_families(&mut protobuf, &families);
    let mut group = criterion.benchmark_group("other formats");
    group.throughput(Throughput::Bytes(openmetrics.len() as u64));
    group.bench_function(BenchmarkId::new("read OpenMetrics", page.name), |bencher| {
        bencher.iter(|| OpenMetricsReader::new(black_box(openmetrics.as_bytes())).map_while(Result::ok).count());
    });
    group.throughput(Throughput::Bytes(protobuf.len() as u64));
    group.bench_function(BenchmarkId::new("read protobuf", page.name), |bencher| {
        bencher.iter(|| {
            let mut reader = ProtobufReader::new(black_box(&protobuf), ProtobufOptions::default());
            std::iter::from_fn(|| reader.next().map(|entry| entry.is_ok())).count()
        });
    });
    group.throughput(Throughput::Bytes(page.text.len() as u64));
    group.bench_function(BenchmarkId::new("write text", page.name), |bencher| {
        bencher.iter(|| {
            let mut out = String::with_capacity(page.text.len());
            text::write_families(&mut out, black_box(&families));
            out.len()
        });
    });
    group.finish();
}

fn families(bytes: &[u8]) -> Vec<MetricFamily> {
    text::read_families(bytes, NameScheme::Utf8).expect("the page is valid")
}

/// Reads a page as a scrape of known series does: every entry is looked at, no label is decoded.
fn sum_of_values(bytes: &[u8]) -> (f64, usize) {
    let mut reader = Reader::new(MediaType::Text, black_box(bytes), ReadOptions::default());
    let (mut sum, mut keys) = (0.0, 0);
    while let Some(Ok(entry)) = reader.next() {
        if let Entry::Sample(sample) = entry {
            sum += sample.value;
            keys += sample.series.len();
        }
    }
    (sum, keys)
}

fn labels(bytes: &[u8]) -> Vec<Labels> {
    let samples = TextReader::new(black_box(bytes)).filter_map(|entry| match entry {
        Ok(Entry::Sample(sample)) => sample.labels().ok(),
        _ => None,
    });
    samples.collect()
}

/// The fastest of many rounds, which other work on the machine disturbs least.
fn report_ns_per_sample(page: &Page) {
    const ROUNDS: u32 = 2000;
    let mut fastest = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        black_box(sum_of_values(page.text.as_bytes()));
        fastest = fastest.min(start.elapsed().as_secs_f64());
    }
    let (samples, bytes) = (page.samples as f64, page.text.len() as f64);
    println!("{}: {:.1} ns/sample, {:.0} MB/s", page.name, fastest * 1e9 / samples, bytes / fastest / 1e6);
}
