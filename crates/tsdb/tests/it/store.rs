//! What the store promises beyond what the model covers: limits, retention, forgetting, locking, many threads.

use std::path::Path;
use std::time::Duration;

use metrics_model::{Labels, Matcher, SampleValue};
use storage::{AppendError, Queryable, Storage, StorageError, TimeRange};
use tsdb::{Db, DbError, Limits, OpenError, Options, Room};

use crate::compare::{Value, show};
use crate::model;

fn labels(series: u64) -> Labels {
    Labels::from_pairs([("__name__", "m"), ("series", &format!("{series:03}"))])
}

fn append(db: &Db, series: u64, at_ms: i64) -> Result<(), AppendError> {
    let mut appender = db.appender();
    let result = appender.append(&labels(series), at_ms, SampleValue::Float(at_ms as f64)).map(drop);
    appender.commit().unwrap();
    result
}

fn times(db: &Db, series: u64) -> Vec<i64> {
    let shown = show(db, TimeRange::ALL, &[Matcher::equal("series", &format!("{series:03}"))]);
    shown.iter().flat_map(|(_, samples)| samples).map(|(at_ms, _)| *at_ms).collect()
}

fn open(dir: &Path, change: impl FnOnce(&mut Options)) -> Db {
    let mut options = model::options();
    change(&mut options);
    Db::open(dir, options).unwrap()
}

#[test]
fn a_folder_is_opened_once() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path(), |_| {});
    let second = Db::open(dir.path(), model::options());
    assert!(matches!(second, Err(OpenError::Locked { path }) if path == dir.path()));
    drop(db);
    open(dir.path(), |_| {});
}

#[test]
fn a_folder_that_cannot_be_one_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    std::fs::write(&path, "in the way").unwrap();
    let error = Db::open(&path, model::options()).unwrap_err();
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
}

#[test]
fn closing_refuses_what_comes_later() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path(), |options| options.background = true);
    append(&db, 1, 1000).unwrap();
    let mut open_appender = db.appender();
    open_appender.append(&labels(1), 2000, SampleValue::Float(1.0)).unwrap();
    db.close().unwrap();
    db.close().unwrap();
    assert!(open_appender.commit().is_err());
    assert!(matches!(db.querier(TimeRange::ALL), Err(StorageError::Closed)));
    assert!(matches!(db.run_maintenance(0), Err(DbError::Closed)));
    drop(db);
    assert_eq!(times(&open(dir.path(), |_| {}), 1), [1000]);
}

#[test]
fn late_samples_are_out_of_bounds() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path(), |options| options.late_limit = Some(Duration::from_secs(60)));
    append(&db, 1, 100_000).unwrap();
    assert_eq!(append(&db, 2, 39_999), Err(AppendError::OutOfBounds));
    append(&db, 2, 40_000).unwrap();
    assert_eq!(append(&db, 1, 99_999), Err(AppendError::OutOfOrder));
    let stats = db.stats();
    assert_eq!((stats.out_of_bounds, stats.out_of_order, stats.samples_appended), (1, 1, 2));
}

#[test]
fn new_series_beyond_the_limit_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path(), |options| options.series_max = Some(2));
    append(&db, 1, 1000).unwrap();
    append(&db, 2, 1000).unwrap();
    assert!(matches!(append(&db, 3, 1000), Err(AppendError::SeriesRefused { .. })));
    append(&db, 1, 2000).unwrap();
    assert_eq!((db.stats().series, db.stats().series_refused), (2, 1));
    assert!(matches!(
        db.appender().append(&Labels::empty(), 0, SampleValue::Float(0.0)),
        Err(AppendError::InvalidLabels { .. })
    ));
}

