//! Columns of floats, bit for bit: decimals as integers with the odd ones patched in, anything else as it is.
//!
//! ```text
//! head u8      decimal exponent 0 to 14, PATCHED 16; or one of the forms
//! decimal:     with PATCHED varint count, then position gap (varint) and bits (u64) of each patch; integer column, in
//!              which a patched position repeats its neighbour
//! CONSTANT     bits u64: all are this
//! PLAIN        eight planes of bytes, most significant first
//! REPEATING    one bit for each value that differs from the one before (the first does), then those as planes
//! ```

use crate::bytes::{DecodeError, Reader, put_varint};
use crate::chunk::{bits, ints};
use crate::decimal::{self, EXPONENT_MAX, to_float, to_integer};

const EXPONENT: u8 = 15;
const PATCHED: u8 = 16;
const CONSTANT: u8 = 0xf0;
const PLAIN: u8 = 0xf1;
const REPEATING: u8 = 0xf2;

/// One in so many values may be patched; with more a column is no decimal one.
const PATCHES_ONE_IN: usize = 16;

/// Appends a column of floats, given as bits.
pub(crate) fn put(out: &mut Vec<u8>, values: &[u64]) {
    let Some(first) = values.first() else {
        return;
    };
    if values.iter().all(|value| value == first) {
        match decimal::smallest_exponent(f64::from_bits(*first), 0) {
            Some(exponent) => put_constant_decimal(out, f64::from_bits(*first), exponent, values.len()),
            None => {
                out.push(CONSTANT);
                out.extend_from_slice(&first.to_le_bytes());
            }
        }
        return;
    }
    match Decimals::of(values) {
        Some(decimals) => decimals.write(out),
        None => put_plain(out, values),
    }
}

fn put_constant_decimal(out: &mut Vec<u8>, value: f64, exponent: u8, count: usize) {
    let integer = to_integer(value, exponent).unwrap_or(0);
    out.push(exponent);
    // The shape of a constant integer column does not depend on how long it is, past one.
    ints::put(out, &[integer, integer][..count.min(2)]);
}

/// A column that is decimal but for a few patches.
struct Decimals {
    exponent: u8,
    integers: Vec<i64>,
    patches: Vec<(usize, u64)>,
}

impl Decimals {
    fn of(values: &[u64]) -> Option<Self> {
        let patches_max = 1 + values.len() / PATCHES_ONE_IN;
        let mut exponent = 0;
        let mut misfits = 0;
        for value in values {
            let value = f64::from_bits(*value);
            if to_integer(value, exponent).is_some() {
                continue;
            }
            match decimal::smallest_exponent(value, exponent + 1) {
                Some(larger) if larger <= EXPONENT_MAX => exponent = larger,
                _ => misfits += 1,
            }
            if misfits > patches_max {
                return None;
            }
        }
        let mut decimals = Self { exponent, integers: Vec::with_capacity(values.len()), patches: Vec::new() };
        let mut last = values.iter().find_map(|value| to_integer(f64::from_bits(*value), exponent))?;
        for (at, value) in values.iter().enumerate() {
            match to_integer(f64::from_bits(*value), exponent) {
                Some(integer) => last = integer,
                None => decimals.patches.push((at, *value)),
            }
            decimals.integers.push(last);
        }
        // A large value may have had its place at a smaller exponent only.
        (decimals.patches.len() <= patches_max).then_some(decimals)
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.push(self.exponent | if self.patches.is_empty() { 0 } else { PATCHED });
        if !self.patches.is_empty() {
            put_varint(out, self.patches.len() as u64);
            let mut next = 0;
            for (at, value) in &self.patches {
                put_varint(out, (at - next) as u64);
                out.extend_from_slice(&value.to_le_bytes());
                next = at + 1;
            }
        }
        ints::put(out, &self.integers);
    }
}

fn put_plain(out: &mut Vec<u8>, values: &[u64]) {
    let is_new = |at: usize| at == 0 || values[at] != values[at - 1];
    let distinct = (0..values.len()).filter(|at| is_new(*at)).count();
    if distinct * 8 + values.len().div_ceil(8) < values.len() * 8 {
        out.push(REPEATING);
        bits::pack(out, (0..values.len()).map(|at| u64::from(is_new(at))), 1);
        let kept: Vec<u64> = (0..values.len()).filter(|at| is_new(*at)).map(|at| values[at]).collect();
        put_planes(out, &kept);
    } else {
        out.push(PLAIN);
        put_planes(out, values);
    }
}

/// Sign and exponent vary little: side by side they compress, which scattered they do not.
fn put_planes(out: &mut Vec<u8>, values: &[u64]) {
    for plane in (0..8).rev() {
        out.extend(values.iter().map(|value| (value >> (plane * 8)) as u8));
    }
}

/// Reads a column of `count` floats, appending them.
pub(crate) fn take(
    reader: &mut Reader<'_>,
    count: usize,
    scratch: &mut Vec<i64>,
    out: &mut Vec<f64>,
) -> Result<(), DecodeError> {
    if count == 0 {
        return Ok(());
    }
    match reader.byte()? {
        CONSTANT => {
            let value = reader.f64()?;
            out.resize(out.len() + count, value);
        }
        PLAIN => take_planes(reader, count, |value| out.push(f64::from_bits(value)))?,
        REPEATING => take_repeating(reader, count, out)?,
        head if head & !(EXPONENT | PATCHED) == 0 && head & EXPONENT <= EXPONENT_MAX => {
            take_decimals(reader, head, count, scratch, out)?;
        }
        _ => return Err(DecodeError::Invalid("unknown form of a float column")),
    }
    Ok(())
}

