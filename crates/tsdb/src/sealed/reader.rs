//! Reads partitions through a cache of decoded blocks and time columns.
//!
//! A block or column that is damaged is named in the log once, counted, and from then on empty: what else there is goes
//! on being served.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use roaring::RoaringBitmap;
use rustc_hash::{FxHashMap, FxHashSet};
use storage::TimeRange;

use crate::bytes::{DecodeError, Reader};
use crate::chunk::floats;
use crate::error::DbError;
use crate::head::group::Sink;
use crate::rocks::keys::MEMBERS;
use crate::rocks::{Column, Rocks, RocksError};
use crate::sealed::block::{Block, BlockSeries, SeriesKey, take_run};
use crate::sealed::partition::Partition;
use crate::sealed::times;

/// What is in the cache.
#[derive(Debug, Clone)]
enum Cached {
    Block(Arc<Block>),
    Times(Arc<[i64]>),
}

/// Partition, column, position.
type CacheKey = (u64, Column, u32);

/// The most recently used blocks and columns. Half of what is over the limit goes at once, oldest first.
#[derive(Debug, Default)]
struct Cache {
    entries: FxHashMap<CacheKey, (Cached, usize, u64)>,
    bytes: usize,
    clock: u64,
}

impl Cache {
    fn get(&mut self, key: CacheKey) -> Option<Cached> {
        self.clock += 1;
        let clock = self.clock;
        self.entries.get_mut(&key).map(|(cached, _, used)| {
            *used = clock;
            cached.clone()
        })
    }

    fn insert(&mut self, key: CacheKey, cached: Cached, bytes: usize, bytes_max: usize) {
        self.clock += 1;
        if self.entries.insert(key, (cached, bytes, self.clock)).is_none() {
            self.bytes += bytes;
        }
        if self.bytes > bytes_max {
            let mut uses: Vec<u64> = self.entries.values().map(|(_, _, used)| *used).collect();
            let middle = uses.len() / 2;
            let (_, median, _) = uses.select_nth_unstable(middle);
            let median = *median;
            self.entries.retain(|_, (_, _, used)| *used > median);
            self.bytes = self.entries.values().map(|(_, bytes, _)| bytes).sum();
        }
    }
}

const SHARDS: usize = 8;

/// Reads sealed samples.
#[derive(Debug)]
pub(crate) struct SealedReader {
    rocks: Arc<Rocks>,
    shards: [Mutex<Cache>; SHARDS],
    shard_bytes_max: usize,
    damaged: Mutex<FxHashSet<CacheKey>>,
    damages: AtomicU64,
}

impl SealedReader {
    /// A reader whose cache takes up to `cache_bytes`.
    pub(crate) fn new(rocks: Arc<Rocks>, cache_bytes: usize) -> Self {
        Self {
            rocks,
            shards: Default::default(),
            shard_bytes_max: cache_bytes / SHARDS,
            damaged: Mutex::default(),
            damages: AtomicU64::new(0),
        }
    }

    /// How many blocks and columns were found damaged.
    pub(crate) fn damages(&self) -> u64 {
        self.damages.load(Ordering::Relaxed)
    }

    fn shard(&self, key: CacheKey) -> &Mutex<Cache> {
        &self.shards[(key.0 as usize).wrapping_mul(31).wrapping_add(key.2 as usize) % SHARDS]
    }

    /// Reads through the cache. `None` for what is damaged.
    fn load(
        &self,
        partition: &Partition,
        column: Column,
        position: u32,
        key: &[u8],
        decode: impl FnOnce(Vec<u8>) -> Result<(Cached, usize), DecodeError>,
    ) -> Result<Option<Cached>, DbError> {
        let cache_key = (partition.key.id, column, position);
        if let Some(cached) = self.shard(cache_key).lock().get(cache_key) {
            return Ok(Some(cached));
        }
        let Some((cached, bytes)) = self.read(partition, column, position, key, decode)? else {
            return Ok(None);
        };
        self.shard(cache_key).lock().insert(cache_key, cached.clone(), bytes, self.shard_bytes_max);
        Ok(Some(cached))
    }

