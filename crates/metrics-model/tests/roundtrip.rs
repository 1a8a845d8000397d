//! What is written reads back the same, in every format, and no bytes at all make a reader panic.

use std::sync::Arc;

use metrics_model::exposition::openmetrics::{self, CreatedLines};
use metrics_model::exposition::protobuf::{self, ProtobufOptions};
use metrics_model::exposition::{Entry, MediaType, ReadOptions, Reader, text};
use metrics_model::family::{Bucket, HistogramValue, NativeHistogram, Quantile, Summary};
use metrics_model::name::NameScheme;
use metrics_model::{Exemplar, Histogram, Labels, Metric, MetricFamily, MetricKind, MetricValue, ResetHint, Span};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;

/// Label values: anything, with what needs escapes more often than chance has it.
fn value_text() -> impl Strategy<Value = String> {
    "(\\PC|[\\\\\"\n{},=# ]){0,12}"
}

/// Names of labels, within the legacy alphabet and outside of it.
fn label_name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-k_][a-k0-9_]{0,5}", "[a-k]\\.[ \"\\\\a-z\u{e9}]{1,4}"]
}

fn labels() -> impl Strategy<Value = Labels> {
    vec((label_name(), value_text()), 0..4).prop_map(|pairs| {
        let pairs = pairs.iter().filter(|(name, _)| name != "le" && name != "quantile");
        Labels::as_shown(pairs.map(|(name, value)| (name.as_str(), value.as_str())).collect())
    })
}

/// Labels that often begin alike, with short values and with long ones.
fn similar_labels() -> impl Strategy<Value = Labels> {
    let value = prop_oneof![4 => "[ab\u{e9}\u{e8}]{1,3}", 1 => "a{62,66}[ab]"];
    vec(("[ab]{1,2}", value), 0..5).prop_map(Labels::from_pairs)
}

/// Numbers of every size that are not negative.
fn number() -> impl Strategy<Value = f64> {
    let any_size = any::<f64>().prop_map(f64::abs).prop_filter("NaN", |value| !value.is_nan());
    prop_oneof![(0..10_u32).prop_map(f64::from), any::<u32>().prop_map(f64::from), any_size]
}

/// Whole counts that a float holds exactly.
fn count() -> impl Strategy<Value = f64> {
    (0..1_u64 << 53).prop_map(|count| count as f64)
}

fn exemplar() -> impl Strategy<Value = Exemplar> {
    (vec(("[a-z]{1,5}", "[ -~]{1,9}"), 0..3), number(), option::of(0..4_000_000_000_i64)).prop_map(
        |(pairs, value, seconds)| Exemplar {
            labels: Labels::from_pairs(pairs),
            value,
            timestamp_ms: seconds.map(|seconds| seconds * 1000),
        },
    )
}

fn created() -> impl Strategy<Value = Option<i64>> {
    option::of(0..4_000_000_000_000_i64)
}

fn counter() -> impl Strategy<Value = MetricValue> {
    (number(), option::of(exemplar()), created()).prop_map(|(value, exemplar, created_ms)| MetricValue::Counter {
        value,
        exemplar,
        created_ms,
    })
}

fn summary() -> impl Strategy<Value = MetricValue> {
    (count(), number(), vec(number(), 0..4), created()).prop_map(|(count, sum, values, created_ms)| {
        let quantiles = [0.25, 0.5, 0.99, 1.0].into_iter().zip(values);
        let quantiles = quantiles.map(|(quantile, value)| Quantile { quantile, value }).collect();
        MetricValue::Summary(Summary { count, sum, quantiles, created_ms })
    })
}

/// Classic buckets with the one for `+Inf`, and the count that fits them.
fn classic() -> impl Strategy<Value = HistogramValue> {
    let bounds = btree_set(0..1000_u32, 0..5);
    (bounds, vec((0..1_u64 << 40, option::of(exemplar())), 6), number(), created()).prop_map(
        |(bounds, steps, sum, created_ms)| {
            let bounds = bounds.into_iter().map(|bound| f64::from(bound) / 8.0).chain([f64::INFINITY]);
            let mut count = 0.0;
            let buckets = bounds.zip(steps).map(|(upper_bound, (step, exemplar))| {
                count += step as f64;
                Bucket { upper_bound, cumulative_count: count, exemplar }
            });
            let buckets = buckets.collect();
            HistogramValue { count, sum, buckets, created_ms, ..HistogramValue::default() }
        },
    )
}

