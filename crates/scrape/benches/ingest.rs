//! CPU time of one scrape from its answer to its commit, in the reference store without its cost: what is measured is
//! parsing, the series cache and bookkeeping.
#![expect(clippy::unwrap_used, reason = "a benchmark stops where it unwraps")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use instrument::Registry;
use metrics_model::{Labels, SampleValue};
use scrape::ingest::{Ingest, Scraped};
use scrape::target::{Target, discovered_labels, populate};
use scrape::{GlobalConfig, Metrics, RawGlobal, ScrapeConfig};
use storage::{AppendError, Appender, CommitError, Querier, Queryable, SeriesRef, Storage, StorageError, TimeRange};

/// A store that forgets everything.
struct Nothing;

struct Forgetting(u64);

impl Queryable for Nothing {
    fn querier(&self, _: TimeRange) -> Result<Box<dyn Querier + '_>, StorageError> {
        Err(StorageError::Closed)
    }
}

impl Storage for Nothing {
    fn appender(&self) -> Box<dyn Appender + '_> {
        Box::new(Forgetting(0))
    }
}

impl Appender for Forgetting {
    fn append(&mut self, labels: &Labels, _: i64, _: SampleValue) -> Result<SeriesRef, AppendError> {
        self.0 += 1;
        black_box(labels);
        Ok(SeriesRef(self.0))
    }

    fn append_ref(&mut self, series: SeriesRef, _: i64, value: SampleValue) -> Result<(), AppendError> {
        black_box((series, value));
        Ok(())
    }

    fn commit(self: Box<Self>) -> Result<(), CommitError> {
        Ok(())
    }
}

/// An answer as node exporters give it: families with labels.
fn body(series: usize) -> String {
    let mut text = String::new();
    for number in 0..series {
        if number % 20 == 0 {
            text.push_str(&format!("# HELP node_metric_{number}_total Number of things that happened.\n"));
            text.push_str(&format!("# TYPE node_metric_{number}_total counter\n"));
        }
        let family = number - number % 20;
        text.push_str(&format!(
            "node_metric_{family}_total{{device=\"eth{}\",mode=\"mode-{}\",cpu=\"{number}\"}} {}.25\n",
            number % 7,
            number % 3,
            number * 1000
        ));
    }
    text
}

fn ingest() -> Ingest {
    let raw = config_file::parse("bench.yml".as_ref(), "job_name: bench\n").unwrap();
    let global = GlobalConfig::new(RawGlobal::default()).unwrap();
    let config = ScrapeConfig::check_at("bench", Some(raw), &global).unwrap();
    let address = Labels::from_pairs([("__address__", "localhost:9100")]);
    let discovered = discovered_labels(&config, &address, &Labels::empty());
    let labels = populate(&config, &discovered).unwrap().unwrap();
    let target = Target::new(&config, labels, discovered);
    Ingest::new(Arc::new(config), Arc::new(target), Metrics::new(&Registry::new()))
}

fn scrape(ingest: &mut Ingest, body: &bytes::Bytes) {
    let answer = Ok(scrape::fetch::Fetched { body: body.clone(), content_type: "text/plain".to_owned() });
    let scraped = Scraped { timestamp_ms: 1, started: tokio::time::Instant::now(), answer };
    assert!(ingest.ingest(&Nothing, scraped).error.is_none());
}

fn ingesting(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ingest");
    let series = 2000;
    let body = bytes::Bytes::from(body(series));
    group.throughput(Throughput::Elements(series as u64));
    let mut known = ingest();
    group.bench_function("known series", |bencher| bencher.iter(|| scrape(&mut known, &body)));
    group.bench_function("new series", |bencher| {
        bencher.iter_batched_ref(ingest, |fresh| scrape(fresh, &body), criterion::BatchSize::LargeInput);
    });
    group.finish();
}

criterion_group!(benches, ingesting);
criterion_main!(benches);
