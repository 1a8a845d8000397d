//! Merging: partitions in, one partition out, series by series in order of their keys. Deleted samples are left out.
//!
//! The windows of a finished day are merged once: long queries then read one block instead of 48. Cleaning is the same
//! with one partition.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use storage::TimeRange;

use crate::bytes::DecodeError;
use crate::db::store::Store;
use crate::db::view::View;
use crate::error::DbError;
use crate::head::group::{RawSamples, RawValue};
use crate::rocks::keys::PartitionKey;
use crate::sealed::block::{Block, BlockSeries, SealedSeries, SeriesKey, put_body};
use crate::sealed::partition::Partition;
use crate::sealed::reader::{SealedReader, read_body};
use crate::sealed::times::TimeColumns;
use crate::sealed::writer::{self, Extent, Frame, Source, refer};
use crate::tombstone::{Deletions, Tombstone};

/// Walks over the blocks of one partition.
struct Walker<'a> {
    reader: &'a SealedReader,
    partition: &'a Partition,
    next_block: usize,
    block: Option<Arc<Block>>,
    at: usize,
}

impl Walker<'_> {
    /// The key of the next series. Damaged blocks are stepped over.
    fn key(&mut self) -> Result<Option<SeriesKey>, DbError> {
        loop {
            if let Some(series) = self.block.as_ref().and_then(|block| block.nth(self.at)) {
                return Ok(Some(series.key));
            }
            if self.next_block == self.partition.blocks.len() {
                return Ok(None);
            }
            self.block = self.reader.block_uncached(self.partition, self.next_block)?.map(Arc::new);
            self.next_block += 1;
            self.at = 0;
        }
    }

    /// The samples of the next series that are not deleted, and the time column they are in.
    fn take(&mut self, deletions: &Deletions) -> Result<(u32, RawSamples), DbError> {
        let mut samples = RawSamples::new();
        let Some(series) = self.block.as_ref().and_then(|block| block.nth(self.at)) else {
            return Ok((0, samples));
        };
        self.at += 1;
        if let Some(column) = self.reader.times(self.partition, series.times)? {
            let clean_through = self.partition.clean_through;
            let hidden = |at_ms| deletions.hide(clean_through, at_ms);
            let hidden: Option<&dyn Fn(i64) -> bool> = if deletions.is_empty() { None } else { Some(&hidden) };
            decode(&column, series, hidden, &mut samples).map_err(DbError::corrupt(format!(
                "series {} in partition {}",
                series.key.id().0,
                self.partition.key.id
            )))?;
        }
        Ok((series.times, samples))
    }
}

fn decode(
    column: &[i64],
    series: BlockSeries<'_>,
    hidden: Option<&dyn Fn(i64) -> bool>,
    samples: &mut RawSamples,
) -> Result<(), DecodeError> {
    let times = series.presence.pick(column)?;
    read_body(&times, series.body, TimeRange::ALL, hidden, samples)
}

/// A time column that series of the merged partition share: those that shared one in every source.
type SharedTimes = (Arc<[i64]>, u32);

/// A series of the sources, without what was deleted.
struct Step {
    key: SeriesKey,
    samples: RawSamples,
    /// Sources and their time columns.
    origin: Vec<(usize, u32)>,
}

/// Partitions while they are merged.
struct Merger<'a> {
    walkers: Vec<Walker<'a>>,
    tombstones: &'a [Arc<Tombstone>],
    shared: FxHashMap<Vec<(usize, u32)>, SharedTimes>,
    columns: TimeColumns,
    extent: Extent,
}