/// A classic histogram that is native too.
fn native() -> impl Strategy<Value = HistogramValue> {
    let counts = || vec(any::<u32>(), 0..5);
    (classic(), -4..=8_i32, any::<u32>(), number(), (counts(), counts(), -100..100_i32), vec(exemplar(), 0..3))
        .prop_map(|(classic, schema, zero_count, zero_threshold, (positive, negative, offset), exemplars)| {
            let spans = |counts: &[u32]| match u32::try_from(counts.len()) {
                Ok(0) | Err(_) => Vec::new(),
                Ok(length) => vec![Span { offset, length }],
            };
            let deltas = |counts: &[u32]| {
                let before = [0].into_iter().chain(counts.iter().copied());
                counts.iter().zip(before).map(|(count, before)| i64::from(*count) - i64::from(before)).collect()
            };
            let buckets = positive.iter().chain(&negative).map(|count| u64::from(*count));
            let count = u64::from(zero_count) + buckets.sum::<u64>();
            let histogram = Histogram {
                schema,
                zero_threshold,
                zero_count: u64::from(zero_count),
                count,
                sum: classic.sum,
                positive_spans: spans(&positive),
                positive_deltas: deltas(&positive),
                negative_spans: spans(&negative),
                negative_deltas: deltas(&negative),
                ..Histogram::default()
            };
            let native = Some(NativeHistogram::Integer(Arc::new(histogram)));
            HistogramValue { count: count as f64, native, exemplars, ..classic }
        })
}

/// As [`native`], with fractional counts.
fn float_native() -> impl Strategy<Value = HistogramValue> {
    (native(), 1..1000_u32).prop_map(|(value, more)| {
        let Some(NativeHistogram::Integer(integer)) = &value.native else { return value };
        let mut float = integer.to_float();
        // Half a count in the zero bucket: no whole number says that.
        float.zero_count += f64::from(more) + 0.5;
        float.count += f64::from(more) + 0.5;
        HistogramValue { count: float.count, native: Some(NativeHistogram::Float(Arc::new(float))), ..value }
    })
}

/// A histogram of what is there now, not of what was counted: it may shrink.
fn of_gauge(mut value: HistogramValue) -> HistogramValue {
    match &mut value.native {
        Some(NativeHistogram::Integer(histogram)) => Arc::make_mut(histogram).reset_hint = ResetHint::Gauge,
        Some(NativeHistogram::Float(histogram)) => Arc::make_mut(histogram).reset_hint = ResetHint::Gauge,
        None => {}
    }
    value
}

/// A family with a unit, which its name ends in.
fn with_unit(mut family: MetricFamily) -> MetricFamily {
    let base = family.name.strip_suffix("_total").unwrap_or(&family.name).to_owned();
    let suffix = family.name[base.len()..].to_owned();
    family.name = format!("{base}_seconds{suffix}");
    family.unit = "seconds".to_owned();
    family
}

/// A family of the kind with one metric for each value; `index` keeps names and label sets apart.
fn family(
    kind: MetricKind,
    suffix: &'static str,
    value: impl Strategy<Value = MetricValue>,
) -> impl Strategy<Value = MetricFamily> {
    let metrics = vec((labels(), value, option::of(0..4_000_000_000_i64)), 1..4);
    let name = prop_oneof!["[a-z_:][a-z0-9_:]{0,6}z", "[a-z]\\.[a-z\u{e9} \"]{1,4}z"];
    (name, "([!-~\u{e9}]([ -~\u{e9}\n]{0,12}))?", metrics).prop_map(move |(name, help, metrics)| {
        let mut family = MetricFamily::new(name + suffix, help, kind);
        for (index, (labels, value, seconds)) in metrics.into_iter().enumerate() {
            let index = index.to_string();
            let labels = Labels::as_shown(labels.iter().chain([("zz", index.as_str())]).collect());
            family.metrics.push(Metric { labels, value, timestamp_ms: seconds.map(|seconds| seconds * 1000) });
        }
        family
    })
}

fn boxed(histogram: HistogramValue) -> MetricValue {
    MetricValue::Histogram(Box::new(histogram))
}

/// One family of each kind that every format has, under names that do not clash.
fn families() -> impl Strategy<Value = Vec<MetricFamily>> {
    (
        family(MetricKind::Counter, "_a_total", counter()),
        family(
            MetricKind::Gauge,
            "_b",
            any::<f64>().prop_filter("NaN", |value| !value.is_nan()).prop_map(MetricValue::Gauge),
        ),
        family(MetricKind::Unknown, "_c", number().prop_map(MetricValue::Untyped)),
        family(MetricKind::Summary, "_d", summary()),
        family(MetricKind::Histogram, "_e", classic().prop_map(boxed)),
    )
        .prop_map(|(a, b, c, d, e)| vec![a, b, c, d, e])
}

