//! Joins samples into families: which family a name belongs to depends on the types that were declared before.

use rustc_hash::FxHashMap;

use super::{StrictFault, number};
use crate::exposition::error::Found;
use crate::family::{Bucket, HistogramValue, Metric, MetricFamily, MetricKind, MetricValue, Quantile, Summary};
use crate::labels::Labels;

#[derive(Default)]
pub(super) struct Families {
    list: Vec<Entry>,
    by_name: FxHashMap<String, usize>,
    /// The summary or histogram with given labels of a family.
    grouped: FxHashMap<(usize, Labels), usize>,
}

struct Entry {
    family: MetricFamily,
    has_help: bool,
    /// Set by a `TYPE` line or by a first sample.
    has_kind: bool,
}

/// A family, and what a sample of that name is to it.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    family: usize,
    role: Role,
}

#[derive(Clone, Copy, PartialEq)]
enum Role {
    Value,
    Count,
    Sum,
}

/// A fault, and the index of the label that it is about, if it is.
pub(super) type AddFault = (Option<usize>, StrictFault);

impl Families {
    /// The family of samples with this name, which is made when it is new.
    pub(super) fn slot(&mut self, name: &str) -> Slot {
        if let Some(family) = self.by_name.get(name) {
            return Slot { family: *family, role: Role::Value };
        }
        for (suffix, role) in [("_count", Role::Count), ("_sum", Role::Sum), ("_bucket", Role::Value)] {
            let base = name.strip_suffix(suffix).filter(|base| !base.is_empty());
            if let Some(family) = base.and_then(|base| self.by_name.get(base)) {
                let is_part = match self.list[*family].family.kind {
                    MetricKind::Histogram | MetricKind::GaugeHistogram => true,
                    MetricKind::Summary => suffix != "_bucket",
                    _ => false,
                };
                if is_part {
                    return Slot { family: *family, role };
                }
            }
        }
        let family = self.list.len();
        let new = MetricFamily::new(name, "", MetricKind::Unknown);
        self.list.push(Entry { family: new, has_help: false, has_kind: false });
        self.by_name.insert(name.to_owned(), family);
        Slot { family, role: Role::Value }
    }

    pub(super) fn set_help(&mut self, slot: Slot, help: String) -> Result<(), StrictFault> {
        let entry = &mut self.list[slot.family];
        if std::mem::replace(&mut entry.has_help, true) {
            return Err(StrictFault::SecondHelp { metric: entry.name() });
        }
        entry.family.help = help;
        Ok(())
    }

    pub(super) fn set_kind(&mut self, slot: Slot, word: &[u8]) -> Result<(), StrictFault> {
        let entry = &mut self.list[slot.family];
        if entry.has_kind {
            return Err(StrictFault::SecondType { metric: entry.name() });
        }
        entry.family.kind = match word.to_ascii_lowercase().as_slice() {
            b"counter" => MetricKind::Counter,
            b"gauge" => MetricKind::Gauge,
            b"summary" => MetricKind::Summary,
            b"untyped" => MetricKind::Unknown,
            b"histogram" => MetricKind::Histogram,
            b"gauge_histogram" | b"gaugehistogram" => MetricKind::GaugeHistogram,
            _ => return Err(StrictFault::MetricType { text: Found::new(word) }),
        };
        entry.has_kind = true;
        Ok(())
    }

    /// Adds a sample.
    pub(super) fn add(
        &mut self,
        slot: Slot,
        labels: &[(String, String)],
        value: f64,
        timestamp_ms: Option<i64>,
    ) -> Result<(), AddFault> {
        let entry = &mut self.list[slot.family];
        entry.has_kind = true;
        let special = match entry.family.kind {
            MetricKind::Summary => Some("quantile"),
            MetricKind::Histogram | MetricKind::GaugeHistogram => Some("le"),
            _ => None,
        };
        let bound = special.map(|name| bound(name, labels)).transpose()?.flatten();
        let own = labels.iter().filter(|(name, _)| Some(name.as_str()) != special);
        let labels = Labels::as_shown(own.map(|(name, value)| (name.as_str(), value.as_str())).collect());
        let metrics = &mut entry.family.metrics;
        let plain = match entry.family.kind {
            MetricKind::Counter => Some(MetricValue::counter(value)),
            MetricKind::Gauge => Some(MetricValue::Gauge(value)),
            MetricKind::Summary | MetricKind::Histogram | MetricKind::GaugeHistogram => None,
            _ => Some(MetricValue::Untyped(value)),
        };
        if let Some(value) = plain {
            metrics.push(Metric { labels, value, timestamp_ms });
            return Ok(());
        }
        let index = *self.grouped.entry((slot.family, labels.clone())).or_insert(metrics.len());
        if index == metrics.len() {
            let value = match entry.family.kind {
                MetricKind::Summary => MetricValue::Summary(Summary::default()),
                _ => MetricValue::Histogram(Box::default()),
            };
            metrics.push(Metric { labels, value, timestamp_ms: None });
        }
        let metric = &mut metrics[index];
        metric.timestamp_ms = timestamp_ms.or(metric.timestamp_ms);
        match &mut metric.value {
            MetricValue::Summary(summary) => add_to_summary(summary, slot.role, bound, value),
            MetricValue::Histogram(histogram) => add_to_histogram(histogram, slot.role, bound, value)
                .map_err(|fault| (None, fault(Found::new(entry.family.name.as_bytes()))))?,
            _ => {}
        }
        Ok(())
    }

    /// The families that have metrics.
    pub(super) fn finish(self) -> Vec<MetricFamily> {
        self.list.into_iter().map(|entry| entry.family).filter(|family| !family.metrics.is_empty()).collect()
    }
}

impl Entry {
    fn name(&self) -> Found {
        Found::new(self.family.name.as_bytes())
    }
}

/// The number in the label `name`, if it is there.
fn bound(name: &'static str, labels: &[(String, String)]) -> Result<Option<f64>, AddFault> {
    let Some(index) = labels.iter().position(|(label, _)| label == name) else { return Ok(None) };
    let text = labels[index].1.as_bytes();
    let fault = || (Some(index), StrictFault::Bound { label: name, text: Found::new(text) });
    number(text).map(Some).map_err(|_| fault())
}

fn add_to_summary(summary: &mut Summary, role: Role, quantile: Option<f64>, value: f64) {
    match (role, quantile) {
        (Role::Count, _) => summary.count = value,
        (Role::Sum, _) => summary.sum = value,
        (Role::Value, Some(quantile)) => summary.quantiles.push(Quantile { quantile, value }),
        (Role::Value, None) => {}
    }
}

fn add_to_histogram(
    histogram: &mut HistogramValue,
    role: Role,
    upper_bound: Option<f64>,
    value: f64,
) -> Result<(), fn(Found) -> StrictFault> {
    match (role, upper_bound) {
        (Role::Count, _) if value < 0.0 => return Err(|metric| StrictFault::NegativeCount { metric }),
        (Role::Count, _) => histogram.count = value,
        (Role::Sum, _) => histogram.sum = value,
        (Role::Value, Some(_)) if value < 0.0 => return Err(|metric| StrictFault::NegativeBucket { metric }),
        (Role::Value, Some(upper_bound)) => {
            histogram.buckets.push(Bucket { upper_bound, cumulative_count: value, exemplar: None });
        }
        (Role::Value, None) => {}
    }
    Ok(())
}
