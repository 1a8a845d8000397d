//! Exemplars: the newest of all series, up to a number, in memory and in a column of their own.
//!
//! A commit writes its samples first and then its exemplars, so none is ever there without its series. Of a scrape that
//! has none nothing is written and nothing is asked here.
//!
//! * [`ring`]: those in memory
//! * [`record`]: the bytes of one

mod record;
mod ring;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use metrics_model::Matcher;
use parking_lot::RwLock;
use storage::exemplars::Fit;
use storage::{ExemplarError, SeriesExemplars, TimeRange, TimedExemplar};

use crate::db::salvage;
use crate::db::stats::{ExemplarStats, count};
use crate::db::store::Store;
use crate::error::DbError;
use crate::head::Head;
use crate::index::table::SeriesId;
use crate::options::millis;
use crate::rocks::{Column, Rocks};
use ring::Ring;

/// How often exemplars that are too old, or of series that are gone, are looked for.
const ROUND_MS: i64 = 60_000;

/// The exemplars of a store.
#[derive(Debug)]
pub(crate) struct Exemplars {
    rocks: Arc<Rocks>,
    ring: RwLock<Ring>,
    looked_ms: AtomicI64,
    appended: AtomicU64,
    out_of_order: AtomicU64,
}

/// Reads the exemplars into a ring for `capacity`. Those of series that are not known go, and so do all when none are to
/// be kept: numbers of series may be given again.
pub(crate) fn read(rocks: &Rocks, head: &Head, capacity: usize) -> Result<Ring, DbError> {
    let failed = DbError::database("read the exemplars");
    let mut ring = Ring::new(capacity);
    let mut gone: Vec<u64> = Vec::new();
    let gaps = {
        let index = head.index.read();
        let visit = |number: u64, value: &[u8]| match record::decode(value) {
            Ok((series, exemplar)) if capacity > 0 && index.table.contains(series) => {
                gone.extend(ring.push(number, series, exemplar));
            }
            Ok(_) => gone.push(number),
            Err(error) => {
                tracing::error!(number, %error, "an exemplar is damaged and left out");
                gone.push(number);
            }
        };
        rocks.scan_column::<8>(Column::Exemplars, 0, visit).map_err(failed)?
    };
    if gaps > 0 {
        salvage::anew::<8>(rocks, Column::Exemplars)?;
    }
    remove(rocks, &gone).map(|()| ring)
}

fn remove(rocks: &Rocks, numbers: &[u64]) -> Result<(), DbError> {
    if numbers.is_empty() {
        return Ok(());
    }
    let mut batch = rocks.batch();
    numbers.iter().for_each(|number| batch.delete(Column::Exemplars, &number.to_be_bytes()));
    batch.write().map_err(DbError::database("remove exemplars"))
}

impl Exemplars {
    /// With those that were read.
    pub(crate) fn new(rocks: Arc<Rocks>, ring: Ring) -> Self {
        Self {
            rocks,
            ring: RwLock::new(ring),
            looked_ms: AtomicI64::new(i64::MIN),
            appended: AtomicU64::default(),
            out_of_order: AtomicU64::default(),
        }
    }

    /// Whether any are kept.
    pub(crate) fn are_kept(&self) -> bool {
        self.ring.read().capacity() > 0
    }

    /// Whether one would be taken, as far as is committed; counts those that come too late.
    pub(crate) fn fit(&self, series: SeriesId, exemplar: &TimedExemplar) -> Result<Fit, ExemplarError> {
        let ring = self.ring.read();
        let fit = exemplar.fit(ring.newest(series));
        if fit == Err(ExemplarError::OutOfOrder) {
            count(&self.out_of_order, 1);
        }
        fit
    }

    /// Keeps those that fit, on the disk and in memory. The oldest make room.
    pub(crate) fn commit(&self, exemplars: Vec<(SeriesId, TimedExemplar)>) -> Result<(), DbError> {
        let mut ring = self.ring.write();
        if ring.capacity() == 0 {
            return Ok(());
        }
        let mut batch = self.rocks.batch();
        let mut bytes = Vec::new();
        for (series, exemplar) in exemplars {
            match exemplar.fit(ring.newest(series)) {
                Ok(Fit::New) => {}
                Ok(Fit::Repeated) => continue,
                Err(_) => {
                    count(&self.out_of_order, 1);
                    continue;
                }
            }
            let number = ring.next_number();
            bytes.clear();
            record::encode(&mut bytes, series, &exemplar);
            batch.put(Column::Exemplars, &number.to_be_bytes(), &bytes);
            if let Some(evicted) = ring.push(number, series, exemplar) {
                batch.delete(Column::Exemplars, &evicted.to_be_bytes());
            }
            count(&self.appended, 1);
        }
        batch.write().map_err(DbError::database("write exemplars"))
    }

