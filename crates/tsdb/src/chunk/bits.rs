//! Integers of a fixed number of bits, one after the other, least significant bit first.

use crate::bytes::{DecodeError, Reader};

/// The number of bits that `value` needs.
pub(crate) fn width(value: u64) -> u8 {
    (64 - value.leading_zeros()) as u8
}

/// The number of bytes that `count` integers of `width` bits take.
pub(crate) fn packed_len(count: usize, width: u8) -> usize {
    (count * usize::from(width)).div_ceil(8)
}

/// The lowest `width` bits.
pub(crate) fn mask(width: u8) -> u64 {
    if width >= 64 { u64::MAX } else { (1 << width) - 1 }
}

/// Appends the lowest `width` bits of each value.
pub(crate) fn pack(out: &mut Vec<u8>, values: impl IntoIterator<Item = u64>, width: u8) {
    let mask = mask(width);
    let mut pending = 0_u128;
    let mut filled = 0_u32;
    for value in values {
        pending |= u128::from(value & mask) << filled;
        filled += u32::from(width);
        if filled >= 64 {
            out.extend_from_slice(&(pending as u64).to_le_bytes());
            pending >>= 64;
            filled -= 64;
        }
    }
    out.extend_from_slice(&(pending as u64).to_le_bytes()[..filled.div_ceil(8) as usize]);
}

/// The bytes of `count` integers of `width` bits.
fn take<'a>(reader: &mut Reader<'a>, count: usize, width: u8) -> Result<&'a [u8], DecodeError> {
    if width > 64 {
        return Err(DecodeError::Invalid("packed integers are wider than 64 bits"));
    }
    reader.bytes(count.checked_mul(usize::from(width)).ok_or(DecodeError::Truncated)?.div_ceil(8))
}

/// Integers of up to so many bits are read four with one load of eight bytes, wherever in a byte the first begins.
const WIDTH_OF_FOUR: u8 = 14;

/// Reads `count` integers of `width` bits, appending them.
pub(crate) fn unpack_into(
    reader: &mut Reader<'_>,
    count: usize,
    width: u8,
    out: &mut Vec<i64>,
) -> Result<(), DecodeError> {
    let bytes = take(reader, count, width)?;
    let start = out.len();
    out.resize(start + count, 0);
    if width == 0 {
        return Ok(());
    }
    let (mask, bits) = (mask(width), usize::from(width));
    let mut at = 0;
    let mut next = start;
    if width <= WIDTH_OF_FOUR {
        while let Some(four) = out[next..].first_chunk_mut::<4>()
            && let Some(word) = bytes.get(at / 8..).and_then(|rest| rest.first_chunk())
        {
            let word = u64::from_le_bytes(*word) >> (at % 8);
            *four = [0, 1, 2, 3].map(|place| (word >> (place * bits) & mask) as i64);
            at += 4 * bits;
            next += 4;
        }
    }
    let mut slots = out[next..].iter_mut();
    unpack_from(bytes, at, start + count - next, width, |value| {
        if let Some(slot) = slots.next() {
            *slot = value as i64;
        }
    });
    Ok(())
}

/// Reads `count` bits: the positions of those that are set, growing.
pub(crate) fn unpack_set<'a>(
    reader: &mut Reader<'a>,
    count: usize,
) -> Result<impl Iterator<Item = usize> + Clone + use<'a>, DecodeError> {
    let bytes = take(reader, count, 1)?;
    let word = |chunk: &[u8]| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        u64::from_le_bytes(word)
    };
    let words = bytes.chunks(8).map(word).enumerate();
    let set = words.flat_map(|(at, word)| {
        let mut rest = word;
        std::iter::from_fn(move || {
            let bit = rest.trailing_zeros() as usize;
            (rest != 0).then(|| {
                rest &= rest - 1;
                at * 64 + bit
            })
        })
    });
    // Bits that fill up the last byte are nobody's.
    Ok(set.take_while(move |at| *at < count))
}

/// Reads `count` integers of `width` bits, calling `each` for each in order.
pub(crate) fn unpack(
    reader: &mut Reader<'_>,
    count: usize,
    width: u8,
    each: impl FnMut(u64),
) -> Result<(), DecodeError> {
    let bytes = take(reader, count, width)?;
    unpack_from(bytes, 0, count, width, each);
    Ok(())
}

/// Reads `count` integers of up to 64 bits from bit `at` on; the bytes hold them.
fn unpack_from(bytes: &[u8], mut at: usize, count: usize, width: u8, mut each: impl FnMut(u64)) {
    if width == 0 {
        (0..count).for_each(|_| each(0));
        return;
    }
    let mask = mask(width);
    let mut next = 0;
    // While eight bytes can be loaded at once and hold the whole integer.
    if width <= 56 {
        while next < count
            && let Some(word) = bytes.get(at / 8..).and_then(|rest| rest.first_chunk())
        {
            each(u64::from_le_bytes(*word) >> (at % 8) & mask);
            at += usize::from(width);
            next += 1;
        }
    }
    for _ in next..count {
        let mut word = [0; 16];
        let rest = &bytes[at / 8..];
        let taken = rest.len().min(16);
        word[..taken].copy_from_slice(&rest[..taken]);
        each((u128::from_le_bytes(word) >> (at % 8)) as u64 & mask);
        at += usize::from(width);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn integers_come_back(values: Vec<u64>, bits in 0..=64_u8) {
            let expected: Vec<u64> = values.iter().map(|value| value & mask(bits)).collect();
            let mut out = Vec::new();
            pack(&mut out, values.iter().copied(), bits);
            prop_assert_eq!(out.len(), packed_len(values.len(), bits));
            out.push(7);
            let mut reader = Reader::new(&out);
            let mut found = Vec::new();
            unpack(&mut reader, values.len(), bits, |value| found.push(value)).unwrap();
            prop_assert_eq!(&found, &expected);
            prop_assert_eq!(reader.rest(), &[7]);
            if bits == 1 {
                let set = unpack_set(&mut Reader::new(&out), values.len()).unwrap();
                let is_set = |at: &usize| expected[*at] == 1;
                prop_assert_eq!(set.collect::<Vec<_>>(), (0..values.len()).filter(is_set).collect::<Vec<_>>());
            }
            let mut reader = Reader::new(&out);
            let mut found = vec![5];
            unpack_into(&mut reader, values.len(), bits, &mut found).unwrap();
            prop_assert_eq!(found.into_iter().skip(1).map(|value| value as u64).collect::<Vec<_>>(), expected);
            prop_assert_eq!(reader.rest(), &[7]);
        }
    }
}
