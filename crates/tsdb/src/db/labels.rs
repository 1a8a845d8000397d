//! Label sets as the series column has them.
//!
//! ```text
//! version u8, hash u32, count varint, then for each label, in order of the names: name and value after their lengths
//! ```
//!
//! The hash is that of the index: a store with many series opens faster when it need not be computed.

use metrics_model::Labels;

use crate::bytes::{DecodeError, Reader, put_slice, put_varint};
use crate::index::table::LabelsHash;

const VERSION: u8 = 1;

/// The bytes of a label set.
pub(crate) fn encode(labels: &Labels) -> Vec<u8> {
    let mut out = vec![VERSION];
    out.extend_from_slice(&LabelsHash::of(labels).0.to_le_bytes());
    put_varint(&mut out, labels.len() as u64);
    for (name, value) in labels {
        put_slice(&mut out, name.as_bytes());
        put_slice(&mut out, value.as_bytes());
    }
    out
}

/// Names and values, in order of the names.
pub(crate) type Pairs<'a> = Vec<(&'a str, &'a str)>;

/// The inverse of [`encode`].
pub(crate) fn decode(bytes: &[u8]) -> Result<(LabelsHash, Pairs<'_>), DecodeError> {
    let mut reader = Reader::new(bytes);
    if reader.byte()? != VERSION {
        return Err(DecodeError::Invalid("unknown version of a label set"));
    }
    let hash = LabelsHash(reader.u32()?);
    let count = reader.count(2)?;
    let mut pairs = Vec::with_capacity(count);
    for _ in 0..count {
        pairs.push((reader.text()?, reader.text()?));
    }
    if !pairs.is_sorted_by(|(a, _), (b, _)| a < b) {
        return Err(DecodeError::Invalid("labels are not sorted"));
    }
    Ok((hash, pairs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_come_back() {
        let labels = Labels::from_pairs([("__name__", "up"), ("job", "node"), ("path", "/\u{e9}")]);
        let bytes = encode(&labels);
        let (hash, pairs) = decode(&bytes).unwrap();
        assert_eq!((hash, Labels::from_sorted(pairs)), (LabelsHash::of(&labels), labels));
        assert!((0..bytes.len()).all(|length| decode(&bytes[..length]).is_err()));
    }
}
