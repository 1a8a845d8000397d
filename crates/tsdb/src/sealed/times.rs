//! Time columns: the times of a partition's samples, shared by all series that were committed together.
//!
//! ```text
//! count varint, integer column, checksum u32 (low half of XXH3 of everything before)
//! ```

use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::xxh3_64;

use crate::bytes::{DecodeError, Reader, put_varint};
use crate::chunk::ints;

/// The columns of a partition that is being written.
#[derive(Debug, Default)]
pub(crate) struct TimeColumns {
    encoded: Vec<Vec<u8>>,
    by_content: FxHashMap<Vec<u8>, u32>,
}

impl TimeColumns {
    /// The number of the column with these times.
    pub(crate) fn intern(&mut self, times: &[i64]) -> u32 {
        let bytes = encode(times);
        if let Some(number) = self.by_content.get(&bytes) {
            return *number;
        }
        let number = self.encoded.len() as u32;
        self.encoded.push(bytes.clone());
        self.by_content.insert(bytes, number);
        number
    }

    /// The columns' bytes in order of their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &[u8])> {
        (0..).zip(self.encoded.iter().map(Vec::as_slice))
    }
}

fn encode(times: &[i64]) -> Vec<u8> {
    let mut out = Vec::new();
    put_varint(&mut out, times.len() as u64);
    ints::put(&mut out, times);
    let checksum = xxh3_64(&out) as u32;
    out.extend_from_slice(&checksum.to_le_bytes());
    out
}

/// Reads a column.
pub(crate) fn decode(bytes: &[u8]) -> Result<Vec<i64>, DecodeError> {
    let (content, checksum) = bytes.split_last_chunk::<4>().ok_or(DecodeError::Truncated)?;
    if xxh3_64(content) as u32 != u32::from_le_bytes(*checksum) {
        return Err(DecodeError::Invalid("checksum does not match"));
    }
    let mut reader = Reader::new(content);
    let count = reader.varint()?;
    let mut times = Vec::new();
    ints::take(&mut reader, usize::try_from(count).map_err(|_| DecodeError::Truncated)?, &mut times)?;
    Ok(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_columns_are_one() {
        let mut columns = TimeColumns::default();
        let first: Vec<i64> = (0..100).map(|at| at * 15_000 + at % 3).collect();
        let second: Vec<i64> = (0..5).collect();
        assert_eq!((columns.intern(&first), columns.intern(&second), columns.intern(&first)), (0, 1, 0));
        let decoded: Vec<Vec<i64>> = columns.iter().map(|(_, bytes)| decode(bytes).unwrap()).collect();
        assert_eq!(decoded, [first, second]);
        let mut damaged = columns.iter().next().unwrap().1.to_vec();
        damaged[4] ^= 1;
        assert!(decode(&damaged).is_err());
    }
}