fn take_decimals(
    reader: &mut Reader<'_>,
    head: u8,
    count: usize,
    scratch: &mut Vec<i64>,
    out: &mut Vec<f64>,
) -> Result<(), DecodeError> {
    let mut patches = Vec::new();
    if head & PATCHED != 0 {
        let mut next = 0_usize;
        for _ in 0..reader.count(9)? {
            let at = usize::try_from(reader.varint()?).ok().and_then(|gap| next.checked_add(gap));
            let at = at.filter(|at| *at < count).ok_or(DecodeError::Invalid("patch lies outside of its column"))?;
            patches.push((at, reader.f64()?));
            next = at + 1;
        }
    }
    scratch.clear();
    ints::take(reader, count, scratch)?;
    let start = out.len();
    match head & EXPONENT {
        0 => out.extend(scratch.iter().map(|integer| *integer as f64)),
        exponent => out.extend(scratch.iter().map(|integer| to_float(*integer, exponent))),
    }
    patches.iter().for_each(|(at, value)| out[start + at] = *value);
    Ok(())
}

fn take_repeating(reader: &mut Reader<'_>, count: usize, out: &mut Vec<f64>) -> Result<(), DecodeError> {
    let mut is_new = Vec::with_capacity(count.min(reader.rest().len() * 8));
    bits::unpack(reader, count, 1, |bit| is_new.push(bit == 1))?;
    let mut distinct = Vec::new();
    take_planes(reader, is_new.iter().filter(|is_new| **is_new).count(), |value| distinct.push(value))?;
    let mut distinct = distinct.into_iter();
    let mut last = 0;
    for is_new in is_new {
        if is_new {
            last = distinct.next().unwrap_or(last);
        }
        out.push(f64::from_bits(last));
    }
    Ok(())
}

fn take_planes(reader: &mut Reader<'_>, count: usize, mut each: impl FnMut(u64)) -> Result<(), DecodeError> {
    let planes = reader.bytes(count.checked_mul(8).ok_or(DecodeError::Truncated)?)?;
    for at in 0..count {
        each((0..8).fold(0, |value, plane| value << 8 | u64::from(planes[plane * count + at])));
    }
    Ok(())
}

/// What a column takes at most, for tests of the forms above.
#[cfg(test)]
fn bound(count: usize) -> usize {
    1 + crate::bytes::varint_len(count as u64) + count * 8
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(values: &[u64]) -> usize {
        let mut bytes = Vec::new();
        put(&mut bytes, values);
        let length = bytes.len();
        bytes.push(0xaa);
        let mut reader = Reader::new(&bytes);
        let mut found = Vec::new();
        take(&mut reader, values.len(), &mut Vec::new(), &mut found).unwrap();
        assert_eq!(found.iter().map(|value| value.to_bits()).collect::<Vec<_>>(), values);
        assert_eq!(reader.rest(), &[0xaa]);
        length
    }

    fn check_floats(values: &[f64]) -> usize {
        check(&values.iter().map(|value| value.to_bits()).collect::<Vec<_>>())
    }

    #[test]
    fn the_usual_is_small() {
        assert_eq!(check_floats(&[1.0; 120]), 4);
        assert_eq!(check_floats(&[0.25; 120]), 4);
        assert_eq!(check_floats(&[f64::NAN; 120]), 9);
        assert!(check_floats(&(0..120).map(|at| f64::from(at) / 100.0).collect::<Vec<_>>()) < 8);
        // Ends with the staleness marker.
        let mut ending = vec![3.0; 100];
        ending.push(metrics_model::stale_nan());
        assert!(check_floats(&ending) < 20);
        check_floats(&[]);
        check_floats(&[-0.0, 0.0, f64::INFINITY, 1e300, 5e-324, 9_007_199_254_740_993.0]);
        let repeating: Vec<f64> = (0..120).map(|at| f64::from(at / 10).sqrt().sin()).collect();
        assert!(check_floats(&repeating) < 12 * 8 + 20);
    }

    proptest! {
        #[test]
        fn any_floats_come_back(values: Vec<u64>) {
            prop_assert!(check(&values) <= bound(values.len()));
        }

        #[test]
        fn decimals_with_misfits_come_back(
            values in proptest::collection::vec(
                prop_oneof![
                    20 => (-1000..1000_i64, 0..4_u8).prop_map(|(integer, exponent)| to_float(integer, exponent).to_bits()),
                    1 => any::<u64>(),
                    1 => Just(metrics_model::STALE_NAN_BITS),
                ],
                0..300,
            )
        ) {
            check(&values);
        }

        #[test]
        fn noise_does_not_panic(bytes: Vec<u8>, count in 0..500_usize) {
            let _ = take(&mut Reader::new(&bytes), count, &mut Vec::new(), &mut Vec::new());
        }
    }
}
