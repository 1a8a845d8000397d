//! Damaged files: what is shown may be less, but is never wrong, and what is not damaged is served.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;

use metrics_model::{Labels, SampleValue};
use storage::{Storage, TimeRange};
use tsdb::Db;

use crate::compare::{Value, show};
use crate::model::{self, Random, copy_folder, listing, variable};

/// A store with sealed windows and rows that are not, and what it shows.
fn build(dir: &std::path::Path) -> BTreeMap<Labels, BTreeMap<i64, Value>> {
    let db = Db::open(dir, model::options()).unwrap();
    for tick in 0..60_i64 {
        let mut appender = db.appender();
        for series in 0..300_i64 {
            let labels = Labels::from_pairs([
                ("__name__", format!("metric_{}", series % 20).as_str()),
                ("series", format!("{series:03}").as_str()),
                ("text", "some text that is long enough to fill a block or two of the table of labels"),
            ]);
            let value = (series * 1000 + tick * (series % 7)) as f64 / 10.0;
            appender.append(&labels, tick * 10_000, SampleValue::Float(value)).unwrap();
        }
        appender.commit().unwrap();
        if tick % 5 == 0 {
            db.run_maintenance(tick * 10_000).unwrap();
        }
    }
    show(&db, TimeRange::ALL, &[])
        .into_iter()
        .map(|(labels, samples)| (labels, samples.into_iter().collect()))
        .collect()
}

/// Files that damage is done to, and how much.
pub(crate) fn damage(random: &mut Random, dir: &std::path::Path) -> String {
    let is_data = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "sst" || extension == "log");
    let files: Vec<(PathBuf, u64)> =
        listing(dir).into_iter().filter(|(path, size)| is_data(path) && *size > 0).collect();
    let (path, size) = &files[random.below(files.len() as u64) as usize];
    let mut bytes = std::fs::read(path).unwrap();
    let at = random.below(*size);
    let what = match random.below(3) {
        0 => {
            bytes.truncate(at as usize);
            "cut short"
        }
        1 => {
            let end = (at + random.below(5000) + 1).min(*size);
            bytes[at as usize..end as usize].fill(0);
            "overwritten"
        }
        _ => {
            bytes[at as usize] ^= 1 << random.below(8);
            "a bit flipped"
        }
    };
    std::fs::write(path, bytes).unwrap();
    format!("{} {what} at {at} of {size}", path.file_name().unwrap().display())
}

/// The family that a table was written for by the database itself; sealed samples are written into tables that have none.
fn family(table: &[u8]) -> Option<&'static str> {
    let is_there = |family: &&str| {
        // Keys are stored as what differs from the one before, which ends in `family.id`.
        let property = format!("name{family}");
        table.windows(property.len()).any(|window| window == property.as_bytes())
    };
    ["meta", "series", "rows"].into_iter().find(is_there)
}

/// Tables of lists, labels and log.
fn tables(dir: &std::path::Path) -> Vec<(&'static str, PathBuf, Vec<u8>)> {
    let is_table = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "sst");
    let paths = listing(dir).into_iter().map(|(path, _)| path).filter(is_table);
    let read = |path: PathBuf| {
        let bytes = std::fs::read(&path).ok()?;
        Some((family(&bytes)?, path, bytes))
    };
    paths.filter_map(read).collect()
}

/// Damages what an open store has on the disk and in memory; `None` if there is no such table.
pub(crate) fn wound(random: &mut Random, dir: &std::path::Path) -> Option<String> {
    let mut tables = tables(dir);
    if tables.is_empty() {
        return None;
    }
    let (family, path, mut bytes) = tables.swap_remove(random.below(tables.len() as u64) as usize);
    let at = random.below(bytes.len() as u64) as usize;
    let what = format!("{family}: {} at {at} of {}", path.file_name().unwrap().display(), bytes.len());
    if random.one_in(3) {
        bytes.truncate(at);
    } else {
        bytes[at] ^= 1 << random.below(8);
    }
    std::fs::write(path, bytes).unwrap();
    Some(what)
}

/// A table that cannot be opened keeps whoever goes through a column from reading the others.
#[test]
fn a_table_takes_only_its_own_along() {
    let original = tempfile::tempdir().unwrap();
    let db = Db::open(original.path(), model::options()).unwrap();
    for part in 0..3 {
        let mut appender = db.appender();
        for series in 0..100 {
            let labels = Labels::from_pairs([("__name__", "metric"), ("series", format!("{part}-{series}").as_str())]);
            appender.append(&labels, part * 1_000, SampleValue::Float(1.0)).unwrap();
        }
        appender.commit().unwrap();
        // Each part in a table of its own.
        db.compact().unwrap();
    }
    drop(db);
    let mut seen = Vec::new();
    for (family, path, _) in tables(original.path()) {
        let dir = tempfile::tempdir().unwrap();
        copy_folder(original.path(), dir.path());
        let path = dir.path().join(path.strip_prefix(original.path()).unwrap());
        File::options().write(true).open(&path).unwrap().set_len(100).unwrap();
        let expected = if family == "series" { 200 } else { 300 };
        for round in 0..2 {
            let db = Db::open(dir.path(), model::options()).unwrap();
            let found = show(&db, TimeRange::ALL, &[]).len();
            assert_eq!(found, expected, "{family} {round} {}", path.display());
            db.flush().unwrap();
        }
        assert_eq!(listing(&dir.path().join("damaged")).len(), 1, "{family}");
        seen.push(family);
    }
    assert_eq!(seen.iter().filter(|family| **family == "series").count(), 3, "{seen:?}");
    assert!(seen.contains(&"meta"), "{seen:?}");
}

#[test]
fn damage_costs_samples_but_never_lies() {
    let original = tempfile::tempdir().unwrap();
    let truth = build(original.path());
    let all: usize = truth.values().map(BTreeMap::len).sum();
    let mut intact = 0;
    let rounds = variable("FIREWATCH_DAMAGE_ROUNDS").unwrap_or(40);
    for seed in 1..=rounds {
        let mut random = Random::new(seed);
        let dir = tempfile::tempdir().unwrap();
        copy_folder(original.path(), dir.path());
        let what = damage(&mut random, dir.path());
        let db = Db::open(dir.path(), model::options()).unwrap_or_else(|error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            unreachable!("seed {seed}: {what}: {error}: {cause:?}")
        });
        let shown = show(&db, TimeRange::ALL, &[]);
        let mut found = 0;
        for (labels, samples) in &shown {
            let truth = &truth[labels];
            for (at_ms, value) in samples {
                assert_eq!(truth.get(at_ms), Some(value), "seed {seed}: {what}: {labels} at {at_ms}");
            }
            found += samples.len();
        }
        intact += usize::from(found == all);
        // One file is damaged; there are tables for six windows and a log.
        assert!(found * 2 >= all || what.contains(".log"), "seed {seed}: {what}: {found} of {all} samples are left");
        // It goes on.
        let labels = Labels::from_pairs([("__name__", "afterwards")]);
        let mut appender = db.appender();
        appender.append(&labels, 10_000_000, SampleValue::Float(1.0)).unwrap();
        appender.commit().unwrap();
        assert_eq!(show(&db, TimeRange { start_ms: 10_000_000, end_ms: i64::MAX }, &[]).len(), 1);
    }
    eprintln!("{intact} of {rounds} lost nothing");
}
