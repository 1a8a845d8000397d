//! The samples of one series: partitions from old to new, then the head. Partitions are decoded one after the other as
//! the cursor moves; those that overlap in time, or overlap what the head has, are merged.

use std::collections::VecDeque;
use std::sync::Arc;

use metrics_model::Labels;
use storage::{Cursor, Run, Series, StorageError, TimeRange};

use crate::error::DbError;
use crate::head::group::RowMeta;
use crate::index::table::SeriesId;
use crate::query::decoded::DecodedCursor;
use crate::query::runs::{OwnedRun, Runs};
use crate::query::select::DbQuerier;
use crate::query::together::{HEAD_AGE, Together};
use crate::sealed::block::SeriesKey;
use crate::sealed::partition::Partition;
use crate::sealed::reader::read_body;
use crate::tombstone::Deletions;

/// A selected series.
#[derive(Debug)]
pub(crate) struct DbSeries<'a> {
    pub(crate) querier: &'a DbQuerier<'a>,
    pub(crate) id: SeriesId,
    pub(crate) key: SeriesKey,
    pub(crate) labels: Labels,
    /// The selection that it is read with, and where it is in there.
    pub(crate) together: Option<(Arc<Together>, u32)>,
}

impl Series for DbSeries<'_> {
    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn cursor(&self, range: TimeRange) -> Box<dyn Cursor + '_> {
        let range = TimeRange {
            start_ms: range.start_ms.max(self.querier.range.start_ms),
            end_ms: range.end_ms.min(self.querier.range.end_ms),
        };
        let together = self.together.as_ref().filter(|_| range.start_ms <= range.end_ms);
        match together.and_then(|(together, position)| together.take(self.querier, *position)) {
            Some(taken) => Box::new(DecodedCursor::new(taken, range)),
            None => Box::new(DbCursor::new(self, range)),
        }
    }
}

/// Walks over a series.
#[derive(Debug)]
struct DbCursor<'a> {
    series: &'a DbSeries<'a>,
    range: TimeRange,
    deletions: Deletions,
    partitions: VecDeque<Arc<Partition>>,
    /// What the head has, until it was given.
    head: Result<Option<Runs>, DbError>,
    ready: VecDeque<OwnedRun>,
    current: Option<OwnedRun>,
}

impl<'a> DbCursor<'a> {
    fn new(series: &'a DbSeries<'a>, range: TimeRange) -> Self {
        let querier = series.querier;
        let mut cursor = Self {
            series,
            range,
            deletions: Deletions::of(series.id, querier.view.tombstones.iter().map(Arc::as_ref)),
            partitions: VecDeque::new(),
            head: Ok(None),
            ready: VecDeque::new(),
            current: None,
        };
        if range.start_ms <= range.end_ms {
            let is_inside =
                |partition: &&Arc<Partition>| partition.min_ms <= range.end_ms && partition.max_ms >= range.start_ms;
            let mut partitions: Vec<_> = querier.view.partitions.iter().filter(is_inside).map(Arc::clone).collect();
            partitions.sort_by_key(|partition| partition.min_ms);
            cursor.partitions = partitions.into();
            cursor.head = cursor.read_head().map(Some);
        }
        cursor
    }

    fn read_head(&self) -> Result<Runs, DbError> {
        let querier = self.series.querier;
        let mut runs = Runs::default();
        let wanted = |row: &RowMeta| {
            self.range.contains(row.at_ms) && querier.sees(row) && !self.deletions.hide(row.number, row.at_ms)
        };
        querier.read_head(self.series.id, wanted, &mut runs)?;
        // Rows aside are in the order they came in.
        Ok(Runs::merge(vec![runs]))
    }

    fn read_partition(&self, partition: &Partition) -> Result<Runs, DbError> {
        let hidden = |at_ms: i64| self.deletions.hide(partition.clean_through, at_ms);
        let hidden: Option<&dyn Fn(i64) -> bool> = if self.deletions.is_empty() { None } else { Some(&hidden) };
        let mut runs = Runs::default();
        let sealed = &self.series.querier.store.sealed;
        sealed.with_series(partition, self.series.key, |times, series| {
            read_body(times, series.body, self.range, hidden, &mut runs)
        })?;
        Ok(runs)
    }

    /// Decodes the next partitions that have samples, with all that overlap them.
    fn advance(&mut self) -> Result<(), DbError> {
        while let Some(first) = self.partitions.pop_front() {
            let mut end_ms = first.max_ms;
            let mut sources = vec![(first.key.id, self.read_partition(&first)?)];
            loop {
                if let Some(next) = self.next_overlapping(end_ms) {
                    end_ms = end_ms.max(next.max_ms);
                    sources.push((next.key.id, self.read_partition(&next)?));
                } else if self.head_ms().is_some_and(|(first_ms, _)| first_ms <= end_ms) {
                    end_ms = self.head_ms().map_or(end_ms, |(_, last_ms)| end_ms.max(last_ms));
                    sources.extend(std::mem::replace(&mut self.head, Ok(None))?.map(|head| (HEAD_AGE, head)));
                } else {
                    break;
                }
            }
            // Of samples at one time the one that came first counts.
            sources.sort_by_key(|(age, _)| *age);
            let merged = Runs::merge(sources.into_iter().map(|(_, runs)| runs).collect());
            if !merged.is_empty() {
                self.ready.extend(merged.runs);
                return Ok(());
            }
        }
        let head = std::mem::replace(&mut self.head, Ok(None))?;
        self.ready.extend(head.unwrap_or_default().runs);
        Ok(())
    }

    /// First and last time of what the head has, until it was given.
    fn head_ms(&self) -> Option<(i64, i64)> {
        let head = self.head.as_ref().ok()?.as_ref()?;
        head.first_ms().zip(head.last_ms())
    }

    /// The next partition, if it begins at `end_ms` or before.
    fn next_overlapping(&mut self, end_ms: i64) -> Option<Arc<Partition>> {
        self.partitions.front().filter(|next| next.min_ms <= end_ms)?;
        self.partitions.pop_front()
    }
}

impl Cursor for DbCursor<'_> {
    fn next_run(&mut self) -> Result<Option<Run<'_>>, StorageError> {
        if self.ready.is_empty() {
            match self.advance() {
                Ok(()) => {}
                Err(error) => {
                    self.partitions.clear();
                    self.head = Ok(None);
                    return Err(DbQuerier::failed("samples of a series")(error));
                }
            }
        }
        self.current = self.ready.pop_front();
        Ok(self.current.as_ref().map(OwnedRun::as_run))
    }
}
