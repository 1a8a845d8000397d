//! Samples of any age that come in at once: beside what is there, durable, deletable, merged.

use std::sync::Arc;
use std::time::Duration;

use metrics_model::{Histogram, Labels, Matcher, Sample, SampleValue, Span};
use storage::{Storage, TimeRange};
use tsdb::{Db, Imported, Options};

use crate::compare::{Shown, Value, show};
use crate::model::{self, Random, copy_folder};

fn labels(series: u64) -> Labels {
    let instance = format!("host-{}", series % 3);
    Labels::from_pairs([("__name__", format!("old_{series}").as_str()), ("instance", &instance), ("job", "node")])
}

/// Samples of every kind, as the reference store would show them.
fn samples(random: &mut Random, count: u64) -> Vec<Sample> {
    let mut at_ms = random.below(50_000) as i64;
    let mut sample = || {
        at_ms += 1 + random.below(3) as i64 * 5_000;
        let value = match random.below(20) {
            0 => SampleValue::Histogram(Arc::new(Histogram {
                count: random.below(9),
                positive_spans: vec![Span { offset: 1, length: 1 }],
                positive_deltas: vec![4],
                ..Histogram::default()
            })),
            1 => SampleValue::Float(f64::from_bits(random.next())),
            _ => SampleValue::Float(random.below(100) as f64),
        };
        Sample { timestamp_ms: at_ms, value }
    };
    (0..count).map(|_| sample()).collect()
}

fn shown(all: &[(Labels, Vec<Sample>)]) -> Shown {
    let value = |sample: &Sample| match &sample.value {
        SampleValue::Float(value) => Value::Float(value.to_bits()),
        SampleValue::Histogram(value) => Value::Histogram(Box::new(value.to_float())),
        SampleValue::FloatHistogram(value) => Value::Histogram(Box::new((**value).clone())),
    };
    let mut shown: Shown = all
        .iter()
        .map(|(labels, samples)| {
            (labels.clone(), samples.iter().map(|sample| (sample.timestamp_ms, value(sample))).collect())
        })
        .collect();
    shown.sort_by(|(a, _), (b, _)| a.cmp(b));
    shown
}

#[test]
fn old_samples_come_in_beside_newer_ones() {
    let mut random = Random::new(4);
    let mut dir = tempfile::tempdir().unwrap();
    let db = Db::open(dir.path(), model::options()).unwrap();
    // Newer samples of one of the series, and of another.
    let live = Labels::from_pairs([("__name__", "live")]);
    for at_ms in (9_000_000..9_100_000).step_by(10_000) {
        let mut appender = db.appender();
        appender.append(&live, at_ms, SampleValue::Float(1.0)).unwrap();
        appender.append(&labels(2), at_ms, SampleValue::Float(2.0)).unwrap();
        appender.commit().unwrap();
    }
    let all: Vec<(Labels, Vec<Sample>)> =
        (0..7).map(|series| (labels(series), samples(&mut random, 200 + series * 10))).collect();
    let mut importer = db.importer();
    for (labels, samples) in &all {
        importer.add(labels, samples).unwrap();
    }
    let imported = importer.finish().unwrap();
    let count: usize = all.iter().map(|(_, samples)| samples.len()).sum();
    assert_eq!((imported.samples, imported.expired, imported.future), (count as u64, 0, 0));
    let old = TimeRange { start_ms: i64::MIN, end_ms: 8_999_999 };
    assert_eq!(show(&db, old, &[]), shown(&all));
    assert_eq!(show(&db, TimeRange { start_ms: 9_000_000, end_ms: i64::MAX }, &[]).len(), 2);
    // Again: nothing is there twice.
    let mut importer = db.importer();
    all.iter().rev().for_each(|(labels, samples)| importer.add(labels, samples).unwrap());
    importer.finish().unwrap();
    assert_eq!(show(&db, old, &[]), shown(&all));
    let partitions = db.partitions().unwrap().len();
    // A crash, and what merges and seals make of it.
    let copy = tempfile::tempdir().unwrap();
    copy_folder(dir.path(), copy.path());
    drop(db);
    dir = copy;
    let db = Db::open(dir.path(), model::options()).unwrap();
    assert_eq!(show(&db, old, &[]), shown(&all));
    for round in 0..60 {
        db.run_maintenance(9_200_000 + round * 100_000).unwrap();
    }
    assert!(db.partitions().unwrap().len() <= partitions + 2);
    assert_eq!(show(&db, old, &[]), shown(&all));
    // A series that only the import has goes on from its last sample.
    let last = all[0].1.last().unwrap().timestamp_ms;
    let mut appender = db.appender();
    assert!(appender.append(&all[0].0, last - 1, SampleValue::Float(0.0)).is_err());
    appender.append(&all[0].0, last + 1, SampleValue::Float(0.0)).unwrap();
    drop(appender);
    db.delete_series(&[Matcher::equal("__name__", "old_3")], TimeRange::ALL).unwrap();
    assert_eq!(show(&db, old, &[]).len(), 6);
    db.clean_tombstones().unwrap();
    assert_eq!(show(&db, old, &[]).len(), 6);
}

#[test]
fn what_is_too_old_or_not_yet_is_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let now_ms = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64;
    let options = Options { retention: Some(Duration::from_secs(3600)), background: false, ..Options::default() };
    let db = Db::open(dir.path(), options).unwrap();
    let sample = |at_ms| Sample { timestamp_ms: at_ms, value: SampleValue::Float(1.0) };
    let mut importer = db.importer();
    importer
        .add(&labels(1), &[sample(now_ms + 86_400_000), sample(now_ms - 60_000), sample(now_ms - 4_000_000)])
        .unwrap();
    let imported = importer.finish().unwrap();
    assert_eq!(imported, Imported { samples: 1, expired: 1, future: 1, partitions: 1 });
    assert_eq!(show(&db, TimeRange::ALL, &[]).len(), 1);
}
