//! Floats that were written as decimal numbers are integers in disguise: `12.34` is 1234 at exponent 2.
//!
//! [`to_integer`] finds the integer only when [`to_float`] gives back the same bits, so codecs built on the pair are exact
//! whatever they are fed: -0.0, NaN payloads, infinities and numbers beyond the integers simply have no disguise.

/// The largest decimal exponent tried.
pub(crate) const EXPONENT_MAX: u8 = 14;

const POWERS: [f64; EXPONENT_MAX as usize + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14];

/// Integers of scaled decimals stay below 2^51, so that adding and subtracting 1.5 * 2^52 rounds to the nearest.
const SCALED_LIMIT: f64 = (1_u64 << 51) as f64;
const ROUNDER: f64 = (3_u64 << 51) as f64;

/// Plain integers may be larger, as long as differences of two fit an `i64`.
const INTEGER_LIMIT: i64 = 1 << 62;

/// The integer that [`to_float`] turns back into exactly `value`, if there is one at this exponent.
#[inline]
pub(crate) fn to_integer(value: f64, exponent: u8) -> Option<i64> {
    if exponent == 0 {
        let integer = value as i64;
        return ((integer as f64).to_bits() == value.to_bits() && integer.unsigned_abs() < INTEGER_LIMIT as u64)
            .then_some(integer);
    }
    let integer = nearest_integer(value, exponent)?;
    (to_float(integer, exponent).to_bits() == value.to_bits()).then_some(integer)
}

/// The integer whose decimal is nearest to `value`, if it is one that decimals can have.
#[inline]
pub(crate) fn nearest_integer(value: f64, exponent: u8) -> Option<i64> {
    let scaled = value * POWERS[usize::from(exponent)];
    if scaled.is_nan() || scaled.abs() >= SCALED_LIMIT {
        return None;
    }
    Some(((scaled + ROUNDER) - ROUNDER) as i64)
}

/// The float that `integer` stands for. The division of two exact numbers rounds as parsing the decimal text does.
#[inline]
pub(crate) fn to_float(integer: i64, exponent: u8) -> f64 {
    if exponent == 0 { integer as f64 } else { integer as f64 / POWERS[usize::from(exponent.min(EXPONENT_MAX))] }
}

/// Appends the floats that integers stand for. Below 2^51, as all integers of scaled decimals are, one becomes a float by
/// being put into the low bits of one, several at a time.
pub(crate) fn extend_floats(out: &mut Vec<f64>, integers: &[i64], exponent: u8) {
    let is_scaled = |integer: &i64| integer.unsigned_abs() < SCALED_LIMIT as u64;
    if exponent == 0 || !integers.iter().fold(true, |all, integer| all & is_scaled(integer)) {
        out.extend(integers.iter().map(|integer| to_float(*integer, exponent)));
        return;
    }
    let power = POWERS[usize::from(exponent.min(EXPONENT_MAX))];
    let low_bits = ROUNDER.to_bits() as i64;
    out.extend(
        integers.iter().map(|integer| (f64::from_bits(low_bits.wrapping_add(*integer) as u64) - ROUNDER) / power),
    );
}

/// The smallest exponent from `from` on at which `value` is an integer.
pub(crate) fn smallest_exponent(value: f64, from: u8) -> Option<u8> {
    if !value.is_finite() || (value == 0.0 && value.is_sign_negative()) {
        return None;
    }
    (from..=EXPONENT_MAX).find(|exponent| to_integer(value, *exponent).is_some())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decimals_are_found() {
        assert_eq!(smallest_exponent(12.34, 0), Some(2));
        assert_eq!(to_integer(12.34, 2), Some(1234));
        assert_eq!(to_integer(-0.5, 1), Some(-5));
        assert_eq!(smallest_exponent(1e15, 0), Some(0));
        assert_eq!(smallest_exponent(std::f64::consts::PI, 0), None);
    }

    #[test]
    fn what_is_no_decimal_has_no_disguise() {
        for value in [-0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, metrics_model::stale_nan()] {
            for exponent in 0..=EXPONENT_MAX {
                assert_eq!(to_integer(value, exponent), None, "{value} at {exponent}");
            }
        }
    }

    proptest! {
        #[test]
        fn many_are_as_one_by_one(integers: Vec<i64>, shift in 0..64_u32, exponent in 0..=EXPONENT_MAX) {
            let integers: Vec<i64> = integers.into_iter().map(|integer| integer >> shift).collect();
            let mut found = Vec::new();
            extend_floats(&mut found, &integers, exponent);
            let bits = |value: &f64| value.to_bits();
            let expected: Vec<f64> = integers.iter().map(|integer| to_float(*integer, exponent)).collect();
            prop_assert_eq!(found.iter().map(bits).collect::<Vec<_>>(), expected.iter().map(bits).collect::<Vec<_>>());
        }

        #[test]
        fn a_disguise_is_exact(bits: u64, decimal in -1_000_000_000_000_i64..1_000_000_000_000, at in 0..=EXPONENT_MAX) {
            for value in [f64::from_bits(bits), to_float(decimal, at)] {
                for exponent in 0..=EXPONENT_MAX {
                    if let Some(integer) = to_integer(value, exponent) {
                        prop_assert_eq!(to_float(integer, exponent).to_bits(), value.to_bits());
                    }
                }
            }
        }

        #[test]
        fn short_decimals_have_one(digits in -999_999_999_i64..999_999_999, at in 0..=9_u8) {
            let value: f64 = format!("{digits}e-{at}").parse().unwrap();
            if digits != 0 {
                prop_assert!(smallest_exponent(value, 0).is_some_and(|found| found <= at));
            }
        }
    }
}
