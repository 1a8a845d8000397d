//! The messages of the format, read field by field. Field numbers are those of
//! `proto/io/prometheus/client/metrics.proto`.

use std::sync::Arc;

use super::ProtobufFault;
use super::wire::Fields;
use crate::family::{Exemplar, MetricKind, NativeHistogram};
use crate::histogram::{FloatHistogram, Histogram, ResetHint, Span};
use crate::labels::Labels;

/// A family without its metrics, which are read one by one from the same bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FamilyHead<'a> {
    pub(super) name: &'a str,
    pub(super) help: &'a str,
    pub(super) unit: &'a str,
    pub(super) kind: MetricKind,
    /// Whether there is a metric at all.
    pub(super) has_metrics: bool,
}

/// The field of `MetricFamily` that holds a metric.
pub(super) const METRIC_FIELD: u32 = 4;

impl<'a> FamilyHead<'a> {
    /// Gives the fault with what was read so far, for the error to name the family.
    pub(super) fn read(mut fields: Fields<'a>) -> (Self, Result<(), ProtobufFault>) {
        // A type that is left out is the first of them.
        let mut head = Self { kind: MetricKind::Counter, ..Self::default() };
        let result = head.read_fields(&mut fields);
        (head, result)
    }

    fn read_fields(&mut self, fields: &mut Fields<'a>) -> Result<(), ProtobufFault> {
        while let Some(field) = fields.next()? {
            match field.number {
                1 => self.name = field.text()?,
                2 => self.help = field.text()?,
                3 => self.kind = kind(field.unsigned()?)?,
                METRIC_FIELD => self.has_metrics = true,
                5 => self.unit = field.text()?,
                _ => {}
            }
        }
        if self.name.is_empty() { Err(ProtobufFault::NameMissing) } else { Ok(()) }
    }
}

fn kind(number: u64) -> Result<MetricKind, ProtobufFault> {
    Ok(match number {
        0 => MetricKind::Counter,
        1 => MetricKind::Gauge,
        2 => MetricKind::Summary,
        3 => MetricKind::Unknown,
        4 => MetricKind::Histogram,
        5 => MetricKind::GaugeHistogram,
        _ => return Err(ProtobufFault::MetricType { number }),
    })
}

/// One metric; its vectors are used again for the next.
#[derive(Debug, Default)]
pub(super) struct MetricParts<'a> {
    pub(super) labels: Vec<(&'a str, &'a str)>,
    pub(super) timestamp_ms: Option<i64>,
    pub(super) start_ms: Option<i64>,
    /// Of a counter, gauge or untyped metric.
    pub(super) value: f64,
    pub(super) exemplar: Option<Fields<'a>>,
    /// Of a summary or histogram.
    pub(super) count: f64,
    pub(super) sum: f64,
    /// The summary or histogram, for [`next_quantile`] and [`next_bucket`] to read through once more.
    pub(super) rows: Fields<'a>,
    pub(super) native: NativeParts<'a>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct BucketParts<'a> {
    pub(super) upper_bound: f64,
    pub(super) cumulative_count: f64,
    pub(super) exemplar: Option<Fields<'a>>,
}

/// The fields of a native histogram.
#[derive(Debug, Default)]
pub(super) struct NativeParts<'a> {
    schema: i32,
    count: u64,
    count_float: f64,
    zero_threshold: f64,
    zero_count: u64,
    zero_count_float: f64,
    positive: Side,
    negative: Side,
    /// The histogram, for [`next_exemplar`].
    pub(super) exemplars: Fields<'a>,
}

/// The buckets on one side of zero.
#[derive(Debug, Default)]
struct Side {
    spans: Vec<Span>,
    deltas: Vec<i64>,
    counts: Vec<f64>,
}