#[test]
fn vital_series_are_refused_last() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path(), |_| {});
    append(&db, 1, 1000).unwrap();
    db.allow_new_series(Room { series: Some(0), vital: Some(1), bytes: None });
    assert!(matches!(append(&db, 2, 1000), Err(AppendError::SeriesRefused { .. })));
    let mut appender = db.appender();
    appender.set_vital();
    let mut alert = |name| {
        let labels = Labels::from_pairs([("__name__", "ALERTS"), ("alertname", name)]);
        appender.append(&labels, 1000, SampleValue::Float(1.0))
    };
    alert("first").unwrap();
    assert!(matches!(alert("second"), Err(AppendError::SeriesRefused { .. })));
    appender.commit().unwrap();
    // Known ones go on, and there is room again.
    append(&db, 1, 2000).unwrap();
    db.allow_new_series(Room::default());
    append(&db, 2, 2000).unwrap();
    assert_eq!((db.stats().series, db.stats().series_refused), (3, 2));
}

/// Windows are 100 s long and sealed 20 s later.
#[test]
fn old_partitions_go_and_series_with_them() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path(), |options| {
        options.retention = Some(Duration::from_secs(300));
        options.merge_window = Duration::from_secs(100);
    });
    append(&db, 1, 10_000).unwrap();
    for at_ms in (20_000..800_000).step_by(10_000) {
        append(&db, 2, at_ms).unwrap();
        db.run_maintenance(at_ms).unwrap();
    }
    assert_eq!(times(&db, 1), []);
    let kept = times(&db, 2);
    // What is left begins with the window that ended after the retention time.
    assert_eq!((kept[0], *kept.last().unwrap()), (400_000, 790_000));
    assert!(db.stats().time_retentions >= 3);
    for round in 0..4 {
        db.run_maintenance(800_000 + round * 61_000).unwrap();
    }
    assert_eq!((db.stats().series, db.stats().series_removed), (1, 1));
    // It can come back, as a new series.
    append(&db, 1, 795_000).unwrap();
    assert_eq!(times(&db, 1), [795_000]);
    drop(db);
    let db = open(dir.path(), |_| {});
    assert_eq!((times(&db, 1), db.stats().series), (vec![795_000], 2));
}

#[test]
fn the_oldest_go_when_there_is_too_much() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path(), |options| options.merge_window = Duration::from_secs(100));
    for at_ms in (0..1_000_000).step_by(5_000) {
        append(&db, at_ms as u64 % 3, at_ms).unwrap();
    }
    db.run_maintenance(1_000_000).unwrap();
    let before = db.stats();
    assert!(before.partitions >= 9);
    drop(db);
    let limit = before.sealed_bytes / 2;
    let db = open(dir.path(), |options| {
        options.merge_window = Duration::from_secs(100);
    });
    // The log counts too.
    let retention_bytes = Some(limit + db.stats().log_bytes);
    db.set_limits(Limits { retention_bytes, ..Limits::default() });
    db.run_maintenance(1_000_000).unwrap();
    let after = db.stats();
    assert!(after.sealed_bytes <= limit && after.partitions >= 3, "{after:?}");
    assert!(show(&db, TimeRange { start_ms: 900_000, end_ms: i64::MAX }, &[]).len() == 3);
    assert!(show(&db, TimeRange { start_ms: 0, end_ms: 100_000 }, &[]).is_empty());
}

#[test]
fn disk_is_free_after_cleaning() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path(), |_| {});
    for at_ms in (0..500_000).step_by(1_000) {
        let mut appender = db.appender();
        for series in 0..5 {
            let value = SampleValue::Float((at_ms as f64 + series as f64).sqrt().sin());
            appender.append(&labels(series), at_ms, value).unwrap();
        }
        appender.commit().unwrap();
    }
    db.flush().unwrap();
    let before = db.stats();
    db.delete_series(&[Matcher::new("series", metrics_model::MatchOp::Regex, "00[0-3]").unwrap()], TimeRange::ALL)
        .unwrap();
    assert_eq!((times(&db, 0).len(), times(&db, 4).len()), (0, 500));
    assert_eq!(db.querier(TimeRange::ALL).unwrap().label_values("series", &[]).unwrap(), ["004"]);
    db.clean_tombstones().unwrap();
    let after = db.stats();
    assert_eq!((before.sealed_samples, after.sealed_samples), (2500, 500));
    assert!(after.sealed_bytes < before.sealed_bytes, "{before:?} {after:?}");
    assert_eq!(times(&db, 4).len(), 500);
    // The deletion itself is forgotten when the log before it is gone.
    append(&db, 4, 1_000_000).unwrap();
    db.flush().unwrap();
    append(&db, 4, 2_000_000).unwrap();
    db.flush().unwrap();
    db.run_maintenance(2_000_000).unwrap();
    assert_eq!(db.stats().tombstones, 0);
    assert_eq!(times(&db, 0), []);
}

