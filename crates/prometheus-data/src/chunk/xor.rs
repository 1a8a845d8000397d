//! Chunks of floats: differences of differences of times, and what differs in the bits of values.
//!
//! ```text
//! samples u16, time varint, value f64, time difference uvarint, xor, then for each: time difference of difference, xor
//! ```

use metrics_model::{Sample, SampleValue};

use super::count;
use crate::bits::{BitReader, BitWriter, fits};
use crate::bytes::put_uvarint;
use crate::error::FormatError;

/// Widths of differences of differences, by the number of ones before.
const WIDTHS: [u32; 5] = [0, 14, 17, 20, 64];

/// A float of which only the bits that differ from the one before are written.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct XorFloat {
    pub(crate) bits: u64,
    /// Zeros on either side of the bits that differ; `None` until some did.
    window: Option<(u32, u32)>,
}

/// The window is narrower than what is needed, but no more than five bits can say.
const LEADING_MAX: u32 = 31;

impl XorFloat {
    pub(crate) fn new(value: f64) -> Self {
        Self { bits: value.to_bits(), window: None }
    }

    pub(crate) fn value(self) -> f64 {
        f64::from_bits(self.bits)
    }

    pub(crate) fn read(&mut self, reader: &mut BitReader<'_>) -> Result<(), FormatError> {
        if reader.bit()? {
            let is_new = reader.bit()?;
            self.read_changed(reader, is_new)?;
        }
        Ok(())
    }

    /// Reads bits that differ, in a new window or the one before.
    pub(crate) fn read_changed(&mut self, reader: &mut BitReader<'_>, is_new: bool) -> Result<(), FormatError> {
        if is_new {
            let leading = reader.bits(5)? as u32;
            let width = match reader.bits(6)? as u32 {
                0 => 64,
                width => width,
            };
            let trailing = 64_u32.checked_sub(leading + width);
            self.window = Some((leading, trailing.ok_or(FormatError::Invalid("more than 64 bits of a float"))?));
        }
        let (leading, trailing) = self.window.unwrap_or_default();
        self.bits ^= reader.bits(64 - leading - trailing)? << trailing;
        Ok(())
    }

    pub(crate) fn write(&mut self, writer: &mut BitWriter, value: f64) {
        let xor = self.bits ^ value.to_bits();
        self.bits = value.to_bits();
        writer.put_bit(xor != 0);
        if xor == 0 {
            return;
        }
        let (leading, trailing) = (xor.leading_zeros().min(LEADING_MAX), xor.trailing_zeros());
        let known = self.window.filter(|window| window.0 <= leading && window.1 <= trailing);
        writer.put_bit(known.is_none());
        let (leading, trailing) = known.unwrap_or((leading, trailing));
        let width = 64 - leading - trailing;
        if known.is_none() {
            writer.put_bits(u64::from(leading), 5);
            // 64 is written as 0.
            writer.put_bits(u64::from(width & 0x3f), 6);
            self.window = Some((leading, trailing));
        }
        writer.put_bits(xor >> trailing, width);
    }
}

/// Appends the samples of a chunk.
pub(crate) fn decode(data: &[u8], out: &mut Vec<Sample>) -> Result<(), FormatError> {
    let samples = count(data)?;
    let mut reader = BitReader::new(&data[2..]);
    let (mut at_ms, mut delta, mut value) = (0_i64, 0_i64, XorFloat::default());
    for at in 0..samples {
        match at {
            0 => {
                at_ms = reader.varint()?;
                value = XorFloat::new(reader.float()?);
            }
            1 => {
                delta = reader.uvarint()? as i64;
                at_ms = at_ms.wrapping_add(delta);
                value.read(&mut reader)?;
            }
            _ => {
                let change = match WIDTHS[reader.ones(4)?] {
                    0 => 0,
                    width => reader.signed(width)?,
                };
                delta = delta.wrapping_add(change);
                at_ms = at_ms.wrapping_add(delta);
                value.read(&mut reader)?;
            }
        }
        out.push(Sample { timestamp_ms: at_ms, value: SampleValue::Float(value.value()) });
    }
    Ok(())
}

/// A chunk of floats in the making; times grow.
#[derive(Debug, Clone, Default)]
pub(crate) struct XorEncoder {
    writer: BitWriter,
    count: u16,
    at_ms: i64,
    delta: i64,
    value: XorFloat,
}

impl XorEncoder {
    pub(crate) fn count(&self) -> u16 {
        self.count
    }

    pub(crate) fn push(&mut self, at_ms: i64, value: f64) {
        let delta = at_ms.wrapping_sub(self.at_ms);
        match self.count {
            0 => {
                self.writer.put_varint(at_ms);
                self.writer.put_float(value);
                self.value = XorFloat::new(value);
            }
            1 => {
                let mut bytes = Vec::new();
                put_uvarint(&mut bytes, delta as u64);
                self.writer.put_bytes(&bytes);
                self.value.write(&mut self.writer, value);
            }
            _ => {
                let change = delta.wrapping_sub(self.delta);
                let ones = if change == 0 { 0 } else { (1..4).find(|at| fits(change, WIDTHS[*at])).unwrap_or(4) };
                self.writer.put_ones(ones, 4);
                self.writer.put_bits(change as u64, WIDTHS[ones]);
                self.value.write(&mut self.writer, value);
            }
        }
        self.at_ms = at_ms;
        self.delta = if self.count == 0 { 0 } else { delta };
        self.count += 1;
    }

    /// The bytes of the chunk.
    pub(crate) fn finish(self) -> Vec<u8> {
        [&self.count.to_be_bytes(), self.writer.bytes()].concat()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encode(samples: &[(i64, u64)]) -> Vec<u8> {
        let mut encoder = XorEncoder::default();
        samples.iter().for_each(|(at_ms, bits)| encoder.push(*at_ms, f64::from_bits(*bits)));
        encoder.finish()
    }

    fn floats(data: &[u8]) -> Vec<(i64, u64)> {
        let mut out = Vec::new();
        decode(data, &mut out).expect("a whole chunk");
        let bits = |sample: &Sample| match sample.value {
            SampleValue::Float(value) => value.to_bits(),
            _ => 0,
        };
        out.iter().map(|sample| (sample.timestamp_ms, bits(sample))).collect()
    }

    #[test]
    fn a_chunk_has_the_bytes_of_the_original() {
        // Two samples of 1 at 0 and 15 s: count, time, float, difference, one bit.
        let data = encode(&[(0, 1_f64.to_bits()), (15_000, 1_f64.to_bits())]);
        assert_eq!(data, [0, 2, 0, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0x98, 0x75, 0]);
    }

    proptest! {
        #[test]
        fn chunks_come_back(
            samples in proptest::collection::vec((0..100_000_i64, prop_oneof![any::<u64>(), Just(7), Just(4.5_f64.to_bits())]), 0..300),
            start: i32,
        ) {
            let mut at_ms = i64::from(start);
            let samples: Vec<(i64, u64)> = samples.into_iter().map(|(step, bits)| {
                at_ms += step;
                (at_ms, bits)
            }).collect();
            prop_assert_eq!(floats(&encode(&samples)), samples);
        }

        #[test]
        fn noise_is_an_error_or_samples(bytes: Vec<u8>) {
            let _ = decode(&bytes, &mut Vec::new());
        }
    }
}
