//! Label sets as the series column has them.
//!
//! ```text
//! version u8, count varint, then for each label, in order of the names: name and value after their lengths
//! ```

use metrics_model::Labels;

use crate::bytes::{DecodeError, Reader, put_slice, put_varint};

const VERSION: u8 = 1;

/// The bytes of a label set.
pub(crate) fn encode(labels: &Labels) -> Vec<u8> {
    let mut out = vec![VERSION];
    put_varint(&mut out, labels.len() as u64);
    for (name, value) in labels {
        put_slice(&mut out, name.as_bytes());
        put_slice(&mut out, value.as_bytes());
    }
    out
}

/// The inverse of [`encode`].
pub(crate) fn decode(bytes: &[u8]) -> Result<Labels, DecodeError> {
    let mut reader = Reader::new(bytes);
    if reader.byte()? != VERSION {
        return Err(DecodeError::Invalid("unknown version of a label set"));
    }
    let count = reader.count(2)?;
    let mut pairs = Vec::with_capacity(count);
    for _ in 0..count {
        pairs.push((reader.text()?, reader.text()?));
    }
    if !pairs.is_sorted_by(|(a, _), (b, _)| a < b) {
        return Err(DecodeError::Invalid("labels are not sorted"));
    }
    Ok(Labels::from_sorted(pairs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_come_back() {
        let labels = Labels::from_pairs([("__name__", "up"), ("job", "node"), ("path", "/\u{e9}")]);
        let bytes = encode(&labels);
        assert_eq!(decode(&bytes), Ok(labels));
        assert!((0..bytes.len()).all(|length| decode(&bytes[..length]).is_err()));
    }
}
