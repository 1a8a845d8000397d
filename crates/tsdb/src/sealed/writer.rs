//! Writes partitions: series in order of their keys in, two tables and a record out.

use std::sync::OnceLock;

use roaring::RoaringBitmap;

use crate::error::DbError;
use crate::rocks::keys::{MEMBERS, PARTITION, PartitionKey};
use crate::rocks::{Batch, Column, Rocks};
use crate::sealed::block::{self, BYTES_MAX, SERIES_MAX, SealedSeries, SeriesKey};
use crate::sealed::partition::Partition;
use crate::sealed::presence::Presence;
use crate::sealed::times::TimeColumns;

/// What is true of a partition before anything is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    pub(crate) key: PartitionKey,
    pub(crate) end_ms: i64,
    pub(crate) clean_through: u64,
}

/// Times of the samples that a partition got, and how many.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    pub(crate) min_ms: i64,
    pub(crate) max_ms: i64,
    pub(crate) samples: u64,
}

impl Default for Extent {
    fn default() -> Self {
        Self { min_ms: i64::MAX, max_ms: i64::MIN, samples: 0 }
    }
}

impl Extent {
    /// Takes in growing times.
    pub(crate) fn add(&mut self, times: &[i64]) {
        if let (Some(first), Some(last)) = (times.first(), times.last()) {
            self.min_ms = self.min_ms.min(*first);
            self.max_ms = self.max_ms.max(*last);
            self.samples += times.len() as u64;
        }
    }
}

/// Positions of growing `times` in the growing `column` that has them all.
pub(crate) fn positions(times: &[i64], column: &[i64]) -> Vec<u32> {
    let mut at = 0_usize;
    times
        .iter()
        .map(|time| {
            // Nearly always the next one.
            if column.get(at).is_some_and(|other| other < time) {
                at += 1;
            }
            if column.get(at).is_some_and(|other| other < time) {
                at += column[at..].partition_point(|other| other < time);
            }
            at as u32
        })
        .collect()
}

/// Decides how a series refers to its times: by presence in the column it shares, or by a column of its own when that
/// takes less.
pub(crate) fn refer(columns: &mut TimeColumns, times: &[i64], shared: (&[i64], u32)) -> (u32, Presence) {
    const BYTES_PER_TIME: usize = 2;
    let (column, number) = shared;
    if times == column {
        return (number, Presence::All);
    }
    let presence = Presence::of(&positions(times, column), column.len());
    if presence.price() > times.len() * BYTES_PER_TIME + 16 {
        return (columns.intern(times), Presence::All);
    }
    (number, presence)
}

/// Where the series of a partition come from.
pub(crate) trait Source {
    /// The next series, in order of their keys.
    ///
    /// # Errors
    /// Whatever keeps the source from reading it; the partition is then not written.
    fn next(&mut self) -> Result<Option<SealedSeries>, DbError>;

    /// After the last: the time columns that the series refer to.
    fn finish(self) -> (TimeColumns, Extent);
}

/// Collects the series of one block.
fn next_block(source: &mut impl Source) -> Result<Vec<SealedSeries>, DbError> {
    let mut series: Vec<SealedSeries> = Vec::new();
    let mut bytes = 0;
    while series.len() < SERIES_MAX && bytes < BYTES_MAX {
        let Some(next) = source.next()? else { break };
        bytes += next.body.len();
        series.push(next);
    }
    Ok(series)
}

/// Writes the tables of a partition. It exists once its record is in the meta column, see [`record`].
pub(crate) fn write(rocks: &Rocks, frame: Frame, mut source: impl Source) -> Result<Partition, DbError> {
    let mut blocks: Vec<SeriesKey> = Vec::new();
    let mut members = RoaringBitmap::new();
    let bytes = rocks.ingest(Column::Blocks, DbError::database("write sealed blocks"), |put| {
        loop {
            let series = next_block(&mut source)?;
            let Some(first) = series.first().map(|series| series.key) else {
                return Ok(());
            };
            members.extend(series.iter().map(|series| series.key.id().0));
            blocks.push(first);
            put(&frame.key.block(first.0), &block::encode(&series))?;
        }
    })?;
    let (columns, extent) = source.finish();
    let time_bytes = rocks.ingest(Column::Times, DbError::database("write sealed times"), |put| {
        columns.iter().try_for_each(|(number, bytes)| put(&frame.key.times(number), bytes))
    })?;
    Ok(Partition {
        key: frame.key,
        end_ms: frame.end_ms,
        min_ms: extent.min_ms,
        max_ms: extent.max_ms,
        samples: extent.samples,
        bytes: bytes + time_bytes,
        clean_through: frame.clean_through,
        blocks,
        members: OnceLock::from(members),
    })
}

/// Adds the record that makes a partition exist.
pub(crate) fn record(batch: &mut Batch<'_>, partition: &Partition) {
    entries(partition).iter().for_each(|(key, value)| batch.put(Column::Meta, key, value));
}

/// The record and the members of a partition, with their keys.
pub(crate) fn entries(partition: &Partition) -> [(Vec<u8>, Vec<u8>); 2] {
    let mut bytes = Vec::new();
    if let Some(members) = partition.members.get() {
        let mut members = members.clone();
        members.optimize();
        members.serialize_into(&mut bytes).expect("writing to a vector cannot fail");
    }
    let key = |kind| partition.key.meta(kind).to_vec();
    [(key(PARTITION), partition.encode()), (key(MEMBERS), bytes)]
}

/// Takes the record out, after which the partition does not exist.
pub(crate) fn unrecord(batch: &mut Batch<'_>, partition: &Partition) {
    batch.delete(Column::Meta, &partition.key.meta(PARTITION));
    batch.delete(Column::Meta, &partition.key.meta(MEMBERS));
}

/// Deletes the tables of a partition that no longer exists.
pub(crate) fn erase(rocks: &Rocks, key: PartitionKey) -> Result<(), DbError> {
    for column in [Column::Blocks, Column::Times] {
        rocks
            .remove_range(column, &key.bytes(), &key.end())
            .map_err(DbError::database("delete the tables of a partition"))?;
    }
    Ok(())
}
