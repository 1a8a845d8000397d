//! Columns of integers: values, differences or differences of differences, divided by their common divisor, in the
//! cheapest of five forms.
//!
//! ```text
//! head u8       form in bits 0 to 2, order in bits 3 and 4, DIVIDED 32
//! first zigzag  the first integer; nothing follows for a column of one
//! divisor       varint, with DIVIDED
//! step zigzag   the first difference, for order 2
//! residuals     order 0: differences to the first; order 1: to the one before; order 2: differences of those
//!   CONSTANT    zigzag: all are this
//!   PACKED      zigzag minimum, width u8, integers above the minimum
//!   PATCHED     width u8, low bits of the zigzag residuals, varint count, then position gap and high bits as varints
//!   BITMAP      one bit for each residual that is not 0, then those PACKED
//!   POSITIONS   varint count, gaps as varints, then those that are not 0 PACKED
//! ```

use crate::bytes::{DecodeError, Reader, put_varint, put_zigzag, unzigzag, varint_len, zigzag};
use crate::chunk::bits;

const FORM: u8 = 7;
const CONSTANT: u8 = 0;
const PACKED: u8 = 1;
const PATCHED: u8 = 2;
const BITMAP: u8 = 3;
const POSITIONS: u8 = 4;
const ORDER_SHIFT: u8 = 3;
const ORDER: u8 = 3;
const DIVIDED: u8 = 32;

/// Appends a column.
pub(crate) fn put(out: &mut Vec<u8>, values: &[i64]) {
    let Some(first) = values.first() else {
        return;
    };
    if values.len() == 1 {
        out.push(CONSTANT);
        return put_zigzag(out, *first);
    }
    let mut deltas: Vec<i64> = differences(values);
    let divisor = common_divisor(&deltas);
    if divisor > 1 {
        deltas.iter_mut().for_each(|delta| *delta /= divisor);
    }
    let (order, plan, residuals) = cheapest_order(values, deltas, divisor);
    out.push(plan.form | order << ORDER_SHIFT | if divisor > 1 { DIVIDED } else { 0 });
    put_zigzag(out, *first);
    if divisor > 1 {
        put_varint(out, divisor as u64);
    }
    match residuals.split_first() {
        Some((step, residuals)) if order == 2 => {
            put_zigzag(out, *step);
            plan.write(out, residuals);
        }
        _ => plan.write(out, &residuals),
    }
}

fn differences(values: &[i64]) -> Vec<i64> {
    values.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect()
}

/// The order that takes least, and its residuals; for order 2 the first difference comes before them.
fn cheapest_order(values: &[i64], deltas: Vec<i64>, divisor: i64) -> (u8, Plan, Vec<i64>) {
    let plain = Plan::cheapest(&deltas);
    if plain.form == CONSTANT {
        return (1, plain, deltas);
    }
    let mut best = (1, plain);
    let second = differences(&deltas);
    let curved = Plan::cheapest(&second);
    if curved.bytes + varint_len(zigzag(deltas[0])) < best.1.bytes {
        best = (2, curved);
    }
    // Noise around a level gets larger by taking differences. (Where a difference is too large for its type, its rest
    // modulo the divisor is gone.)
    let mut levels: Vec<i64> = values[1..].iter().map(|value| value.wrapping_sub(values[0])).collect();
    if levels.iter().all(|level| level % divisor == 0) {
        levels.iter_mut().for_each(|level| *level /= divisor);
        let level = Plan::cheapest(&levels);
        if level.bytes < best.1.bytes {
            best = (0, level);
        }
    }
    match best {
        (2, plan) => (2, plan, deltas[..1].iter().copied().chain(second).collect()),
        (0, plan) => (0, plan, levels),
        (order, plan) => (order, plan, deltas),
    }
}

