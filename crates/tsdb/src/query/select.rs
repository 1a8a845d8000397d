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
use crate::index::Texts;
use crate::index::table::SeriesId;
use crate::query::cursor::DbSeries;
use crate::query::together::Together;
use crate::sealed::block::SeriesKey;
use crate::sealed::partition::Partition;

/// The store as it was when this was made.
#[derive(Debug)]
pub(crate) struct DbQuerier<'a> {
    pub(crate) store: &'a Store,
    pub(crate) range: TimeRange,
    pub(crate) view: Arc<View>,
    snapshot: Snapshot,
    pub(crate) slots: SlotView,
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

    /// Where in blocks a series is.
    pub(crate) fn key(&self, id: SeriesId) -> SeriesKey {
        SeriesKey::new(self.slots.get(id).map_or(0, |slot| slot.metric()), id)
    }

    /// Whether a partition may have samples in the range.
    pub(crate) fn touches(&self, partition: &Partition) -> bool {
        partition.min_ms <= self.range.end_ms && partition.max_ms >= self.range.start_ms
    }

    /// How many samples of one series a partition has in the range, about.
    pub(crate) fn samples_per_series(&self, partition: &Partition) -> usize {
        let span_ms = partition.max_ms.saturating_sub(partition.min_ms).max(1) as f64;
        let start_ms = self.range.start_ms.max(partition.min_ms);
        let wanted_ms = self.range.end_ms.min(partition.max_ms).saturating_sub(start_ms) as f64;
        let series = partition.members.get().map_or(1, RoaringBitmap::len).max(1);
        (partition.samples as f64 / series as f64 * (wanted_ms / span_ms).min(1.0)) as usize + 1
    }

    /// How many threads may read for it at a time.
    pub(crate) fn threads(&self) -> usize {
        self.store.threads
    }

    /// Lets the series be read together, but for those of which samples were deleted.
    fn read_together(&self, series: &mut [DbSeries<'_>]) {
        let is_deleted = |id: SeriesId| self.view.tombstones.iter().any(|tombstone| tombstone.ids.contains(id.0));
        let mut series: Vec<&mut DbSeries<'_>> = series.iter_mut().filter(|series| !is_deleted(series.id)).collect();
        if series.len() < 2 {
            return;
        }
        let ids: Vec<SeriesId> = series.iter().map(|series| series.id).collect();
        if let Some(together) = Together::plan(self, ids).map(Arc::new) {
            for (position, series) in (0..).zip(&mut series) {
                series.together = Some((Arc::clone(&together), position));
            }
        }
    }

    /// The series that satisfy all matchers and have samples in the range.
    pub(crate) fn matching(&self, matchers: &[Matcher]) -> Result<RoaringBitmap, DbError> {
        let candidates = self.store.head.index.read().select(matchers);
        self.with_samples(candidates)
    }
}

impl Querier for DbQuerier<'_> {
    fn select(&self, matchers: &[Matcher], hints: &SelectHints) -> Result<Vec<BoxedSeries<'_>>, StorageError> {
        let ids = self.matching(matchers).map_err(Self::failed("series of a selection"))?;
        let mut series: Vec<DbSeries<'_>> = {
            let index = self.store.head.index.read();
            let mut ids = index.table.sorted(ids.iter().map(SeriesId));
            ids.truncate(if hints.limit > 0 { hints.limit } else { usize::MAX });
            let mut buffer = String::new();
            let series = ids.into_iter().map(|id| {
                let (key, labels) = (self.key(id), index.table.labels_in(id, &mut buffer));
                DbSeries { querier: self, id, key, labels, together: None }
            });
            series.collect()
        };
        if !hints.labels_only {
            self.read_together(&mut series);
        }
        Ok(series.into_iter().map(|series| Box::new(series) as BoxedSeries<'_>).collect())
    }

    fn label_names(&self, matchers: &[Matcher]) -> Result<Vec<String>, StorageError> {
        self.texts(Texts::Names, matchers).map_err(Self::failed("names of labels"))
    }

    fn label_values(&self, name: &str, matchers: &[Matcher]) -> Result<Vec<String>, StorageError> {
        self.texts(Texts::ValuesOf(name), matchers).map_err(Self::failed("values of a label"))
    }
}
