//! Opening what damage has left.
//!
//! A damaged table of blocks or times stays where it is: it is read around. One of another column would stop the
//! database at its next compaction, so such a column is written anew with what can be read of it; and of the meta
//! column there are two.

use std::sync::{Arc, OnceLock};

use roaring::RoaringBitmap;

use crate::db::view::View;
use crate::error::DbError;
use crate::maintain::mend::meta_entries;
use crate::options::{Options, millis};
use crate::rocks::keys::PartitionKey;
use crate::rocks::{Column, Rocks};
use crate::sealed::block::{Block, SeriesKey};
use crate::sealed::partition::Partition;
use crate::sealed::times;
use crate::sealed::writer::Extent;

/// How many damaged stretches were stepped over.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Gaps {
    pub(crate) series: u64,
    pub(crate) rows: u64,
}

/// Writes the columns with gaps anew.
pub(crate) fn numbered(rocks: &Rocks, gaps: Gaps) -> Result<(), DbError> {
    if gaps.series > 0 {
        anew::<4>(rocks, Column::Series)?;
    }
    if gaps.rows > 0 {
        anew::<8>(rocks, Column::Rows)?;
    }
    Ok(())
}

/// Writes a column anew with what can be read of it.
pub(crate) fn anew<const N: usize>(rocks: &Rocks, column: Column) -> Result<(), DbError> {
    let failed = DbError::database("write a damaged column anew");
    rocks.rebuild(column, failed, |put| {
        let mut result = Ok(());
        let scan = |number: u64, value: &[u8]| {
            if result.is_ok() {
                result = put(&number.to_be_bytes()[8 - N..], value);
            }
        };
        rocks.scan_column::<N>(column, 0, scan).map_err(failed)?;
        result
    })
}

/// Puts what one of the two meta columns has into the other.
pub(crate) fn copy_meta(rocks: &Rocks, from: Column, to: Column) -> Result<(), DbError> {
    let failed = DbError::database("write a meta column anew");
    rocks.rebuild(to, failed, |put| {
        let mut result = Ok(());
        let scanned = rocks.scan(from, &[], |key, value| {
            result = put(key, value);
            result.is_ok()
        });
        scanned.map_err(failed)?;
        result
    })
}

/// Finds the partitions by their tables, and writes both meta columns anew, where neither can be read. Rows that were
/// sealed are then put into the head again, where readers find them twice and show them once.
pub(crate) fn partitions(rocks: &Rocks, options: &Options, error: DbError) -> Result<View, DbError> {
    if !error.is_damage() {
        return Err(error);
    }
    tracing::error!(%error, "the list of partitions is damaged twice, making it from their tables; deletions are lost");
    let tables = rocks.tables(Column::Blocks).map_err(DbError::database("list the tables"))?;
    let mut view = View::default();
    for key in tables.iter().filter_map(|first| PartitionKey::of(first)) {
        view.partitions.extend(partition(rocks, key, options)?.map(Arc::new));
    }
    view.partitions.sort_by_key(|partition| partition.key);
    let entries = meta_entries(&view, false);
    let failed = DbError::database("write the list of partitions");
    for column in [Column::Meta, Column::MetaCopy] {
        rocks.rebuild(column, failed, |put| entries.iter().try_for_each(|(key, value)| put(key, value)))?;
    }
    Ok(view)
}

/// What the tables of a partition say about it; `None` if nothing can be read.
fn partition(rocks: &Rocks, key: PartitionKey, options: &Options) -> Result<Option<Partition>, DbError> {
    let failed = DbError::database("read a partition");
    let mut extent = Extent::default();
    let mut bytes = 0;
    rocks
        .scan_numbers::<4>(Column::Times, &key.bytes(), |_, value| {
            bytes += value.len() as u64;
            if let Ok(times) = times::decode(value) {
                extent.add(&times);
            }
        })
        .map_err(failed)?;
    let mut blocks = Vec::new();
    let mut members = RoaringBitmap::new();
    rocks
        .scan_numbers::<8>(Column::Blocks, &key.bytes(), |first, value| {
            bytes += value.len() as u64;
            blocks.push(SeriesKey(first));
            if let Ok(block) = Block::decode(value.to_vec()) {
                members.extend(block.iter().map(|series| series.key.id().0));
            }
        })
        .map_err(failed)?;
    if members.is_empty() || extent.samples == 0 {
        return Ok(None);
    }
    let end_ms = key.start_ms.saturating_add(millis(options.window)).max(extent.max_ms.saturating_add(1));
    Ok(Some(Partition {
        key,
        end_ms,
        min_ms: extent.min_ms,
        max_ms: extent.max_ms,
        samples: extent.samples,
        bytes,
        clean_through: 0,
        blocks,
        members: OnceLock::from(members),
    }))
}
