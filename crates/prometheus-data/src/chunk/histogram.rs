//! Chunks of native histograms: one layout for all, then counts and buckets as differences.
//!
//! ```text
//! samples u16, flags u8 (reset 128, no reset 64, both: gauge)
//! zero threshold, schema, spans of either side, custom bounds
//! time, count, zero count, sum, buckets; then for each: how these differ
//! ```
//!
//! Integer counts are written as differences of differences, float counts as the bits that differ.

use std::sync::Arc;

use metrics_model::histogram::CUSTOM_BUCKETS_SCHEMA;
use metrics_model::{FloatHistogram, Histogram, ResetHint, Sample, SampleValue, Span, is_stale_nan};

use super::count;
use super::xor::XorFloat;
use crate::bits::{BitReader, BitWriter};
use crate::error::FormatError;

const RESET: u8 = 0x80;
const NO_RESET: u8 = 0x40;
const GAUGE: u8 = RESET | NO_RESET;

/// Bounds up to this many thousandths are written as integers.
const THOUSANDTHS_MAX: f64 = 33_554_430.0;

/// What all histograms of a chunk have in common.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Layout {
    schema: i32,
    zero_threshold: f64,
    positive: Vec<Span>,
    negative: Vec<Span>,
    bounds: Option<Arc<[f64]>>,
}

impl Layout {
    fn read(reader: &mut BitReader<'_>) -> Result<Self, FormatError> {
        let zero_threshold = read_threshold(reader)?;
        let schema = i32::try_from(reader.varbit_int()?).ok();
        let schema = schema.filter(|schema| (-4..=8).contains(schema) || *schema == CUSTOM_BUCKETS_SCHEMA);
        let schema = schema.ok_or(FormatError::Invalid("unknown histogram schema"))?;
        let (positive, negative) = (read_spans(reader)?, read_spans(reader)?);
        let bounds = if schema == CUSTOM_BUCKETS_SCHEMA { Some(read_bounds(reader)?) } else { None };
        Ok(Self { schema, zero_threshold, positive, negative, bounds })
    }

    fn write(&self, writer: &mut BitWriter) {
        write_threshold(writer, self.zero_threshold);
        writer.put_varbit_int(i64::from(self.schema));
        for spans in [&self.positive, &self.negative] {
            writer.put_varbit_uint(spans.len() as u64);
            for span in spans {
                writer.put_varbit_uint(u64::from(span.length));
                writer.put_varbit_int(i64::from(span.offset));
            }
        }
        if self.schema == CUSTOM_BUCKETS_SCHEMA {
            let bounds = self.bounds.as_deref().unwrap_or_default();
            writer.put_varbit_uint(bounds.len() as u64);
            bounds.iter().for_each(|bound| write_bound(writer, *bound));
        }
    }

    fn buckets(&self) -> Result<(usize, usize), FormatError> {
        Ok((buckets(&self.positive)?, buckets(&self.negative)?))
    }
}

/// More buckets than this in one histogram are damage.
const BUCKETS_MAX: u64 = 1 << 20;

fn buckets(spans: &[Span]) -> Result<usize, FormatError> {
    let sum: u64 = spans.iter().map(|span| u64::from(span.length)).sum();
    if sum <= BUCKETS_MAX { Ok(sum as usize) } else { Err(FormatError::Invalid("more buckets than a histogram has")) }
}

fn read_spans(reader: &mut BitReader<'_>) -> Result<Vec<Span>, FormatError> {
    let count = reader.count()?;
    let span = |reader: &mut BitReader<'_>| {
        let length = u32::try_from(reader.varbit_uint()?).ok();
        let offset = i32::try_from(reader.varbit_int()?).ok();
        let span = length.zip(offset).map(|(length, offset)| Span { offset, length });
        span.ok_or(FormatError::Invalid("span of buckets out of range"))
    };
    (0..count).map(|_| span(reader)).collect()
}

