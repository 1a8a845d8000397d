//! Seeded random operations on the store and on the reference store, which must always show the same.
//!
//! `FIREWATCH_MODEL_SEED` runs one seed, `FIREWATCH_MODEL_ROUNDS` more or fewer of them, `FIREWATCH_MODEL_OPERATIONS`
//! makes each longer or shorter. With `FIREWATCH_MODEL_MINUTES` seeds follow each other for so long, from the one given or
//! one that the clock gives.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use metrics_model::{FloatHistogram, Histogram, Labels, MatchOp, Matcher, SampleValue, Span, stale_nan};
use storage::{AppendError, MemoryStorage, Queryable, SeriesRef, Storage, TimeRange};
use tsdb::{Db, Options};

use crate::compare::{Value, labels, show, show_querier};
use crate::damage::{damage, wound};

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
        merge_window: Duration::from_secs(600),
        seal_delay: Duration::from_secs(20),
        seal_series: 8,
        background: false,
        ..Options::default()
    }
}

fn series(pick: u64) -> Labels {
    Labels::from_pairs([
        ("__name__", format!("metric_{}", pick % 7).as_str()),
        ("instance", format!("host-{}", pick / 7 % 5).as_str()),
        ("job", if pick.is_multiple_of(2) { "node" } else { "redis" }),
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
    dir: tempfile::TempDir,
    db: Option<Arc<Db>>,
    reference: MemoryStorage,
    /// Refs of both stores.
    known: BTreeMap<u64, (SeriesRef, SeriesRef)>,
    now_ms: i64,
    /// Nothing older is appended: a deletion makes the stores differ on what is out of order.
    floor_ms: i64,
    commits: u64,
    /// Everything that was ever shown: what damage may leave or, where it takes deletions, bring back.
    ever: HashMap<(Labels, i64), Vec<Value>>,
    damages: u64,
    wounds: u64,
    /// Wounds that were found before the store was closed.
    mended: u64,
}

impl Model {
    fn new(seed: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let db = Some(Arc::new(Db::open(dir.path(), options()).unwrap()));
        let (reference, known) = (MemoryStorage::new(), BTreeMap::new());
        let random = Random::new(seed);
        let (ever, floor_ms) = (HashMap::new(), i64::MIN);
        Self {
            random,
            dir,
            db,
            reference,
            known,
            now_ms: 0,
            floor_ms,
            commits: 0,
            ever,
            damages: 0,
            wounds: 0,
            mended: 0,
        }
    }

    fn db(&self) -> Arc<Db> {
        Arc::clone(self.db.as_ref().unwrap())
    }

    /// Appends the same to both stores and compares the answers.
    fn append(&mut self) {
        self.now_ms += self.random.below(20_000) as i64;
        let db = self.db();
        let (mut ours, mut theirs) = (db.appender(), self.reference.appender());
        let mut learned = Vec::new();
        for _ in 0..self.random.below(40) {
            let pick = self.random.below(70);
            let at_ms = match self.random.below(20) {
                0 => self.now_ms - self.random.below(60_000) as i64,
                1 => self.now_ms + self.random.below(5_000) as i64,
                _ => self.now_ms,
            };
            let at_ms = at_ms.max(self.floor_ms);
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

    fn matchers(&mut self) -> Vec<Matcher> {
        let matcher = |name, op, value| Matcher::new(name, op, value).unwrap();
        match self.random.below(6) {
            0 => vec![],
            1 => vec![Matcher::equal("__name__", "metric_3")],
            2 => vec![matcher("instance", MatchOp::NotRegex, "host-[12]")],
            3 => vec![matcher("__name__", MatchOp::Regex, "metric_1|metric_2"), Matcher::equal("job", "node")],
            4 => vec![matcher("job", MatchOp::Regex, "re.*")],
            _ => vec![Matcher::equal("absent", "")],
        }
    }

    fn range(&mut self) -> TimeRange {
        let span = self.now_ms as u64 + 10_000;
        match self.random.below(4) {
            0 => TimeRange::ALL,
            1 => TimeRange { start_ms: self.now_ms - self.random.below(span) as i64, end_ms: i64::MAX },
            _ => {
                let start_ms = self.random.below(span) as i64;
                TimeRange { start_ms, end_ms: start_ms + self.random.below(300_000) as i64 }
            }
        }
    }

    fn compare(&mut self) {
        let (range, matchers) = (self.range(), self.matchers());
        assert_eq!(show(&*self.db(), range, &matchers), show(&self.reference, range, &matchers));
        assert_eq!(labels(&*self.db(), range, &matchers), labels(&self.reference, range, &matchers));
    }

    /// A query that began before other things happened goes on to see what it saw.
    fn hold(&mut self) {
        let db = self.db();
        let (range, matchers) = (self.range(), self.matchers());
        let querier = db.querier(range).unwrap();
        let before = show_querier(&*querier, &matchers);
        for _ in 0..self.random.below(6) {
            self.act();
        }
        assert_eq!(show_querier(&*querier, &matchers), before);
    }

    /// Closes and opens again.
    fn reopen(&mut self) {
        self.db = None;
        self.open();
    }

    /// Opens what a crash at this moment would leave.
    fn crash(&mut self) {
        let copy = tempfile::tempdir().unwrap();
        copy_folder(self.dir.path(), copy.path());
        self.db = None;
        self.dir = copy;
        self.open();
    }

    /// The power fails while a commit is written: the log has the commit up to some byte. It was not acknowledged, and
    /// nothing of it may be there.
    fn torn(&mut self) {
        let log_of = |dir: &Path| {
            let is_log = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "log");
            listing(dir).into_iter().rfind(|(path, _)| is_log(path))
        };
        let Some((log, before)) = log_of(self.dir.path()) else { return };
        self.now_ms += 1 + self.random.below(20_000) as i64;
        let db = self.db();
        let mut appender = db.appender();
        for pick in 0..self.random.below(40) + 1 {
            let value = value(&mut self.random, self.now_ms);
            drop(appender.append(&series(pick), self.now_ms + 30_000, value));
        }
        appender.commit().unwrap();
        drop(db);
        let copy = tempfile::tempdir().unwrap();
        copy_folder(self.dir.path(), copy.path());
        let after = log_of(self.dir.path());
        self.db = None;
        let copied = copy.path().join(log.strip_prefix(self.dir.path()).unwrap());
        // A log that was begun meanwhile has more than this commit.
        let Some((_, after)) = after.filter(|(path, size)| *path == log && *size > before) else {
            return self.restart();
        };
        let file = std::fs::File::options().write(true).open(copied).unwrap();
        file.set_len(before + self.random.below(after - before)).unwrap();
        self.dir = copy;
        self.open();
        self.compare_all();
    }

    /// Goes on with the reference store's content, where the last commit cannot be taken back.
    fn restart(&mut self) {
        self.dir = tempfile::tempdir().unwrap();
        self.open();
        for (labels, samples) in show(&self.reference, TimeRange::ALL, &[]) {
            let db = self.db();
            let mut appender = db.appender();
            for (at_ms, value) in samples {
                appender.append(&labels, at_ms, sample(value)).unwrap();
            }
            appender.commit().unwrap();
        }
    }

    /// A copy with a damaged file opens, and shows nothing that never was.
    fn damage(&mut self) {
        self.remember();
        let copy = tempfile::tempdir().unwrap();
        copy_folder(self.dir.path(), copy.path());
        let what = damage(&mut self.random, copy.path());
        let db = Db::open(copy.path(), options()).unwrap();
        for (labels, samples) in show(&db, TimeRange::ALL, &[]) {
            for (at_ms, value) in samples {
                let known = self.ever.get(&(labels.clone(), at_ms));
                assert!(known.is_some_and(|known| known.contains(&value)), "{what}: {labels} at {at_ms}: {value:?}");
            }
        }
        let failed = |error: tsdb::DbError| unreachable!("{what}: {error}: {:?}", std::error::Error::source(&error));
        db.run_maintenance(self.now_ms).unwrap_or_else(failed);
        db.flush().unwrap_or_else(failed);
        self.damages += 1;
    }

    /// A file of lists, labels or log is damaged while the store is open: what was in it is in memory, and nothing is
    /// lost.
    fn wound(&mut self) {
        self.settle();
        let Some(what) = wound(&mut self.random, self.dir.path()) else { return };
        eprintln!("{what}");
        for _ in 0..self.random.below(4) {
            self.act();
        }
        let failed = |error: tsdb::DbError| unreachable!("{error}: {:?}", std::error::Error::source(&error));
        let mended = self.db().scrub().unwrap_or_else(failed) + self.db().stats().tables_set_aside;
        self.compare_all();
        eprintln!("  found: {mended}");
        self.reopen();
        self.compare_all();
        self.wounds += 1;
        self.mended += u64::from(mended > 0);
    }

    /// Waits until the database has compacted what it wants to, and lets the store look at what came of it.
    fn settle(&self) {
        let mut before = Vec::new();
        for _ in 0..100 {
            self.db().scrub().unwrap();
            let now = listing(self.dir.path());
            if std::mem::replace(&mut before, now.clone()) == now {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Notes what the reference store shows.
    fn remember(&mut self) {
        for (labels, samples) in show(&self.reference, TimeRange::ALL, &[]) {
            for (at_ms, value) in samples {
                let known = self.ever.entry((labels.clone(), at_ms)).or_default();
                if !known.contains(&value) {
                    known.push(value);
                }
            }
        }
    }

    fn compare_all(&self) {
        assert_eq!(show(&*self.db(), TimeRange::ALL, &[]), show(&self.reference, TimeRange::ALL, &[]));
    }

    /// Goes on with a snapshot.
    fn snapshot(&mut self) {
        let parent = tempfile::tempdir_in(self.dir.path().parent().unwrap()).unwrap();
        let to = parent.path().join("snapshot");
        self.db().snapshot(&to).unwrap();
        let copy = tempfile::tempdir().unwrap();
        copy_folder(&to, copy.path());
        self.db = None;
        self.dir = copy;
        self.open();
    }

    fn open(&mut self) {
        self.db = Some(Arc::new(Db::open(self.dir.path(), options()).unwrap()));
        self.known.clear();
        assert_eq!((self.db().stats().records_lost, self.db().stats().damaged), (0, 0));
        let unknown = self.db().appender().append_ref(SeriesRef(u64::MAX), 0, SampleValue::Float(0.0));
        assert_eq!(unknown, Err(AppendError::UnknownSeries));
    }

    /// Deletes the same from both stores; the reference store is written anew without it.
    fn delete(&mut self) {
        self.remember();
        let (range, matchers) = (self.range(), self.matchers());
        self.db().delete_series(&matchers, range).unwrap();
        let next = MemoryStorage::new();
        for (labels, samples) in show(&self.reference, TimeRange::ALL, &[]) {
            let is_named = matchers.iter().all(|matcher| matcher.matches_labels(&labels));
            let mut appender = next.appender();
            for (at_ms, value) in samples.into_iter().filter(|(at_ms, _)| !(is_named && range.contains(*at_ms))) {
                appender.append(&labels, at_ms, sample(value)).unwrap();
            }
            appender.commit().unwrap();
        }
        self.reference = next;
        self.known.clear();
        self.now_ms += 5_001;
        self.floor_ms = self.now_ms;
    }

    /// One thing that does not open the store anew.
    fn act(&mut self) {
        match self.random.below(100) {
            0..=59 => self.append(),
            60..=79 => self.compare(),
            80..=91 => self.db().run_maintenance(self.now_ms).unwrap(),
            92..=93 => self.db().flush().unwrap(),
            94..=96 => self.delete(),
            97 => self.db().clean_tombstones().unwrap(),
            _ => self.now_ms += self.random.below(200_000) as i64,
        }
    }
}

/// A value that was shown, to be appended again.
fn sample(value: Value) -> SampleValue {
    match value {
        Value::Float(bits) => SampleValue::Float(f64::from_bits(bits)),
        Value::Histogram(histogram) => SampleValue::FloatHistogram(Arc::from(histogram)),
    }
}

/// Copies a folder of which no file came, went or grew meanwhile: what a crash would leave.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    for _ in 0..100 {
        std::fs::create_dir_all(to).unwrap();
        let before = listing(from);
        let is_copied = before.iter().all(|(path, _)| {
            let target = to.join(path.strip_prefix(from).unwrap());
            std::fs::create_dir_all(target.parent().unwrap()).unwrap();
            std::fs::copy(path, target).is_ok()
        });
        if is_copied && listing(from) == before {
            return;
        }
        std::fs::remove_dir_all(to).unwrap();
    }
    unreachable!("{} does not come to rest", from.display());
}

/// All files below a folder with their sizes.
pub(crate) fn listing(dir: &Path) -> Vec<(PathBuf, u64)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => files.extend(listing(&entry.path())),
            Ok(metadata) => files.push((entry.path(), metadata.len())),
            Err(_) => {}
        }
    }
    files.sort();
    files
}

fn run(seed: u64, operations: u64) {
    eprintln!("model seed {seed}");
    let mut model = Model::new(seed);
    for _ in 0..operations {
        match model.random.below(100) {
            0..=2 => model.reopen(),
            3..=4 => model.crash(),
            5 => model.snapshot(),
            6 => model.torn(),
            7 => model.damage(),
            8 => model.wound(),
            9..=16 => model.hold(),
            _ => model.act(),
        }
    }
    model.reopen();
    model.compare_all();
    let Model { commits, damages, wounds, mended, .. } = model;
    eprintln!("{commits} commits, {damages} damaged copies, {wounds} wounds of which {mended} were found while open");
    assert!(commits > 0);
}

pub(crate) fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

#[test]
fn equals_the_reference_store() {
    let operations = variable("FIREWATCH_MODEL_OPERATIONS").unwrap_or(200);
    if let Some(minutes) = variable("FIREWATCH_MODEL_MINUTES") {
        let by_clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.as_secs());
        let first = variable("FIREWATCH_MODEL_SEED").unwrap_or_else(by_clock);
        let (start, bound) = (Instant::now(), Duration::from_secs(60 * minutes));
        let mut seeds = first..;
        while start.elapsed() < bound {
            seeds.next().into_iter().for_each(|seed| run(seed, operations));
        }
        return eprintln!("{} seeds from {first} on in {:?}", seeds.start - first, start.elapsed());
    }
    if let Some(seed) = variable("FIREWATCH_MODEL_SEED") {
        return run(seed, operations);
    }
    (1..=variable("FIREWATCH_MODEL_ROUNDS").unwrap_or(8)).for_each(|seed| run(seed, operations));
}