/// The greatest common divisor of all differences, 1 when it cannot help.
fn common_divisor(deltas: &[i64]) -> i64 {
    let mut divisor = 0_u64;
    for delta in deltas {
        let mut rest = delta.unsigned_abs();
        while rest != 0 {
            (divisor, rest) = (rest, divisor % rest);
        }
        if divisor == 1 {
            return 1;
        }
    }
    i64::try_from(divisor).unwrap_or(1).max(1)
}

/// How residuals are written, and what that takes.
#[derive(Debug, Clone, Copy)]
struct Plan {
    form: u8,
    width: u8,
    min: i64,
    bytes: usize,
}

impl Plan {
    /// Prices all forms.
    fn cheapest(residuals: &[i64]) -> Self {
        let count = residuals.len();
        let (mut min, mut max) = (i64::MAX, i64::MIN);
        let mut widths = [0_u32; 65];
        let (mut nonzero_min, mut nonzero_max) = (u64::MAX, 0);
        for residual in residuals {
            min = min.min(*residual);
            max = max.max(*residual);
            let coded = zigzag(*residual);
            widths[usize::from(bits::width(coded))] += 1;
            if coded != 0 {
                nonzero_min = nonzero_min.min(coded);
                nonzero_max = nonzero_max.max(coded);
            }
        }
        if count == 0 || min == max {
            let min = if count == 0 { 0 } else { min };
            return Self { form: CONSTANT, width: 0, min, bytes: varint_len(zigzag(min)) };
        }
        let width = bits::width(max.wrapping_sub(min) as u64);
        let packed =
            Self { form: PACKED, width, min, bytes: varint_len(zigzag(min)) + 1 + bits::packed_len(count, width) };
        let nonzero = count - widths[0] as usize;
        let sparse_width = bits::width(nonzero_max - nonzero_min);
        let sparse = varint_len(nonzero_min) + 1 + bits::packed_len(nonzero, sparse_width);
        let gap = varint_len((count / (nonzero + 1)) as u64);
        let sparse =
            |form, overhead| Self { form, width: sparse_width, min: nonzero_min as i64, bytes: overhead + sparse };
        [
            packed,
            Self::patched(count, &widths),
            sparse(BITMAP, count.div_ceil(8)),
            sparse(POSITIONS, varint_len(nonzero as u64) + nonzero * gap),
        ]
        .into_iter()
        .min_by_key(|plan| plan.bytes)
        .unwrap_or(packed)
    }

    /// The width at which low bits and exceptions together are smallest.
    fn patched(count: usize, widths: &[u32; 65]) -> Self {
        let mut best = Self { form: PATCHED, width: 64, min: 0, bytes: 2 + bits::packed_len(count, 64) };
        // Exceptions of each width so far cost a position of one byte and their high bits.
        let mut exceptions = 0;
        let mut high_bits = 0;
        for width in (0..64_u8).rev() {
            exceptions += widths[usize::from(width) + 1] as usize;
            high_bits += exceptions;
            let bytes = 2 + bits::packed_len(count, width) + exceptions + high_bits.div_ceil(7);
            if bytes < best.bytes {
                best = Self { width, bytes, ..best };
            }
        }
        best
    }

    fn write(&self, out: &mut Vec<u8>, residuals: &[i64]) {
        match self.form {
            CONSTANT => put_zigzag(out, self.min),
            PACKED => {
                put_zigzag(out, self.min);
                out.push(self.width);
                bits::pack(out, residuals.iter().map(|value| value.wrapping_sub(self.min) as u64), self.width);
            }
            PATCHED => self.write_patched(out, residuals),
            BITMAP => {
                bits::pack(out, residuals.iter().map(|value| u64::from(*value != 0)), 1);
                self.write_nonzero(out, residuals);
            }
            _ => {
                put_varint(out, residuals.iter().filter(|value| **value != 0).count() as u64);
                put_positions(out, residuals.iter().map(|value| *value != 0));
                self.write_nonzero(out, residuals);
            }
        }
    }

