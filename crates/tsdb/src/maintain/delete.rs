//! Deleting series, at once, and cleaning up after it, in time.

use std::sync::Arc;

use metrics_model::Matcher;
use storage::TimeRange;

use crate::db::store::Store;
use crate::db::view::View;
use crate::error::DbError;
use crate::rocks::{Column, keys};
use crate::sealed::partition::Partition;
use crate::tombstone::Tombstone;

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

    /// Writes partitions with deleted samples anew, one after the other: each step needs room for one more partition,
    /// and a crash repeats only the step it was in. The caller holds the maintenance lock.
    pub(crate) fn clean(&self) -> Result<(), DbError> {
        let view = self.views.now();
        for partition in &view.partitions {
            if self.is_touched(partition, &view.tombstones)? {
                self.merge(std::slice::from_ref(partition), partition.key.start_ms, partition.end_ms)?;
            }
        }
        self.drop_tombstones()
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
