//! Damaged files: what is shown may be less, but is never wrong, and what is not damaged is served.

use std::collections::BTreeMap;
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
