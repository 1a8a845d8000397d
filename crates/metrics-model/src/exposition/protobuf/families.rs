//! Whole families from the protobuf format, for what is pushed.

use super::message::{FamilyHead, METRIC_FIELD, MetricParts, exemplar, next_bucket, next_exemplar, next_quantile};
use super::wire::Fields;
use super::{ProtobufError, ProtobufFault};
use crate::exposition::error::Found;
use crate::family::{
    Bucket, HistogramValue, Metric, MetricFamily, MetricKind, MetricValue, NativeHistogram, Quantile, Summary,
};
use crate::labels::Labels;

/// Reads all of `input` into families, in order; those without metrics too.
///
/// # Errors
/// [`ProtobufError`] at the first fault.
pub fn read_families(input: &[u8]) -> Result<Vec<MetricFamily>, ProtobufError> {
    let mut messages = Fields::new(input);
    let mut families = Vec::new();
    while messages.left() > 0 {
        let offset = input.len() - messages.left();
        let failed = |name: &str, fault| {
            let family = (!name.is_empty()).then(|| Found::new(name.as_bytes()));
            ProtobufError { offset, family, fault }
        };
        let message = messages.delimited().map_err(|fault| failed("", fault))?;
        let (head, result) = FamilyHead::read(Fields::new(message));
        let metrics = result.and_then(|()| read_metrics(Fields::new(message), head.kind));
        families.push(MetricFamily {
            name: head.name.to_owned(),
            help: head.help.to_owned(),
            kind: head.kind,
            unit: head.unit.to_owned(),
            metrics: metrics.map_err(|fault| failed(head.name, fault))?,
        });
    }
    Ok(families)
}

fn read_metrics(mut fields: Fields<'_>, kind: MetricKind) -> Result<Vec<Metric>, ProtobufFault> {
    let mut metrics = Vec::new();
    let mut parts = MetricParts::default();
    while let Some(metric) = fields.next_of(METRIC_FIELD)? {
        parts.read(metric, kind)?;
        let value = read_value(&mut parts, kind)?;
        let labels = Labels::as_shown(parts.labels.clone());
        metrics.push(Metric { labels, value, timestamp_ms: parts.timestamp_ms });
    }
    Ok(metrics)
}

fn read_value(parts: &mut MetricParts<'_>, kind: MetricKind) -> Result<MetricValue, ProtobufFault> {
    Ok(match kind {
        MetricKind::Counter => MetricValue::Counter {
            value: parts.value,
            exemplar: parts.exemplar.map(exemplar).transpose()?,
            created_ms: parts.start_ms,
        },
        MetricKind::Gauge => MetricValue::Gauge(parts.value),
        MetricKind::Summary => {
            let mut quantiles = Vec::new();
            while let Some((quantile, value)) = next_quantile(&mut parts.rows)? {
                quantiles.push(Quantile { quantile, value });
            }
            MetricValue::Summary(Summary { count: parts.count, sum: parts.sum, quantiles, created_ms: parts.start_ms })
        }
        MetricKind::Histogram | MetricKind::GaugeHistogram => {
            MetricValue::Histogram(Box::new(read_histogram(parts, kind)?))
        }
        _ => MetricValue::Untyped(parts.value),
    })
}

fn read_histogram(parts: &mut MetricParts<'_>, kind: MetricKind) -> Result<HistogramValue, ProtobufFault> {
    let mut buckets = Vec::new();
    while let Some(bucket) = next_bucket(&mut parts.rows)? {
        buckets.push(Bucket {
            upper_bound: bucket.upper_bound,
            cumulative_count: bucket.cumulative_count,
            exemplar: bucket.exemplar.map(exemplar).transpose()?,
        });
    }
    let mut exemplars = Vec::new();
    while let Some(exemplar) = next_exemplar(&mut parts.native.exemplars)? {
        exemplars.push(exemplar);
    }
    let native: Option<NativeHistogram> =
        if parts.native.is_some() { Some(parts.native.build(parts.sum, kind)?) } else { None };
    Ok(HistogramValue { count: parts.count, sum: parts.sum, buckets, native, exemplars, created_ms: parts.start_ms })
}
