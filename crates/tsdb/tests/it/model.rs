//! Seeded random operations on the store and on the reference store, which must always show the same.
//!
//! `FIREWATCH_MODEL_SEED` runs one seed, `FIREWATCH_MODEL_ROUNDS` more or fewer of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use metrics_model::{FloatHistogram, Histogram, Labels, MatchOp, Matcher, SampleValue, Span, stale_nan};
use storage::{AppendError, MemoryStorage, SeriesRef, Storage, TimeRange};
use tsdb::{Db, Options};

use crate::compare::{labels, show};

/// A small generator of its own, so that a seed means the same for ever.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 11) % limit
    }

    pub(crate) fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }
}

pub(crate) fn options() -> Options {
    Options {
        retention: None,
        late_limit: None,
        window: Duration::from_secs(100),
        seal_delay: Duration::from_secs(20),
        background: false,
        ..Options::default()
    }
}

fn series(pick: u64) -> Labels {
    Labels::from_pairs([
        ("__name__", format!("metric_{}", pick % 7).as_str()),
        ("instance", format!("host-{}", pick / 7 % 5).as_str()),
        ("job", if pick % 2 == 0 { "node" } else { "redis" }),
    ])
}

fn value(random: &mut Random, at_ms: i64) -> SampleValue {
    let float = match random.below(12) {
        0..=3 => (at_ms / 1000) as f64,
        4..=6 => 42.0,
        7 => random.below(100_000) as f64 / 100.0,
        8 => f64::from_bits(random.next()),
        9 => stale_nan(),
        10 => -0.0,
        _ => return histogram(random),
    };
    SampleValue::Float(float)
}

fn histogram(random: &mut Random) -> SampleValue {
    let integer = Histogram {
        schema: 2,
        count: random.below(50),
        sum: random.below(1000) as f64 / 8.0,
        positive_spans: vec![Span { offset: random.below(9) as i32 - 4, length: 2 }],
        positive_deltas: vec![random.below(20) as i64, -1],
        ..Histogram::default()
    };
    if random.one_in(2) {
        return SampleValue::Histogram(Arc::new(integer));
    }
    SampleValue::FloatHistogram(Arc::new(FloatHistogram { count: 1.5, ..integer.to_float() }))
}

struct Model {
    random: Random,
    db: Option<Db>,
    reference: MemoryStorage,
    /// Refs of both stores.
    known: BTreeMap<u64, (SeriesRef, SeriesRef)>,
    now_ms: i64,
    commits: u64,
}

impl Model {
    fn db(&self) -> &Db {
        self.db.as_ref().unwrap()
    }

    /// Appends the same to both stores and compares the answers.
    fn append(&mut self) {
        self.now_ms += self.random.below(20_000) as i64;
        let db = self.db.as_ref().unwrap();
        let (mut ours, mut theirs) = (db.appender(), self.reference.appender());
        let mut learned = Vec::new();
        for _ in 0..self.random.below(40) {
            let pick = self.random.below(70);
            let at_ms = match self.random.below(20) {
                0 => self.now_ms - self.random.below(60_000) as i64,
                1 => self.now_ms + self.random.below(5_000) as i64,
                _ => self.now_ms,
            };
            let value = value(&mut self.random, at_ms);
            match self.known.get(&pick).filter(|_| !self.random.one_in(10)) {
                Some((our_ref, their_ref)) => {
                    let (our, their) =
                        (ours.append_ref(*our_ref, at_ms, value.clone()), theirs.append_ref(*their_ref, at_ms, value));
                    assert_eq!(our, their);
                }
                None => {
                    let labels = series(pick);
                    let our = ours.append(&labels, at_ms, value.clone());
                    let their = theirs.append(&labels, at_ms, value);
                    assert_eq!(our.clone().map(drop), their.clone().map(drop));
                    if let (Ok(our), Ok(their)) = (our, their) {
                        learned.push((pick, (our, their)));
                    }
                }
            }
        }
        if self.random.one_in(10) {
            return;
        }
        ours.commit().unwrap();
        theirs.commit().unwrap();
        self.known.extend(learned);
        self.commits += 1;
    }

    fn compare(&mut self) {
        let span = self.now_ms as u64 + 10_000;
        let range = match self.random.below(4) {
            0 => TimeRange::ALL,
            1 => TimeRange { start_ms: self.now_ms - self.random.below(span) as i64, end_ms: i64::MAX },
            _ => {
                let start_ms = self.random.below(span) as i64;
                TimeRange { start_ms, end_ms: start_ms + self.random.below(300_000) as i64 }
            }
        };
        let matchers = match self.random.below(6) {
            0 => vec![],
            1 => vec![Matcher::equal("__name__", "metric_3")],
            2 => vec![Matcher::new("instance", MatchOp::NotRegex, "host-[12]").unwrap()],
            3 => vec![
                Matcher::new("__name__", MatchOp::Regex, "metric_1|metric_2").unwrap(),
                Matcher::equal("job", "node"),
            ],
            4 => vec![Matcher::new("job", MatchOp::Regex, "re.*").unwrap()],
            _ => vec![Matcher::new("absent", MatchOp::Equal, "").unwrap()],
        };
        assert_eq!(show(self.db(), range, &matchers), show(&self.reference, range, &matchers));
        assert_eq!(labels(self.db(), range, &matchers), labels(&self.reference, range, &matchers));
    }

    /// Closes and opens again, or opens a copy of what a crash would leave.
    fn reopen(&mut self, dir: &Path) {
        self.db = None;
        self.db = Some(Db::open(dir, options()).unwrap());
        self.known.values_mut().for_each(|(our, _)| *our = SeriesRef(u64::MAX));
        let unknown = self.db().appender().append_ref(SeriesRef(u64::MAX), 0, SampleValue::Float(0.0));
        assert_eq!(unknown, Err(AppendError::UnknownSeries));
        self.known.clear();
    }
}

fn run(seed: u64, operations: u64) {
    eprintln!("model seed {seed}");
    let dir = tempfile::tempdir().unwrap();
    let mut model = Model {
        random: Random::new(seed),
        db: Some(Db::open(dir.path(), options()).unwrap()),
        reference: MemoryStorage::new(),
        known: BTreeMap::new(),
        now_ms: 0,
        commits: 0,
    };
    for _ in 0..operations {
        match model.random.below(100) {
            0..=69 => model.append(),
            70..=89 => model.compare(),
            _ => model.reopen(dir.path()),
        }
    }
    model.reopen(dir.path());
    assert_eq!(show(model.db(), TimeRange::ALL, &[]), show(&model.reference, TimeRange::ALL, &[]));
    assert!(model.commits > 0);
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

#[test]
fn equals_the_reference_store() {
    if let Some(seed) = variable("FIREWATCH_MODEL_SEED") {
        return run(seed, 300);
    }
    (1..=variable("FIREWATCH_MODEL_ROUNDS").unwrap_or(8)).for_each(|seed| run(seed, 150));
}
