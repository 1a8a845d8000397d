//! The client library's families to ours.

use metrics_model::Labels;
use metrics_model::family::{Bucket, HistogramValue, Metric, MetricFamily, MetricKind, MetricValue};
use prometheus::proto;

pub(crate) fn family(family: &proto::MetricFamily) -> MetricFamily {
    let kind = match family.get_field_type() {
        proto::MetricType::COUNTER => MetricKind::Counter,
        proto::MetricType::GAUGE => MetricKind::Gauge,
        proto::MetricType::HISTOGRAM => MetricKind::Histogram,
        proto::MetricType::SUMMARY => MetricKind::Summary,
        proto::MetricType::UNTYPED => MetricKind::Unknown,
    };
    let mut converted = MetricFamily::new(family.name(), family.help(), kind);
    converted.metrics = family
        .get_metric()
        .iter()
        .map(|metric| Metric {
            labels: Labels::from_pairs(metric.get_label().iter().map(|label| (label.name(), label.value()))),
            value: value(metric, kind),
            timestamp_ms: None,
        })
        .collect();
    converted
}

fn value(metric: &proto::Metric, kind: MetricKind) -> MetricValue {
    match kind {
        MetricKind::Counter => MetricValue::counter(metric.get_counter().get_value()),
        MetricKind::Histogram => MetricValue::Histogram(Box::new(histogram(metric.get_histogram()))),
        _ => MetricValue::Gauge(metric.get_gauge().get_value()),
    }
}

fn histogram(histogram: &proto::Histogram) -> HistogramValue {
    HistogramValue {
        count: histogram.get_sample_count() as f64,
        sum: histogram.get_sample_sum(),
        buckets: histogram
            .get_bucket()
            .iter()
            .map(|bucket| Bucket {
                upper_bound: bucket.upper_bound(),
                cumulative_count: bucket.cumulative_count() as f64,
                exemplar: None,
            })
            .collect(),
        ..HistogramValue::default()
    }
}
