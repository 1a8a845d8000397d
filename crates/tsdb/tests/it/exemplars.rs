//! Exemplars: kept across restarts with their series, and gone with them.

use std::path::Path;
use std::time::Duration;

use metrics_model::{Exemplar, Labels, MatchOp, Matcher, SampleValue};
use storage::{ExemplarError, Storage, TimeRange, TimedExemplar};
use tsdb::{Db, Limits, Options};

use crate::model;

fn open(dir: &Path, exemplars_max: usize) -> Db {
    Db::open(dir, Options { exemplars_max, retention: None, ..model::options() }).unwrap()
}

/// Commits one sample of a series with one exemplar.
fn append(db: &Db, series: &str, at_ms: i64, id: &str) -> Result<(), ExemplarError> {
    let mut appender = db.appender();
    let labels = Labels::from_pairs([("__name__", "m"), ("s", series)]);
    let series = appender.append(&labels, at_ms, SampleValue::Float(at_ms as f64)).unwrap();
    let exemplar = Exemplar { labels: Labels::from_pairs([("id", id)]), value: 0.5, timestamp_ms: Some(at_ms) };
    let result = appender.append_exemplar(series, TimedExemplar::new(exemplar, 0));
    appender.commit().unwrap();
    result
}

/// What is there, as `series:id id`.
fn shown_in(db: &Db, range: TimeRange, selectors: &[&[Matcher]]) -> String {
    let series = db.exemplars(selectors, range).unwrap().into_iter().map(|series| {
        let ids: Vec<&str> = series.exemplars.iter().map(|it| it.labels.get_or_empty("id")).collect();
        format!("{}:{}", series.labels.get_or_empty("s"), ids.join(" "))
    });
    series.collect::<Vec<_>>().join(" ")
}

fn shown(db: &Db) -> String {
    shown_in(db, TimeRange::ALL, &[&[Matcher::equal("__name__", "m")]])
}

#[test]
fn they_survive_the_end_of_the_process() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path(), 4);
    for (series, at_ms, id) in
        [("a", 1000, "1"), ("b", 1000, "2"), ("a", 2000, "3"), ("b", 3000, "4"), ("a", 3000, "5")]
    {
        append(&db, series, at_ms, id).unwrap();
    }
    // The oldest made room.
    assert_eq!(shown(&db), "a:3 5 b:2 4");
    let a = [Matcher::equal("s", "a")];
    let b = [Matcher::new("s", MatchOp::Regex, "b|c").unwrap()];
    assert_eq!(shown_in(&db, TimeRange { start_ms: 2000, end_ms: 2999 }, &[&a, &b]), "a:3");
    assert_eq!(shown_in(&db, TimeRange::ALL, &[&b]), "b:2 4");
    assert_eq!(shown_in(&db, TimeRange::ALL, &[&a, &b]), "a:3 5 b:2 4");
    let stats = db.stats().exemplars;
    assert_eq!((stats.appended, stats.stored, stats.series, stats.oldest_ms, stats.limit), (5, 4, 2, Some(1000), 4));
    // What a copy of the folder has is what a killed process leaves.
    let copy = dir.path().join("copy");
    db.snapshot(&copy).unwrap();
    for dir in [dir.path(), &copy] {
        if dir != copy {
            db.close().unwrap();
        }
    }
    drop(db);
    for dir in [dir.path(), &copy] {
        let db = open(dir, 4);
        assert_eq!(shown(&db), "a:3 5 b:2 4");
        // Numbers go on from where they were.
        append(&db, "c", 4000, "6").unwrap();
        assert_eq!(shown(&db), "a:3 5 b:4 c:6");
        drop(db);
        assert_eq!(shown(&open(dir, 3)), "a:5 b:4 c:6", "a smaller limit keeps the newest");
        assert_eq!(shown(&open(dir, 0)), "");
        assert_eq!(shown(&open(dir, 4)), "", "switched off, none are kept");
    }
}

#[test]
fn repeated_and_late_ones_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path(), 10);
    append(&db, "a", 2000, "1").unwrap();
    let mut appender = db.appender();
    let labels = Labels::from_pairs([("__name__", "m"), ("s", "a")]);
    let series = appender.append(&labels, 3000, SampleValue::Float(1.0)).unwrap();
    let exemplar = |id: &str, at_ms| TimedExemplar {
        labels: Labels::from_pairs([("id", id)]),
        value: 0.5,
        timestamp_ms: at_ms,
        has_own_time: true,
    };
    assert_eq!(appender.append_exemplar(series, exemplar("1", 2000)), Ok(()));
    assert_eq!(appender.append_exemplar(series, exemplar("0", 1999)), Err(ExemplarError::OutOfOrder));
    assert_eq!(appender.append_exemplar(series, exemplar(&"x".repeat(127), 3000)), Err(ExemplarError::TooLong));
    assert_eq!(appender.append_exemplar(storage::SeriesRef(77), exemplar("0", 1)), Err(ExemplarError::UnknownSeries));
    // Two of one commit: the second is too late beside the first.
    assert_eq!(appender.append_exemplar(series, exemplar("3", 3000)), Ok(()));
    assert_eq!(appender.append_exemplar(series, exemplar("2", 2500)), Ok(()));
    appender.commit().unwrap();
    assert_eq!(shown(&db), "a:1 3");
    assert_eq!((db.stats().exemplars.out_of_order, db.stats().exemplars.appended), (2, 2));
}

#[test]
fn they_go_with_their_samples() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path(), 10);
    for (series, at_ms) in [("a", 1000), ("b", 1000), ("a", 100_000), ("b", 100_000)] {
        append(&db, series, at_ms, &at_ms.to_string()).unwrap();
    }
    db.delete_series(&[Matcher::equal("s", "a")], TimeRange { start_ms: 0, end_ms: 5000 }).unwrap();
    assert_eq!(shown(&db), "a:100000 b:1000 100000");
    db.set_limits(Limits { exemplars_max: 2, retention: Some(Duration::from_secs(50)), ..Limits::default() });
    assert_eq!(shown(&db), "a:100000 b:100000");
    // Series without samples leave in two rounds, and their exemplars with the next.
    db.flush().unwrap();
    for minute in 2..40 {
        db.run_maintenance(minute * 3_600_000).unwrap();
    }
    assert_eq!((db.stats().series, db.stats().exemplars.stored, shown(&db).as_str()), (0, 0, ""));
    drop(db);
    assert_eq!(open(dir.path(), 10).stats().exemplars.stored, 0);
}
