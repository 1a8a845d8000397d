//! Series on their way to a server: each with its samples in chunks, framed and checked.
//!
//! ```text
//! length u32, then as many bytes:
//!   labels uvarint, names and values after their lengths
//!   chunks uvarint, each: encoding u8, length uvarint, data
//! checksum u32 of these bytes
//! ```

use metrics_model::{Labels, Sample};

use crate::block::{chunks_of, in_order};
use crate::bytes::{Reader, checked, put_checksum, put_text, put_uvarint};
use crate::chunk::{self, Encoding};
use crate::error::FormatError;

/// The media type of a stream.
pub const MEDIA_TYPE: &str = "application/x-firewatch-series";

/// Larger frames are damage.
const FRAME_BYTES_MAX: u32 = 256 << 20;

/// Appends a series with samples in order of time.
pub fn put(out: &mut Vec<u8>, labels: &Labels, samples: &[Sample]) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    put_uvarint(out, labels.len() as u64);
    for (name, value) in labels {
        put_text(out, name);
        put_text(out, value);
    }
    let chunks = chunks_of(samples);
    put_uvarint(out, chunks.len() as u64);
    for chunk in chunks {
        out.push(chunk.encoding.byte());
        put_uvarint(out, chunk.data.len() as u64);
        out.extend_from_slice(&chunk.data);
    }
    let length = (out.len() - start - 4) as u32;
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    put_checksum(out, start + 4);
}

/// Takes the first series off `bytes`; `None` at the end.
///
/// # Errors
/// [`FormatError`] when the bytes are not what [`put`] wrote.
pub fn take(bytes: &mut &[u8]) -> Result<Option<(Labels, Vec<Sample>)>, FormatError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let mut reader = Reader::new(bytes);
    let length = reader.u32()?;
    if length > FRAME_BYTES_MAX {
        return Err(FormatError::Invalid("a series is larger than any"));
    }
    let content = checked(reader.take(length as usize + 4)?)?;
    let rest = reader.left();
    let mut reader = Reader::new(content);
    let count = reader.count(2)?;
    let mut pairs = Vec::with_capacity(count);
    for _ in 0..count {
        pairs.push((reader.text()?, reader.text()?));
    }
    let mut samples = Vec::new();
    for _ in 0..reader.count(2)? {
        let encoding = Encoding::of(reader.u8()?)?;
        let length = reader.count(1)?;
        chunk::decode(encoding, reader.take(length)?, &mut samples)?;
    }
    in_order(&mut samples);
    *bytes = &bytes[bytes.len() - rest..];
    Ok(Some((Labels::from_pairs(pairs), samples)))
}

#[cfg(test)]
mod tests {
    use metrics_model::SampleValue;
    use proptest::prelude::*;

    use super::*;

    fn all(mut bytes: &[u8]) -> Result<Vec<(Labels, Vec<i64>)>, FormatError> {
        let mut all = Vec::new();
        while let Some((labels, samples)) = take(&mut bytes)? {
            all.push((labels, samples.iter().map(|sample| sample.timestamp_ms).collect()));
        }
        Ok(all)
    }

    #[test]
    fn series_come_back_and_damage_is_found() {
        let mut bytes = Vec::new();
        let series: Vec<(Labels, Vec<i64>)> =
            (1..5_i64).map(|at| (Labels::from_pairs([("a", at.to_string())]), (0..at * 100).collect())).collect();
        for (labels, times) in &series {
            let sample = |at_ms: &i64| Sample { timestamp_ms: *at_ms, value: SampleValue::Float(*at_ms as f64) };
            put(&mut bytes, labels, &times.iter().map(sample).collect::<Vec<_>>());
        }
        assert_eq!(all(&bytes).as_deref(), Ok(series.as_slice()));
        for at in 0..bytes.len() {
            bytes[at] ^= 0x10;
            assert!(all(&bytes).is_err(), "{at}");
            bytes[at] ^= 0x10;
        }
    }

    proptest! {
        #[test]
        fn noise_is_an_error_or_series(noise: Vec<u8>) {
            drop(all(&noise));
            let mut framed = (noise.len() as u32).to_be_bytes().to_vec();
            framed.extend_from_slice(&noise);
            put_checksum(&mut framed, 4);
            drop(all(&framed));
        }
    }
}