    /// Reads and decodes. `None` for what is damaged.
    fn read<T>(
        &self,
        partition: &Partition,
        column: Column,
        position: u32,
        key: &[u8],
        decode: impl FnOnce(Vec<u8>) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DbError> {
        let cache_key = (partition.key.id, column, position);
        let damage = match self.rocks.get(column, key) {
            Ok(Some(bytes)) => match decode(bytes) {
                Ok(decoded) => return Ok(Some(decoded)),
                Err(error) => error.to_string(),
            },
            Ok(None) => "it is not there".to_owned(),
            Err(error) if error.is_damage() => describe(&error),
            Err(error) => return Err(DbError::database("read sealed samples")(error)),
        };
        if self.damaged.lock().insert(cache_key) {
            self.damages.fetch_add(1, Ordering::Relaxed);
            tracing::error!(
                partition = partition.key.id,
                start_ms = partition.key.start_ms,
                column = column.name(),
                position,
                damage,
                "sealed samples are damaged and left out"
            );
        }
        Ok(None)
    }

    /// The block of a partition at `index`.
    pub(crate) fn block(&self, partition: &Partition, index: usize) -> Result<Option<Arc<Block>>, DbError> {
        let key = partition.key.block(partition.blocks[index].0);
        let cached = self.load(partition, Column::Blocks, index as u32, &key, |bytes| {
            let block = Block::decode(bytes)?;
            let bytes = block.memory_bytes();
            Ok((Cached::Block(Arc::new(block)), bytes))
        })?;
        Ok(cached.and_then(|cached| match cached {
            Cached::Block(block) => Some(block),
            Cached::Times(_) => None,
        }))
    }

    /// The block of a partition at `index`, without a place in the cache: for who reads each only once.
    pub(crate) fn block_uncached(&self, partition: &Partition, index: usize) -> Result<Option<Block>, DbError> {
        let key = partition.key.block(partition.blocks[index].0);
        self.read(partition, Column::Blocks, index as u32, &key, Block::decode)
    }

    /// A time column of a partition.
    pub(crate) fn times(&self, partition: &Partition, number: u32) -> Result<Option<Arc<[i64]>>, DbError> {
        let key = partition.key.times(number);
        let cached = self.load(partition, Column::Times, number, &key, |bytes| {
            let times = times::decode(&bytes)?;
            let bytes = times.len() * 8;
            Ok((Cached::Times(Arc::from(times)), bytes))
        })?;
        Ok(cached.and_then(|cached| match cached {
            Cached::Times(times) => Some(times),
            Cached::Block(_) => None,
        }))
    }

    /// The series that a partition has samples of. If their list is damaged, its blocks say the same.
    pub(crate) fn members<'a>(&self, partition: &'a Partition) -> Result<&'a RoaringBitmap, DbError> {
        if let Some(members) = partition.members.get() {
            return Ok(members);
        }
        let stored = match self.rocks.get(Column::Meta, &partition.key.meta(MEMBERS)) {
            Ok(bytes) => bytes,
            Err(error) if error.is_damage() => None,
            Err(error) => return Err(DbError::database("read the members of a partition")(error)),
        };
        let members = match stored.and_then(|bytes| RoaringBitmap::deserialize_from(bytes.as_slice()).ok()) {
            Some(members) => members,
            None => {
                tracing::error!(
                    partition = partition.key.id,
                    "the members of a partition are damaged, reading its blocks"
                );
                let mut members = RoaringBitmap::new();
                for index in 0..partition.blocks.len() {
                    if let Some(block) = self.block_uncached(partition, index)? {
                        members.extend(block.iter().map(|series| series.key.id().0));
                    }
                }
                members
            }
        };
        Ok(partition.members.get_or_init(|| members))
    }

    /// Hands the samples of one series to `with`: its times and its place in the block. Not called if it has none.
    pub(crate) fn with_series<R>(
        &self,
        partition: &Partition,
        key: SeriesKey,
        with: impl FnOnce(&[i64], BlockSeries<'_>) -> Result<R, DecodeError>,
    ) -> Result<Option<R>, DbError> {
        let Some(index) = partition.block_of(key) else {
            return Ok(None);
        };
        let Some(block) = self.block(partition, index)? else {
            return Ok(None);
        };
        let Some(series) = block.get(key) else {
            return Ok(None);
        };
        let Some(column) = self.times(partition, series.times)? else {
            return Ok(None);
        };
        let read = || with(&series.presence.pick(&column)?, series);
        read().map(Some).map_err(|error| {
            DbError::corrupt(format!("series {} in partition {}", key.id().0, partition.key.id))(error)
        })
    }
}

/// Walks over many series of one partition: each block and time column is looked up once.
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    reader: &'a SealedReader,
    partition: &'a Partition,
    times: FxHashMap<u32, Option<Arc<[i64]>>>,
}

impl<'a> Walk<'a> {
    /// Over a partition.
    pub(crate) fn new(reader: &'a SealedReader, partition: &'a Partition) -> Self {
        Self { reader, partition, times: FxHashMap::default() }
    }

