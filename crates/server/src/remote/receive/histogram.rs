//! Native histograms as remote write has them: message `Histogram` of `prometheus/prompb`, which is that of version 2.

use std::sync::Arc;

use metrics_model::histogram::InvalidHistogram;
use metrics_model::varint::unzigzag;
use metrics_model::{FloatHistogram, Histogram, ResetHint, SampleValue, Span};

use super::wire::{Value, WireError, fields, take_varint};

/// All that the message may have; which kind of histogram it is shows at the end.
#[derive(Debug, Default)]
struct Parts {
    timestamp_ms: i64,
    reset_hint: ResetHint,
    schema: i32,
    sum: f64,
    zero_threshold: f64,
    count: u64,
    zero_count: u64,
    /// There if counts are floats.
    float_count: Option<f64>,
    float_zero_count: f64,
    positive: Side,
    negative: Side,
    custom_values: Vec<f64>,
}

#[derive(Debug, Default)]
struct Side {
    spans: Vec<Span>,
    deltas: Vec<i64>,
    counts: Vec<f64>,
}

/// Reads a histogram with its time. The inner result is about what it says, the outer about how.
pub(super) fn read(message: &[u8]) -> Result<Result<(i64, SampleValue), InvalidHistogram>, WireError> {
    let mut parts = Parts::default();
    for field in fields(message) {
        let (field, value) = field?;
        parts.take(field, value)?;
    }
    Ok(parts.finish())
}

impl Parts {
    fn take(&mut self, field: u64, value: Value<'_>) -> Result<(), WireError> {
        match field {
            1 => self.count = value.number(field)?,
            2 => self.float_count = Some(value.double(field)?),
            3 => self.sum = value.double(field)?,
            4 => self.schema = unzigzag(value.number(field)?) as i32,
            5 => self.zero_threshold = value.double(field)?,
            6 => self.zero_count = value.number(field)?,
            7 => self.float_zero_count = value.double(field)?,
            8 => self.negative.spans.push(span(value.bytes(field)?)?),
            9 => deltas(&mut self.negative.deltas, field, value)?,
            10 => doubles(&mut self.negative.counts, field, value)?,
            11 => self.positive.spans.push(span(value.bytes(field)?)?),
            12 => deltas(&mut self.positive.deltas, field, value)?,
            13 => doubles(&mut self.positive.counts, field, value)?,
            14 => self.reset_hint = reset_hint(value.number(field)?),
            15 => self.timestamp_ms = value.number(field)? as i64,
            16 => doubles(&mut self.custom_values, field, value)?,
            _ => {}
        }
        Ok(())
    }

    fn finish(self) -> Result<(i64, SampleValue), InvalidHistogram> {
        let custom_values = (!self.custom_values.is_empty()).then(|| Arc::from(self.custom_values));
        let value = if let Some(count) = self.float_count {
            let histogram = FloatHistogram {
                reset_hint: self.reset_hint,
                schema: self.schema,
                zero_threshold: self.zero_threshold,
                zero_count: self.float_zero_count,
                count,
                sum: self.sum,
                positive_spans: self.positive.spans,
                positive_buckets: self.positive.counts,
                negative_spans: self.negative.spans,
                negative_buckets: self.negative.counts,
                custom_values,
            };
            histogram.validate()?;
            SampleValue::FloatHistogram(Arc::new(histogram))
        } else {
            let histogram = Histogram {
                reset_hint: self.reset_hint,
                schema: self.schema,
                zero_threshold: self.zero_threshold,
                zero_count: self.zero_count,
                count: self.count,
                sum: self.sum,
                positive_spans: self.positive.spans,
                positive_deltas: self.positive.deltas,
                negative_spans: self.negative.spans,
                negative_deltas: self.negative.deltas,
                custom_values,
            };
            histogram.validate()?;
            SampleValue::Histogram(Arc::new(histogram))
        };
        Ok((self.timestamp_ms, value))
    }
}

fn reset_hint(number: u64) -> ResetHint {
    match number {
        1 => ResetHint::Reset,
        2 => ResetHint::NotReset,
        3 => ResetHint::Gauge,
        _ => ResetHint::Unknown,
    }
}

fn span(message: &[u8]) -> Result<Span, WireError> {
    let mut span = Span::default();
    for field in fields(message) {
        match field? {
            (field @ 1, value) => span.offset = unzigzag(value.number(field)?) as i32,
            (field @ 2, value) => span.length = value.number(field)? as u32,
            _ => {}
        }
    }
    Ok(span)
}

/// Repeated numbers come packed or one by one.
fn deltas(out: &mut Vec<i64>, field: u64, value: Value<'_>) -> Result<(), WireError> {
    match value {
        Value::Bytes(mut packed) => {
            while !packed.is_empty() {
                out.push(unzigzag(take_varint(&mut packed)?));
            }
        }
        value => out.push(unzigzag(value.number(field)?)),
    }
    Ok(())
}

fn doubles(out: &mut Vec<f64>, field: u64, value: Value<'_>) -> Result<(), WireError> {
    match value {
        Value::Bytes(packed) => {
            let (numbers, rest) = packed.as_chunks::<8>();
            if !rest.is_empty() {
                return Err(WireError::Truncated);
            }
            out.extend(numbers.iter().map(|bytes| f64::from_le_bytes(*bytes)));
        }
        value => out.push(value.double(field)?),
    }
    Ok(())
}
