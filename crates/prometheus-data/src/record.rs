//! Records of the write-ahead log. Metadata, exemplars and marks of files are read over.

use std::sync::Arc;

use metrics_model::histogram::CUSTOM_BUCKETS_SCHEMA;
use metrics_model::{FloatHistogram, Histogram, Labels, ResetHint, SampleValue, Span};

use crate::bytes::Reader;
use crate::error::FormatError;

/// What a record says, one after the other.
#[derive(Debug, Clone)]
pub(crate) enum Entry {
    /// A series has a number.
    Series { id: u64, labels: Labels },
    /// A sample of a series.
    Sample { id: u64, at_ms: i64, value: SampleValue },
    /// Samples of a series are deleted, both ends included.
    Deleted { id: u64, range: (i64, i64) },
}

/// Hands what a record says to `visit`.
pub(crate) fn decode(record: &[u8], mut visit: impl FnMut(Entry)) -> Result<(), FormatError> {
    let mut reader = Reader::new(record);
    let reader = &mut reader;
    match reader.u8()? {
        1 => series(reader, &mut visit),
        2 => samples(reader, &mut visit, float),
        3 => deleted(reader, &mut visit),
        7 | 9 => samples(reader, &mut visit, histogram),
        8 | 10 => samples(reader, &mut visit, float_histogram),
        11 => samples_with_starts(reader, &mut visit, float),
        12 => samples_with_starts(reader, &mut visit, histogram),
        13 => samples_with_starts(reader, &mut visit, float_histogram),
        // Kinds of a later version: not understood, and not needed to understand others.
        _ => Ok(()),
    }
}

fn series(reader: &mut Reader<'_>, visit: &mut impl FnMut(Entry)) -> Result<(), FormatError> {
    while !reader.is_empty() {
        let id = reader.u64()?;
        let count = reader.count(2)?;
        let mut pairs = Vec::with_capacity(count);
        for _ in 0..count {
            pairs.push((reader.text()?, reader.text()?));
        }
        visit(Entry::Series { id, labels: Labels::from_pairs(pairs) });
    }
    Ok(())
}

fn deleted(reader: &mut Reader<'_>, visit: &mut impl FnMut(Entry)) -> Result<(), FormatError> {
    while !reader.is_empty() {
        visit(Entry::Deleted { id: reader.u64()?, range: (reader.varint()?, reader.varint()?) });
    }
    Ok(())
}

