//! Metric families as the message of remote write 1.0.

use std::collections::BTreeMap;

use metrics_model::family::{MetricFamily, MetricKind, MetricValue};
use metrics_model::name::METRIC_NAME;
use metrics_model::number::format_float;
use prost::Message as _;

/// The message.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    pub(super) series: Vec<TimeSeries>,
    #[prost(message, repeated, tag = "3")]
    metadata: Vec<Metadata>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    pub(super) labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    pub(super) samples: Vec<Sample>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Label {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) value: String,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct Sample {
    #[prost(double, tag = "1")]
    pub(super) value: f64,
    #[prost(int64, tag = "2")]
    pub(super) timestamp_ms: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Metadata {
    #[prost(int32, tag = "1")]
    kind: i32,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(string, tag = "4")]
    help: String,
    #[prost(string, tag = "5")]
    unit: String,
}

/// The message for some families, encoded. `labels` are added to every series; samples without a time get `now_ms`.
pub(super) fn message(families: &[MetricFamily], labels: &[(String, String)], now_ms: i64) -> Vec<u8> {
    let mut writer = Writer { request: WriteRequest::default(), more: labels };
    for family in families {
        writer.family(family, now_ms);
    }
    writer.request.encode_to_vec()
}

struct Writer<'a> {
    request: WriteRequest,
    more: &'a [(String, String)],
}

impl Writer<'_> {
    fn family(&mut self, family: &MetricFamily, now_ms: i64) {
        self.request.metadata.push(Metadata {
            kind: kind(family.kind),
            name: family.name.clone(),
            help: family.help.clone(),
            unit: family.unit.clone(),
        });
        for metric in &family.metrics {
            let labels: BTreeMap<&str, &str> = metric.labels.iter().collect();
            let time_ms = metric.timestamp_ms.unwrap_or(now_ms);
            let mut add = |suffix: &str, special: Option<(&str, f64)>, value: f64| {
                let name = format!("{}{suffix}", family.name);
                self.series(&name, &labels, special, Sample { value, timestamp_ms: time_ms });
            };
            match &metric.value {
                MetricValue::Counter { value, .. } | MetricValue::Gauge(value) | MetricValue::Untyped(value) => {
                    add("", None, *value);
                }
                MetricValue::Summary(summary) => {
                    for quantile in &summary.quantiles {
                        add("", Some(("quantile", quantile.quantile)), quantile.value);
                    }
                    add("_sum", None, summary.sum);
                    add("_count", None, summary.count);
                }
                MetricValue::Histogram(histogram) => {
                    for bucket in &histogram.buckets {
                        add("_bucket", Some(("le", bucket.upper_bound)), bucket.cumulative_count);
                    }
                    if histogram.buckets.last().is_some_and(|bucket| bucket.upper_bound != f64::INFINITY) {
                        add("_bucket", Some(("le", f64::INFINITY)), histogram.count);
                    }
                    add("_sum", None, histogram.sum);
                    add("_count", None, histogram.count);
                }
            }
        }
    }

    fn series(&mut self, name: &str, labels: &BTreeMap<&str, &str>, special: Option<(&str, f64)>, sample: Sample) {
        let mut all: BTreeMap<&str, String> =
            self.more.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        all.extend(labels.iter().map(|(name, value)| (*name, (*value).to_owned())));
        all.extend(special.map(|(name, value)| (name, format_float(value))));
        all.insert(METRIC_NAME, name.to_owned());
        let labels = all.into_iter().map(|(name, value)| Label { name: name.to_owned(), value }).collect();
        self.request.series.push(TimeSeries { labels, samples: vec![sample] });
    }
}

/// The number of a kind in the message.
fn kind(kind: MetricKind) -> i32 {
    match kind {
        MetricKind::Unknown => 0,
        MetricKind::Counter => 1,
        MetricKind::Gauge => 2,
        MetricKind::Histogram => 3,
        MetricKind::GaugeHistogram => 4,
        MetricKind::Summary => 5,
        MetricKind::Info => 6,
        MetricKind::StateSet => 7,
    }
}