/// Without what the classic text format does not say.
fn as_classic(mut families: Vec<MetricFamily>) -> Vec<MetricFamily> {
    for metric in families.iter_mut().flat_map(|family| &mut family.metrics) {
        match &mut metric.value {
            MetricValue::Counter { exemplar, created_ms, .. } => (*exemplar, *created_ms) = (None, None),
            MetricValue::Summary(summary) => summary.created_ms = None,
            MetricValue::Histogram(histogram) => {
                histogram.created_ms = None;
                histogram.buckets.iter_mut().for_each(|bucket| bucket.exemplar = None);
            }
            MetricValue::Gauge(_) | MetricValue::Untyped(_) => {}
        }
    }
    families
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn labels_are_ordered_by_name_and_then_value(a in similar_labels(), b in similar_labels()) {
        prop_assert_eq!(a.cmp(&b), a.iter().cmp(b.iter()), "{:?} and {:?}", a, b);
    }

    #[test]
    fn classic_text(families in families().prop_map(as_classic)) {
        let mut page = String::new();
        text::write_families(&mut page, &families);
        prop_assert_eq!(text::read_families(page.as_bytes(), NameScheme::Utf8), Ok(families), "{}", page);
    }

    #[test]
    fn openmetrics_text(
        mut families in families(),
        gauge_histogram in family(MetricKind::GaugeHistogram, "_f", classic().prop_map(|mut histogram| {
            histogram.created_ms = None;
            boxed(histogram)
        })),
        info in family(MetricKind::Info, "_g_info", Just(MetricValue::Gauge(1.0))),
        units in (family(MetricKind::Counter, "_h_total", counter()), family(MetricKind::Summary, "_i", summary())),
    ) {
        // All info metrics of a family have a timestamp or none has.
        let mut info = info;
        info.metrics.iter_mut().for_each(|metric| metric.timestamp_ms = None);
        families.extend([gauge_histogram, info, with_unit(units.0), with_unit(units.1)]);
        let mut page = String::new();
        openmetrics::write_families(&mut page, &families, CreatedLines::Write);
        prop_assert_eq!(openmetrics::read_families(page.as_bytes()), Ok(families), "{}", page);
    }

    #[test]
    fn protobuf_messages(
        mut families in families(),
        native in family(MetricKind::Histogram, "_f", native().prop_map(boxed)),
        float in family(MetricKind::Histogram, "_g", float_native().prop_map(boxed)),
        gauge in family(MetricKind::GaugeHistogram, "_h", native().prop_map(of_gauge).prop_map(boxed)),
        float_gauge in family(MetricKind::GaugeHistogram, "_i", float_native().prop_map(of_gauge).prop_map(boxed)),
        unit in family(MetricKind::Gauge, "_j", number().prop_map(MetricValue::Gauge)),
    ) {
        families.extend([native, float, gauge, float_gauge, with_unit(unit)]);
        let mut bytes = Vec::new();
        protobuf::write_families(&mut bytes, &families);
        prop_assert_eq!(protobuf::read_families(&bytes), Ok(families));
    }

    /// The scrape readers see the same series and values in all formats.
    #[test]
    fn scrapes_agree(families in families().prop_map(as_classic)) {
        let mut classic = String::new();
        text::write_families(&mut classic, &families);
        let mut openmetrics = String::new();
        openmetrics::write_families(&mut openmetrics, &families, CreatedLines::Omit);
        let mut messages = Vec::new();
        protobuf::write_families(&mut messages, &families);
        let expected = series(MediaType::Text, classic.as_bytes());
        prop_assert_eq!(&series(MediaType::OpenMetrics, openmetrics.as_bytes()), &expected);
        prop_assert_eq!(&series(MediaType::Protobuf, &messages), &expected);
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in vec(any::<u8>(), 0..200), line in "([a#{\" ,=}\\\\0-9.\n]|# TYPE a counter\n|le=\"){0,60}") {
        for input in [bytes.as_slice(), line.as_bytes()] {
            for media_type in [MediaType::Text, MediaType::OpenMetrics, MediaType::Protobuf] {
                series(media_type, input);
            }
            let _any_result = text::read_families(input, NameScheme::Utf8);
            let _any_result = openmetrics::read_families(input);
            let _any_result = protobuf::read_families(input);
        }
    }
}

/// Labels, value and time of every sample, sorted.
fn series(media_type: MediaType, input: &[u8]) -> Vec<String> {
    let protobuf = ProtobufOptions { native_histograms: false, ..ProtobufOptions::default() };
    let mut reader = Reader::new(media_type, input, ReadOptions { fold_created: true, protobuf });
    let mut lines = Vec::new();
    while let Some(entry) = reader.next() {
        if let Ok(Entry::Sample(sample)) = entry {
            lines.push(format!("{:?} {:?} {:?}", sample.labels(), sample.value, sample.timestamp_ms));
        }
    }
    lines.sort_unstable();
    lines
}
