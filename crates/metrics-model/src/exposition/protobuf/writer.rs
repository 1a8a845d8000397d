//! The writer of the protobuf format, by way of the generated messages.

use prost::Message;
use proto::client;

use crate::family::{
    Bucket, Exemplar, HistogramValue, Metric, MetricFamily, MetricKind, MetricValue, NativeHistogram, Summary,
};
use crate::histogram::{CUSTOM_BUCKETS_SCHEMA, FloatHistogram, Histogram, Span};
use crate::labels::Labels;

/// Appends all `families`.
pub fn write_families<'a>(out: &mut Vec<u8>, families: impl IntoIterator<Item = &'a MetricFamily>) {
    for family in families {
        write_family(out, family);
    }
}

/// Appends one family after its length. Info metrics and state sets, which the format does not know, become gauges; of
/// native histograms with custom buckets only the classic part is written.
pub fn write_family(out: &mut Vec<u8>, family: &MetricFamily) {
    let kind = match family.kind {
        MetricKind::Counter => client::MetricType::Counter,
        MetricKind::Gauge | MetricKind::Info | MetricKind::StateSet => client::MetricType::Gauge,
        MetricKind::Summary => client::MetricType::Summary,
        MetricKind::Histogram => client::MetricType::Histogram,
        MetricKind::GaugeHistogram => client::MetricType::GaugeHistogram,
        MetricKind::Unknown => client::MetricType::Untyped,
    };
    let message = client::MetricFamily {
        name: Some(family.name.clone()),
        help: Some(family.help.clone()),
        r#type: Some(kind.into()),
        metric: family.metrics.iter().map(metric).collect(),
        unit: (!family.unit.is_empty()).then(|| family.unit.clone()),
    };
    out.extend_from_slice(&message.encode_length_delimited_to_vec());
}

fn metric(metric: &Metric) -> client::Metric {
    let mut message = client::Metric {
        label: labels(&metric.labels),
        timestamp_ms: metric.timestamp_ms,
        ..client::Metric::default()
    };
    match &metric.value {
        MetricValue::Counter { value, exemplar: example, created_ms } => {
            message.counter = Some(client::Counter {
                value: Some(*value),
                exemplar: example.as_ref().map(exemplar),
                created_timestamp: created_ms.map(timestamp),
            });
        }
        MetricValue::Gauge(value) => message.gauge = Some(client::Gauge { value: Some(*value) }),
        MetricValue::Untyped(value) => message.untyped = Some(client::Untyped { value: Some(*value) }),
        MetricValue::Summary(value) => message.summary = Some(summary(value)),
        MetricValue::Histogram(value) => message.histogram = Some(histogram(value)),
    }
    message
}

fn summary(summary: &Summary) -> client::Summary {
    let quantiles = summary.quantiles.iter();
    client::Summary {
        sample_count: Some(summary.count as u64),
        sample_sum: Some(summary.sum),
        quantile: quantiles
            .map(|quantile| client::Quantile { quantile: Some(quantile.quantile), value: Some(quantile.value) })
            .collect(),
        created_timestamp: summary.created_ms.map(timestamp),
    }
}

fn histogram(histogram: &HistogramValue) -> client::Histogram {
    let (sample_count, sample_count_float) = whole_or_float(histogram.count);
    let mut message = client::Histogram {
        sample_count,
        sample_count_float,
        sample_sum: Some(histogram.sum),
        bucket: histogram.buckets.iter().map(bucket).collect(),
        created_timestamp: histogram.created_ms.map(timestamp),
        exemplars: histogram.exemplars.iter().map(exemplar).collect(),
        ..client::Histogram::default()
    };
    match &histogram.native {
        Some(NativeHistogram::Integer(native)) if native.schema != CUSTOM_BUCKETS_SCHEMA => {
            integer(&mut message, native)
        }
        Some(NativeHistogram::Float(native)) if native.schema != CUSTOM_BUCKETS_SCHEMA => float(&mut message, native),
        _ => {}
    }
    message
}

fn integer(message: &mut client::Histogram, native: &Histogram) {
    message.schema = Some(native.schema);
    message.zero_threshold = Some(native.zero_threshold);
    message.zero_count = Some(native.zero_count);
    message.sample_count = Some(native.count);
    message.sample_count_float = None;
    message.positive_span = spans(&native.positive_spans);
    message.positive_delta.clone_from(&native.positive_deltas);
    message.negative_span = spans(&native.negative_spans);
    message.negative_delta.clone_from(&native.negative_deltas);
    mark_native(message);
}

fn float(message: &mut client::Histogram, native: &FloatHistogram) {
    message.schema = Some(native.schema);
    message.zero_threshold = Some(native.zero_threshold);
    message.zero_count_float = Some(native.zero_count);
    message.sample_count = None;
    message.sample_count_float = Some(native.count);
    message.positive_span = spans(&native.positive_spans);
    message.positive_count.clone_from(&native.positive_buckets);
    message.negative_span = spans(&native.negative_spans);
    message.negative_count.clone_from(&native.negative_buckets);
    mark_native(message);
}

/// Adds the empty span that tells a native histogram without anything in it from a classic one.
fn mark_native(message: &mut client::Histogram) {
    if message.positive_span.is_empty() && message.negative_span.is_empty() {
        message.positive_span.push(client::BucketSpan { offset: Some(0), length: Some(0) });
    }
}

fn spans(spans: &[Span]) -> Vec<client::BucketSpan> {
    spans.iter().map(|span| client::BucketSpan { offset: Some(span.offset), length: Some(span.length) }).collect()
}

fn bucket(bucket: &Bucket) -> client::Bucket {
    let (cumulative_count, cumulative_count_float) = whole_or_float(bucket.cumulative_count);
    client::Bucket {
        cumulative_count,
        cumulative_count_float,
        upper_bound: Some(bucket.upper_bound),
        exemplar: bucket.exemplar.as_ref().map(exemplar),
    }
}

/// A count in the one of two fields that can hold it.
fn whole_or_float(count: f64) -> (Option<u64>, Option<f64>) {
    // Every whole float below 2^64 is also such an integer.
    let is_whole = count.fract() == 0.0 && (0.0..18_446_744_073_709_551_616.0).contains(&count);
    if is_whole { (Some(count as u64), None) } else { (None, Some(count)) }
}

fn exemplar(exemplar: &Exemplar) -> client::Exemplar {
    client::Exemplar {
        label: labels(&exemplar.labels),
        value: Some(exemplar.value),
        timestamp: exemplar.timestamp_ms.map(timestamp),
    }
}

fn labels(labels: &Labels) -> Vec<client::LabelPair> {
    let pair =
        |(name, value): (&str, &str)| client::LabelPair { name: Some(name.to_owned()), value: Some(value.to_owned()) };
    labels.iter().map(pair).collect()
}

fn timestamp(ms: i64) -> client::Timestamp {
    // A remainder below 1000 times a million fits.
    let nanos = i32::try_from(ms.rem_euclid(1000) * 1_000_000).unwrap_or(0);
    client::Timestamp { seconds: Some(ms.div_euclid(1000)), nanos: Some(nanos) }
}
