//! Native histograms as bytes, exact: integers as varints, floats as their bits.
//!
//! The first byte says whether counts are integers (0) or floats (1) and, above bit 0, the reset hint. Then schema,
//! zero threshold, zero count, count, sum, the spans and buckets of either side, and the custom bounds.

use std::sync::Arc;

use metrics_model::{FloatHistogram, Histogram, ResetHint, Span};

use crate::bytes::{DecodeError, Reader, put_varint, put_zigzag};

const FLOAT_COUNTS: u8 = 1;

/// Appends a histogram with integer counts.
pub(crate) fn put_integer(out: &mut Vec<u8>, histogram: &Histogram) {
    put_head(out, 0, histogram.reset_hint, histogram.schema, histogram.zero_threshold);
    put_varint(out, histogram.zero_count);
    put_varint(out, histogram.count);
    put_float(out, histogram.sum);
    for (spans, deltas) in [
        (&histogram.positive_spans, &histogram.positive_deltas),
        (&histogram.negative_spans, &histogram.negative_deltas),
    ] {
        put_spans(out, spans);
        put_varint(out, deltas.len() as u64);
        deltas.iter().for_each(|delta| put_zigzag(out, *delta));
    }
    put_bounds(out, histogram.custom_values.as_deref());
}

/// Appends a histogram with float counts.
pub(crate) fn put_floats(out: &mut Vec<u8>, histogram: &FloatHistogram) {
    put_head(out, FLOAT_COUNTS, histogram.reset_hint, histogram.schema, histogram.zero_threshold);
    put_float(out, histogram.zero_count);
    put_float(out, histogram.count);
    put_float(out, histogram.sum);
    for (spans, buckets) in [
        (&histogram.positive_spans, &histogram.positive_buckets),
        (&histogram.negative_spans, &histogram.negative_buckets),
    ] {
        put_spans(out, spans);
        put_varint(out, buckets.len() as u64);
        buckets.iter().for_each(|count| put_float(out, *count));
    }
    put_bounds(out, histogram.custom_values.as_deref());
}

/// Reads a histogram in the form that queries want.
pub(crate) fn decode(bytes: &[u8]) -> Result<FloatHistogram, DecodeError> {
    let reader = &mut Reader::new(bytes);
    let flags = reader.byte()?;
    let schema = i32::try_from(reader.zigzag()?).map_err(|_| DecodeError::Invalid("histogram schema out of range"))?;
    let zero_threshold = reader.f64()?;
    let reset_hint = reset_hint(flags >> 1)?;
    let histogram = if flags & FLOAT_COUNTS == 0 {
        Histogram {
            reset_hint,
            schema,
            zero_threshold,
            zero_count: reader.varint()?,
            count: reader.varint()?,
            sum: reader.f64()?,
            positive_spans: spans(reader)?,
            positive_deltas: list(reader, 1, Reader::zigzag)?,
            negative_spans: spans(reader)?,
            negative_deltas: list(reader, 1, Reader::zigzag)?,
            custom_values: bounds(reader)?,
        }
        .to_float()
    } else {
        FloatHistogram {
            reset_hint,
            schema,
            zero_threshold,
            zero_count: reader.f64()?,
            count: reader.f64()?,
            sum: reader.f64()?,
            positive_spans: spans(reader)?,
            positive_buckets: list(reader, 8, Reader::f64)?,
            negative_spans: spans(reader)?,
            negative_buckets: list(reader, 8, Reader::f64)?,
            custom_values: bounds(reader)?,
        }
    };
    if reader.is_empty() { Ok(histogram) } else { Err(DecodeError::Invalid("histogram is longer than its content")) }
}

fn put_head(out: &mut Vec<u8>, kind: u8, hint: ResetHint, schema: i32, zero_threshold: f64) {
    let hint = match hint {
        ResetHint::Unknown => 0,
        ResetHint::Reset => 1,
        ResetHint::NotReset => 2,
        ResetHint::Gauge => 3,
    };
    out.push(kind | hint << 1);
    put_zigzag(out, i64::from(schema));
    put_float(out, zero_threshold);
}

