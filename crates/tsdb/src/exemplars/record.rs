//! The bytes of an exemplar.
//!
//! ```text
//! version u8, flags u8 (OWN_TIME 1), series u32, time zigzag, value u64, count of labels varint, then names and values
//! after their lengths, checksum u32
//! ```

use metrics_model::Labels;
use storage::TimedExemplar;
use xxhash_rust::xxh3::xxh3_64;

use crate::bytes::{DecodeError, Reader, put_slice, put_varint, put_zigzag};
use crate::index::table::SeriesId;

const VERSION: u8 = 1;
/// The target gave the time.
const OWN_TIME: u8 = 1;
const CHECKSUM_BYTES: usize = 4;

/// Appends the bytes of an exemplar.
pub(super) fn encode(out: &mut Vec<u8>, series: SeriesId, exemplar: &TimedExemplar) {
    let start = out.len();
    out.push(VERSION);
    out.push(if exemplar.has_own_time { OWN_TIME } else { 0 });
    out.extend_from_slice(&series.0.to_le_bytes());
    put_zigzag(out, exemplar.timestamp_ms);
    out.extend_from_slice(&exemplar.value.to_bits().to_le_bytes());
    put_varint(out, exemplar.labels.len() as u64);
    for (name, value) in &exemplar.labels {
        put_slice(out, name.as_bytes());
        put_slice(out, value.as_bytes());
    }
    let checksum = xxh3_64(&out[start..]) as u32;
    out.extend_from_slice(&checksum.to_le_bytes());
}

/// The inverse of [`encode`].
pub(super) fn decode(bytes: &[u8]) -> Result<(SeriesId, TimedExemplar), DecodeError> {
    let body = bytes.len().checked_sub(CHECKSUM_BYTES).ok_or(DecodeError::Truncated)?;
    let (body, checksum) = bytes.split_at(body);
    if Reader::new(checksum).u32()? != xxh3_64(body) as u32 {
        return Err(DecodeError::Invalid("checksum does not match"));
    }
    let mut reader = Reader::new(body);
    if reader.byte()? != VERSION {
        return Err(DecodeError::Invalid("unknown version of an exemplar"));
    }
    let has_own_time = reader.byte()? & OWN_TIME != 0;
    let series = SeriesId(reader.u32()?);
    let timestamp_ms = reader.zigzag()?;
    let value = reader.f64()?;
    let count = reader.count(2)?;
    let pairs = (0..count).map(|_| Ok((reader.text()?, reader.text()?))).collect::<Result<Vec<_>, DecodeError>>()?;
    Ok((series, TimedExemplar { labels: Labels::from_pairs(pairs), value, timestamp_ms, has_own_time }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exemplars_come_back_and_damage_is_found() {
        let labels = Labels::from_pairs([("trace_id", "4bf92f3577b34da6"), ("é", "ü")]);
        for has_own_time in [true, false] {
            let exemplar = TimedExemplar { labels: labels.clone(), value: -0.5, timestamp_ms: -7, has_own_time };
            let mut bytes = Vec::new();
            encode(&mut bytes, SeriesId(9), &exemplar);
            assert_eq!(decode(&bytes), Ok((SeriesId(9), exemplar)));
            assert!((0..bytes.len()).all(|length| decode(&bytes[..length]).is_err()));
            for at in 0..bytes.len() {
                let mut damaged = bytes.clone();
                damaged[at] ^= 0x10;
                assert!(decode(&damaged).is_err(), "{at}");
            }
        }
    }
}
