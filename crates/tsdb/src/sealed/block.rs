//! A block: the sealed samples of some 128 neighbouring series in one window, as one value of the database.
//!
//! ```text
//! version u8       1
//! series varint    how many
//! directory, column by column:
//!   keys           varint metric difference to the one before; then the series id, as the varint difference to the one
//!                  before if the metric is the same, else as it is
//!   time columns   zigzag difference to the one before
//!   presences      `presence` bytes
//!   lengths        varint
//! bodies           runs of samples of one kind: varint (count << 2 | HISTOGRAMS 2 | MORE 1); with MORE, when another run
//!                  follows, varint length; then a float column or, for each histogram, varint length and bytes
//! checksum u32     low half of XXH3 of everything before
//! ```
//!
//! The directory lies together, so that a reader of one series steps over 128 short entries, and the compressor sees
//! like beside like.

use xxhash_rust::xxh3::xxh3_64;

use crate::bytes::{DecodeError, Reader, put_slice, put_varint, put_zigzag};
use crate::chunk::floats;
use crate::head::group::RawValue;
use crate::index::table::SeriesId;
use crate::sealed::presence::Presence;

const VERSION: u8 = 1;
const CHECKSUM_BYTES: usize = 4;

/// A block is closed with so many series or bytes, whatever comes first.
pub(crate) const SERIES_MAX: usize = 128;
pub(crate) const BYTES_MAX: usize = 48 << 10;

/// Longer runs are cut, so that a reader of a short range decodes little more.
const RUN_SAMPLES_MAX: usize = 512;

const MORE: u64 = 1;
const HISTOGRAMS: u64 = 2;

/// Where a series is in blocks: by metric, then by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SeriesKey(pub(crate) u64);

impl SeriesKey {
    /// The key of a series whose metric has the given order number.
    pub(crate) fn new(metric: u32, id: SeriesId) -> Self {
        Self(u64::from(metric) << 32 | u64::from(id.0))
    }

    /// The series.
    pub(crate) fn id(self) -> SeriesId {
        SeriesId(self.0 as u32)
    }

    fn metric(self) -> u64 {
        self.0 >> 32
    }
}

/// The samples of one series, ready for a block.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SealedSeries {
    pub(crate) key: SeriesKey,
    pub(crate) times: u32,
    pub(crate) presence: Presence,
    pub(crate) body: Vec<u8>,
}

/// Appends the runs of a series' values.
pub(crate) fn put_body(out: &mut Vec<u8>, values: &[RawValue]) {
    let is_float = |value: &RawValue| matches!(value, RawValue::Float(_));
    let mut runs =
        values.chunk_by(|a, b| is_float(a) == is_float(b)).flat_map(|run| run.chunks(RUN_SAMPLES_MAX)).peekable();
    while let Some(run) = runs.next() {
        let floats: Vec<u64> = run
            .iter()
            .filter_map(|value| match value {
                RawValue::Float(bits) => Some(*bits),
                RawValue::Histogram(_) => None,
            })
            .collect();
        let kind = if floats.is_empty() { HISTOGRAMS } else { 0 };
        put_run(out, run.len(), kind, runs.peek().is_some(), |out| {
            floats::put(out, &floats);
            for value in run {
                if let RawValue::Histogram(encoded) = value {
                    put_slice(out, encoded);
                }
            }
        });
    }
}

/// Appends the runs of a series that has only floats, given as bits.
pub(crate) fn put_float_body(out: &mut Vec<u8>, values: &[u64]) {
    let mut runs = values.chunks(RUN_SAMPLES_MAX).peekable();
    while let Some(run) = runs.next() {
        put_run(out, run.len(), 0, runs.peek().is_some(), |out| floats::put(out, run));
    }
}

fn put_run(out: &mut Vec<u8>, count: usize, kind: u64, has_more: bool, content: impl FnOnce(&mut Vec<u8>)) {
    put_varint(out, (count as u64) << 2 | kind | u64::from(has_more));
    if has_more {
        let mut run = Vec::new();
        content(&mut run);
        put_slice(out, &run);
    } else {
        content(out);
    }
}

/// Makes a block of series in order of their keys.
pub(crate) fn encode(series: &[SealedSeries]) -> Vec<u8> {
    let mut out = vec![VERSION];
    put_varint(&mut out, series.len() as u64);
    let (mut metric, mut id) = (0, 0);
    for key in series.iter().map(|series| series.key) {
        put_varint(&mut out, key.metric() - metric);
        id = if key.metric() == metric { key.id().0 - id } else { key.id().0 };
        put_varint(&mut out, u64::from(id));
        (metric, id) = (key.metric(), key.id().0);
    }
    let mut times = 0;
    for series in series {
        put_zigzag(&mut out, i64::from(series.times) - times);
        times = i64::from(series.times);
    }
    series.iter().for_each(|series| series.presence.put(&mut out));
    series.iter().for_each(|series| put_varint(&mut out, series.body.len() as u64));
    series.iter().for_each(|series| out.extend_from_slice(&series.body));
    let checksum = xxh3_64(&out) as u32;
    out.extend_from_slice(&checksum.to_le_bytes());
    out
}

/// A block that was read.
#[derive(Debug)]
pub(crate) struct Block {
    bytes: Vec<u8>,
    /// Side by side, so that looking for one touches little memory.
    keys: Vec<SeriesKey>,
    /// One for each key.
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    times: u32,
    presence: Presence,
    start: usize,
    end: usize,
}

/// One series of a block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BlockSeries<'a> {
    pub(crate) key: SeriesKey,
    /// Its time column.
    pub(crate) times: u32,
    pub(crate) presence: &'a Presence,
    pub(crate) body: &'a [u8],
}

