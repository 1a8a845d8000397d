//! Taking in samples of any age: columns become partitions at once, past head and log.
//!
//! Samples are held, encoded, until there are many, or until a series comes twice for one window; then each window is
//! written as a partition of its own, which the merge of days folds into the others. Where a sample is there already, one
//! of the two is shown.

use std::collections::BTreeMap;
use std::sync::Arc;

use metrics_model::{Labels, Sample, SampleValue};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::db::append::encode;
use crate::db::store::Store;
use crate::db::view::View;
use crate::db::{Db, labels};
use crate::error::DbError;
use crate::head::entry::ExponentHint;
use crate::head::group::RawValue;
use crate::head::slots::{Chain, Newest, Slot};
use crate::index::table::SeriesId;
use crate::maintain::run::AHEAD_MS;
use crate::maintain::seal::{Sorted, union, window_start};
use crate::options::millis;
use crate::rocks::keys::PartitionKey;
use crate::rocks::{Batch, Column};
use crate::sealed::block::{SealedSeries, SeriesKey, put_body, put_float_body};
use crate::sealed::times::TimeColumns;
use crate::sealed::writer::{self, Extent, Frame, refer};

/// Samples that are held before a window is written.
const HELD_MAX: usize = 4 << 20;

/// What an import did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
    /// Samples written.
    pub samples: u64,
    /// Samples left out for being older than what is kept.
    pub expired: u64,
    /// Samples left out for being in the future.
    pub future: u64,
    /// Partitions written.
    pub partitions: u64,
}

/// Samples on their way into partitions. What was not finished is not there.
#[derive(Debug)]
pub struct Importer<'a> {
    db: &'a Db,
    oldest_ms: i64,
    newest_ms: i64,
    windows: BTreeMap<i64, Window>,
    held: usize,
    done: Imported,
}

/// The series of one window.
#[derive(Debug, Default)]
struct Window {
    series: Vec<Held>,
    known: FxHashSet<Labels>,
    samples: usize,
}

#[derive(Debug)]
struct Held {
    labels: Labels,
    /// Those of the series before, where they are the same.
    times: Arc<[i64]>,
    body: Vec<u8>,
}

impl Db {
    /// Begins to take in samples of any age, whatever newer ones there are.
    #[must_use]
    pub fn importer(&self) -> Importer<'_> {
        let options = &self.store.options;
        let now_ms = options.clock.now_ms();
        let kept = self.store.limits.load().retention;
        Importer {
            db: self,
            oldest_ms: kept.map_or(i64::MIN, |kept| now_ms.saturating_sub(millis(kept))),
            newest_ms: now_ms.saturating_add(AHEAD_MS),
            windows: BTreeMap::new(),
            held: 0,
            done: Imported::default(),
        }
    }
}

impl Importer<'_> {
    /// Adds samples of a series. Of samples at one time the first counts.
    ///
    /// # Errors
    /// [`DbError`] when samples that were held could not be written; what was written before stays.
    pub fn add(&mut self, labels: &Labels, samples: &[Sample]) -> Result<(), DbError> {
        let window_ms = millis(self.db.store.options.merge_window).max(1);
        let mut samples: Vec<&Sample> = samples.iter().collect();
        samples.sort_by_key(|sample| sample.timestamp_ms);
        samples.dedup_by_key(|sample| sample.timestamp_ms);
        let first = samples.partition_point(|sample| sample.timestamp_ms < self.oldest_ms);
        let end = samples.partition_point(|sample| sample.timestamp_ms <= self.newest_ms).max(first);
        self.done.expired += first as u64;
        self.done.future += (samples.len() - end) as u64;
        let start = |sample: &&Sample| window_start(sample.timestamp_ms, window_ms);
        for part in samples[first..end].chunk_by(|a, b| start(a) == start(b)) {
            self.hold(start(&part[0]), labels, part)?;
        }
        while self.held > HELD_MAX {
            let largest = self.windows.iter().max_by_key(|(_, window)| window.samples).map(|(start_ms, _)| *start_ms);
            let Some(start_ms) = largest else { break };
            self.write(start_ms)?;
        }
        Ok(())
    }

    fn hold(&mut self, start_ms: i64, labels: &Labels, samples: &[&Sample]) -> Result<(), DbError> {
        if self.windows.get(&start_ms).is_some_and(|window| window.known.contains(labels)) {
            self.write(start_ms)?;
        }
        let window = self.windows.entry(start_ms).or_default();
        let times = samples.iter().map(|sample| sample.timestamp_ms);
        let times = match window.series.last().filter(|last| last.times.iter().copied().eq(times.clone())) {
            Some(last) => Arc::clone(&last.times),
            None => times.collect(),
        };
        window.series.push(Held { labels: labels.clone(), times, body: body(samples) });
        window.known.insert(labels.clone());
        window.samples += samples.len();
        self.held += samples.len();
        Ok(())
    }

    /// Writes everything that is held.
    ///
    /// # Errors
    /// [`DbError`] when it could not be written; what was written before stays.
    pub fn finish(mut self) -> Result<Imported, DbError> {
        while let Some(start_ms) = self.windows.first_key_value().map(|(start_ms, _)| *start_ms) {
            self.write(start_ms)?;
        }
        Ok(self.done)
    }

    /// Writes the partition of a window.
    fn write(&mut self, start_ms: i64) -> Result<(), DbError> {
        let Some(window) = self.windows.remove(&start_ms) else {
            return Ok(());
        };
        self.held -= window.samples;
        if let Some(error) = self.db.store.disk.refusal() {
            return Err(error);
        }
        // Nothing is forgotten, sealed or merged meanwhile.
        let _maintenance = self.db.maintenance()?;
        self.db.store.take_in(start_ms, window.series)?;
        self.done.samples += window.samples as u64;
        self.done.partitions += 1;
        Ok(())
    }
}