impl<'a> MetricParts<'a> {
    /// Reads a metric of a family of this kind.
    pub(super) fn read(&mut self, mut fields: Fields<'a>, kind: MetricKind) -> Result<(), ProtobufFault> {
        self.clear();
        while let Some(field) = fields.next()? {
            match (field.number, kind) {
                (1, _) => push(&mut self.labels, label(field.message()?)?, "labels", LABELS_MAX)?,
                (2, MetricKind::Gauge) | (3, MetricKind::Counter) | (5, MetricKind::Unknown) => {
                    self.read_single(field.message()?)?;
                }
                (4, MetricKind::Summary) => self.read_summary(field.message()?)?,
                (6, _) => self.timestamp_ms = Some(field.signed()?),
                (7, MetricKind::Histogram | MetricKind::GaugeHistogram) => self.read_histogram(field.message()?)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn clear(&mut self) {
        self.labels.clear();
        self.rows = Fields::default();
        (self.timestamp_ms, self.start_ms, self.exemplar) = (None, None, None);
        (self.value, self.count, self.sum) = (0.0, 0.0, 0.0);
        let native = &mut self.native;
        for side in [&mut native.positive, &mut native.negative] {
            side.spans.clear();
            side.deltas.clear();
            side.counts.clear();
        }
        native.exemplars = Fields::default();
        (native.schema, native.count, native.zero_count) = (0, 0, 0);
        (native.count_float, native.zero_threshold, native.zero_count_float) = (0.0, 0.0, 0.0);
    }

    /// Gauges and untyped metrics have the first field of counters.
    fn read_single(&mut self, mut fields: Fields<'a>) -> Result<(), ProtobufFault> {
        while let Some(field) = fields.next()? {
            match field.number {
                1 => self.value = field.double()?,
                2 => self.exemplar = Some(field.message()?),
                3 => self.start_ms = Some(timestamp_ms(field.message()?)?),
                _ => {}
            }
        }
        Ok(())
    }

    fn read_summary(&mut self, mut fields: Fields<'a>) -> Result<(), ProtobufFault> {
        self.rows = fields;
        while let Some(field) = fields.next()? {
            match field.number {
                1 => self.count = field.unsigned()? as f64,
                2 => self.sum = field.double()?,
                4 => self.start_ms = Some(timestamp_ms(field.message()?)?),
                _ => {}
            }
        }
        Ok(())
    }

    fn read_histogram(&mut self, mut fields: Fields<'a>) -> Result<(), ProtobufFault> {
        self.rows = fields;
        let native = &mut self.native;
        native.exemplars = fields;
        while let Some(field) = fields.next()? {
            match field.number {
                1 => native.count = field.unsigned()?,
                2 => self.sum = field.double()?,
                4 => native.count_float = field.double()?,
                5 => native.schema = i32::try_from(field.zigzag()?).unwrap_or(i32::MAX),
                6 => native.zero_threshold = field.double()?,
                7 => native.zero_count = field.unsigned()?,
                8 => native.zero_count_float = field.double()?,
                9 => push(&mut native.negative.spans, span(field.message()?)?, "spans", BUCKETS_MAX)?,
                10 => field.zigzags(&mut native.negative.deltas, BUCKETS_MAX)?,
                11 => field.doubles(&mut native.negative.counts, BUCKETS_MAX)?,
                12 => push(&mut native.positive.spans, span(field.message()?)?, "spans", BUCKETS_MAX)?,
                13 => field.zigzags(&mut native.positive.deltas, BUCKETS_MAX)?,
                14 => field.doubles(&mut native.positive.counts, BUCKETS_MAX)?,
                15 => self.start_ms = Some(timestamp_ms(field.message()?)?),
                _ => {}
            }
        }
        self.count = float_or_whole(native.count_float, native.count);
        Ok(())
    }
}

impl NativeParts<'_> {
    /// Whether the histogram is native: one without spans, zero threshold and zero count is only classic.
    pub(super) fn is_some(&self) -> bool {
        let has_spans = !self.positive.spans.is_empty() || !self.negative.spans.is_empty();
        has_spans || self.zero_threshold > 0.0 || self.zero_count > 0
    }

    /// Takes the histogram out.
    pub(super) fn build(&mut self, sum: f64, kind: MetricKind) -> Result<NativeHistogram, ProtobufFault> {
        let is_float = self.count_float > 0.0 || self.zero_count_float > 0.0;
        let reset_hint = if kind == MetricKind::GaugeHistogram { ResetHint::Gauge } else { ResetHint::Unknown };
        let (positive, negative) = (self.positive.take()?, self.negative.take()?);
        if is_float {
            let histogram = FloatHistogram {
                reset_hint,
                schema: self.schema,
                zero_threshold: self.zero_threshold,
                zero_count: self.zero_count_float,
                count: self.count_float,
                sum,
                positive_spans: positive.spans,
                positive_buckets: positive.counts,
                negative_spans: negative.spans,
                negative_buckets: negative.counts,
                custom_values: None,
            };
            histogram.validate().map_err(|source| ProtobufFault::Histogram { source })?;
            return Ok(NativeHistogram::Float(Arc::new(histogram)));
        }
        let histogram = Histogram {
            reset_hint,
            schema: self.schema,
            zero_threshold: self.zero_threshold,
            zero_count: self.zero_count,
            count: self.count,
            sum,
            positive_spans: positive.spans,
            positive_deltas: positive.deltas,
            negative_spans: negative.spans,
            negative_deltas: negative.deltas,
            custom_values: None,
        };
        histogram.validate().map_err(|source| ProtobufFault::Histogram { source })?;
        Ok(NativeHistogram::Integer(Arc::new(histogram)))
    }
}

impl Side {
    /// Takes the buckets out, without the empty span that only says that the histogram is native, and checks that every
    /// bucket has an index.
    fn take(&mut self) -> Result<Self, ProtobufFault> {
        let mut side = std::mem::take(self);
        if side.deltas.is_empty() && side.counts.is_empty() && side.spans.iter().all(|span| span.length == 0) {
            side.spans.clear();
        }
        let mut end = 0_i64;
        for span in &side.spans {
            end += i64::from(span.offset) + i64::from(span.length);
            if i32::try_from(end).is_err() {
                return Err(ProtobufFault::BucketIndex);
            }
        }
        Ok(side)
    }
}

/// The most labels of one metric: no metric has as many, and lists take more memory than they do on the wire.
const LABELS_MAX: usize = 1 << 16;

/// The most spans or buckets on one side of a native histogram.
const BUCKETS_MAX: usize = 1 << 20;

fn push<T>(list: &mut Vec<T>, item: T, what: &'static str, max: usize) -> Result<(), ProtobufFault> {
    if list.len() == max {
        return Err(ProtobufFault::TooMany { what, max });
    }
    list.push(item);
    Ok(())
}

/// The next quantile of a summary: which one, and its value.
pub(super) fn next_quantile(rows: &mut Fields<'_>) -> Result<Option<(f64, f64)>, ProtobufFault> {
    rows.next_of(3)?.map(two_doubles).transpose()
}

/// The next bucket of a histogram.
pub(super) fn next_bucket<'a>(rows: &mut Fields<'a>) -> Result<Option<BucketParts<'a>>, ProtobufFault> {
    rows.next_of(3)?.map(bucket).transpose()
}

