//! The writer of OpenMetrics text.
//!
//! Families and metrics come out in the order they are given in; sorting is their maker's. Counters and info metrics lose
//! their suffix in metadata; a counter without `_total` has no place in the format and is written as of unknown type.

use crate::exposition::escape::{push_escaped, push_family_name, push_pair, push_series_start};
use crate::family::{Exemplar, HistogramValue, Metric, MetricFamily, MetricKind, MetricValue, Summary};
use crate::labels::Labels;
use crate::number::{push_bound, push_fixed_ms, push_general, push_openmetrics};

/// Whether start times are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CreatedLines {
    /// Not at all: scrapers that do not fold them would see one more series a metric.
    #[default]
    Omit,
    /// As `_created` samples.
    Write,
}

/// Appends all `families` and the end marker.
pub fn write_families<'a>(
    out: &mut String,
    families: impl IntoIterator<Item = &'a MetricFamily>,
    created: CreatedLines,
) {
    for family in families {
        write_family(out, family, created);
    }
    out.push_str("# EOF\n");
}

/// Appends one family: type, unit and help if there are any, samples. The end marker is the caller's.
pub fn write_family(out: &mut String, family: &MetricFamily, created: CreatedLines) {
    let suffix = match family.kind {
        MetricKind::Counter => "_total",
        MetricKind::Info => "_info",
        _ => "",
    };
    let (name, kind) = match family.name.strip_suffix(suffix) {
        Some(name) if !name.is_empty() => (name, family.kind),
        _ if family.kind == MetricKind::Info => (family.name.as_str(), MetricKind::Gauge),
        _ => (family.name.as_str(), MetricKind::Unknown),
    };
    metadata(out, "HELP", name, &family.help);
    metadata(out, "TYPE", name, kind.as_str());
    if name.strip_suffix(family.unit.as_str()).is_some_and(|base| base.ends_with('_')) {
        metadata(out, "UNIT", name, &family.unit);
    }
    let mut writer = Writer { out, family: name, sample: &family.name, created };
    for metric in &family.metrics {
        match &metric.value {
            MetricValue::Counter { value, exemplar, created_ms } => {
                writer.sample(metric, "", None, *value, exemplar.as_ref());
                writer.created(metric, *created_ms);
            }
            MetricValue::Gauge(value) | MetricValue::Untyped(value) => writer.sample(metric, "", None, *value, None),
            MetricValue::Summary(summary) => writer.summary(metric, summary),
            MetricValue::Histogram(histogram) => writer.histogram(metric, histogram, kind),
        }
    }
}

/// Appends a metadata line, unless `text` is empty.
fn metadata(out: &mut String, keyword: &str, name: &str, text: &str) {
    if text.is_empty() {
        return;
    }
    out.push_str("# ");
    out.push_str(keyword);
    out.push(' ');
    push_family_name(out, name);
    out.push(' ');
    push_escaped(out, text, true);
    out.push('\n');
}

struct Writer<'a> {
    out: &'a mut String,
    /// The family's name.
    family: &'a str,
    /// The name of samples without a further suffix.
    sample: &'a str,
    created: CreatedLines,
}

impl Writer<'_> {
    fn summary(&mut self, metric: &Metric, summary: &Summary) {
        for quantile in &summary.quantiles {
            self.sample(metric, "", Some(("quantile", quantile.quantile)), quantile.value, None);
        }
        self.sample(metric, "_sum", None, summary.sum, None);
        self.count(metric, "_count", None, summary.count, None);
        self.created(metric, summary.created_ms);
    }

    fn histogram(&mut self, metric: &Metric, histogram: &HistogramValue, kind: MetricKind) {
        for bucket in &histogram.buckets {
            let bound = Some(("le", bucket.upper_bound));
            self.count(metric, "_bucket", bound, bucket.cumulative_count, bucket.exemplar.as_ref());
        }
        if histogram.buckets.last().is_none_or(|last| last.upper_bound != f64::INFINITY) {
            self.count(metric, "_bucket", Some(("le", f64::INFINITY)), histogram.count, None);
        }
        let is_gauge = kind == MetricKind::GaugeHistogram;
        self.sample(metric, if is_gauge { "_gsum" } else { "_sum" }, None, histogram.sum, None);
        self.count(metric, if is_gauge { "_gcount" } else { "_count" }, None, histogram.count, None);
        if !is_gauge {
            self.created(metric, histogram.created_ms);
        }
    }

    /// Appends a sample whose value is a float.
    fn sample(
        &mut self,
        metric: &Metric,
        suffix: &str,
        bound: Option<(&str, f64)>,
        value: f64,
        exemplar: Option<&Exemplar>,
    ) {
        self.start(metric, suffix, bound);
        push_openmetrics(self.out, value);
        self.end(metric, exemplar);
    }

    /// Appends a sample whose value is a count, without a point if it is whole.
    fn count(
        &mut self,
        metric: &Metric,
        suffix: &str,
        bound: Option<(&str, f64)>,
        value: f64,
        exemplar: Option<&Exemplar>,
    ) {
        self.start(metric, suffix, bound);
        // Up to 2^53 every whole number is a float.
        if value.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&value) {
            self.out.push_str(itoa::Buffer::new().format(value as u64));
        } else {
            push_general(self.out, value);
        }
        self.end(metric, exemplar);
    }

    fn created(&mut self, metric: &Metric, created_ms: Option<i64>) {
        let Some(created_ms) = created_ms.filter(|_| self.created == CreatedLines::Write) else { return };
        push_series_start(self.out, self.family, "_created", &metric.labels, false);
        self.out.push(' ');
        push_fixed_ms(self.out, created_ms);
        self.end(metric, None);
    }

    fn start(&mut self, metric: &Metric, suffix: &str, bound: Option<(&str, f64)>) {
        push_series_start(self.out, self.sample, suffix, &metric.labels, bound.is_some());
        if let Some((label, bound)) = bound {
            self.out.push_str(label);
            self.out.push_str("=\"");
            push_bound(self.out, bound);
            self.out.push_str("\"}");
        }
        self.out.push(' ');
    }

    fn end(&mut self, metric: &Metric, exemplar: Option<&Exemplar>) {
        if let Some(timestamp_ms) = metric.timestamp_ms {
            self.out.push(' ');
            push_fixed_ms(self.out, timestamp_ms);
        }
        if let Some(exemplar) = exemplar {
            self.out.push_str(" # {");
            push_labels(self.out, &exemplar.labels);
            self.out.push_str("} ");
            push_openmetrics(self.out, exemplar.value);
            if let Some(timestamp_ms) = exemplar.timestamp_ms {
                self.out.push(' ');
                push_fixed_ms(self.out, timestamp_ms);
            }
        }
        self.out.push('\n');
    }
}

fn push_labels(out: &mut String, labels: &Labels) {
    for (index, (name, value)) in labels.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        push_pair(out, name, value);
    }
}
