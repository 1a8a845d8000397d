//! A consistent view of the store, and the series in it.

use std::sync::Arc;

use metrics_model::Matcher;
use roaring::RoaringBitmap;
use storage::{BoxedSeries, Querier, SelectHints, StorageError, TimeRange};

use crate::db::store::Store;
use crate::db::view::View;
use crate::error::DbError;
use crate::head::group::{GroupData, RowMeta, Sink};
use crate::head::isolation::Snapshot;
use crate::head::slots::SlotView;
use crate::index::table::SeriesId;
use crate::query::cursor::DbSeries;
use crate::sealed::block::SeriesKey;
use crate::sealed::partition::Partition;
use crate::tombstone::Deletions;

/// The store as it was when this was made.
#[derive(Debug)]
pub(crate) struct DbQuerier<'a> {
    pub(crate) store: &'a Store,
    pub(crate) range: TimeRange,
    pub(crate) view: Arc<View>,
    snapshot: Snapshot,
    slots: SlotView,
}

impl<'a> DbQuerier<'a> {
    /// The store as it is now. The view comes before the snapshot: what a view has sealed was committed before it, so
    /// the snapshot sees all of those commits, and no commit is seen by half.
    pub(crate) fn new(store: &'a Store, range: TimeRange) -> Self {
        let view = store.views.now();
        let snapshot = store.head.isolation.snapshot();
        Self { store, range, view, snapshot, slots: store.head.slots.view() }
    }

    /// An error for the caller of the storage traits.
    pub(crate) fn failed(what: &str) -> impl FnOnce(DbError) -> StorageError {
        let what = what.to_owned();
        move |error| match error {
            DbError::Closed => StorageError::Closed,
            DbError::Corrupt { what } => StorageError::Corrupt { what },
            error => StorageError::Read { what, source: Box::new(error) },
        }
    }

    /// Whether a row of the head is part of this view, and not of one of its partitions.
    pub(crate) fn sees(&self, row: &RowMeta) -> bool {
        self.snapshot.sees(row.number) && !self.view.seals.covers(row.number, row.at_ms)
    }

    /// Hands a series' samples in wanted rows of the head to `sink`.
    pub(crate) fn read_head(
        &self,
        id: SeriesId,
        wanted: impl Fn(&RowMeta) -> bool,
        sink: &mut impl Sink,
    ) -> Result<(), DbError> {
        let read = |data: &GroupData, ordinal| data.read(ordinal, wanted, sink);
        let result = self.store.head.with_member(id, &self.slots, read);
        result.unwrap_or(Ok(())).map_err(DbError::corrupt("rows in memory"))
    }

    fn key(&self, id: SeriesId) -> SeriesKey {
        SeriesKey::new(self.slots.get(id).map_or(0, |slot| slot.metric()), id)
    }

    /// Whether a series has a sample in the range.
    fn has_samples(&self, id: SeriesId) -> Result<bool, DbError> {
        let deletions = Deletions::of(id, self.view.tombstones.iter().map(Arc::as_ref));
        Ok(self.has_in_head(id, &deletions)? || self.has_sealed(id, &deletions)?)
    }

    fn has_in_head(&self, id: SeriesId, deletions: &Deletions) -> Result<bool, DbError> {
        let wanted =
            |row: &RowMeta| self.range.contains(row.at_ms) && self.sees(row) && !deletions.hide(row.number, row.at_ms);
        let has = |data: &GroupData, ordinal| data.has(ordinal, wanted);
        let result = self.store.head.with_member(id, &self.slots, has);
        result.unwrap_or(Ok(false)).map_err(DbError::corrupt("rows in memory"))
    }

    fn has_sealed(&self, id: SeriesId, deletions: &Deletions) -> Result<bool, DbError> {
        let range = self.range;
        let touches =
            |partition: &&Arc<Partition>| partition.min_ms <= range.end_ms && partition.max_ms >= range.start_ms;
        for partition in self.view.partitions.iter().rev().filter(touches) {
            if !self.store.sealed.members(partition)?.contains(id.0) {
                continue;
            }
            let is_inside = range.contains(partition.min_ms) && range.contains(partition.max_ms);
            if is_inside && deletions.is_empty() {
                return Ok(true);
            }
            let is_wanted = |at_ms: i64| range.contains(at_ms) && !deletions.hide(partition.clean_through, at_ms);
            let found = self
                .store
                .sealed
                .with_series(partition, self.key(id), |times, _| Ok(times.iter().any(|at_ms| is_wanted(*at_ms))))?;
            if found == Some(true) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The series that satisfy all matchers and have samples in the range.
    fn matching(&self, matchers: &[Matcher]) -> Result<RoaringBitmap, DbError> {
        let candidates = self.store.head.index.read().select(matchers);
        let mut found = RoaringBitmap::new();
        for id in candidates {
            if self.slots.covers(SeriesId(id)) && self.has_samples(SeriesId(id))? {
                found.insert(id);
            }
        }
        Ok(found)
    }
}

impl Querier for DbQuerier<'_> {
    fn select(&self, matchers: &[Matcher], hints: &SelectHints) -> Result<Vec<BoxedSeries<'_>>, StorageError> {
        let ids = self.matching(matchers).map_err(Self::failed("series of a selection"))?;
        let mut series: Vec<DbSeries<'_>> = {
            let index = self.store.head.index.read();
            ids.iter()
                .map(SeriesId)
                .filter(|id| index.table.contains(*id))
                .map(|id| DbSeries { querier: self, id, key: self.key(id), labels: index.table.labels(id) })
                .collect()
        };
        series.sort_unstable_by(|a, b| a.labels.cmp(&b.labels));
        if hints.limit > 0 {
            series.truncate(hints.limit);
        }
        Ok(series.into_iter().map(|series| Box::new(series) as BoxedSeries<'_>).collect())
    }

    fn label_names(&self, matchers: &[Matcher]) -> Result<Vec<String>, StorageError> {
        let ids = self.matching(matchers).map_err(Self::failed("series of a selection"))?;
        Ok(self.store.head.index.read().names(&ids))
    }

    fn label_values(&self, name: &str, matchers: &[Matcher]) -> Result<Vec<String>, StorageError> {
        let ids = self.matching(matchers).map_err(Self::failed("series of a selection"))?;
        Ok(self.store.head.index.read().values(name, &ids))
    }
}
