//! Which series have samples in a range: group by group and partition by partition, and only where that does not tell,
//! series by series.

use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::error::DbError;
use crate::head::group::{GroupData, GroupId, RowMeta};
use crate::head::slots::Place;
use crate::index::table::SeriesId;
use crate::query::select::DbQuerier;
use crate::sealed::block::SeriesKey;
use crate::sealed::partition::Partition;
use crate::sealed::reader::Walk;
use crate::tombstone::Deletions;

/// Finding the place of one series takes about as long as looking at so many members of a group.
const MEMBERS_PER_PLACE: u64 = 8;

impl DbQuerier<'_> {
    /// Those of the series that have samples in the range.
    pub(crate) fn with_samples(&self, candidates: RoaringBitmap) -> Result<RoaringBitmap, DbError> {
        let mut deleted = RoaringBitmap::new();
        self.view.tombstones.iter().for_each(|tombstone| deleted |= &tombstone.ids & &candidates);
        let mut left = candidates - &deleted;
        let mut found = self.present_in_head(&left)?;
        left -= &found;
        for partition in self.view.partitions.iter().rev().filter(|partition| self.touches(partition)) {
            if left.is_empty() {
                break;
            }
            let mut members = &left & self.store.sealed.members(partition)?;
            if !self.is_whole(partition) {
                members = self.have_sealed(&members, partition)?;
            }
            left -= &members;
            found |= members;
        }
        for id in deleted.iter().map(SeriesId).filter(|id| self.slots.covers(*id)) {
            let deletions = Deletions::of(id, self.view.tombstones.iter().map(Arc::as_ref));
            if self.has_in_head(id, &deletions)? || self.has_sealed(id, &deletions)? {
                found.insert(id.0);
            }
        }
        Ok(found)
    }

    /// Whether all samples of the partition are in the range.
    pub(crate) fn is_whole(&self, partition: &Partition) -> bool {
        self.range.contains(partition.min_ms) && self.range.contains(partition.max_ms)
    }

    /// Those of the series, of which none was deleted, that the head has samples of.
    fn present_in_head(&self, ids: &RoaringBitmap) -> Result<RoaringBitmap, DbError> {
        // Asking all groups for all of their members takes less than finding the group of each series.
        if ids.len() * MEMBERS_PER_PLACE > self.store.head.index.read().table.len() as u64 {
            return Ok(self.all_in_head()? & ids);
        }
        let place = |id: u32| Some((self.slots.get(SeriesId(id))?.place()?, id));
        let mut places: Vec<(Place, u32)> = ids.iter().filter_map(place).collect();
        places.sort_unstable();
        let mut found: Vec<u32> = Vec::with_capacity(places.len());
        let mut ordinals = Vec::new();
        let wanted = |row: &RowMeta| self.range.contains(row.at_ms) && self.sees(row);
        for places in places.chunk_by(|a, b| a.0.group == b.0.group) {
            let group = self.store.head.group(GroupId(places[0].0.group));
            let data = group.as_ref().map(|group| group.data.read());
            let is_there = |data: &GroupData| {
                places.iter().all(|(place, id)| data.members.get(place.ordinal as usize) == Some(&SeriesId(*id)))
            };
            match data.filter(|data| is_there(data)) {
                Some(data) => {
                    ordinals.clear();
                    ordinals.extend(places.iter().map(|(place, _)| place.ordinal));
                    data.find_present(&mut ordinals, wanted, |ordinal| found.push(data.members[ordinal as usize].0))
                        .map_err(DbError::corrupt("rows in memory"))?;
                }
                // Some have moved since.
                None => {
                    for (_, id) in places {
                        if self.has_in_head(SeriesId(*id), &Deletions::default())? {
                            found.push(*id);
                        }
                    }
                }
            }
        }
        found.sort_unstable();
        Ok(found.into_iter().collect())
    }

    /// All series that the head has samples of.
    fn all_in_head(&self) -> Result<RoaringBitmap, DbError> {
        let wanted = |row: &RowMeta| self.range.contains(row.at_ms) && self.sees(row);
        let (mut found, mut ordinals) = (Vec::new(), Vec::new());
        for group in self.store.head.all_groups() {
            let data = group.data.read();
            ordinals.clear();
            ordinals.extend(0..data.members.len() as u32);
            data.find_present(&mut ordinals, wanted, |ordinal| found.push(data.members[ordinal as usize].0))
                .map_err(DbError::corrupt("rows in memory"))?;
        }
        // Stable sorting makes use of the runs that groups are.
        found.sort();
        Ok(found.into_iter().collect())
    }

    pub(crate) fn has_in_head(&self, id: SeriesId, deletions: &Deletions) -> Result<bool, DbError> {
        let wanted =
            |row: &RowMeta| self.range.contains(row.at_ms) && self.sees(row) && !deletions.hide(row.number, row.at_ms);
        let has = |data: &GroupData, ordinal: usize| {
            let mut has = false;
            data.find_present(&mut vec![ordinal as u32], wanted, |_| has = true).map(|()| has)
        };
        let result = self.store.head.with_member(id, &self.slots, has);
        result.unwrap_or(Ok(false)).map_err(DbError::corrupt("rows in memory"))
    }

    /// Those of the members of a partition that have samples in the range.
    fn have_sealed(&self, members: &RoaringBitmap, partition: &Partition) -> Result<RoaringBitmap, DbError> {
        let mut keys: Vec<SeriesKey> = members.iter().map(|id| self.key(SeriesId(id))).collect();
        keys.sort_unstable();
        let mut found = Vec::with_capacity(keys.len());
        // Where in a time column the range is; most series refer to the one of the series before.
        let mut column: Option<(Arc<[i64]>, usize, usize)> = None;
        Walk::new(&self.store.sealed, partition).each(&keys, |at, times, series| {
            let (_, from, to) = match &column {
                Some(column) if Arc::ptr_eq(&column.0, times) => column,
                _ => {
                    let from = times.partition_point(|at_ms| *at_ms < self.range.start_ms);
                    let to = times.partition_point(|at_ms| *at_ms <= self.range.end_ms);
                    column.insert((Arc::clone(times), from, to))
                }
            };
            if series.presence.has_any(*from, *to) {
                found.push(keys[at].id().0);
            }
            Ok(())
        })?;
        found.sort_unstable();
        Ok(found.into_iter().collect())
    }

    fn has_sealed(&self, id: SeriesId, deletions: &Deletions) -> Result<bool, DbError> {
        for partition in self.view.partitions.iter().rev().filter(|partition| self.touches(partition)) {
            if self.store.sealed.members(partition)?.contains(id.0)
                && self.has_in_partition(id, partition, deletions)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn has_in_partition(&self, id: SeriesId, partition: &Partition, deletions: &Deletions) -> Result<bool, DbError> {
        let is_wanted = |at_ms: i64| self.range.contains(at_ms) && !deletions.hide(partition.clean_through, at_ms);
        let has = |times: &[i64]| times.iter().any(|at_ms| is_wanted(*at_ms));
        let found = self.store.sealed.with_series(partition, self.key(id), |times, _| Ok(has(times)))?;
        Ok(found == Some(true))
    }
}