/// The samples as blocks have them.
fn body(samples: &[&Sample]) -> Vec<u8> {
    let mut body = Vec::new();
    let float = |sample: &&Sample| match sample.value {
        SampleValue::Float(value) => Some(value.to_bits()),
        SampleValue::Histogram(_) | SampleValue::FloatHistogram(_) => None,
    };
    match samples.iter().map(float).collect::<Option<Vec<u64>>>() {
        Some(floats) => put_float_body(&mut body, &floats),
        None => {
            let values: Vec<RawValue> = samples.iter().map(|sample| encode(sample.value.clone())).collect();
            put_body(&mut body, &values);
        }
    }
    body
}

impl Store {
    /// Makes a partition of series of one window. The caller holds the maintenance lock.
    fn take_in(&self, start_ms: i64, held: Vec<Held>) -> Result<(), DbError> {
        let mut batch = self.rocks.batch();
        let ids = self.ids_of(&held, &mut batch);
        let slots = self.head.slots.view();
        let mut columns = TimeColumns::default();
        let mut extent = Extent::default();
        let mut series = Vec::with_capacity(held.len());
        for target in targets(&held) {
            let times = union(target.iter().map(|at| &*held[*at].times));
            let shared = (times.as_slice(), columns.intern(&times));
            for at in target {
                let (number, presence) = refer(&mut columns, &held[at].times, shared);
                extent.add(&held[at].times);
                let metric = slots.get(ids[at]).map_or(0, Slot::metric);
                let key = SeriesKey::new(metric, ids[at]);
                series.push(SealedSeries { key, times: number, presence, body: held[at].body.clone() });
            }
        }
        series.sort_unstable_by_key(|series| series.key);
        let number = self.head.isolation.number();
        let end_ms = start_ms.saturating_add(millis(self.options.merge_window).max(1));
        let frame = Frame { key: PartitionKey { start_ms, id: number }, end_ms, clean_through: number };
        let source = Sorted { series: series.into_iter(), columns, extent };
        let partition = writer::write(&self.rocks, frame, source)?;
        writer::record(&mut batch, &partition);
        self.write_meta(batch)?;
        ids.iter().filter_map(|id| slots.get(*id)).for_each(Slot::set_logged);
        self.head.saw(extent.max_ms);
        let mut next = View::clone(&self.views.now());
        next.partitions.push(Arc::new(partition));
        self.views.publish(next);
        Ok(())
    }

    /// The series of these labels, made where they are new. The labels of new ones go into the batch.
    fn ids_of(&self, held: &[Held], batch: &mut Batch<'_>) -> Vec<SeriesId> {
        let mut index = self.head.index.write();
        let mut ids = Vec::with_capacity(held.len());
        for Held { labels, .. } in held {
            let known = index.table.find(labels);
            let id = known.unwrap_or_else(|| {
                let id = index.table.next_id();
                self.head.insert(&mut index, id, labels);
                id
            });
            let slots = self.head.slots.view();
            if let Some(slot) = slots.get(id) {
                // It may be about to leave for having no samples.
                slot.touch();
                if known.is_none() {
                    // Its newest sample is in a partition soon.
                    slot.set_newest(Newest::Unknown, Chain { keyframe: 0, hint: ExponentHint::UNKNOWN });
                }
                if !slot.is_logged() {
                    batch.put(Column::Series, &id.0.to_be_bytes(), &labels::encode(labels));
                }
            }
            ids.push(id);
        }
        ids
    }
}

/// Positions of series that were scraped together, and so have most of their times in common.
fn targets(held: &[Held]) -> Vec<Vec<usize>> {
    let mut targets: FxHashMap<(&str, &str), Vec<usize>> = FxHashMap::default();
    for (at, Held { labels, .. }) in held.iter().enumerate() {
        targets.entry((labels.get_or_empty("job"), labels.get_or_empty("instance"))).or_default().push(at);
    }
    let mut targets: Vec<Vec<usize>> = targets.into_values().collect();
    targets.sort();
    targets
}