fn read_bounds(reader: &mut BitReader<'_>) -> Result<Arc<[f64]>, FormatError> {
    let count = reader.count()?;
    let bound = |reader: &mut BitReader<'_>| match reader.varbit_uint()? {
        0 => reader.float(),
        thousandths => Ok((thousandths - 1) as f64 / 1000.0),
    };
    (0..count).map(|_| bound(reader)).collect()
}

fn write_bound(writer: &mut BitWriter, bound: f64) {
    let thousandths = (bound * 1000.0).round();
    if (0.0..=THOUSANDTHS_MAX).contains(&thousandths) && (thousandths / 1000.0).to_bits() == bound.to_bits() {
        writer.put_varbit_uint(thousandths as u64 + 1);
    } else {
        writer.put_bit(false);
        writer.put_float(bound);
    }
}

/// Powers of two from 2^-243 to 2^10 take one byte: their exponent and 244.
fn read_threshold(reader: &mut BitReader<'_>) -> Result<f64, FormatError> {
    match reader.bits(8)? as u8 {
        0 => Ok(0.0),
        255 => reader.float(),
        exponent => Ok(f64::from_bits((u64::from(exponent) + 1023 - 244) << 52)),
    }
}

fn write_threshold(writer: &mut BitWriter, threshold: f64) {
    let byte = if threshold == 0.0 {
        Some(0)
    } else {
        let exponent = (threshold.to_bits() >> 52) as i64 - 1023;
        let is_power = threshold.is_normal() && threshold > 0.0 && threshold.to_bits().trailing_zeros() >= 52;
        Some(exponent + 244).filter(|byte| is_power && (1..=254).contains(byte))
    };
    writer.put_bits(byte.unwrap_or(255) as u64, 8);
    if byte.is_none() {
        writer.put_float(threshold);
    }
}

/// How counts and buckets are written.
pub(crate) trait Counts: Sized {
    /// A count or a bucket, with what is remembered of the one before.
    type Number: Clone;
    /// A histogram of this kind.
    type Value;

    /// Takes a histogram apart: layout, hint, then count, zero count, sum, and buckets of either side.
    fn split(value: &Self::Value) -> (Layout, ResetHint, Parts<'_, Self>);
    fn join(layout: &Layout, hint: ResetHint, chunk: &Numbers<Self>) -> SampleValue;
    /// A histogram that ends its series has nothing but its sum.
    fn stale(hint: ResetHint, sum: f64) -> SampleValue;
    fn read_first(reader: &mut BitReader<'_>, is_bucket: bool) -> Result<Self::Number, FormatError>;
    fn read_next(reader: &mut BitReader<'_>, number: &mut Self::Number) -> Result<(), FormatError>;
    fn write_first(writer: &mut BitWriter, raw: Self::Raw, is_bucket: bool) -> Self::Number;
    fn write_next(writer: &mut BitWriter, number: &mut Self::Number, raw: Self::Raw);
    /// Whether a later histogram with the same layout may have less in some place: then its counters were reset.
    fn is_less(now: &Parts<'_, Self>, before: &Parts<'_, Self>) -> bool;
    /// A count or a bucket as histograms have it.
    type Raw: Copy;
}

/// A histogram without its layout.
pub(crate) struct Parts<'a, C: Counts> {
    count: C::Raw,
    zero_count: C::Raw,
    sum: f64,
    positive: &'a [C::Raw],
    negative: &'a [C::Raw],
}

/// A histogram without its layout, as a chunk is read or written.
pub(crate) struct Numbers<C: Counts> {
    count: C::Number,
    zero_count: C::Number,
    sum: XorFloat,
    positive: Vec<C::Number>,
    negative: Vec<C::Number>,
}

/// Counts are integers.
#[derive(Debug)]
pub(crate) struct Integer;

/// Counts are floats.
#[derive(Debug)]
pub(crate) struct Float;

/// An integer and its last difference.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Stepping {
    value: i64,
    delta: i64,
}

impl Counts for Integer {
    type Number = Stepping;
    type Value = Histogram;
    type Raw = i64;

