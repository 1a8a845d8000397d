//! Samples older than their series, within a window: taken, sorted in, durable; and refused beyond it.

use std::collections::BTreeMap;
use std::time::Duration;

use metrics_model::{Labels, SampleValue};
use storage::{AppendError, Storage, TimeRange};
use tsdb::{Db, Options};

use crate::compare::{Shown, Value, show};
use crate::model::{self, Random, copy_folder, variable};

const WINDOW_MS: i64 = 150_000;

fn options() -> Options {
    Options { out_of_order_window: Duration::from_millis(WINDOW_MS as u64), ..model::options() }
}

fn labels(pick: u64) -> Labels {
    Labels::from_pairs([("__name__", "late"), ("series", &format!("{pick:02}"))])
}

#[derive(Default)]
struct Reference {
    series: BTreeMap<u64, BTreeMap<i64, u64>>,
    newest_ms: Option<i64>,
}

impl Reference {
    /// What the store must answer, with this newest sample at the start of the commit.
    fn append(&mut self, pick: u64, at_ms: i64, bits: u64, newest_ms: Option<i64>) -> Result<(), AppendError> {
        let samples = self.series.entry(pick).or_default();
        match samples.last_key_value() {
            Some((last, value)) if *last == at_ms && *value != bits => return Err(AppendError::DuplicateTimestamp),
            Some((last, _)) if *last > at_ms && newest_ms.is_some_and(|newest| at_ms < newest - WINDOW_MS) => {
                return Err(AppendError::OutOfBounds);
            }
            _ => {}
        }
        // Of two samples at one time the first counts.
        samples.entry(at_ms).or_insert(bits);
        self.newest_ms = self.newest_ms.max(Some(at_ms));
        Ok(())
    }

    fn shown(&self) -> Shown {
        let value = |(at_ms, bits): (&i64, &u64)| (*at_ms, Value::Float(*bits));
        let series = self.series.iter().filter(|(_, samples)| !samples.is_empty());
        series.map(|(pick, samples)| (labels(*pick), samples.iter().map(value).collect())).collect()
    }
}

fn run(seed: u64) {
    eprintln!("out of order seed {seed}");
    let mut random = Random::new(seed);
    let mut dir = tempfile::tempdir().unwrap();
    let mut db = Db::open(dir.path(), options()).unwrap();
    let mut reference = Reference::default();
    let mut now_ms = 1_000_000_i64;
    for _ in 0..200 {
        match random.below(20) {
            0..=13 => {
                now_ms += random.below(15_000) as i64;
                let newest_ms = reference.newest_ms;
                let mut appender = db.appender();
                for _ in 0..random.below(20) {
                    let pick = random.below(8);
                    let at_ms = if random.one_in(3) { now_ms - random.below(250_000) as i64 } else { now_ms };
                    let bits = (at_ms as f64 / [1.0, 1000.0][random.below(2) as usize]).to_bits();
                    let ours = appender.append(&labels(pick), at_ms, SampleValue::Float(f64::from_bits(bits)));
                    assert_eq!(ours.map(drop), reference.append(pick, at_ms, bits, newest_ms));
                }
                appender.commit().unwrap();
            }
            14..=15 => db.run_maintenance(now_ms).unwrap(),
            16 => db.flush().unwrap(),
            17 => {
                drop(db);
                db = Db::open(dir.path(), options()).unwrap();
            }
            _ => {
                let copy = tempfile::tempdir().unwrap();
                copy_folder(dir.path(), copy.path());
                drop(db);
                db = Db::open(copy.path(), options()).unwrap();
                dir = copy;
            }
        }
        assert_eq!(show(&db, TimeRange::ALL, &[]), reference.shown());
        assert_eq!((db.stats().records_lost, db.stats().damaged), (0, 0));
    }
    assert!(db.stats().partitions > 0);
}

#[test]
fn late_samples_are_sorted_in() {
    if let Some(seed) = variable("FIREWATCH_MODEL_SEED") {
        return run(seed);
    }
    (1..=variable("FIREWATCH_MODEL_ROUNDS").unwrap_or(8)).for_each(run);
}
