//! Streams of bits, most significant first, and the words that chunks spell with them.

use crate::bytes::{put_varint, unzigzag, varint};
use crate::error::FormatError;

/// Takes bits off the front of bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// Widths of [`BitReader::varbit_int`], by the number of ones that the word begins with.
const WIDTHS: [u32; 9] = [0, 3, 6, 9, 12, 18, 25, 56, 64];

impl<'a> BitReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(crate) fn bit(&mut self) -> Result<bool, FormatError> {
        let byte = *self.bytes.get(self.at / 8).ok_or(FormatError::Truncated)?;
        let bit = byte >> (7 - self.at % 8) & 1 == 1;
        self.at += 1;
        Ok(bit)
    }

    /// The next `count` bits, 64 at most.
    pub(crate) fn bits(&mut self, count: u32) -> Result<u64, FormatError> {
        if self.bytes.len() * 8 - self.at < count as usize {
            return Err(FormatError::Truncated);
        }
        let (mut value, mut left) = (0_u64, count as usize);
        while left > 0 {
            let (byte, skip) = (self.bytes[self.at / 8], self.at % 8);
            let taken = left.min(8 - skip);
            let part = byte << skip >> (8 - taken);
            value = value << taken | u64::from(part);
            self.at += taken;
            left -= taken;
        }
        Ok(value)
    }

    pub(crate) fn float(&mut self) -> Result<f64, FormatError> {
        self.bits(64).map(f64::from_bits)
    }

    pub(crate) fn uvarint(&mut self) -> Result<u64, FormatError> {
        varint(|| self.bits(8).map(|byte| byte as u8))
    }

    pub(crate) fn varint(&mut self) -> Result<i64, FormatError> {
        self.uvarint().map(unzigzag)
    }

    /// How many ones there are before a zero, `max` at most.
    pub(crate) fn ones(&mut self, max: usize) -> Result<usize, FormatError> {
        let mut ones = 0;
        while ones < max && self.bit()? {
            ones += 1;
        }
        Ok(ones)
    }

    /// An integer of `width` bits: the upper half of its range, but for the smallest of it, is negative.
    pub(crate) fn signed(&mut self, width: u32) -> Result<i64, FormatError> {
        let bits = self.bits(width)?;
        if width == 64 || bits <= 1 << (width - 1) { Ok(bits as i64) } else { Ok(bits.wrapping_sub(1 << width) as i64) }
    }

    pub(crate) fn varbit_int(&mut self) -> Result<i64, FormatError> {
        match WIDTHS[self.ones(8)?] {
            0 => Ok(0),
            width => self.signed(width),
        }
    }

    pub(crate) fn varbit_uint(&mut self) -> Result<u64, FormatError> {
        match WIDTHS[self.ones(8)?] {
            0 => Ok(0),
            width => self.bits(width),
        }
    }

    /// A number of things that take at least one bit each.
    pub(crate) fn count(&mut self) -> Result<usize, FormatError> {
        let count = usize::try_from(self.varbit_uint()?).map_err(|_| FormatError::Truncated)?;
        if count <= self.bytes.len() * 8 - self.at { Ok(count) } else { Err(FormatError::Truncated) }
    }
}

/// Puts bits at the end of bytes.
#[derive(Debug, Clone, Default)]
pub(crate) struct BitWriter {
    bytes: Vec<u8>,
    /// Bits of the last byte that are not written yet.
    free: usize,
}

impl BitWriter {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn put_bit(&mut self, bit: bool) {
        self.put_bits(u64::from(bit), 1);
    }

    /// The lowest `count` bits of `value`.
    pub(crate) fn put_bits(&mut self, value: u64, count: u32) {
        let mut left = count as usize;
        while left > 0 {
            if self.free == 0 {
                self.bytes.push(0);
                self.free = 8;
            }
            let taken = left.min(self.free);
            let part = (value >> (left - taken)) as u8 & (0xff >> (8 - taken));
            if let Some(last) = self.bytes.last_mut() {
                *last |= part << (self.free - taken);
            }
            self.free -= taken;
            left -= taken;
        }
    }

    pub(crate) fn put_float(&mut self, value: f64) {
        self.put_bits(value.to_bits(), 64);
    }

    pub(crate) fn put_bytes(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.put_bits(u64::from(*byte), 8));
    }

    pub(crate) fn put_varint(&mut self, value: i64) {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, value);
        self.put_bytes(&bytes);
    }

    /// `ones` ones and, unless there are `max` of them, a zero.
    pub(crate) fn put_ones(&mut self, ones: usize, max: usize) {
        (0..ones).for_each(|_| self.put_bit(true));
        if ones < max {
            self.put_bit(false);
        }
    }

    pub(crate) fn put_varbit_int(&mut self, value: i64) {
        let ones = if value == 0 { 0 } else { (1..8).find(|at| fits(value, WIDTHS[*at])).unwrap_or(8) };
        self.put_ones(ones, 8);
        self.put_bits(value as u64, WIDTHS[ones]);
    }

    pub(crate) fn put_varbit_uint(&mut self, value: u64) {
        let ones = (0..8).find(|at| value >> WIDTHS[*at] == 0).unwrap_or(8);
        self.put_ones(ones, 8);
        self.put_bits(value, WIDTHS[ones]);
    }
}

/// Whether [`BitReader::signed`] gives `value` back from `width` bits.
pub(crate) fn fits(value: i64, width: u32) -> bool {
    let half = 1_i64 << (width - 1);
    (1 - half..=half).contains(&value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn comes_back(int: i64, uint: u64) {
        let mut writer = BitWriter::default();
        writer.put_bit(true);
        writer.put_varbit_int(int);
        writer.put_varbit_uint(uint);
        writer.put_varint(int);
        let mut reader = BitReader::new(writer.bytes());
        assert_eq!(reader.bit(), Ok(true));
        assert_eq!(reader.varbit_int(), Ok(int));
        assert_eq!(reader.varbit_uint(), Ok(uint));
        assert_eq!(reader.varint(), Ok(int));
    }

    #[test]
    fn borders_of_widths_come_back() {
        for width in [3, 6, 9, 12, 18, 25, 56, 63] {
            for near in -2..=2 {
                comes_back((1_i64 << (width - 1)) + near, (1_u64 << width).wrapping_add_signed(near));
                comes_back(-(1_i64 << (width - 1)) + near, u64::MAX);
            }
        }
        comes_back(i64::MIN, 0);
        comes_back(i64::MAX, u64::MAX);
    }

    proptest! {
        #[test]
        fn words_come_back(int: i64, uint: u64, shift in 0..64_u32) {
            comes_back(int >> shift, uint >> shift);
        }

        #[test]
        fn noise_ends(bytes: Vec<u8>) {
            let mut reader = BitReader::new(&bytes);
            while reader.varbit_int().is_ok() {}
        }
    }
}