    fn split(value: &Histogram) -> (Layout, ResetHint, Parts<'_, Self>) {
        let layout = Layout {
            schema: value.schema,
            zero_threshold: value.zero_threshold,
            positive: value.positive_spans.clone(),
            negative: value.negative_spans.clone(),
            bounds: value.custom_values.clone(),
        };
        let parts = Parts {
            count: value.count as i64,
            zero_count: value.zero_count as i64,
            sum: value.sum,
            positive: &value.positive_deltas,
            negative: &value.negative_deltas,
        };
        (layout, value.reset_hint, parts)
    }

    fn join(layout: &Layout, hint: ResetHint, chunk: &Numbers<Self>) -> SampleValue {
        let values = |numbers: &[Stepping]| numbers.iter().map(|number| number.value).collect();
        SampleValue::Histogram(Arc::new(Histogram {
            reset_hint: hint,
            schema: layout.schema,
            zero_threshold: layout.zero_threshold,
            zero_count: chunk.zero_count.value as u64,
            count: chunk.count.value as u64,
            sum: chunk.sum.value(),
            positive_spans: layout.positive.clone(),
            positive_deltas: values(&chunk.positive),
            negative_spans: layout.negative.clone(),
            negative_deltas: values(&chunk.negative),
            custom_values: layout.bounds.clone(),
        }))
    }

    fn stale(hint: ResetHint, sum: f64) -> SampleValue {
        SampleValue::Histogram(Arc::new(Histogram { reset_hint: hint, sum, ..Histogram::default() }))
    }

    fn read_first(reader: &mut BitReader<'_>, is_bucket: bool) -> Result<Stepping, FormatError> {
        let value = if is_bucket { reader.varbit_int()? } else { reader.varbit_uint()? as i64 };
        Ok(Stepping { value, delta: 0 })
    }

    fn read_next(reader: &mut BitReader<'_>, number: &mut Stepping) -> Result<(), FormatError> {
        number.delta = number.delta.wrapping_add(reader.varbit_int()?);
        number.value = number.value.wrapping_add(number.delta);
        Ok(())
    }

    fn write_first(writer: &mut BitWriter, raw: i64, is_bucket: bool) -> Stepping {
        if is_bucket {
            writer.put_varbit_int(raw);
        } else {
            writer.put_varbit_uint(raw as u64);
        }
        Stepping { value: raw, delta: 0 }
    }

    fn write_next(writer: &mut BitWriter, number: &mut Stepping, raw: i64) {
        let delta = raw.wrapping_sub(number.value);
        writer.put_varbit_int(delta.wrapping_sub(number.delta));
        *number = Stepping { value: raw, delta };
    }

    fn is_less(now: &Parts<'_, Self>, before: &Parts<'_, Self>) -> bool {
        let sums = |deltas: &[i64]| -> Vec<i64> {
            let sum = |sum: &mut i64, delta: &i64| {
                *sum = sum.wrapping_add(*delta);
                Some(*sum)
            };
            deltas.iter().scan(0, sum).collect()
        };
        let is_any_less = |now: &[i64], before: &[i64]| sums(now).iter().zip(sums(before)).any(|(a, b)| *a < b);
        now.count < before.count
            || now.zero_count < before.zero_count
            || is_any_less(now.positive, before.positive)
            || is_any_less(now.negative, before.negative)
    }
}

impl Counts for Float {
    type Number = XorFloat;
    type Value = FloatHistogram;
    type Raw = f64;

    fn split(value: &FloatHistogram) -> (Layout, ResetHint, Parts<'_, Self>) {
        let layout = Layout {
            schema: value.schema,
            zero_threshold: value.zero_threshold,
            positive: value.positive_spans.clone(),
            negative: value.negative_spans.clone(),
            bounds: value.custom_values.clone(),
        };
        let parts = Parts {
            count: value.count,
            zero_count: value.zero_count,
            sum: value.sum,
            positive: &value.positive_buckets,
            negative: &value.negative_buckets,
        };
        (layout, value.reset_hint, parts)
    }

