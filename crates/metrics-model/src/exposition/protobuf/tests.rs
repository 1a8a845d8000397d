//! What the scrape reader yields, families there and back, and bytes that nobody should send.

use std::sync::Arc;

use super::{ProtobufOptions, ProtobufReader, read_families, write_families};
use crate::exposition::Entry;
use crate::family::{
    Bucket, Exemplar, HistogramValue, MetricFamily, MetricKind, MetricValue, NativeHistogram, Quantile, Summary,
};
use crate::histogram::{FloatHistogram, Histogram, ResetHint, Span};
use crate::labels::Labels;

/// Every entry on a line of its own, then the error if there is one.
fn read(input: &[u8], options: ProtobufOptions) -> String {
    let mut lines = Vec::new();
    let mut reader = ProtobufReader::new(input, options);
    let at = |time: Option<i64>, mark| time.map(|time| format!(" {mark}{time}")).unwrap_or_default();
    let example = |it: &Exemplar| format!(" # {} {}{}", it.labels, it.value, at(it.timestamp_ms, '@'));
    while let Some(entry) = reader.next() {
        lines.push(match entry {
            Ok(Entry::Type { metric, kind }) => format!("type {metric} {kind}"),
            Ok(Entry::Help { metric, text }) => format!("help {metric} {text}"),
            Ok(Entry::Unit { metric, unit }) => format!("unit {metric} {unit}"),
            Ok(Entry::Comment(text)) => format!("comment {text}"),
            Ok(Entry::Sample(sample)) => {
                let labels = sample.labels().map_or_else(|error| error.to_string(), |labels| labels.to_string());
                let times = at(sample.timestamp_ms, '@') + &at(sample.start_ms, '^');
                let exemplar = sample.exemplar.map(|it| example(&it.decode())).unwrap_or_default();
                format!("{labels} {}{times}{exemplar}", sample.value)
            }
            Ok(Entry::Histogram(sample)) => {
                let labels = sample.labels().map_or_else(|error| error.to_string(), |labels| labels.to_string());
                let times = at(sample.timestamp_ms, '@') + &at(sample.start_ms, '^');
                let exemplars: String = sample.exemplars.iter().map(example).collect();
                let (form, count) = match &sample.value {
                    NativeHistogram::Integer(histogram) => ("integer", histogram.count as f64),
                    NativeHistogram::Float(histogram) => ("float", histogram.count),
                };
                format!("{labels} {form} {count}{times}{exemplars}")
            }
            Err(error) => format!("error {error}"),
        });
    }
    lines.join("\n")
}

fn exemplar(value: f64, timestamp_ms: Option<i64>) -> Exemplar {
    Exemplar { labels: Labels::from_pairs([("trace", "x")]), value, timestamp_ms }
}

fn native() -> HistogramValue {
    let histogram = Histogram {
        schema: 3,
        zero_threshold: 0.001,
        zero_count: 2,
        count: 7,
        sum: 12.5,
        positive_spans: vec![Span { offset: -2, length: 2 }],
        positive_deltas: vec![3, -1],
        ..Histogram::default()
    };
    let buckets = vec![Bucket { upper_bound: 1.0, cumulative_count: 5.0, exemplar: Some(exemplar(0.5, None)) }];
    HistogramValue {
        count: 7.0,
        sum: 12.5,
        buckets,
        native: Some(NativeHistogram::Integer(Arc::new(histogram))),
        exemplars: vec![exemplar(0.25, Some(1500)), exemplar(0.75, None)],
        created_ms: Some(1_700_000_000_001),
    }
}

fn families() -> Vec<MetricFamily> {
    let labels = Labels::from_pairs([("a", "b")]);
    let mut counter = MetricFamily::new("c_total", "Help.", MetricKind::Counter);
    let value = MetricValue::Counter { value: 1.5, exemplar: Some(exemplar(1.0, Some(2))), created_ms: Some(-1500) };
    counter.push(labels.clone(), value).metrics[0].timestamp_ms = Some(-3);
    let mut gauge = MetricFamily::new("g_bytes", "", MetricKind::Gauge);
    gauge.unit = "bytes".to_owned();
    gauge.push(Labels::empty(), MetricValue::Gauge(f64::NEG_INFINITY));
    let mut untyped = MetricFamily::new("u.v", "", MetricKind::Unknown);
    untyped.push(labels.clone(), MetricValue::Untyped(0.0)).push(Labels::empty(), MetricValue::Untyped(2.0));
    let mut summary = MetricFamily::new("s", "", MetricKind::Summary);
    let quantiles = vec![Quantile { quantile: 1.0, value: 9.0 }];
    summary.push(labels, MetricValue::Summary(Summary { count: 3.0, sum: 4.0, quantiles, created_ms: Some(5) }));
    let mut histogram = MetricFamily::new("h", "", MetricKind::Histogram);
    histogram.push(Labels::empty(), MetricValue::Histogram(Box::new(native())));
    let mut gauge_histogram = MetricFamily::new("gh", "", MetricKind::GaugeHistogram);
    let float = FloatHistogram { reset_hint: ResetHint::Gauge, count: 2.5, sum: 1.0, ..FloatHistogram::default() };
    let native = Some(NativeHistogram::Float(Arc::new(float)));
    let value = HistogramValue { count: 2.5, sum: 1.0, native, ..HistogramValue::default() };
    gauge_histogram.push(Labels::empty(), MetricValue::Histogram(Box::new(value)));
    vec![counter, gauge, untyped, summary, histogram, gauge_histogram]
}

