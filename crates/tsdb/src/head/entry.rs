//! How a row says that the value of a series changed: one tag byte and what it counts.
//!
//! The high half of the tag is a decimal exponent, the low half the number of payload bytes. Exponents up to 14 mean:
//! the payload is the zigzag difference, little-endian, of the two values as integers at that exponent (a previous value
//! that is none counts as 0). Exponent 15 means that there is no such integer:
//!
//! | low half | payload |
//! | --- | --- |
//! | 0 | none: the staleness marker |
//! | 1 to 8 | the leading bytes of the float's bits; the others are zero |
//! | 9 | a native histogram: varint length, then [`crate::histogram`] bytes |

use metrics_model::STALE_NAN_BITS;

use crate::bytes::{DecodeError, Reader, put_slice, unzigzag, zigzag};
use crate::decimal::{self, EXPONENT_MAX, to_float, to_integer};

const NO_EXPONENT: u8 = 15;
const HISTOGRAM_TAG: u8 = NO_EXPONENT << 4 | 9;

/// What a series is known to need: saves the search for an exponent at each sample. A wrong hint costs bytes or time,
/// never exactness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ExponentHint(pub(crate) u8);

impl ExponentHint {
    /// For a series that was not seen yet.
    pub(crate) const UNKNOWN: Self = Self(0);
    /// From here on the hint counts floats without exponent, after which the search is tried again.
    const GIVEN_UP: u8 = EXPONENT_MAX + 1;
    /// Floats of full precision between two searches.
    const PATIENCE: u8 = 32;
}

/// A changed value, as an entry holds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum EntryValue<'a> {
    /// The bits of a float.
    Float(u64),
    /// An encoded histogram.
    Histogram(&'a [u8]),
}

/// Appends the entry that turns the float `prev` into `next` (both as bits); gives the hint for the next one.
pub(crate) fn put_float(out: &mut Vec<u8>, prev: u64, next: u64, hint: ExponentHint) -> ExponentHint {
    if next == STALE_NAN_BITS {
        out.push(NO_EXPONENT << 4);
        return hint;
    }
    let value = f64::from_bits(next);
    let (exponent, hint) = find_exponent(value, hint);
    if let Some((exponent, integer)) = exponent {
        let before = to_integer(f64::from_bits(prev), exponent).unwrap_or(0);
        let payload = zigzag(integer.wrapping_sub(before));
        let length = (64 - payload.leading_zeros()).div_ceil(8) as usize;
        out.push(exponent << 4 | length as u8);
        out.extend_from_slice(&payload.to_le_bytes()[..length]);
        return hint;
    }
    // At least one byte, as none means the staleness marker; no zeros at the end.
    let length = 8 - (next.trailing_zeros() as usize / 8).min(7);
    out.push(NO_EXPONENT << 4 | length as u8);
    out.extend_from_slice(&next.to_be_bytes()[..length]);
    hint
}

/// The exponent and integer for `value`, if it has them.
fn find_exponent(value: f64, hint: ExponentHint) -> (Option<(u8, i64)>, ExponentHint) {
    let known = hint.0.min(ExponentHint::GIVEN_UP);
    if known <= EXPONENT_MAX {
        if let Some(integer) = to_integer(value, known) {
            return (Some((known, integer)), hint);
        }
    } else if hint.0 < ExponentHint::GIVEN_UP + ExponentHint::PATIENCE {
        // Whole numbers are cheap to recognise even so.
        let integer = to_integer(value, 0).map(|integer| (0, integer));
        return (integer, ExponentHint(hint.0 + 1));
    }
    match decimal::smallest_exponent(value, 0) {
        Some(exponent) => {
            let integer = to_integer(value, exponent).map(|integer| (exponent, integer));
            (integer, ExponentHint(exponent))
        }
        None if value.is_finite() => (None, ExponentHint(ExponentHint::GIVEN_UP)),
        // One NaN or infinity says nothing about the finite values around it.
        None => (None, hint),
    }
}

/// Appends the entry for a histogram.
pub(crate) fn put_histogram(out: &mut Vec<u8>, encoded: &[u8]) {
    out.push(HISTOGRAM_TAG);
    put_slice(out, encoded);
}

/// Steps over one entry.
pub(crate) fn skip(reader: &mut Reader<'_>) -> Result<(), DecodeError> {
    let tag = reader.byte()?;
    if tag == HISTOGRAM_TAG {
        return reader.slice().map(drop);
    }
    reader.bytes(payload_length(tag)?).map(drop)
}

/// Reads one entry; `prev` is the float that the series had before, as bits.
pub(crate) fn take<'a>(reader: &mut Reader<'a>, prev: u64) -> Result<EntryValue<'a>, DecodeError> {
    let tag = reader.byte()?;
    if tag == HISTOGRAM_TAG {
        return reader.slice().map(EntryValue::Histogram);
    }
    let length = payload_length(tag)?;
    let payload = reader.bytes(length)?;
    let mut word = [0_u8; 8];
    word[..length].copy_from_slice(payload);
    let exponent = tag >> 4;
    if exponent == NO_EXPONENT {
        let bits = if length == 0 { STALE_NAN_BITS } else { u64::from_be_bytes(word) };
        return Ok(EntryValue::Float(bits));
    }
    let before = to_integer(f64::from_bits(prev), exponent).unwrap_or(0);
    let integer = before.wrapping_add(unzigzag(u64::from_le_bytes(word)));
    Ok(EntryValue::Float(to_float(integer, exponent).to_bits()))
}

fn payload_length(tag: u8) -> Result<usize, DecodeError> {
    match tag & 15 {
        length @ 0..=8 => Ok(usize::from(length)),
        _ => Err(DecodeError::Invalid("unknown value tag in a row")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(values: &[u64]) -> usize {
        let mut out = Vec::new();
        let mut prev = 0;
        let mut hint = ExponentHint::UNKNOWN;
        for next in values {
            hint = put_float(&mut out, prev, *next, hint);
            prev = *next;
        }
        let (mut reader, mut skipper) = (Reader::new(&out), Reader::new(&out));
        let mut prev = 0;
        for next in values {
            assert_eq!(take(&mut reader, prev), Ok(EntryValue::Float(*next)));
            skip(&mut skipper).unwrap();
            assert_eq!(skipper.rest().len(), reader.rest().len());
            prev = *next;
        }
        assert!(reader.is_empty());
        out.len()
    }

    #[test]
    fn the_usual_is_small() {
        let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(check(&bits(&[0.0, 1.0, 2.0, 3.0])), 7);
        assert_eq!(check(&bits(&[0.11, 0.12, 0.2])), 6);
        assert_eq!(check(&[STALE_NAN_BITS]), 1);
        check(&bits(&[f64::INFINITY, -0.0, 0.0, f64::NAN, 1e300, f64::MIN_POSITIVE, 9_007_199_254_740_993.0]));
    }

    proptest! {
        #[test]
        fn any_floats_come_back(values: Vec<u64>) {
            check(&values);
        }

        #[test]
        fn decimals_come_back(values in proptest::collection::vec((-100_000_i64..100_000, 0..6_u8), 0..100)) {
            check(&values.iter().map(|(integer, exponent)| to_float(*integer, *exponent).to_bits()).collect::<Vec<_>>());
        }

        #[test]
        fn damage_is_an_error(bytes: Vec<u8>) {
            let mut reader = Reader::new(&bytes);
            while !reader.is_empty() && take(&mut reader, 0).is_ok() {}
        }
    }
}
