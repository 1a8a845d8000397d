//! Which times of a shared column a series has samples at.
//!
//! ```text
//! all     varint 0
//! range   varint 1, first, count
//! bitmap  varint 2, first, length, then one bit a time
//! ```

use std::borrow::Cow;

use crate::bytes::{DecodeError, Reader, put_varint};
use crate::chunk::bits;

const ALL: u64 = 0;
const RANGE: u64 = 1;
const BITMAP: u64 = 2;

/// Positions in a time column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Presence {
    /// Every one.
    All,
    /// Some in a row.
    Range { first: usize, count: usize },
    /// Any others, growing.
    Some(Vec<u32>),
}

impl Presence {
    /// The presence at growing positions of a column of `length` times.
    pub(crate) fn of(positions: &[u32], length: usize) -> Self {
        match (positions.first(), positions.last()) {
            (Some(first), Some(last)) if (last - first) as usize + 1 == positions.len() => {
                if positions.len() == length {
                    Self::All
                } else {
                    Self::Range { first: *first as usize, count: positions.len() }
                }
            }
            _ => Self::Some(positions.to_vec()),
        }
    }

    /// The bytes that [`Presence::put`] takes, about.
    pub(crate) fn price(&self) -> usize {
        match self {
            Self::All => 1,
            Self::Range { .. } => 4,
            Self::Some(positions) => 5 + span(positions).1.div_ceil(8),
        }
    }

    /// Appends the bytes.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::All => put_varint(out, ALL),
            Self::Range { first, count } => {
                [RANGE, *first as u64, *count as u64].into_iter().for_each(|word| put_varint(out, word));
            }
            Self::Some(positions) => {
                let (first, length) = span(positions);
                [BITMAP, u64::from(first), length as u64].into_iter().for_each(|word| put_varint(out, word));
                let mut next = positions.iter().map(|at| at - first).peekable();
                let set = (0..length as u32).map(|at| u64::from(next.next_if_eq(&at).is_some()));
                bits::pack(out, set, 1);
            }
        }
    }

    /// Reads what [`Presence::put`] wrote.
    pub(crate) fn take(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let kind = reader.varint()?;
        if kind == ALL {
            return Ok(Self::All);
        }
        let first = reader.varint_u32()?;
        let length = reader.varint_u32()?;
        first.checked_add(length).ok_or(DecodeError::Invalid("presence reaches past its column"))?;
        match kind {
            RANGE => Ok(Self::Range { first: first as usize, count: length as usize }),
            BITMAP => {
                let mut positions = Vec::new();
                let mut at = first;
                bits::unpack(reader, length as usize, 1, |bit| {
                    if bit == 1 {
                        positions.push(at);
                    }
                    at = at.wrapping_add(1);
                })?;
                Ok(Self::Some(positions))
            }
            _ => Err(DecodeError::Invalid("unknown kind of presence")),
        }
    }

    /// Whether any position is at or after `from` and before `to`.
    pub(crate) fn has_any(&self, from: usize, to: usize) -> bool {
        match self {
            Self::All => from < to,
            Self::Range { first, count } => from.max(*first) < to.min(first.saturating_add(*count)),
            Self::Some(positions) => {
                let next = positions.partition_point(|at| (*at as usize) < from);
                positions.get(next).is_some_and(|at| (*at as usize) < to)
            }
        }
    }

    /// The times at the positions.
    pub(crate) fn pick<'a>(&self, times: &'a [i64]) -> Result<Cow<'a, [i64]>, DecodeError> {
        const PAST: DecodeError = DecodeError::Invalid("presence reaches past its column");
        match self {
            Self::All => Ok(Cow::Borrowed(times)),
            Self::Range { first, count } => {
                times.get(*first..first.saturating_add(*count)).map(Cow::Borrowed).ok_or(PAST)
            }
            Self::Some(positions) => {
                let time = |at: &u32| times.get(*at as usize).copied().ok_or(PAST);
                positions.iter().map(time).collect::<Result<Vec<_>, _>>().map(Cow::Owned)
            }
        }
    }
}

/// First position and the distance past the last.
fn span(positions: &[u32]) -> (u32, usize) {
    match (positions.first(), positions.last()) {
        (Some(first), Some(last)) => (*first, (last - first) as usize + 1),
        _ => (0, 0),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn positions_come_back(positions in proptest::collection::btree_set(0..100_u32, 0..100)) {
            let positions: Vec<u32> = positions.into_iter().collect();
            let times: Vec<i64> = (0..100).map(|at| at * 7).collect();
            let presence = Presence::of(&positions, times.len());
            let mut out = Vec::new();
            presence.put(&mut out);
            let mut reader = Reader::new(&out);
            let found = Presence::take(&mut reader).unwrap();
            prop_assert_eq!(&found, &presence);
            prop_assert!(reader.is_empty());
            let picked = found.pick(&times).unwrap();
            prop_assert_eq!(picked.into_owned(), positions.iter().map(|at| i64::from(*at) * 7).collect::<Vec<_>>());
        }

        #[test]
        fn noise_does_not_panic(bytes: Vec<u8>) {
            if let Ok(presence) = Presence::take(&mut Reader::new(&bytes)) {
                let _ = presence.pick(&[1, 2, 3]);
            }
        }
    }
}