impl Block {
    /// Checks the bytes of a block and reads its directory.
    pub(crate) fn decode(bytes: Vec<u8>) -> Result<Self, DecodeError> {
        let (content, checksum) = bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or(DecodeError::Truncated)?;
        if xxh3_64(content) as u32 != u32::from_le_bytes(*checksum) {
            return Err(DecodeError::Invalid("checksum does not match"));
        }
        let mut reader = Reader::new(content);
        if reader.byte()? != VERSION {
            return Err(DecodeError::Invalid("unknown version of a block"));
        }
        let count = reader.count(5)?;
        let mut keys = Vec::with_capacity(count);
        let mut entries = Vec::with_capacity(count);
        let (mut metric, mut id) = (0_u64, 0_u32);
        for _ in 0..count {
            let step = reader.varint()?;
            metric = metric.wrapping_add(step);
            let word = reader.varint_u32()?;
            id = if step == 0 { id.wrapping_add(word) } else { word };
            keys.push(SeriesKey(metric << 32 | u64::from(id)));
            entries.push(Entry { times: 0, presence: Presence::All, start: 0, end: 0 });
        }
        let mut times = 0_i64;
        for entry in &mut entries {
            times = times.wrapping_add(reader.zigzag()?);
            entry.times = u32::try_from(times).map_err(|_| DecodeError::Invalid("time column out of range"))?;
        }
        for entry in &mut entries {
            entry.presence = Presence::take(&mut reader)?;
        }
        let mut end = 0_usize;
        for entry in &mut entries {
            entry.start = end;
            end = end.checked_add(reader.varint()? as usize).ok_or(DecodeError::Truncated)?;
            entry.end = end;
        }
        if reader.rest().len() != end {
            return Err(DecodeError::Invalid("block is not as long as its directory says"));
        }
        let bodies = content.len() - end;
        entries.iter_mut().for_each(|entry| {
            entry.start += bodies;
            entry.end += bodies;
        });
        Ok(Self { bytes, keys, entries })
    }

    /// Bytes of memory, about.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.bytes.capacity() + self.entries.capacity() * (size_of::<Entry>() + size_of::<SeriesKey>())
    }

    /// The series with a key.
    pub(crate) fn get(&self, key: SeriesKey) -> Option<BlockSeries<'_>> {
        self.nth(self.keys.binary_search(&key).ok()?)
    }

    fn at<'a>(&'a self, (key, entry): (&SeriesKey, &'a Entry)) -> BlockSeries<'a> {
        BlockSeries {
            key: *key,
            times: entry.times,
            presence: &entry.presence,
            body: &self.bytes[entry.start..entry.end],
        }
    }

    /// The series at a position, in order of their keys.
    pub(crate) fn nth(&self, at: usize) -> Option<BlockSeries<'_>> {
        self.keys.get(at).zip(self.entries.get(at)).map(|series| self.at(series))
    }

    /// All series, in order of their keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = BlockSeries<'_>> {
        self.keys.iter().zip(&self.entries).map(|series| self.at(series))
    }
}

/// A run of a series' body that was not decoded yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EncodedRun<'a> {
    pub(crate) count: usize,
    pub(crate) is_histograms: bool,
    pub(crate) content: &'a [u8],
}

/// Takes the next run of a body.
pub(crate) fn take_run<'a>(reader: &mut Reader<'a>) -> Result<EncodedRun<'a>, DecodeError> {
    let word = reader.varint()?;
    let count = usize::try_from(word >> 2).ok().filter(|count| (1..=RUN_SAMPLES_MAX).contains(count));
    let count = count.ok_or(DecodeError::Invalid("run of samples has an impossible length"))?;
    let content = if word & MORE != 0 { reader.slice()? } else { reader.bytes(reader.rest().len())? };
    Ok(EncodedRun { count, is_histograms: word & HISTOGRAMS != 0, content })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn series(at: u64) -> SealedSeries {
        let mut body = Vec::new();
        put_body(
            &mut body,
            &[RawValue::Float(at), RawValue::Float(7), RawValue::Histogram(Arc::from([1, 2, 3].as_slice()))],
        );
        SealedSeries {
            key: SeriesKey((at / 10) << 32 | (at * 3)),
            times: (at % 4) as u32,
            presence: if at.is_multiple_of(2) { Presence::All } else { Presence::Some(vec![1, 3, at as u32 + 4]) },
            body,
        }
    }

    #[test]
    fn blocks_come_back() {
        let all: Vec<SealedSeries> = (0..100).map(series).collect();
        let bytes = encode(&all);
        let block = Block::decode(bytes.clone()).unwrap();
        assert_eq!(block.iter().count(), 100);
        for expected in &all {
            let found = block.get(expected.key).unwrap();
            assert_eq!((found.times, found.presence), (expected.times, &expected.presence));
            assert_eq!(found.body, expected.body);
        }
        assert!(block.get(SeriesKey(1)).is_none());
        for at in (0..bytes.len()).step_by(7) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(Block::decode(damaged).is_err());
        }
        assert!(Block::decode(encode(&[])).unwrap().iter().next().is_none());
    }

    #[test]
    fn noise_with_a_checksum_does_not_panic() {
        let good = encode(&(0..20).map(series).collect::<Vec<_>>());
        let content = good.len() - CHECKSUM_BYTES;
        for at in 1..content {
            for flip in [1, 0x80, 0xff] {
                let mut bytes = good[..content].to_vec();
                bytes[at] ^= flip;
                let checksum = xxh3_64(&bytes) as u32;
                bytes.extend_from_slice(&checksum.to_le_bytes());
                let _ = Block::decode(bytes);
            }
        }
    }
}
