//! Integers of as many bytes as they need: seven bits a byte, least significant first, as LEB128 and protobuf have them.
//! Signed ones are turned into unsigned ones so that small ones stay small.

/// Appends a number.
#[inline]
pub fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Reads a number of which `byte` gives the bytes; `too_long` is the error of one that does not end within 64 bits.
///
/// # Errors
/// That of `byte`, or `too_long`.
#[inline]
pub fn read<E>(mut byte: impl FnMut() -> Result<u8, E>, too_long: impl FnOnce() -> E) -> Result<u64, E> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let next = byte()?;
        number |= u64::from(next & 0x7f) << shift;
        if next < 0x80 {
            return Ok(number);
        }
    }
    Err(too_long())
}

/// 0, -1, 1, -2, ... as 0, 1, 2, 3, ...
#[inline]
#[must_use]
pub fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

/// The inverse of [`zigzag`].
#[inline]
#[must_use]
pub fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn take(bytes: &[u8]) -> Result<u64, &'static str> {
        let mut bytes = bytes.iter();
        read(|| bytes.next().copied().ok_or("cut off"), || "too long")
    }

    proptest! {
        #[test]
        fn numbers_come_back(number: u64, signed: i64) {
            let mut bytes = Vec::new();
            put(&mut bytes, number);
            prop_assert_eq!(take(&bytes), Ok(number));
            prop_assert_eq!(take(&bytes[..bytes.len() - 1]), Err("cut off"));
            prop_assert_eq!(unzigzag(zigzag(signed)), signed);
        }
    }

    #[test]
    fn numbers_end() {
        assert_eq!(take(&[0xff; 11]), Err("too long"));
        assert_eq!([0, -1, 1, -2, i64::MIN].map(zigzag), [0, 1, 2, 3, u64::MAX]);
    }
}
