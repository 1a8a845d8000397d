//! Byte-level words that every format here is spelled with: little-endian integers, LEB128 varints, zigzag.
//!
//! Writing appends to a `Vec<u8>`; reading goes through [`Reader`], which never reads past the end: stored bytes may be
//! damaged, and damage is an error, not a panic.

use metrics_model::varint::read as read_varint;
pub(crate) use metrics_model::varint::{put as put_varint, unzigzag, zigzag};

/// Why stored bytes could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecodeError {
    /// The bytes end before what they promised.
    #[error("data ends too early")]
    Truncated,
    /// The bytes say something impossible.
    #[error("{0}")]
    Invalid(&'static str),
}

/// The number of bytes that [`put_varint`] takes for `value`.
pub(crate) fn varint_len(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

/// Appends a signed integer as a zigzag varint.
pub(crate) fn put_zigzag(out: &mut Vec<u8>, value: i64) {
    put_varint(out, zigzag(value));
}

/// Appends a length and then the bytes.
pub(crate) fn put_slice(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Takes values off the front of a slice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether everything was read.
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// What was not read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next `count` bytes.
    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next `N` bytes as an array.
    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    /// One byte.
    pub(crate) fn byte(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Four bytes, least significant first.
    pub(crate) fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_le_bytes)
    }

    /// Eight bytes, least significant first.
    pub(crate) fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_le_bytes)
    }

    /// A float, bit for bit.
    pub(crate) fn f64(&mut self) -> Result<f64, DecodeError> {
        self.u64().map(f64::from_bits)
    }

    /// An unsigned varint.
    pub(crate) fn varint(&mut self) -> Result<u64, DecodeError> {
        read_varint(|| self.byte(), || DecodeError::Invalid("varint is longer than 64 bits"))
    }

    /// A zigzag varint.
    pub(crate) fn zigzag(&mut self) -> Result<i64, DecodeError> {
        self.varint().map(unzigzag)
    }

    /// A varint that counts things of at least `bytes_each` bytes that follow: more than the rest can hold is damage,
    /// found before anything is reserved for it.
    pub(crate) fn count(&mut self, bytes_each: usize) -> Result<usize, DecodeError> {
        let count = usize::try_from(self.varint()?).map_err(|_| DecodeError::Truncated)?;
        if count.checked_mul(bytes_each).is_none_or(|bytes| bytes > self.rest.len()) {
            return Err(DecodeError::Truncated);
        }
        Ok(count)
    }

    /// A varint that fits 32 bits.
    pub(crate) fn varint_u32(&mut self) -> Result<u32, DecodeError> {
        u32::try_from(self.varint()?).map_err(|_| DecodeError::Invalid("number does not fit 32 bits"))
    }

    /// Bytes after their length.
    pub(crate) fn slice(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = self.count(1)?;
        self.bytes(length)
    }

    /// A UTF-8 text after its length.
    pub(crate) fn text(&mut self) -> Result<&'a str, DecodeError> {
        std::str::from_utf8(self.slice()?).map_err(|_| DecodeError::Invalid("text is not UTF-8"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn integers_come_back(value: u64, signed: i64) {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            prop_assert_eq!(out.len(), varint_len(value));
            put_zigzag(&mut out, signed);
            let mut reader = Reader::new(&out);
            prop_assert_eq!(reader.varint(), Ok(value));
            prop_assert_eq!(reader.zigzag(), Ok(signed));
            prop_assert!(reader.is_empty());
        }
    }

    #[test]
    fn damage_is_an_error() {
        assert_eq!(Reader::new(&[]).byte(), Err(DecodeError::Truncated));
        assert_eq!(Reader::new(&[0x80]).varint(), Err(DecodeError::Truncated));
        assert!(Reader::new(&[0xff; 11]).varint().is_err());
        // A length that the rest cannot hold.
        assert_eq!(Reader::new(&[9, 1]).slice(), Err(DecodeError::Truncated));
    }
}