impl Merger<'_> {
    /// The column that series share which came from these columns of the sources.
    fn shared(&mut self, origin: Vec<(usize, u32)>) -> Result<SharedTimes, DbError> {
        if let Some(shared) = self.shared.get(&origin) {
            return Ok(shared.clone());
        }
        let mut times = Vec::new();
        for (source, number) in &origin {
            let walker = &self.walkers[*source];
            times.extend(walker.reader.times(walker.partition, *number)?.iter().flat_map(|column| column.iter()));
        }
        times.sort_unstable();
        times.dedup();
        let number = self.columns.intern(&times);
        let shared: SharedTimes = (Arc::from(times), number);
        self.shared.insert(origin, shared.clone());
        Ok(shared)
    }

    /// The next series, even if all of it was deleted.
    fn step(&mut self) -> Result<Option<Step>, DbError> {
        let mut keys = Vec::with_capacity(self.walkers.len());
        for walker in &mut self.walkers {
            keys.push(walker.key()?);
        }
        let Some(key) = keys.iter().flatten().min().copied() else {
            return Ok(None);
        };
        let deletions = Deletions::of(key.id(), self.tombstones.iter().map(Arc::as_ref));
        let mut samples = RawSamples::new();
        let mut origin = Vec::new();
        for (source, walker) in self.walkers.iter_mut().enumerate() {
            if keys[source] == Some(key) {
                let (column, more) = walker.take(&deletions)?;
                origin.push((source, column));
                samples.extend(more);
            }
        }
        if !samples.is_sorted_by(|a, b| a.0 < b.0) {
            // Of samples at one time that of the older partition counts.
            samples.sort_by_key(|(at_ms, _)| *at_ms);
            samples.dedup_by_key(|(at_ms, _)| *at_ms);
        }
        Ok(Some(Step { key, samples, origin }))
    }
}

impl Source for Merger<'_> {
    fn next(&mut self) -> Result<Option<SealedSeries>, DbError> {
        while let Some(Step { key, samples, origin }) = self.step()? {
            if samples.is_empty() {
                continue;
            }
            let (times, values): (Vec<i64>, Vec<RawValue>) = samples.into_iter().unzip();
            let (column, number) = self.shared(origin)?;
            let (number, presence) = refer(&mut self.columns, &times, (&column, number));
            self.extent.add(&times);
            let mut body = Vec::new();
            put_body(&mut body, &values);
            return Ok(Some(SealedSeries { key, times: number, presence, body }));
        }
        Ok(None)
    }

    fn finish(self) -> (TimeColumns, Extent) {
        (self.columns, self.extent)
    }
}

impl Store {
    /// Replaces `sources`, which are part of the present view, by one partition for the window from `start_ms` to
    /// `end_ms`. The caller holds the maintenance lock. Returns the bytes of the new one.
    pub(crate) fn merge(&self, sources: &[Arc<Partition>], start_ms: i64, end_ms: i64) -> Result<u64, DbError> {
        let view = self.views.now();
        let number = self.head.isolation.number();
        let walker = |partition| Walker { reader: &self.sealed, partition, next_block: 0, block: None, at: 0 };
        let merger = Merger {
            walkers: sources.iter().map(|partition| walker(partition.as_ref())).collect(),
            tombstones: &view.tombstones,
            shared: FxHashMap::default(),
            columns: TimeColumns::default(),
            extent: Extent::default(),
        };
        let frame = Frame { key: PartitionKey { start_ms, id: number }, end_ms, clean_through: number };
        let merged = writer::write(&self.rocks, frame, merger)?;
        let bytes = merged.bytes;
        let merged = if merged.blocks.is_empty() { None } else { Some(merged) };
        self.replace(sources, merged).map(|()| bytes)
    }

    /// Takes partitions out of the view and puts one in. Their tables go when no query can read them any more.
    pub(crate) fn replace(&self, old: &[Arc<Partition>], new: Option<Partition>) -> Result<(), DbError> {
        let mut next = View::clone(&self.views.now());
        let mut batch = self.rocks.batch();
        old.iter().for_each(|partition| writer::unrecord(&mut batch, partition));
        new.iter().for_each(|partition| writer::record(&mut batch, partition));
        self.write_meta(batch)?;
        next.partitions.retain(|partition| old.iter().all(|old| old.key != partition.key));
        next.partitions.extend(new.map(Arc::new));
        self.views.publish(next);
        self.garbage.lock().extend(old.iter().map(Arc::downgrade).zip(old.iter().map(|old| old.key)));
        Ok(())
    }

    /// Deletes the tables of partitions that were replaced and that no query reads any more.
    pub(crate) fn sweep(&self) -> Result<(), DbError> {
        let mut garbage = self.garbage.lock();
        while let Some(at) = garbage.iter().position(|(partition, _)| partition.strong_count() == 0) {
            let (_, key) = garbage.swap_remove(at);
            writer::erase(&self.rocks, key)?;
        }
        Ok(())
    }
}
