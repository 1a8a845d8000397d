//! Checked samples as a metric family.

use super::{OpenFamily, StrictSample};
use crate::family::{Bucket, HistogramValue, Metric, MetricFamily, MetricKind, MetricValue, Quantile, Summary};
use crate::number::parse_float;

/// The family under the name that the classic format shows: counters and info metrics with their suffix.
pub(super) fn assemble(family: OpenFamily) -> MetricFamily {
    let kind = family.kind();
    let suffix = match kind {
        MetricKind::Counter => "_total",
        MetricKind::Info => "_info",
        _ => "",
    };
    let metrics = match kind {
        MetricKind::Counter | MetricKind::Summary | MetricKind::Histogram | MetricKind::GaugeHistogram => {
            grouped(&family.samples, kind)
        }
        _ => family.samples.iter().map(|sample| single(sample, kind)).collect(),
    };
    MetricFamily {
        name: family.name + suffix,
        help: family.help.unwrap_or_default(),
        kind,
        unit: family.unit.unwrap_or_default(),
        metrics,
    }
}

/// A metric that is one sample.
fn single(sample: &StrictSample, kind: MetricKind) -> Metric {
    let value = match kind {
        MetricKind::Unknown => MetricValue::Untyped(sample.value),
        _ => MetricValue::Gauge(sample.value),
    };
    Metric { labels: sample.labels.clone(), value, timestamp_ms: sample.timestamp_ms }
}

/// Metrics of which each is a run of samples with the same labels and time. A sample that the run already has begins the
/// next.
fn grouped(samples: &[StrictSample], kind: MetricKind) -> Vec<Metric> {
    let mut metrics: Vec<Metric> = Vec::new();
    let mut run_start = 0;
    for (index, sample) in samples.iter().enumerate() {
        let continues = metrics.last().is_some_and(|metric| {
            let is_again = |before: &StrictSample| before.suffix == sample.suffix && before.labels == sample.labels;
            let same_time = metric.timestamp_ms == sample.timestamp_ms || sample.suffix == "_created";
            metric.labels == sample.group && same_time && !samples[run_start..index].iter().any(is_again)
        });
        if !continues {
            run_start = index;
            let value = match kind {
                MetricKind::Counter => MetricValue::counter(0.0),
                MetricKind::Summary => MetricValue::Summary(Summary::default()),
                _ => MetricValue::Histogram(Box::default()),
            };
            metrics.push(Metric { labels: sample.group.clone(), value, timestamp_ms: sample.timestamp_ms });
        }
        if let Some(metric) = metrics.last_mut() {
            add(&mut metric.value, sample);
        }
    }
    metrics
}

fn add(metric: &mut MetricValue, sample: &StrictSample) {
    let number = sample.value;
    // A time in seconds that the standard wants to be near the present, so that the cast keeps its milliseconds.
    let created = || Some((number * 1000.0).round() as i64);
    match metric {
        MetricValue::Counter { value, exemplar, created_ms } => match sample.suffix.as_str() {
            "_created" => *created_ms = created(),
            _ => (*value, *exemplar) = (number, sample.exemplar.clone()),
        },
        MetricValue::Summary(summary) => match sample.suffix.as_str() {
            "_created" => summary.created_ms = created(),
            "_count" => summary.count = number,
            "_sum" => summary.sum = number,
            _ => {
                let quantile = parse_float(sample.labels.get_or_empty("quantile")).unwrap_or(f64::NAN);
                summary.quantiles.push(Quantile { quantile, value: number });
            }
        },
        MetricValue::Histogram(histogram) => add_to_histogram(histogram, sample, created()),
        MetricValue::Gauge(_) | MetricValue::Untyped(_) => {}
    }
}

fn add_to_histogram(histogram: &mut HistogramValue, sample: &StrictSample, created: Option<i64>) {
    match sample.suffix.as_str() {
        "_created" => histogram.created_ms = created,
        "_count" | "_gcount" => histogram.count = sample.value,
        "_sum" | "_gsum" => histogram.sum = sample.value,
        _ => {
            let upper_bound = parse_float(sample.labels.get_or_empty("le")).unwrap_or(f64::NAN);
            let exemplar = sample.exemplar.clone();
            histogram.buckets.push(Bucket { upper_bound, cumulative_count: sample.value, exemplar });
        }
    }
}