    fn join(layout: &Layout, hint: ResetHint, chunk: &Numbers<Self>) -> SampleValue {
        let values = |numbers: &[XorFloat]| numbers.iter().map(|number| number.value()).collect();
        SampleValue::FloatHistogram(Arc::new(FloatHistogram {
            reset_hint: hint,
            schema: layout.schema,
            zero_threshold: layout.zero_threshold,
            zero_count: chunk.zero_count.value(),
            count: chunk.count.value(),
            sum: chunk.sum.value(),
            positive_spans: layout.positive.clone(),
            positive_buckets: values(&chunk.positive),
            negative_spans: layout.negative.clone(),
            negative_buckets: values(&chunk.negative),
            custom_values: layout.bounds.clone(),
        }))
    }

    fn stale(hint: ResetHint, sum: f64) -> SampleValue {
        SampleValue::FloatHistogram(Arc::new(FloatHistogram { reset_hint: hint, sum, ..FloatHistogram::default() }))
    }

    fn read_first(reader: &mut BitReader<'_>, _is_bucket: bool) -> Result<XorFloat, FormatError> {
        reader.float().map(XorFloat::new)
    }

    fn read_next(reader: &mut BitReader<'_>, number: &mut XorFloat) -> Result<(), FormatError> {
        number.read(reader)
    }

    fn write_first(writer: &mut BitWriter, raw: f64, _is_bucket: bool) -> XorFloat {
        writer.put_float(raw);
        XorFloat::new(raw)
    }

    fn write_next(writer: &mut BitWriter, number: &mut XorFloat, raw: f64) {
        number.write(writer, raw);
    }

    fn is_less(now: &Parts<'_, Self>, before: &Parts<'_, Self>) -> bool {
        let is_any_less = |now: &[f64], before: &[f64]| now.iter().zip(before).any(|(a, b)| a < b);
        now.count < before.count
            || now.zero_count < before.zero_count
            || is_any_less(now.positive, before.positive)
            || is_any_less(now.negative, before.negative)
    }
}

/// Appends the samples of a chunk.
pub(crate) fn decode<C: Counts>(data: &[u8], out: &mut Vec<Sample>) -> Result<(), FormatError> {
    let samples = count(data)?;
    if samples == 0 {
        return Ok(());
    }
    let is_gauge = *data.get(2).ok_or(FormatError::Truncated)? & GAUGE == GAUGE;
    let mut reader = BitReader::new(&data[3..]);
    let layout = Layout::read(&mut reader)?;
    let (positive, negative) = layout.buckets()?;
    let reader = &mut reader;
    let mut at_ms = reader.varbit_int()?;
    let mut numbers = Numbers::<C> {
        count: C::read_first(reader, false)?,
        zero_count: C::read_first(reader, false)?,
        sum: XorFloat::new(reader.float()?),
        positive: (0..positive).map(|_| C::read_first(reader, true)).collect::<Result<_, _>>()?,
        negative: (0..negative).map(|_| C::read_first(reader, true)).collect::<Result<_, _>>()?,
    };
    let mut delta = 0_i64;
    for at in 0..samples {
        if at > 0 {
            delta = delta.wrapping_add(reader.varbit_int()?);
            at_ms = at_ms.wrapping_add(delta);
            C::read_next(reader, &mut numbers.count)?;
            C::read_next(reader, &mut numbers.zero_count)?;
            numbers.sum.read(reader)?;
            if !is_stale_nan(numbers.sum.value()) {
                let buckets = numbers.positive.iter_mut().chain(&mut numbers.negative);
                for number in buckets {
                    C::read_next(reader, number)?;
                }
            }
        }
        // What the chunk says of its first histogram concerns the chunk before, which may not be here.
        let hint = match at {
            _ if is_gauge => ResetHint::Gauge,
            0 => ResetHint::Unknown,
            _ => ResetHint::NotReset,
        };
        let value = if is_stale_nan(numbers.sum.value()) {
            C::stale(hint, numbers.sum.value())
        } else {
            C::join(&layout, hint, &numbers)
        };
        out.push(Sample { timestamp_ms: at_ms, value });
    }
    Ok(())
}

/// A chunk of histograms in the making.
pub(crate) struct HistogramEncoder<C: Counts> {
    writer: BitWriter,
    flags: u8,
    count: u16,
    at_ms: i64,
    delta: i64,
    numbers: Numbers<C>,
}

/// Why a histogram begins a chunk of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// It does not.
    None,
    /// Its layout or kind is another, or the one before ended the series.
    Layout,
    /// Its counters were reset.
    Reset,
}

