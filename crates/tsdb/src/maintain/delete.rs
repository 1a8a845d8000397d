//! Deleting series, at once, and cleaning up after it, in time.

use std::sync::Arc;

use metrics_model::Matcher;
use parking_lot::MutexGuard;
use storage::TimeRange;

use crate::db::store::Store;
use crate::db::view::View;
use crate::error::DbError;
use crate::maintain::run::Memory;
use crate::rocks::keys::PartitionKey;
use crate::rocks::{Column, keys};
use crate::sealed::partition::Partition;
use crate::tombstone::Tombstone;

/// How far cleaning is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cleaning {
    /// Whether partitions are written anew at the moment.
    pub is_running: bool,
    /// Partitions that the run there is, or the last one, had to look at.
    pub partitions: u64,
    /// How many of these are done.
    pub done: u64,
    /// Bytes that were freed by it so far.
    pub freed_bytes: u64,
    /// Deletions of which samples are still on the disk.
    pub deletions: u64,
}

/// What is remembered of it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Progress {
    pub(crate) cleaning: Cleaning,
    /// A run was asked for, and is not through.
    pub(crate) is_due: bool,
}

impl Store {
    /// Hides the samples in `range` of the series that satisfy all matchers; they are gone for queries that begin after
    /// this returns. The caller holds the maintenance lock.
    pub(crate) fn delete(&self, matchers: &[Matcher], range: TimeRange) -> Result<(), DbError> {
        // No commit is half done when the number is taken: it is before or after the deletion.
        let _gate = self.head.gate.write();
        let ids = self.head.index.read().select(matchers);
        if ids.is_empty() {
            return Ok(());
        }
        let tombstone = Tombstone { number: self.head.isolation.number(), range, ids };
        let mut batch = self.rocks.batch();
        batch.put(Column::Meta, &keys::tombstone(tombstone.number), &tombstone.encode());
        self.write_meta(batch)?;
        let mut next = View::clone(&self.views.now());
        next.tombstones.push(Arc::new(tombstone));
        self.views.publish(next);
        Ok(())
    }

    fn is_touched(&self, partition: &Partition, tombstones: &[Arc<Tombstone>]) -> Result<bool, DbError> {
        for tombstone in tombstones.iter().filter(|tombstone| tombstone.number > partition.clean_through) {
            let range = tombstone.range;
            if range.start_ms <= partition.max_ms
                && range.end_ms >= partition.min_ms
                && !self.sealed.members(partition)?.is_disjoint(&tombstone.ids)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Notes on the disk that deleted samples are to be cleaned away, so that a crash does not forget it.
    pub(crate) fn begin_cleaning(&self) -> Result<(), DbError> {
        let mut batch = self.rocks.batch();
        batch.put(Column::Meta, keys::CLEANING, &[]);
        batch.write_synced().map_err(DbError::database("note that samples are to be cleaned away"))?;
        self.cleaning.lock().is_due = true;
        Ok(())
    }

    /// Writes partitions with deleted samples anew, one after the other: each step needs room for one more partition,
    /// and a crash repeats only the step it was in. Between two, others may have the maintenance lock.
    pub(crate) fn clean(&self, maintenance: &mut MutexGuard<'_, Memory>) -> Result<(), DbError> {
        let view = self.views.now();
        let mut touched = Vec::new();
        for partition in &view.partitions {
            if self.is_touched(partition, &view.tombstones)? {
                touched.push(partition.key);
            }
        }
        drop(view);
        let partitions = touched.len() as u64;
        self.cleaning.lock().cleaning = Cleaning { is_running: true, partitions, ..Cleaning::default() };
        let result = touched.into_iter().try_for_each(|key| {
            self.clean_one(key)?;
            MutexGuard::bump(maintenance);
            Ok(())
        });
        self.cleaning.lock().cleaning.is_running = false;
        result?;
        self.mended(|| self.drop_tombstones())?;
        self.mended(|| {
            let mut batch = self.rocks.batch();
            batch.delete(Column::Meta, keys::CLEANING);
            batch.write_synced().map_err(DbError::database("note that samples were cleaned away"))
        })?;
        self.cleaning.lock().is_due = false;
        Ok(())
    }

    /// Whether a run was cut off by a crash or an error, and nobody is at it.
    pub(crate) fn is_cleaning_left(&self) -> bool {
        let progress = self.cleaning.lock();
        progress.is_due && !progress.cleaning.is_running
    }

    fn clean_one(&self, key: PartitionKey) -> Result<(), DbError> {
        let view = self.views.now();
        // It may have been merged or retained away meanwhile.
        let found = view.partitions.iter().find(|partition| partition.key == key).map(Arc::clone);
        drop(view);
        let mut freed_bytes = 0;
        if let Some(partition) = found {
            let before = partition.bytes;
            let source = std::slice::from_ref(&partition);
            let after = self.mended(|| self.merge(source, key.start_ms, partition.end_ms))?;
            // The last handle but those of queries: the tables go before the next partition needs their room.
            drop(partition);
            self.sweep()?;
            freed_bytes = before.saturating_sub(after);
        }
        let mut progress = self.cleaning.lock();
        progress.cleaning.done += 1;
        progress.cleaning.freed_bytes += freed_bytes;
        Ok(())
    }

    /// Forgets deletions of which no sample is left, neither in a partition nor in the log.
    pub(crate) fn drop_tombstones(&self) -> Result<(), DbError> {
        let view = self.views.now();
        if view.tombstones.is_empty() {
            return Ok(());
        }
        let first_logged = self.log.lock().first();
        let mut done = Vec::new();
        for tombstone in &view.tombstones {
            let mut is_needed = first_logged.is_some_and(|first| first < tombstone.number);
            for partition in &view.partitions {
                is_needed = is_needed || self.is_touched(partition, std::slice::from_ref(tombstone))?;
            }
            if !is_needed {
                done.push(tombstone.number);
            }
        }
        if done.is_empty() {
            return Ok(());
        }
        let mut batch = self.rocks.batch();
        done.iter().for_each(|number| batch.delete(Column::Meta, &keys::tombstone(*number)));
        self.write_meta(batch)?;
        let mut next = View::clone(&self.views.now());
        next.tombstones.retain(|tombstone| !done.contains(&tombstone.number));
        self.views.publish(next);
        Ok(())
    }
}