type Value = fn(&mut Reader<'_>) -> Result<SampleValue, FormatError>;

/// Series and times as differences to those at the start.
fn samples(reader: &mut Reader<'_>, visit: &mut impl FnMut(Entry), value: Value) -> Result<(), FormatError> {
    if reader.is_empty() {
        return Ok(());
    }
    let (first_id, first_ms) = (reader.u64()?, reader.i64()?);
    while !reader.is_empty() {
        let id = first_id.wrapping_add_signed(reader.varint()?);
        let at_ms = first_ms.wrapping_add(reader.varint()?);
        visit(Entry::Sample { id, at_ms, value: value(reader)? });
    }
    Ok(())
}

/// Series as differences to the one before, times to the first; start times are read over.
fn samples_with_starts(
    reader: &mut Reader<'_>,
    visit: &mut impl FnMut(Entry),
    value: Value,
) -> Result<(), FormatError> {
    const START_FOLLOWS: u8 = 2;
    if reader.is_empty() {
        return Ok(());
    }
    let (mut id, first_ms) = (reader.varint()? as u64, reader.varint()?);
    reader.varint()?;
    visit(Entry::Sample { id, at_ms: first_ms, value: value(reader)? });
    while !reader.is_empty() {
        id = id.wrapping_add_signed(reader.varint()?);
        let at_ms = first_ms.wrapping_add(reader.varint()?);
        if reader.u8()? >= START_FOLLOWS {
            reader.varint()?;
        }
        visit(Entry::Sample { id, at_ms, value: value(reader)? });
    }
    Ok(())
}

fn float(reader: &mut Reader<'_>) -> Result<SampleValue, FormatError> {
    reader.f64().map(SampleValue::Float)
}

fn hint(reader: &mut Reader<'_>) -> Result<ResetHint, FormatError> {
    match reader.u8()? {
        0 => Ok(ResetHint::Unknown),
        1 => Ok(ResetHint::Reset),
        2 => Ok(ResetHint::NotReset),
        3 => Ok(ResetHint::Gauge),
        _ => Err(FormatError::Invalid("unknown reset hint of a histogram")),
    }
}

fn schema(reader: &mut Reader<'_>) -> Result<i32, FormatError> {
    i32::try_from(reader.varint()?).map_err(|_| FormatError::Invalid("unknown histogram schema"))
}

fn spans(reader: &mut Reader<'_>) -> Result<Vec<Span>, FormatError> {
    const RANGE: FormatError = FormatError::Invalid("span of buckets out of range");
    let count = reader.count(2)?;
    let mut spans = Vec::with_capacity(count);
    for _ in 0..count {
        let offset = i32::try_from(reader.varint()?).map_err(|_| RANGE)?;
        let length = u32::try_from(reader.uvarint()?).map_err(|_| RANGE)?;
        spans.push(Span { offset, length });
    }
    Ok(spans)
}

fn list<'a, T>(
    reader: &mut Reader<'a>,
    bytes_each: usize,
    item: impl Fn(&mut Reader<'a>) -> Result<T, FormatError>,
) -> Result<Vec<T>, FormatError> {
    (0..reader.count(bytes_each)?).map(|_| item(reader)).collect()
}

fn bounds(reader: &mut Reader<'_>, schema: i32) -> Result<Option<Arc<[f64]>>, FormatError> {
    if schema != CUSTOM_BUCKETS_SCHEMA {
        return Ok(None);
    }
    list(reader, 8, Reader::f64).map(|bounds| Some(Arc::from(bounds)))
}

fn histogram(reader: &mut Reader<'_>) -> Result<SampleValue, FormatError> {
    let mut value = Histogram {
        reset_hint: hint(reader)?,
        schema: schema(reader)?,
        zero_threshold: reader.f64()?,
        zero_count: reader.uvarint()?,
        count: reader.uvarint()?,
        sum: reader.f64()?,
        positive_spans: spans(reader)?,
        negative_spans: spans(reader)?,
        positive_deltas: list(reader, 1, Reader::varint)?,
        negative_deltas: list(reader, 1, Reader::varint)?,
        custom_values: None,
    };
    value.custom_values = bounds(reader, value.schema)?;
    Ok(SampleValue::Histogram(Arc::new(value)))
}

fn float_histogram(reader: &mut Reader<'_>) -> Result<SampleValue, FormatError> {
    let mut value = FloatHistogram {
        reset_hint: hint(reader)?,
        schema: schema(reader)?,
        zero_threshold: reader.f64()?,
        zero_count: reader.f64()?,
        count: reader.f64()?,
        sum: reader.f64()?,
        positive_spans: spans(reader)?,
        negative_spans: spans(reader)?,
        positive_buckets: list(reader, 8, Reader::f64)?,
        negative_buckets: list(reader, 8, Reader::f64)?,
        custom_values: None,
    };
    value.custom_values = bounds(reader, value.schema)?;
    Ok(SampleValue::FloatHistogram(Arc::new(value)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::bytes::{put_text, put_uvarint, put_varint};

    fn entries(record: &[u8]) -> Result<Vec<String>, FormatError> {
        let mut entries = Vec::new();
        decode(record, |entry| entries.push(format!("{entry:?}")))?;
        Ok(entries)
    }

    fn check(record: &[u8], expected: &[&str]) {
        assert_eq!(
            entries(record).as_deref(),
            Ok(expected.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>().as_slice())
        );
        for length in 1..record.len() {
            // Cut between two entries it is whole.
            assert!(entries(&record[..length]).map_or(true, |found| found.len() < expected.len()));
        }
    }

    #[test]
    fn series_and_deletions_are_read() {
        let mut record = vec![1];
        for (id, value) in [(7_u64, "a"), (9, "b")] {
            record.extend_from_slice(&id.to_be_bytes());
            put_uvarint(&mut record, 1);
            put_text(&mut record, "job");
            put_text(&mut record, value);
        }
        check(&record, &[r#"Series { id: 7, labels: {"job": "a"} }"#, r#"Series { id: 9, labels: {"job": "b"} }"#]);
        let mut record = vec![3];
        record.extend_from_slice(&7_u64.to_be_bytes());
        put_varint(&mut record, -5);
        put_varint(&mut record, 6);
        check(&record, &["Deleted { id: 7, range: (-5, 6) }"]);
    }

    #[test]
    fn floats_are_read_in_both_forms() {
        let expected = [
            "Sample { id: 100, at_ms: 5000, value: Float(1.5) }",
            "Sample { id: 98, at_ms: 5007, value: Float(-2.0) }",
        ];
        let mut record = vec![2];
        record.extend_from_slice(&100_u64.to_be_bytes());
        record.extend_from_slice(&5000_i64.to_be_bytes());
        for (id, at, value) in [(0, 0, 1.5_f64), (-2, 7, -2.0)] {
            put_varint(&mut record, id);
            put_varint(&mut record, at);
            record.extend_from_slice(&value.to_bits().to_be_bytes());
        }
        check(&record, &expected);
        let mut record = vec![11];
        for number in [100, 5000, 4000] {
            put_varint(&mut record, number);
        }
        record.extend_from_slice(&1.5_f64.to_bits().to_be_bytes());
        put_varint(&mut record, -2);
        put_varint(&mut record, 7);
        record.push(2);
        put_varint(&mut record, 33);
        record.extend_from_slice(&(-2_f64).to_bits().to_be_bytes());
        check(&record, &expected);
    }

    #[test]
    fn histograms_are_read() {
        let mut record = vec![9];
        record.extend_from_slice(&1_u64.to_be_bytes());
        record.extend_from_slice(&2_i64.to_be_bytes());
        record.extend_from_slice(&[0, 0, 3]);
        put_varint(&mut record, -53);
        record.extend_from_slice(&0_f64.to_bits().to_be_bytes());
        put_uvarint(&mut record, 0);
        put_uvarint(&mut record, 4);
        record.extend_from_slice(&2.5_f64.to_bits().to_be_bytes());
        // One span of two buckets, none on the other side; the buckets; one bound.
        record.extend_from_slice(&[1, 0, 2, 0, 2, 2, 4, 0, 1]);
        record.extend_from_slice(&10_f64.to_bits().to_be_bytes());
        check(
            &record,
            &[
                "Sample { id: 1, at_ms: 2, value: Histogram(Histogram { reset_hint: Gauge, schema: -53, zero_threshold: \
               0.0, zero_count: 0, count: 4, sum: 2.5, positive_spans: [Span { offset: 0, length: 2 }], \
               positive_deltas: [1, 2], negative_spans: [], negative_deltas: [], custom_values: Some([10.0]) }) }",
            ],
        );
    }

    proptest! {
        #[test]
        fn noise_is_an_error_or_entries(mut bytes: Vec<u8>, kind in 0..15_u8) {
            bytes.insert(0, kind);
            drop(entries(&bytes));
        }
    }
}