/// Writers commit two series at once while readers look: they must never see one without the other.
#[test]
fn commits_are_seen_whole_by_other_threads() {
    const COMMITS: i64 = 400;
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path(), |options| {
        options.background = true;
        options.window = Duration::from_millis(500);
        options.seal_delay = Duration::from_millis(100);
        options.maintenance_interval = Duration::from_millis(5);
    });
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..3_u64)
            .map(|writer| {
                let db = &db;
                scope.spawn(move || {
                    for at_ms in 0..COMMITS {
                        let mut appender = db.appender();
                        for series in [writer * 2, writer * 2 + 1] {
                            appender.append(&labels(series), at_ms * 10, SampleValue::Float(at_ms as f64)).unwrap();
                        }
                        appender.commit().unwrap();
                    }
                })
            })
            .collect();
        while !writers.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            let shown = show(&db, TimeRange::ALL, &[]);
            for pair in shown.chunks(2) {
                assert_eq!(pair[0].1.len(), pair[1].1.len());
                let is_sound = |(at, sample): (usize, &(i64, Value))| {
                    *sample == (at as i64 * 10, Value::Float((at as f64).to_bits()))
                };
                assert!(pair[0].1.iter().enumerate().all(is_sound), "{:?}", pair[0].1);
            }
        }
    });
    let shown = show(&db, TimeRange::ALL, &[]);
    assert!(shown.len() == 6 && shown.iter().all(|(_, samples)| samples.len() == COMMITS as usize));
}

#[test]
fn figures_say_what_there_is() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path(), |_| {});
    (0..10).for_each(|series| append(&db, series, 1000 + series as i64).unwrap());
    let stats = db.stats();
    assert_eq!((stats.series, stats.samples_appended, stats.series_created), (10, 10, 10));
    assert_eq!((stats.head_min_ms, stats.head_max_ms, stats.min_ms), (Some(1000), Some(1009), Some(1000)));
    let cardinalities = db.cardinalities(2);
    assert_eq!((cardinalities.series_by_metric[0].name.as_str(), cardinalities.series_by_metric[0].count), ("m", 10));
    assert_eq!(
        (cardinalities.values_by_label[0].name.as_str(), cardinalities.values_by_label[0].count),
        ("series", 10)
    );
    assert_eq!((cardinalities.series_by_pair[0].name.as_str(), cardinalities.label_pairs), ("__name__=m", 11));
}

/// Bytes of all tables of the store in `dir`.
fn table_bytes(dir: &Path) -> u64 {
    let files = std::fs::read_dir(dir.join("database")).unwrap().map(|entry| entry.unwrap());
    let tables = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "sst"));
    tables.map(|file| file.metadata().unwrap().len()).sum()
}

#[test]
fn compacting_leaves_no_room_to_what_was_sealed() {
    const STEPS: i64 = 800;
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path(), |options| options.log_buffer_bytes = 64 << 10);
    // Full floats: some nine bytes a sample in a row, eight when sealed.
    let noise =
        |at: i64| f64::from_bits(0x3ff0_0000_0000_0000 | ((at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 12));
    for step in 0..STEPS {
        let mut appender = db.appender();
        for series in 0..20 {
            let value = SampleValue::Float(noise(step * 20 + series as i64));
            appender.append(&labels(series), step * 1000, value).unwrap();
        }
        appender.commit().unwrap();
    }
    db.compact().unwrap();
    let sealed = STEPS as u64 * 20 * 8;
    let bytes = table_bytes(dir.path());
    assert!(bytes < sealed + sealed / 5, "{bytes} bytes for samples of {sealed}");
    assert_eq!(times(&db, 7).len(), STEPS as usize);
    drop(db);
    assert_eq!(times(&open(dir.path(), |_| {}), 7).len(), STEPS as usize);
}
