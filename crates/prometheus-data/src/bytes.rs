//! Words that formats are spelled with: big-endian integers, LEB128 varints, zigzag, texts after their length, and
//! CRC-32C.

use metrics_model::varint::zigzag;
pub(crate) use metrics_model::varint::{put as put_uvarint, unzigzag};

use crate::error::FormatError;

/// Takes values off the front of a slice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], FormatError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(FormatError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FormatError> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(FormatError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, FormatError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, FormatError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, FormatError> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, FormatError> {
        self.array().map(i64::from_be_bytes)
    }

    pub(crate) fn f64(&mut self) -> Result<f64, FormatError> {
        self.u64().map(f64::from_bits)
    }

    pub(crate) fn uvarint(&mut self) -> Result<u64, FormatError> {
        varint(|| self.u8())
    }

    pub(crate) fn varint(&mut self) -> Result<i64, FormatError> {
        self.uvarint().map(unzigzag)
    }

    /// A number of things that take at least `bytes_each` bytes each: more than the rest can hold is damage, found before
    /// anything is reserved for it.
    pub(crate) fn count(&mut self, bytes_each: usize) -> Result<usize, FormatError> {
        let count = usize::try_from(self.uvarint()?).map_err(|_| FormatError::Truncated)?;
        let bytes = count.checked_mul(bytes_each).filter(|bytes| *bytes <= self.left());
        bytes.map(|_| count).ok_or(FormatError::Truncated)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, FormatError> {
        let length = self.count(1)?;
        std::str::from_utf8(self.take(length)?).map_err(|_| FormatError::Invalid("text is not UTF-8"))
    }
}

/// A varint of which `byte` gives the bytes.
pub(crate) fn varint(byte: impl FnMut() -> Result<u8, FormatError>) -> Result<u64, FormatError> {
    metrics_model::varint::read(byte, || FormatError::Invalid("varint is longer than 64 bits"))
}

pub(crate) fn put_varint(out: &mut Vec<u8>, value: i64) {
    put_uvarint(out, zigzag(value));
}

pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_uvarint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Appends the checksum of everything from `start` on.
pub(crate) fn put_checksum(out: &mut Vec<u8>, start: usize) {
    let checksum = crc32c::crc32c(&out[start..]);
    out.extend_from_slice(&checksum.to_be_bytes());
}

/// The content before a checksum at the end, if that is right.
pub(crate) fn checked(bytes: &[u8]) -> Result<&[u8], FormatError> {
    let (content, checksum) = bytes.split_last_chunk::<4>().ok_or(FormatError::Truncated)?;
    if crc32c::crc32c(content) == u32::from_be_bytes(*checksum) { Ok(content) } else { Err(FormatError::Checksum) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back(unsigned: u64, signed: i64, text: String) {
            let mut out = Vec::new();
            put_uvarint(&mut out, unsigned);
            put_varint(&mut out, signed);
            put_text(&mut out, &text);
            let mut reader = Reader::new(&out);
            prop_assert_eq!(reader.uvarint(), Ok(unsigned));
            prop_assert_eq!(reader.varint(), Ok(signed));
            prop_assert_eq!(reader.text(), Ok(text.as_str()));
            prop_assert!(reader.is_empty());
        }
    }

    #[test]
    fn checksums_are_castagnoli() {
        let mut out = b"123456789".to_vec();
        put_checksum(&mut out, 0);
        assert_eq!(out[9..], 0xe306_9283_u32.to_be_bytes());
        assert_eq!(checked(&out), Ok(b"123456789".as_slice()));
        out[2] ^= 1;
        assert_eq!(checked(&out), Err(FormatError::Checksum));
        assert_eq!(checked(&[1, 2]), Err(FormatError::Truncated));
    }
}