#[test]
fn families_come_back() {
    let mut bytes = Vec::new();
    write_families(&mut bytes, &families());
    assert_eq!(read_families(&bytes), Ok(families()));
}

#[test]
fn scrape_reader_yields_what_the_text_formats_show() {
    let mut bytes = Vec::new();
    write_families(&mut bytes, &families());
    let before_histograms = "\
help c_total Help.
type c_total counter
c_total{a=\"b\"} 1.5 @-3 ^-1500 # {trace=\"x\"} 1 @2
help g_bytes 
unit g_bytes bytes
type g_bytes gauge
g_bytes -inf
help u.v 
type u.v unknown
{\"u.v\", a=\"b\"} 0
{\"u.v\"} 2
help s 
type s summary
s_count{a=\"b\"} 3 ^5
s_sum{a=\"b\"} 4 ^5
s{a=\"b\", quantile=\"1.0\"} 9 ^5
help h 
type h histogram
";
    let after = "\nhelp gh \ntype gh gaugehistogram\n";
    let native = "h integer 7 ^1700000000001 # {trace=\"x\"} 0.25 @1500";
    let classic = "h_count 7 ^1700000000001\nh_sum 12.5 ^1700000000001\n\
        h_bucket{le=\"1.0\"} 5 ^1700000000001 # {trace=\"x\"} 0.5\nh_bucket{le=\"+Inf\"} 7 ^1700000000001";
    let options = ProtobufOptions::default();
    assert_eq!(read(&bytes, options), format!("{before_histograms}{native}{after}gh float 2.5"));
    let both = ProtobufOptions { classic_with_native: true, ..options };
    assert_eq!(read(&bytes, both), format!("{before_histograms}{native}\n{classic}{after}gh float 2.5"));
    let only_classic = ProtobufOptions { native_histograms: false, ..options };
    let last = "gh_count 2.5\ngh_sum 1\ngh_bucket{le=\"+Inf\"} 2.5";
    assert_eq!(read(&bytes, only_classic), format!("{before_histograms}{classic}{after}{last}"));
}

#[test]
fn hostile_bytes_give_clear_errors() {
    let check = |input: &[u8], expected: &str| {
        assert_eq!(read(input, ProtobufOptions::default()), format!("error {expected}"));
        assert_eq!(read_families(input).map_err(|error| error.to_string()), Err(expected.to_owned()));
    };
    let max = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    check(&max, "byte 0: expected 18446744073709551615 more bytes, got 0");
    check(&[0xff; 11], "byte 0: expected a number of at most ten bytes");
    check(&[0x80], "byte 0: expected 2 more bytes, got 1");
    check(&[2, 0x0a, 0x05], "byte 0: expected 5 more bytes, got 0");
    check(&[0], "byte 0: metric name not set");
    check(&[3, 0x0a, 1, 0xff], "byte 0: invalid UTF-8 \"\\xff\"");
    check(&[2, 0x08, 1], "byte 0: expected field 1 to be a text or message");
    check(&[1, 0x0b], "byte 0: expected a field, got tag 11");
    check(&[5, 0x0a, 1, b'm', 0x18, 9], "byte 0 in metric family \"m\": invalid metric type 9");
}

/// A family `m` of histograms with one metric, whose histogram has these fields.
fn histogram_family(fields: &[u8]) -> Vec<u8> {
    let delimited = |tag: &[u8], body: &[u8]| [tag, &[body.len() as u8], body].concat();
    let metric = delimited(&[0x3a], fields);
    let family = [&[0x0a, 1, b'm', 0x18, 4], &delimited(&[0x22], &metric)[..]].concat();
    delimited(&[], &family)
}

#[test]
fn native_histograms_must_make_sense() {
    let check = |fields: &[u8], expected: &str| {
        let error = read_families(&histogram_family(fields)).expect_err("is refused");
        let mut text = error.fault.to_string();
        if let Some(source) = std::error::Error::source(&error.fault) {
            text = source.to_string();
        }
        assert_eq!(text, expected);
    };
    // One span of 2^32 - 1 buckets, of which there are none; and one that no index reaches.
    let huge = [0x62, 6, 0x10, 0xff, 0xff, 0xff, 0xff, 0x0f];
    check(&huge, "native histogram: bucket index out of range");
    let ten = [0x62, 2, 0x10, 10];
    check(
        &ten,
        "spans need 10 buckets, have 0 buckets: histogram spans specify different number of buckets than provided",
    );
    let two_far = [0x62, 6, 0x08, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0x62, 4, 0x08, 2, 0x10, 10];
    check(&two_far, "native histogram: bucket index out of range");
    // Schema 9.
    check(
        &[0x28, 18, 0x38, 1],
        "histogram has an invalid schema, which must be between -4 and 8 for exponential buckets, or -53 for custom \
         buckets, got schema 9",
    );
}

#[test]
fn every_cut_is_an_error_or_a_shorter_list() {
    let mut bytes = Vec::new();
    write_families(&mut bytes, &families());
    for len in 0..bytes.len() {
        if let Ok(fewer) = read_families(&bytes[..len]) {
            assert!(families().starts_with(&fewer) && fewer.len() < families().len());
        }
    }
}