    fn write_patched(&self, out: &mut Vec<u8>, residuals: &[i64]) {
        out.push(self.width);
        bits::pack(out, residuals.iter().map(|value| zigzag(*value)), self.width);
        let high = |value: &i64| zigzag(*value).checked_shr(u32::from(self.width)).unwrap_or(0);
        put_varint(out, residuals.iter().filter(|value| high(value) != 0).count() as u64);
        let mut next = 0;
        for (at, value) in residuals.iter().enumerate().filter(|(_, value)| high(value) != 0) {
            put_varint(out, (at - next) as u64);
            put_varint(out, high(value));
            next = at + 1;
        }
    }

    fn write_nonzero(&self, out: &mut Vec<u8>, residuals: &[i64]) {
        let min = self.min as u64;
        put_varint(out, min);
        out.push(self.width);
        let coded = residuals.iter().filter(|value| **value != 0).map(|value| zigzag(*value) - min);
        bits::pack(out, coded, self.width);
    }
}

/// Appends the positions of what is set, as gaps.
fn put_positions(out: &mut Vec<u8>, is_set: impl Iterator<Item = bool>) {
    let mut next = 0;
    for (at, _) in is_set.enumerate().filter(|(_, is_set)| *is_set) {
        put_varint(out, (at - next) as u64);
        next = at + 1;
    }
}

/// Reads a column of `count` integers, appending them.
pub(crate) fn take(reader: &mut Reader<'_>, count: usize, out: &mut Vec<i64>) -> Result<(), DecodeError> {
    if count == 0 {
        return Ok(());
    }
    let head = reader.byte()?;
    let first = reader.zigzag()?;
    if count == 1 {
        out.push(first);
        return Ok(());
    }
    let divisor = if head & DIVIDED == 0 { 1 } else { reader.varint()? as i64 };
    let start = out.len();
    out.push(first);
    match head >> ORDER_SHIFT & ORDER {
        0 => {
            take_residuals(reader, head & FORM, count - 1, out)?;
            scale(&mut out[start + 1..], divisor);
            out[start + 1..].iter_mut().for_each(|value| *value = value.wrapping_add(first));
        }
        1 => {
            take_residuals(reader, head & FORM, count - 1, out)?;
            scale(&mut out[start + 1..], divisor);
            integrate(&mut out[start..]);
        }
        2 => {
            out.push(reader.zigzag()?);
            take_residuals(reader, head & FORM, count - 2, out)?;
            integrate(&mut out[start + 1..]);
            scale(&mut out[start + 1..], divisor);
            integrate(&mut out[start..]);
        }
        _ => return Err(DecodeError::Invalid("unknown order of an integer column")),
    }
    Ok(())
}

fn scale(values: &mut [i64], divisor: i64) {
    if divisor != 1 {
        values.iter_mut().for_each(|value| *value = value.wrapping_mul(divisor));
    }
}

/// Running sums, in place.
fn integrate(values: &mut [i64]) {
    let mut sum = 0_i64;
    for value in values {
        sum = sum.wrapping_add(*value);
        *value = sum;
    }
}

fn take_residuals(reader: &mut Reader<'_>, form: u8, count: usize, out: &mut Vec<i64>) -> Result<(), DecodeError> {
    match form {
        CONSTANT => {
            let residual = reader.zigzag()?;
            out.resize(out.len() + count, residual);
        }
        PACKED => {
            let min = reader.zigzag()?;
            let width = reader.byte()?;
            let start = out.len();
            bits::unpack_into(reader, count, width, out)?;
            out[start..].iter_mut().for_each(|value| *value = value.wrapping_add(min));
        }
        PATCHED => take_patched(reader, count, out)?,
        BITMAP => {
            let positions = bits::unpack_set(reader, count)?;
            take_nonzero(reader, count, positions.clone().count(), positions, out)?;
        }
        POSITIONS => {
            let nonzero = reader.count(1)?;
            let mut positions = Vec::with_capacity(nonzero);
            let mut next = 0;
            for _ in 0..nonzero {
                let at = position(reader, next, count)?;
                positions.push(at);
                next = at + 1;
            }
            take_nonzero(reader, count, nonzero, positions.into_iter(), out)?;
        }
        _ => return Err(DecodeError::Invalid("unknown form of an integer column")),
    }
    Ok(())
}

