//! A partition: the samples of one stretch of time that were sealed together. Its record in the meta column is what
//! makes it exist; blocks without one are leftovers of a crash.

use std::sync::OnceLock;

use roaring::RoaringBitmap;

use crate::bytes::{DecodeError, Reader, put_varint, put_zigzag};
use crate::rocks::keys::PartitionKey;
use crate::sealed::block::SeriesKey;

const VERSION: u8 = 1;

/// What is known of a partition.
#[derive(Debug)]
pub(crate) struct Partition {
    pub(crate) key: PartitionKey,
    /// The window ends before this; its start is in the key.
    pub(crate) end_ms: i64,
    /// Times of the first and last sample.
    pub(crate) min_ms: i64,
    pub(crate) max_ms: i64,
    pub(crate) samples: u64,
    /// Bytes of its tables.
    pub(crate) bytes: u64,
    /// Deletions numbered below this were left out when it was written.
    pub(crate) clean_through: u64,
    /// The first series of each block, growing: which block has a series is known without reading one.
    pub(crate) blocks: Vec<SeriesKey>,
    /// The series it has samples of, read when first needed.
    pub(crate) members: OnceLock<RoaringBitmap>,
}

impl Partition {
    /// Which block would have a series.
    pub(crate) fn block_of(&self, key: SeriesKey) -> Option<usize> {
        self.blocks.partition_point(|first| *first <= key).checked_sub(1)
    }

    /// The record: version, then numbers as varints and zigzag varints in order of the fields, then the count of blocks
    /// and their first keys as differences.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        for time in [self.end_ms, self.min_ms, self.max_ms] {
            put_zigzag(&mut out, time);
        }
        for number in [self.samples, self.bytes, self.clean_through, self.blocks.len() as u64] {
            put_varint(&mut out, number);
        }
        let mut last = 0;
        for first in &self.blocks {
            put_varint(&mut out, first.0 - last);
            last = first.0;
        }
        out
    }

    /// The inverse of [`Partition::encode`].
    pub(crate) fn decode(key: PartitionKey, bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        if reader.byte()? != VERSION {
            return Err(DecodeError::Invalid("unknown version of a partition record"));
        }
        let (end_ms, min_ms, max_ms) = (reader.zigzag()?, reader.zigzag()?, reader.zigzag()?);
        let (samples, bytes, clean_through) = (reader.varint()?, reader.varint()?, reader.varint()?);
        let count = reader.count(1)?;
        let mut blocks = Vec::with_capacity(count);
        let mut last = 0_u64;
        for _ in 0..count {
            last = last.wrapping_add(reader.varint()?);
            blocks.push(SeriesKey(last));
        }
        let members = OnceLock::new();
        Ok(Self { key, end_ms, min_ms, max_ms, samples, bytes, clean_through, blocks, members })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back() {
        let partition = Partition {
            key: PartitionKey { start_ms: -1000, id: 7 },
            end_ms: 1000,
            min_ms: -999,
            max_ms: 500,
            samples: 12345,
            bytes: 99,
            clean_through: 3,
            blocks: vec![SeriesKey(5), SeriesKey(1 << 40), SeriesKey(u64::MAX)],
            members: OnceLock::new(),
        };
        let found = Partition::decode(partition.key, &partition.encode()).unwrap();
        assert_eq!(format!("{found:?}"), format!("{partition:?}"));
        assert_eq!(found.block_of(SeriesKey(4)), None);
        assert_eq!(found.block_of(SeriesKey(5)), Some(0));
        assert_eq!(found.block_of(SeriesKey(1 << 41)), Some(1));
        assert!(Partition::decode(partition.key, &partition.encode()[..6]).is_err());
    }
}
