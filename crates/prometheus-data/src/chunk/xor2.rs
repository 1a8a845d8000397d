//! Chunks of floats in the denser form: one prefix says what becomes of time and value. Start times are read over.
//!
//! ```text
//! samples u16, start times u8, time varint, value f64, [start], time difference uvarint, xor, [start], then joint samples
//! ```

use metrics_model::{Sample, SampleValue, is_stale_nan, stale_nan};

use super::count;
use super::xor::XorFloat;
use crate::bits::BitReader;
use crate::error::FormatError;

/// Appends the samples of a chunk.
pub(crate) fn decode(data: &[u8], out: &mut Vec<Sample>) -> Result<(), FormatError> {
    let samples = count(data)?;
    let starts = *data.get(2).ok_or(FormatError::Truncated)?;
    let (is_first_known, changed_on) = (starts & 0x80 != 0, u16::from(starts & 0x7f));
    let mut reader = BitReader::new(&data[3..]);
    let (mut at_ms, mut delta, mut value) = (0_i64, 0_i64, XorFloat::default());
    for at in 0..samples {
        let is_stale;
        match at {
            0 => {
                at_ms = reader.varint()?;
                let first = reader.float()?;
                is_stale = is_stale_nan(first);
                // The marker is not what the next value is compared with.
                value = if is_stale { XorFloat::default() } else { XorFloat::new(first) };
                if is_first_known {
                    reader.varint()?;
                }
            }
            1 => {
                delta = reader.uvarint()? as i64;
                at_ms = at_ms.wrapping_add(delta);
                is_stale = read_value(&mut reader, &mut value)?;
            }
            _ => {
                let (change, found) = joint(&mut reader, &mut value)?;
                delta = delta.wrapping_add(change);
                at_ms = at_ms.wrapping_add(delta);
                is_stale = found;
            }
        }
        if at > 0 && changed_on > 0 && at >= changed_on {
            reader.varbit_int()?;
        }
        let shown = if is_stale { stale_nan() } else { value.value() };
        out.push(Sample { timestamp_ms: at_ms, value: SampleValue::Float(shown) });
    }
    Ok(())
}

/// How much the time's difference changed, and whether the value is the staleness marker.
fn joint(reader: &mut BitReader<'_>, value: &mut XorFloat) -> Result<(i64, bool), FormatError> {
    match reader.ones(5)? {
        0 => Ok((0, false)),
        1 => {
            let is_new = reader.bit()?;
            value.read_changed(reader, is_new)?;
            Ok((0, false))
        }
        ones @ 2..=4 => {
            let width = [13, 20, 64][ones - 2];
            let bits = reader.bits(width)? << (64 - width);
            let change = bits as i64 >> (64 - width);
            Ok((change, read_value(reader, value)?))
        }
        _ => Ok((0, true)),
    }
}

/// Reads a value; true if it is the staleness marker, which leaves the value before in place.
fn read_value(reader: &mut BitReader<'_>, value: &mut XorFloat) -> Result<bool, FormatError> {
    match reader.ones(3)? {
        0 => Ok(false),
        3 => Ok(true),
        ones => value.read_changed(reader, ones == 2).map(|()| false),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::bits::BitWriter;

    #[test]
    fn joint_samples_are_read() {
        let mut writer = BitWriter::default();
        writer.put_bytes(&[0, 6, 0]);
        writer.put_varint(1_000);
        writer.put_float(2.0);
        // The second: 10 ms later, the same value.
        writer.put_bits(10, 8);
        writer.put_bit(false);
        // The same again; 5 ms later than expected and 3.0; stale; back in time by one.
        writer.put_bit(false);
        writer.put_bits(0b110, 3);
        writer.put_bits(5, 13);
        writer.put_bits(0b110, 3);
        let xor = 2_f64.to_bits() ^ 3_f64.to_bits();
        let (leading, trailing) = (xor.leading_zeros(), xor.trailing_zeros());
        writer.put_bits(u64::from(leading), 5);
        writer.put_bits(u64::from(64 - leading - trailing), 6);
        writer.put_bits(xor >> trailing, 64 - leading - trailing);
        writer.put_bits(0b11111, 5);
        writer.put_bits(0b1110, 4);
        writer.put_bits((1 << 20) - 1, 20);
        writer.put_bit(false);
        let mut out = Vec::new();
        decode(writer.bytes(), &mut out).expect("a whole chunk");
        let shown: Vec<(i64, u64)> = out
            .iter()
            .map(|sample| match sample.value {
                SampleValue::Float(value) => (sample.timestamp_ms, value.to_bits()),
                _ => (0, 0),
            })
            .collect();
        let float = f64::to_bits;
        let expected = [
            (1_000, float(2.0)),
            (1_010, float(2.0)),
            (1_020, float(2.0)),
            (1_035, float(3.0)),
            (1_050, float(stale_nan())),
            (1_064, float(3.0)),
        ];
        assert_eq!(shown, expected);
    }

    proptest! {
        #[test]
        fn noise_is_an_error_or_samples(bytes: Vec<u8>) {
            let _ = decode(&bytes, &mut Vec::new());
        }
    }
}