/// A position after `next`, which must lie below `count`.
fn position(reader: &mut Reader<'_>, next: usize, count: usize) -> Result<usize, DecodeError> {
    usize::try_from(reader.varint()?)
        .ok()
        .and_then(|gap| next.checked_add(gap))
        .filter(|at| *at < count)
        .ok_or(DecodeError::Invalid("position lies outside of its column"))
}

fn take_patched(reader: &mut Reader<'_>, count: usize, out: &mut Vec<i64>) -> Result<(), DecodeError> {
    let start = out.len();
    let width = reader.byte()?;
    bits::unpack_into(reader, count, width, out)?;
    let mut next = 0;
    for _ in 0..reader.count(2)? {
        let at = position(reader, next, count)?;
        let high = reader.varint()?.checked_shl(u32::from(width)).unwrap_or(0);
        out[start + at] |= high as i64;
        next = at + 1;
    }
    out[start..].iter_mut().for_each(|value| *value = unzigzag(*value as u64));
    Ok(())
}

fn take_nonzero(
    reader: &mut Reader<'_>,
    count: usize,
    nonzero: usize,
    mut positions: impl Iterator<Item = usize>,
    out: &mut Vec<i64>,
) -> Result<(), DecodeError> {
    let start = out.len();
    out.resize(start + count, 0);
    let min = reader.varint()?;
    let width = reader.byte()?;
    bits::unpack(reader, nonzero, width, |value| {
        if let Some(at) = positions.next() {
            out[start + at] = unzigzag(value.wrapping_add(min));
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(values: &[i64]) -> usize {
        let mut bytes = Vec::new();
        put(&mut bytes, values);
        let length = bytes.len();
        bytes.push(0xaa);
        let mut reader = Reader::new(&bytes);
        let mut found = vec![42];
        take(&mut reader, values.len(), &mut found).unwrap();
        assert_eq!(&found[1..], values);
        assert_eq!(reader.rest(), &[0xaa]);
        length
    }

    #[test]
    fn the_usual_is_small() {
        assert_eq!(check(&[7; 100]), 3);
        assert_eq!(check(&(0..100).map(|at| 1_000_000 + at * 15_000).collect::<Vec<_>>()), 7);
        // One change in many.
        assert!(check(&(0..100).map(|at| i64::from(at > 50)).collect::<Vec<_>>()) < 10);
        // Pages of 4096 bytes.
        assert!(check(&(0..100).map(|at| 4096 * (at * 37 % 11)).collect::<Vec<_>>()) < 70);
        check(&[]);
        check(&[i64::MIN]);
        check(&[i64::MIN, i64::MAX, 0, -1, i64::MAX, i64::MIN]);
    }

    proptest! {
        #[test]
        fn any_integers_come_back(values: Vec<i64>) {
            check(&values);
        }

        #[test]
        fn steps_come_back(
            steps in proptest::collection::vec(prop_oneof![8 => Just(0_i64), 3 => -3..3_i64, 1 => -100_000..100_000_i64], 0..300),
            factor in 1..5000_i64,
        ) {
            let mut sum = 0_i64;
            let values: Vec<i64> = steps.iter().map(|step| { sum += step * factor; sum }).collect();
            check(&values);
        }

        #[test]
        fn noise_does_not_panic(bytes: Vec<u8>, count in 0..500_usize) {
            let _ = take(&mut Reader::new(&bytes), count, &mut Vec::new());
        }
    }
}