    /// Changes how many are kept. The newest stay.
    pub(crate) fn resize(&self, capacity: usize) -> Result<(), DbError> {
        let mut ring = self.ring.write();
        if ring.capacity() == capacity {
            return Ok(());
        }
        remove(&self.rocks, &ring.resize(capacity))
    }

    /// Removes those for which `keep` is false.
    fn retain(&self, keep: impl Fn(SeriesId, i64) -> bool) -> Result<(), DbError> {
        let is_all_kept = self.ring.read().all(&keep);
        if is_all_kept { Ok(()) } else { remove(&self.rocks, &self.ring.write().retain(keep)) }
    }

    /// Writes the column anew with those in memory.
    pub(crate) fn write_anew(&self) -> Result<(), DbError> {
        // Nobody commits meanwhile.
        let ring = self.ring.write();
        self.rocks.rebuild(Column::Exemplars, DbError::database("write the exemplars anew"), |put| {
            let mut bytes = Vec::new();
            ring.iter().try_for_each(|(number, series, exemplar)| {
                bytes.clear();
                record::encode(&mut bytes, series, exemplar);
                put(&number.to_be_bytes(), &bytes)
            })
        })
    }

    /// Figures about them.
    pub(crate) fn stats(&self) -> ExemplarStats {
        let ring = self.ring.read();
        ExemplarStats {
            appended: self.appended.load(Ordering::Relaxed),
            out_of_order: self.out_of_order.load(Ordering::Relaxed),
            stored: ring.len() as u64,
            series: ring.series().count() as u64,
            oldest_ms: ring.oldest_ms(),
            limit: ring.capacity() as u64,
        }
    }
}

impl Store {
    /// The exemplars in `range` of the series that any of `selectors` selects.
    pub(crate) fn select_exemplars(&self, selectors: &[&[Matcher]], range: TimeRange) -> Vec<SeriesExemplars> {
        // One lock at a time: who commits holds none while waiting for another either.
        let selected = {
            let index = self.head.index.read();
            selectors.iter().fold(roaring::RoaringBitmap::new(), |ids, matchers| ids | index.select(matchers))
        };
        let found: Vec<(SeriesId, Vec<TimedExemplar>)> = {
            let ring = self.exemplars.ring.read();
            let series = ring.series().filter(|id| selected.contains(id.0));
            let found = series.map(|id| (id, ring.in_range(id, range)));
            found.filter(|(_, exemplars)| !exemplars.is_empty()).collect()
        };
        let index = self.head.index.read();
        let known = found.into_iter().filter(|(id, _)| index.table.contains(*id));
        let mut series: Vec<SeriesExemplars> =
            known.map(|(id, exemplars)| SeriesExemplars { labels: index.table.labels(id), exemplars }).collect();
        series.sort_by(|a, b| a.labels.cmp(&b.labels));
        series
    }

    /// Removes those in `range` of the series that satisfy all matchers.
    pub(crate) fn delete_exemplars(&self, matchers: &[Matcher], range: TimeRange) -> Result<(), DbError> {
        if !self.exemplars.are_kept() {
            return Ok(());
        }
        let ids = self.head.index.read().select(matchers);
        self.exemplars.retain(|id, at_ms| !(ids.contains(id.0) && range.contains(at_ms)))
    }

    /// Removes those older than samples are kept, and those of series that have left. Looks once in a while.
    pub(crate) fn retain_exemplars(&self, now_ms: i64) -> Result<(), DbError> {
        let looked_ms = self.exemplars.looked_ms.load(Ordering::Relaxed);
        if !self.exemplars.are_kept() || now_ms < looked_ms.saturating_add(ROUND_MS) {
            return Ok(());
        }
        self.exemplars.looked_ms.store(now_ms, Ordering::Relaxed);
        let retention = self.limits.load().retention;
        let oldest_ms = retention.map_or(i64::MIN, |retention| now_ms.saturating_sub(millis(retention)));
        let series: Vec<SeriesId> = self.exemplars.ring.read().series().collect();
        let gone: roaring::RoaringBitmap = {
            let index = self.head.index.read();
            series.into_iter().filter(|id| !index.table.contains(*id)).map(|id| id.0).collect()
        };
        self.exemplars.retain(|id, at_ms| at_ms >= oldest_ms && !gone.contains(id.0))
    }
}