    /// Calls `visit` with those of the `keys`, which grow, that the partition has: which one it is, the time column that
    /// it refers to, and its place in the block.
    pub(crate) fn each(
        &mut self,
        keys: &[SeriesKey],
        mut visit: impl FnMut(usize, &Arc<[i64]>, BlockSeries<'_>) -> Result<(), DecodeError>,
    ) -> Result<(), DbError> {
        let mut at = 0;
        while let Some(key) = keys.get(at) {
            let Some(index) = self.partition.block_of(*key) else {
                at += 1;
                continue;
            };
            let end = self.partition.blocks.get(index + 1);
            let count = keys[at..].iter().take_while(|key| end.is_none_or(|end| *key < end)).count();
            if let Some(block) = self.reader.block(self.partition, index)? {
                for (at, key) in (at..).zip(&keys[at..at + count]) {
                    let Some(series) = block.get(*key) else { continue };
                    let Some(times) = self.times(series.times)? else { continue };
                    visit(at, &times, series).map_err(|error| {
                        let (id, partition) = (key.id().0, self.partition.key.id);
                        DbError::corrupt(format!("series {id} in partition {partition}"))(error)
                    })?;
                }
            }
            at += count;
        }
        Ok(())
    }

    fn times(&mut self, number: u32) -> Result<Option<Arc<[i64]>>, DbError> {
        if let Some(times) = self.times.get(&number) {
            return Ok(times.clone());
        }
        let times = self.reader.times(self.partition, number)?;
        self.times.insert(number, times.clone());
        Ok(times)
    }
}

fn describe(error: &RocksError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// Appends the floats of a body in `range` to `values`. Returns which of the `times`, one growing time for each sample, they
/// are at; `None`, with nothing appended, if there are histograms among them.
pub(crate) fn read_floats(
    times: &[i64],
    body: &[u8],
    range: TimeRange,
    scratch: &mut Vec<i64>,
    values: &mut Vec<f64>,
) -> Result<Option<(usize, usize)>, DecodeError> {
    let start = values.len();
    let first = times.partition_point(|at_ms| *at_ms < range.start_ms);
    let end = times.partition_point(|at_ms| *at_ms <= range.end_ms).max(first);
    let mut body = Reader::new(body);
    let mut at = 0;
    while !body.is_empty() && at < end {
        let run = take_run(&mut body)?;
        let run_end = at + run.count;
        if run_end > times.len() {
            return Err(DecodeError::Invalid("more samples than times"));
        }
        if run_end > first {
            if run.is_histograms {
                values.truncate(start);
                return Ok(None);
            }
            floats::take(&mut Reader::new(run.content), run.count, scratch, values)?;
            if at < first {
                values.drain(start..start + (first - at));
            }
        }
        at = run_end;
    }
    let end = end.min(at).max(first);
    values.truncate(start + (end - first));
    Ok(Some((first, end)))
}

/// Hands the samples of a body in `range` to `sink`, but those that are `hidden`. `times` has one growing time for each
/// sample. Runs outside of the range are not decoded.
pub(crate) fn read_body(
    times: &[i64],
    body: &[u8],
    range: TimeRange,
    hidden: Option<&dyn Fn(i64) -> bool>,
    sink: &mut impl Sink,
) -> Result<(), DecodeError> {
    let mut body = Reader::new(body);
    let mut times = times;
    let (mut values, mut scratch) = (Vec::new(), Vec::new());
    while !body.is_empty() {
        let run = take_run(&mut body)?;
        let (now, later) = times.split_at_checked(run.count).ok_or(DecodeError::Invalid("more samples than times"))?;
        times = later;
        let from = now.partition_point(|at_ms| *at_ms < range.start_ms);
        let to = now.partition_point(|at_ms| *at_ms <= range.end_ms);
        if from >= to {
            continue;
        }
        let mut reader = Reader::new(run.content);
        let is_hidden = |at_ms: i64| hidden.is_some_and(|hidden| hidden(at_ms));
        if run.is_histograms {
            for (at, at_ms) in now.iter().enumerate().take(to) {
                let encoded = reader.slice()?;
                if at >= from && !is_hidden(*at_ms) {
                    sink.histogram(*at_ms, encoded)?;
                }
            }
            continue;
        }
        values.clear();
        floats::take(&mut reader, run.count, &mut scratch, &mut values)?;
        if hidden.is_none() {
            sink.floats(&now[from..to], &values[from..to]);
            continue;
        }
        for (at_ms, value) in now[from..to].iter().zip(&values[from..to]).filter(|(at_ms, _)| !is_hidden(**at_ms)) {
            sink.float(*at_ms, value.to_bits());
        }
    }
    Ok(())
}
