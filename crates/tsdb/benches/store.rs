//! The hot paths one by one: committing a scrape, and reading series from the head and from blocks.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on stops where it is")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use metrics_model::{Labels, Matcher, SampleValue};
use storage::{Queryable, Run, SelectHints, SeriesRef, Storage, TimeRange};
use tsdb::{Db, Options};

const SERIES: usize = 1000;
const TICKS: i64 = 240;

fn open(dir: &tempfile::TempDir) -> Db {
    Db::open(dir.path(), Options { background: false, retention: None, late_limit: None, ..Options::default() })
        .unwrap()
}

fn labels(at: usize) -> Labels {
    Labels::from_pairs([("__name__", "requests_total"), ("instance", "host-1"), ("path", &format!("/{at}"))])
}

/// Commits one scrape; a tenth of the series change.
fn scrape(db: &Db, refs: &mut Vec<SeriesRef>, at_ms: i64) {
    let mut appender = db.appender();
    let value =
        |at: usize| SampleValue::Float((at as i64 + if at.is_multiple_of(10) { at_ms / 1000 } else { 0 }) as f64);
    if refs.is_empty() {
        refs.extend((0..SERIES).map(|at| appender.append(&labels(at), at_ms, value(at)).unwrap()));
    } else {
        refs.iter().enumerate().for_each(|(at, series)| appender.append_ref(*series, at_ms, value(at)).unwrap());
    }
    appender.commit().unwrap();
}

fn commit(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("commit");
    group.throughput(Throughput::Elements(SERIES as u64));
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir);
    let (mut refs, mut now_ms) = (Vec::new(), 0);
    scrape(&db, &mut refs, now_ms);
    group.bench_function("1000 known series", |bencher| {
        bencher.iter(|| {
            now_ms += 15_000;
            scrape(&db, &mut refs, now_ms);
            if now_ms % 1_500_000 == 0 {
                db.run_maintenance(now_ms).unwrap();
            }
        });
    });
    group.bench_function("1000 new series", |bencher| {
        bencher.iter_batched(
            || {
                let dir = tempfile::tempdir().unwrap();
                (open(&dir), dir)
            },
            |(db, dir)| {
                scrape(&db, &mut Vec::new(), 0);
                (db, dir)
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn read(db: &Db) -> f64 {
    let querier = db.querier(TimeRange::ALL).unwrap();
    let selected = querier.select(&[Matcher::equal("__name__", "requests_total")], &SelectHints::default()).unwrap();
    let mut sum = 0.0;
    for series in &selected {
        let mut cursor = series.cursor(TimeRange::ALL);
        while let Some(run) = cursor.next_run().unwrap() {
            if let Run::Floats { values, .. } = run {
                sum += values.iter().sum::<f64>();
            }
        }
    }
    sum
}

fn select(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("select");
    group.throughput(Throughput::Elements(SERIES as u64 * TICKS as u64));
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir);
    let mut refs = Vec::new();
    (0..TICKS).for_each(|tick| scrape(&db, &mut refs, tick * 15_000));
    group.bench_function("1000 series, 1 h, head", |bencher| bencher.iter(|| black_box(read(&db))));
    db.flush().unwrap();
    group.bench_function("1000 series, 1 h, blocks", |bencher| bencher.iter(|| black_box(read(&db))));
    group.finish();
}

criterion_group!(benches, commit, select);
criterion_main!(benches);