/// The next exemplar of a native histogram.
pub(super) fn next_exemplar(rows: &mut Fields<'_>) -> Result<Option<Exemplar>, ProtobufFault> {
    rows.next_of(16)?.map(exemplar).transpose()
}

/// The fractional count if there is one, else the whole one.
fn float_or_whole(float: f64, whole: u64) -> f64 {
    if float == 0.0 { whole as f64 } else { float }
}

fn label<'a>(mut fields: Fields<'a>) -> Result<(&'a str, &'a str), ProtobufFault> {
    let (mut name, mut value) = ("", "");
    while let Some(field) = fields.next()? {
        match field.number {
            1 => name = field.text()?,
            2 => value = field.text()?,
            _ => {}
        }
    }
    Ok((name, value))
}

/// Fields 1 and 2, of a quantile.
fn two_doubles(mut fields: Fields<'_>) -> Result<(f64, f64), ProtobufFault> {
    let (mut first, mut second) = (0.0, 0.0);
    while let Some(field) = fields.next()? {
        match field.number {
            1 => first = field.double()?,
            2 => second = field.double()?,
            _ => {}
        }
    }
    Ok((first, second))
}

fn bucket<'a>(mut fields: Fields<'a>) -> Result<BucketParts<'a>, ProtobufFault> {
    let mut bucket = BucketParts::default();
    let (mut whole, mut float) = (0, 0.0);
    while let Some(field) = fields.next()? {
        match field.number {
            1 => whole = field.unsigned()?,
            2 => bucket.upper_bound = field.double()?,
            3 => bucket.exemplar = Some(field.message()?),
            4 => float = field.double()?,
            _ => {}
        }
    }
    bucket.cumulative_count = float_or_whole(float, whole);
    Ok(bucket)
}

fn span(mut fields: Fields<'_>) -> Result<Span, ProtobufFault> {
    let mut span = Span::default();
    while let Some(field) = fields.next()? {
        match field.number {
            1 => span.offset = i32::try_from(field.zigzag()?).unwrap_or(i32::MAX),
            2 => span.length = u32::try_from(field.unsigned()?).unwrap_or(u32::MAX),
            _ => {}
        }
    }
    Ok(span)
}

/// Milliseconds; nanoseconds are cut off.
fn timestamp_ms(mut fields: Fields<'_>) -> Result<i64, ProtobufFault> {
    let (mut seconds, mut nanos) = (0_i64, 0);
    while let Some(field) = fields.next()? {
        match field.number {
            1 => seconds = field.signed()?,
            2 => nanos = field.signed()?,
            _ => {}
        }
    }
    Ok(seconds.saturating_mul(1000).saturating_add(nanos / 1_000_000))
}

/// Reads an exemplar.
pub(super) fn exemplar(mut fields: Fields<'_>) -> Result<Exemplar, ProtobufFault> {
    let mut exemplar = Exemplar::default();
    let mut labels = Vec::new();
    while let Some(field) = fields.next()? {
        match field.number {
            1 => push(&mut labels, label(field.message()?)?, "labels", LABELS_MAX)?,
            2 => exemplar.value = field.double()?,
            3 => exemplar.timestamp_ms = Some(timestamp_ms(field.message()?)?),
            _ => {}
        }
    }
    exemplar.labels = Labels::from_pairs(labels);
    Ok(exemplar)
}
