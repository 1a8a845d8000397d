//! The writer of the classic text format.
//!
//! Families and metrics come out in the order they are given in; sorting is their maker's. Names outside the legacy
//! alphabet are written in quotes, which readers of version 1.0.0 understand.

use crate::exposition::escape::{push_escaped, push_family_name, push_series_start};
use crate::family::{HistogramValue, Metric, MetricFamily, MetricKind, MetricValue, Summary};
use crate::number::push_general;

/// Appends all `families`.
pub fn write_families<'a>(out: &mut String, families: impl IntoIterator<Item = &'a MetricFamily>) {
    for family in families {
        write_family(out, family);
    }
}

/// Appends one family: help if there is any, type, samples.
pub fn write_family(out: &mut String, family: &MetricFamily) {
    if !family.help.is_empty() {
        out.push_str("# HELP ");
        push_family_name(out, &family.name);
        out.push(' ');
        push_escaped(out, &family.help, false);
        out.push('\n');
    }
    out.push_str("# TYPE ");
    push_family_name(out, &family.name);
    out.push(' ');
    out.push_str(classic_kind(family.kind));
    out.push('\n');
    for metric in &family.metrics {
        match &metric.value {
            MetricValue::Counter { value, .. } | MetricValue::Gauge(value) | MetricValue::Untyped(value) => {
                sample(out, &family.name, "", metric, None, *value);
            }
            MetricValue::Summary(summary) => write_summary(out, &family.name, metric, summary),
            MetricValue::Histogram(histogram) => write_histogram(out, &family.name, metric, histogram),
        }
    }
}

/// The word for a kind in a format that knows fewer of them.
fn classic_kind(kind: MetricKind) -> &'static str {
    match kind {
        MetricKind::Counter => "counter",
        MetricKind::Gauge | MetricKind::Info | MetricKind::StateSet => "gauge",
        MetricKind::Histogram | MetricKind::GaugeHistogram => "histogram",
        MetricKind::Summary => "summary",
        MetricKind::Unknown => "untyped",
    }
}

fn write_summary(out: &mut String, name: &str, metric: &Metric, summary: &Summary) {
    for quantile in &summary.quantiles {
        sample(out, name, "", metric, Some(("quantile", quantile.quantile)), quantile.value);
    }
    sample(out, name, "_sum", metric, None, summary.sum);
    sample(out, name, "_count", metric, None, summary.count);
}

fn write_histogram(out: &mut String, name: &str, metric: &Metric, histogram: &HistogramValue) {
    for bucket in &histogram.buckets {
        sample(out, name, "_bucket", metric, Some(("le", bucket.upper_bound)), bucket.cumulative_count);
    }
    if histogram.buckets.last().is_none_or(|last| last.upper_bound != f64::INFINITY) {
        sample(out, name, "_bucket", metric, Some(("le", f64::INFINITY)), histogram.count);
    }
    sample(out, name, "_sum", metric, None, histogram.sum);
    sample(out, name, "_count", metric, None, histogram.count);
}

/// Appends one line.
fn sample(out: &mut String, name: &str, suffix: &str, metric: &Metric, extra: Option<(&str, f64)>, value: f64) {
    push_series_start(out, name, suffix, &metric.labels, extra.is_some());
    if let Some((label, bound)) = extra {
        out.push_str(label);
        out.push_str("=\"");
        push_general(out, bound);
        out.push_str("\"}");
    }
    out.push(' ');
    push_general(out, value);
    if let Some(timestamp_ms) = metric.timestamp_ms {
        out.push(' ');
        out.push_str(itoa::Buffer::new().format(timestamp_ms));
    }
    out.push('\n');
}
