//! Deletions of a block: series by their number in the index, with stretches of time.
//!
//! ```text
//! magic u32, then checked: version u8 (not checked), for each: series uvarint, first varint, last varint; checksum u32
//! ```

use std::collections::HashMap;

use crate::bytes::{Reader, checked};
use crate::error::FormatError;

const MAGIC: u32 = 0x0130_ba30;
const VERSION: u8 = 1;

/// Deleted stretches of time, both ends included, by series.
pub(crate) type Deleted = HashMap<u64, Vec<(i64, i64)>>;

/// Reads the file.
pub(crate) fn decode(bytes: &[u8]) -> Result<Deleted, FormatError> {
    let mut head = Reader::new(bytes);
    if head.u32()? != MAGIC {
        return Err(FormatError::Invalid("these are no tombstones"));
    }
    if head.u8()? != VERSION {
        return Err(FormatError::Invalid("unknown version of tombstones"));
    }
    let mut reader = Reader::new(checked(head.take(head.left())?)?);
    let mut deleted = Deleted::new();
    while !reader.is_empty() {
        let series = reader.uvarint()?;
        let range = (reader.varint()?, reader.varint()?);
        deleted.entry(series).or_default().push(range);
    }
    Ok(deleted)
}

/// Whether a sample is deleted.
pub(crate) fn hides(ranges: &[(i64, i64)], at_ms: i64) -> bool {
    ranges.iter().any(|(first, last)| (*first..=*last).contains(&at_ms))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::{put_checksum, put_uvarint, put_varint};

    #[test]
    fn tombstones_are_read() {
        let mut bytes = MAGIC.to_be_bytes().to_vec();
        bytes.push(VERSION);
        for (series, first, last) in [(7, -5, 10), (7, 20, 30), (1 << 40, 0, i64::MAX)] {
            put_uvarint(&mut bytes, series);
            put_varint(&mut bytes, first);
            put_varint(&mut bytes, last);
        }
        put_checksum(&mut bytes, 5);
        let deleted = decode(&bytes).expect("whole");
        assert_eq!(deleted[&7], [(-5, 10), (20, 30)]);
        assert!(hides(&deleted[&7], 10) && !hides(&deleted[&7], 11));
        for at in 0..bytes.len() {
            assert!(decode(&bytes[..at]).is_err());
            bytes[at] ^= 1;
            assert!(decode(&bytes).is_err());
            bytes[at] ^= 1;
        }
    }
}