/// Whether `now` can be in the chunk that ends with `before`.
pub(crate) fn cut<C: Counts>(before: &C::Value, now: &C::Value) -> Cut {
    let (layout_before, hint_before, parts_before) = C::split(before);
    let (layout, hint, parts) = C::split(now);
    let is_gauge = |hint| hint == ResetHint::Gauge;
    if is_stale_nan(parts_before.sum) || is_gauge(hint) != is_gauge(hint_before) {
        Cut::Layout
    } else if is_stale_nan(parts.sum) {
        Cut::None
    } else if !is_gauge(hint) && hint == ResetHint::Reset {
        Cut::Reset
    } else if layout != layout_before {
        Cut::Layout
    } else if !is_gauge(hint) && C::is_less(&parts, &parts_before) {
        Cut::Reset
    } else {
        Cut::None
    }
}

impl<C: Counts> HistogramEncoder<C> {
    /// Begins a chunk with a histogram that was cut off for a reason.
    pub(crate) fn start(at_ms: i64, value: &C::Value, cut: Cut) -> Self {
        let (layout, hint, parts) = C::split(value);
        let flags = match (hint, cut) {
            (ResetHint::Gauge, _) => GAUGE,
            (_, Cut::Reset) => RESET,
            _ => 0,
        };
        let is_stale = is_stale_nan(parts.sum);
        let layout = if is_stale { Layout::default() } else { layout };
        let (positive, negative) =
            if is_stale { ([].as_slice(), [].as_slice()) } else { (parts.positive, parts.negative) };
        let mut writer = BitWriter::default();
        layout.write(&mut writer);
        writer.put_varbit_int(at_ms);
        let out = &mut writer;
        let count = C::write_first(out, parts.count, false);
        let zero_count = C::write_first(out, parts.zero_count, false);
        out.put_float(parts.sum);
        let mut first = |raws: &[C::Raw]| raws.iter().map(|raw| C::write_first(out, *raw, true)).collect();
        let (positive, negative) = (first(positive), first(negative));
        let numbers = Numbers { count, zero_count, sum: XorFloat::new(parts.sum), positive, negative };
        Self { writer, flags, count: 1, at_ms, delta: 0, numbers }
    }

    pub(crate) fn count(&self) -> u16 {
        self.count
    }

    /// Adds a histogram for which there is no [`cut`].
    pub(crate) fn push(&mut self, at_ms: i64, value: &C::Value) {
        let (_, _, parts) = C::split(value);
        let delta = at_ms.wrapping_sub(self.at_ms);
        let out = &mut self.writer;
        out.put_varbit_int(delta.wrapping_sub(self.delta));
        C::write_next(out, &mut self.numbers.count, parts.count);
        C::write_next(out, &mut self.numbers.zero_count, parts.zero_count);
        self.numbers.sum.write(out, parts.sum);
        if !is_stale_nan(parts.sum) {
            let numbers = self.numbers.positive.iter_mut().chain(&mut self.numbers.negative);
            for (number, raw) in numbers.zip(parts.positive.iter().chain(parts.negative)) {
                C::write_next(out, number, *raw);
            }
        }
        (self.at_ms, self.delta) = (at_ms, delta);
        self.count += 1;
    }

    /// The bytes of the chunk.
    pub(crate) fn finish(self) -> Vec<u8> {
        [&self.count.to_be_bytes(), [self.flags].as_slice(), self.writer.bytes()].concat()
    }
}

#[cfg(test)]
mod tests;
