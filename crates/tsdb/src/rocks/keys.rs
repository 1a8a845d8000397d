//! The bytes of keys. Numbers are big-endian, so that keys sort as numbers do; times have their sign bit flipped.

use std::fmt;

/// The store's format, in the meta column.
pub(crate) const FORMAT: &[u8] = b"format";
/// Which commits are sealed, in the meta column.
pub(crate) const SEALS: &[u8] = b"seals";
/// There while deleted samples are cleaned away, in the meta column.
pub(crate) const CLEANING: &[u8] = b"cleaning";
/// Start of the keys of partitions in the meta column.
pub(crate) const PARTITION: u8 = b'p';
/// Start of the keys of a partition's members in the meta column.
pub(crate) const MEMBERS: u8 = b'm';
/// Start of the keys of tombstones in the meta column.
pub(crate) const TOMBSTONE: u8 = b't';

/// Where a partition's blocks and time columns lie: by time first, so that retention deletes whole tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PartitionKey {
    /// Start of its window.
    pub(crate) start_ms: i64,
    /// Unique for ever.
    pub(crate) id: u64,
}

impl PartitionKey {
    /// The bytes that all keys of the partition start with.
    pub(crate) fn bytes(self) -> [u8; 16] {
        let mut key = [0; 16];
        key[..8].copy_from_slice(&((self.start_ms as u64) ^ (1 << 63)).to_be_bytes());
        key[8..].copy_from_slice(&self.id.to_be_bytes());
        key
    }

    /// The partition that a key belongs to.
    pub(crate) fn of(key: &[u8]) -> Option<Self> {
        let start = u64::from_be_bytes(*key.first_chunk()?);
        let id = u64::from_be_bytes(*key.get(8..)?.first_chunk()?);
        Some(Self { start_ms: (start ^ (1 << 63)) as i64, id })
    }

    /// The first key that is past the partition. Ids are never the largest number.
    pub(crate) fn end(self) -> [u8; 16] {
        Self { id: self.id.saturating_add(1), ..self }.bytes()
    }

    /// The key of the block that begins with `first`.
    pub(crate) fn block(self, first: u64) -> [u8; 24] {
        let mut key = [0; 24];
        key[..16].copy_from_slice(&self.bytes());
        key[16..].copy_from_slice(&first.to_be_bytes());
        key
    }

    /// The key of a time column.
    pub(crate) fn times(self, column: u32) -> [u8; 20] {
        let mut key = [0; 20];
        key[..16].copy_from_slice(&self.bytes());
        key[16..].copy_from_slice(&column.to_be_bytes());
        key
    }

    /// The key of the partition's record of a kind in the meta column.
    pub(crate) fn meta(self, kind: u8) -> [u8; 17] {
        let mut key = [kind; 17];
        key[1..].copy_from_slice(&self.bytes());
        key
    }
}

/// The key of a tombstone.
pub(crate) fn tombstone(number: u64) -> [u8; 9] {
    let mut key = [TOMBSTONE; 9];
    key[1..].copy_from_slice(&number.to_be_bytes());
    key
}

/// The number that is the whole of a key.
pub(crate) fn number(key: &[u8]) -> Option<u64> {
    let mut bytes = [0; 8];
    bytes.get_mut(8_usize.checked_sub(key.len())?..)?.copy_from_slice(key);
    Some(u64::from_be_bytes(bytes))
}

/// A number at the end of a key.
pub(crate) fn last_u64(key: &[u8]) -> Option<u64> {
    key.last_chunk().map(|bytes| u64::from_be_bytes(*bytes))
}

/// A key as people can look for it.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_by_time_then_id() {
        let keys = [(i64::MIN, 5), (-1, 9), (0, 1), (0, 2), (7, 0), (i64::MAX, 0)]
            .map(|(start_ms, id)| PartitionKey { start_ms, id });
        assert!(keys.windows(2).all(|pair| pair[0].bytes() < pair[1].bytes()));
        for key in keys {
            assert_eq!(PartitionKey::of(&key.block(3)), Some(key));
            assert!(key.block(u64::MAX).as_slice() < key.end().as_slice());
        }
    }
}
