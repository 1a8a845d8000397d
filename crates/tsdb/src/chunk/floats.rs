//! Columns of floats, bit for bit: decimals as integers, computed decimals as integers with the last bits of their
//! rounding, anything else as it is.
//!
//! ```text
//! head u8      decimal exponent 0 to 14, with PATCHED 16 or NOISY 32; or one of the forms below
//! decimal:     with PATCHED varint count, then position gap (varint) and bits (u64) of each patch; integer column, in
//!              which a patched position repeats its neighbour; with NOISY a second integer column: how far the bits are
//!              from those of the decimal
//! CONSTANT     bits u64: all are this
//! PLAIN        eight planes of bytes, most significant first
//! REPEATING    one bit for each value that differs from the one before (the first does), then those as a column that
//!              is not REPEATING
//! BITS         integer column of the bits
//! ```

use crate::bytes::{DecodeError, Reader, put_varint};
use crate::chunk::{bits, ints};
use crate::decimal::{self, EXPONENT_MAX, to_float, to_integer};

const EXPONENT: u8 = 15;
const PATCHED: u8 = 16;
const NOISY: u8 = 32;
const CONSTANT: u8 = 0xf0;
const PLAIN: u8 = 0xf1;
const REPEATING: u8 = 0xf2;
const BITS: u8 = 0xf3;

/// One in so many values may be patched; with more a column is no decimal one.
const PATCHES_ONE_IN: usize = 16;

/// A column is taken for computed decimals when all values are so close to one, in steps of the last bit.
const NOISE_MAX: u64 = 32;

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
        None => put_full(out, values),
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

/// Appends a column of floats of full precision.
fn put_full(out: &mut Vec<u8>, values: &[u64]) {
    let is_new = |at: usize| at == 0 || values[at] != values[at - 1];
    let distinct: Vec<u64> = (0..values.len()).filter(|at| is_new(*at)).map(|at| values[at]).collect();
    if distinct.len() * 8 < values.len() * 7 {
        out.push(REPEATING);
        bits::pack(out, (0..values.len()).map(|at| u64::from(is_new(at))), 1);
        put_distinct(out, &distinct);
    } else {
        put_distinct(out, values);
    }
}

/// Appends whichever of the forms for full precision takes least.
fn put_distinct(out: &mut Vec<u8>, values: &[u64]) {
    let mut best = vec![BITS];
    ints::put(&mut best, &values.iter().map(|value| *value as i64).collect::<Vec<_>>());
    if let Some(noisy) = noisy(values).filter(|noisy| noisy.len() < best.len()) {
        best = noisy;
    }
    // Planes compress better afterwards than bits do.
    if best.len() >= values.len() * 7 {
        out.push(PLAIN);
        put_planes(out, values);
    } else {
        out.extend_from_slice(&best);
    }
}

/// Sums and products of decimals: close to decimals, but for the rounding of each step.
fn noisy(values: &[u64]) -> Option<Vec<u8>> {
    let nearest = |value: u64, exponent| {
        let integer = decimal::nearest_integer(f64::from_bits(value), exponent)?;
        let noise = value.wrapping_sub(to_float(integer, exponent).to_bits()) as i64;
        (noise.unsigned_abs() <= NOISE_MAX).then_some((integer, noise))
    };
    let mut exponent = 1;
    for value in values {
        exponent = (exponent..=EXPONENT_MAX).find(|exponent| nearest(*value, *exponent).is_some())?;
    }
    let (integers, noise): (Vec<i64>, Vec<i64>) =
        values.iter().map(|value| nearest(*value, exponent)).collect::<Option<Vec<_>>>()?.into_iter().unzip();
    let mut out = vec![exponent | NOISY];
    ints::put(&mut out, &integers);
    ints::put(&mut out, &noise);
    Some(out)
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
        PLAIN => take_planes(reader, count, out)?,
        BITS => {
            scratch.clear();
            ints::take(reader, count, scratch)?;
            out.extend(scratch.iter().map(|bits| f64::from_bits(*bits as u64)));
        }
        REPEATING => take_repeating(reader, count, scratch, out)?,
        head if head & !(EXPONENT | PATCHED | NOISY) == 0 && head & EXPONENT <= EXPONENT_MAX => {
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
    decimal::extend_floats(out, scratch, head & EXPONENT);
    if head & NOISY != 0 {
        scratch.clear();
        ints::take(reader, count, scratch)?;
        for (value, noise) in out[start..].iter_mut().zip(scratch) {
            *value = f64::from_bits(value.to_bits().wrapping_add_signed(*noise));
        }
    }
    patches.iter().for_each(|(at, value)| out[start + at] = *value);
    Ok(())
}

fn take_repeating(
    reader: &mut Reader<'_>,
    count: usize,
    scratch: &mut Vec<i64>,
    out: &mut Vec<f64>,
) -> Result<(), DecodeError> {
    let new = bits::unpack_set(reader, count)?;
    if reader.rest().first() == Some(&REPEATING) {
        return Err(DecodeError::Invalid("float column repeats itself"));
    }
    let mut distinct = Vec::new();
    take(reader, new.clone().count(), scratch, &mut distinct)?;
    let start = out.len();
    let mut last = 0.0;
    for (at, value) in new.zip(distinct) {
        out.resize(start + at, last);
        last = value;
    }
    out.resize(start + count, last);
    Ok(())
}

fn take_planes(reader: &mut Reader<'_>, count: usize, out: &mut Vec<f64>) -> Result<(), DecodeError> {
    let planes = reader.bytes(count.checked_mul(8).ok_or(DecodeError::Truncated)?)?;
    let value = |at: usize| (0..8).fold(0, |value, plane| value << 8 | u64::from(planes[plane * count + at]));
    out.extend((0..count).map(|at| f64::from_bits(value(at))));
    Ok(())
}

/// What a column takes at most, for tests of the forms above: whole numbers beyond 2^55 take more as a decimal column than
/// as they are, by the two bytes that their varints are longer and the column's head.
#[cfg(test)]
fn bound(count: usize) -> usize {
    8 + count * 10
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
        // Computed, not written: the products are off by a last bit here and there.
        assert!(check_floats(&(0..120).map(|at| f64::from(at * at) * 0.001).collect::<Vec<_>>()) < 200);
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
        fn computed_decimals_come_back(
            values in proptest::collection::vec((-1_000_000..1_000_000_i64, 0..3_u64, 0..4_usize), 1..200),
            unit in prop_oneof![Just(0.001), Just(1e-6), Just(0.1)],
        ) {
            let noisy = |(integer, noise, repeats): (i64, u64, usize)| {
                std::iter::repeat_n((integer as f64 * unit).to_bits().wrapping_add(noise), repeats)
            };
            check(&values.into_iter().flat_map(noisy).collect::<Vec<_>>());
        }

        #[test]
        fn noise_does_not_panic(bytes: Vec<u8>, count in 0..500_usize) {
            let _ = take(&mut Reader::new(&bytes), count, &mut Vec::new(), &mut Vec::new());
        }
    }
}