fn reset_hint(code: u8) -> Result<ResetHint, DecodeError> {
    match code {
        0 => Ok(ResetHint::Unknown),
        1 => Ok(ResetHint::Reset),
        2 => Ok(ResetHint::NotReset),
        3 => Ok(ResetHint::Gauge),
        _ => Err(DecodeError::Invalid("unknown histogram reset hint")),
    }
}

fn put_float(out: &mut Vec<u8>, value: f64) {
    out.extend_from_slice(&value.to_bits().to_le_bytes());
}

fn put_spans(out: &mut Vec<u8>, spans: &[Span]) {
    put_varint(out, spans.len() as u64);
    for span in spans {
        put_zigzag(out, i64::from(span.offset));
        put_varint(out, u64::from(span.length));
    }
}

/// No bounds are 0, otherwise one more than their number.
fn put_bounds(out: &mut Vec<u8>, bounds: Option<&[f64]>) {
    let Some(bounds) = bounds else {
        return put_varint(out, 0);
    };
    put_varint(out, bounds.len() as u64 + 1);
    bounds.iter().for_each(|bound| put_float(out, *bound));
}

fn list<'a, T>(
    reader: &mut Reader<'a>,
    bytes_each: usize,
    mut item: impl FnMut(&mut Reader<'a>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let count = reader.count(bytes_each)?;
    (0..count).map(|_| item(reader)).collect()
}

fn spans(reader: &mut Reader<'_>) -> Result<Vec<Span>, DecodeError> {
    list(reader, 2, |reader| {
        let offset =
            i32::try_from(reader.zigzag()?).map_err(|_| DecodeError::Invalid("histogram span offset out of range"))?;
        Ok(Span { offset, length: reader.varint_u32()? })
    })
}

fn bounds(reader: &mut Reader<'_>) -> Result<Option<Arc<[f64]>>, DecodeError> {
    let Some(count) = usize::try_from(reader.varint()?).map_err(|_| DecodeError::Truncated)?.checked_sub(1) else {
        return Ok(None);
    };
    if count.checked_mul(8).is_none_or(|bytes| bytes > reader.rest().len()) {
        return Err(DecodeError::Truncated);
    }
    (0..count).map(|_| reader.f64()).collect::<Result<Arc<[f64]>, _>>().map(Some)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn integer() -> Histogram {
        Histogram {
            reset_hint: ResetHint::NotReset,
            schema: 3,
            zero_threshold: 1e-128,
            zero_count: 2,
            count: u64::MAX,
            sum: -0.0,
            positive_spans: vec![Span { offset: -2, length: 2 }, Span { offset: 4, length: 1 }],
            positive_deltas: vec![5, -3, i64::MAX],
            negative_spans: vec![Span { offset: 0, length: 1 }],
            negative_deltas: vec![1],
            custom_values: Some(Arc::from([0.5, 1.0])),
        }
    }

    #[test]
    fn both_kinds_come_back() {
        let mut out = Vec::new();
        put_integer(&mut out, &integer());
        assert_eq!(decode(&out), Ok(integer().to_float()));
        let float = FloatHistogram { reset_hint: ResetHint::Gauge, sum: f64::INFINITY, ..integer().to_float() };
        out.clear();
        put_floats(&mut out, &float);
        assert_eq!(decode(&out), Ok(float));
        out.clear();
        put_floats(&mut out, &FloatHistogram::default());
        assert_eq!(decode(&out), Ok(FloatHistogram::default()));
    }

    #[test]
    fn damage_is_an_error() {
        let mut out = Vec::new();
        put_integer(&mut out, &integer());
        for length in 0..out.len() {
            assert!(decode(&out[..length]).is_err(), "{length}");
        }
        out.push(0);
        assert!(decode(&out).is_err());
    }

    proptest! {
        #[test]
        fn noise_does_not_panic(bytes: Vec<u8>) {
            let _ = decode(&bytes);
        }
    }
}
