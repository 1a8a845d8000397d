//! What remote write takes: protobuf in snappy blocks, as little of both as is needed.

use metrics_model::varint::{put as put_varint, zigzag};
use metrics_model::{FloatHistogram, Labels, Span};

/// One series with its samples.
pub(crate) struct WireSeries<'a> {
    pub(crate) labels: &'a Labels,
    pub(crate) floats: Vec<(i64, f64)>,
    pub(crate) histograms: Vec<(i64, &'a FloatHistogram)>,
}

/// A write request.
pub(crate) fn write_request(series: &[WireSeries<'_>]) -> Vec<u8> {
    let mut request = Vec::new();
    for series in series {
        let mut body = Vec::new();
        for (name, value) in series.labels {
            let mut label = Vec::new();
            put_bytes(&mut label, 1, name.as_bytes());
            put_bytes(&mut label, 2, value.as_bytes());
            put_bytes(&mut body, 1, &label);
        }
        for (time_ms, value) in &series.floats {
            let mut sample = Vec::new();
            put_double(&mut sample, 1, *value);
            put_varint_field(&mut sample, 2, *time_ms as u64);
            put_bytes(&mut body, 2, &sample);
        }
        for (time_ms, histogram) in &series.histograms {
            put_bytes(&mut body, 4, &encode_histogram(*time_ms, histogram));
        }
        put_bytes(&mut request, 1, &body);
    }
    snappy(&request)
}

fn encode_histogram(time_ms: i64, histogram: &FloatHistogram) -> Vec<u8> {
    let mut body = Vec::new();
    put_double(&mut body, 2, histogram.count);
    put_double(&mut body, 3, histogram.sum);
    put_varint_field(&mut body, 4, zigzag(i64::from(histogram.schema)));
    put_double(&mut body, 5, histogram.zero_threshold);
    put_double(&mut body, 7, histogram.zero_count);
    put_spans(&mut body, 8, &histogram.negative_spans);
    put_doubles(&mut body, 10, &histogram.negative_buckets);
    put_spans(&mut body, 11, &histogram.positive_spans);
    put_doubles(&mut body, 13, &histogram.positive_buckets);
    if histogram.reset_hint == metrics_model::ResetHint::Gauge {
        put_varint_field(&mut body, 14, 3);
    }
    put_varint_field(&mut body, 15, time_ms as u64);
    put_doubles(&mut body, 16, histogram.custom_bounds());
    body
}

fn put_spans(out: &mut Vec<u8>, field: u64, spans: &[Span]) {
    for span in spans {
        let mut body = Vec::new();
        put_varint_field(&mut body, 1, zigzag(i64::from(span.offset)));
        put_varint_field(&mut body, 2, u64::from(span.length));
        put_bytes(out, field, &body);
    }
}

fn put_doubles(out: &mut Vec<u8>, field: u64, numbers: &[f64]) {
    if !numbers.is_empty() {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        put_bytes(out, field, &bytes);
    }
}

fn put_double(out: &mut Vec<u8>, field: u64, number: f64) {
    put_varint(out, field << 3 | 1);
    out.extend_from_slice(&number.to_le_bytes());
}

fn put_varint_field(out: &mut Vec<u8>, field: u64, number: u64) {
    put_varint(out, field << 3);
    put_varint(out, number);
}

fn put_bytes(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    put_varint(out, field << 3 | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// A snappy block of nothing but literals.
fn snappy(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 1000 + 16);
    put_varint(&mut out, bytes.len() as u64);
    for chunk in bytes.chunks(60_000) {
        out.push(61 << 2);
        out.extend_from_slice(&((chunk.len() - 1) as u16).to_le_bytes());
        out.extend_from_slice(chunk);
    }
    out
}
