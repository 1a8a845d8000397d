//! Makes one page of many batches: families by name, metrics by labels, and nothing that a scraper would refuse. What
//! does not fit together is left out and named, so that one fault never costs the page.

use std::cmp::Ordering;
use std::collections::HashSet;

use metrics_model::Labels;
use metrics_model::family::{Metric, MetricFamily, MetricKind};
use metrics_model::name::{is_legacy_label_name, is_legacy_metric_name};

/// A metric that was left out, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A name outside the alphabet.
    #[error("metric name {name:?} is not valid")]
    Name {
        /// The name.
        name: String,
    },
    /// A label name outside the alphabet.
    #[error("metric {name} has the invalid label name {label:?}")]
    LabelName {
        /// The metric's name.
        name: String,
        /// The label's name.
        label: String,
    },
    /// The same name as a metric of another kind.
    #[error("metric {name} is a {second}, but was a {first} before")]
    Kind {
        /// The name.
        name: String,
        /// The kind that stays.
        first: MetricKind,
        /// The kind that was left out.
        second: MetricKind,
    },
    /// The same name with another help text.
    #[error("metric {name} has help {second:?}, but had {first:?} before")]
    Help {
        /// The name.
        name: String,
        /// The text that stays.
        first: String,
        /// The text that was left out.
        second: String,
    },
    /// The same name as a part of a histogram or summary.
    #[error("metric {name} has the name of a part of the {kind} {of}")]
    Suffix {
        /// The name that was left out.
        name: String,
        /// The kind of the other.
        kind: MetricKind,
        /// The other's name.
        of: String,
    },
    /// The same name and labels twice.
    #[error("metric {name}{labels} was collected before with the same labels")]
    Duplicate {
        /// The name.
        name: String,
        /// The labels.
        labels: Labels,
    },
}

/// Merges families: of equal names the first gives kind and help text, of equal metrics the first stays.
#[must_use]
pub fn merge(families: Vec<MetricFamily>) -> (Vec<MetricFamily>, Vec<Fault>) {
    let mut incoming = families;
    // Stable, so that of equal names the one that came first stays first.
    incoming.sort_by(|left, right| left.name.cmp(&right.name));
    let mut merged: Vec<MetricFamily> = Vec::with_capacity(incoming.len());
    let mut faults = Vec::new();
    for family in incoming {
        match merged.last_mut() {
            Some(last) if last.name == family.name => join(last, family, &mut faults),
            _ if !is_legacy_metric_name(&family.name) => faults.push(Fault::Name { name: family.name }),
            _ => merged.push(family),
        }
    }
    drop_suffix_collisions(&mut merged, &mut faults);
    for family in &mut merged {
        tidy(family, &mut faults);
    }
    merged.retain(|family| !family.metrics.is_empty());
    (merged, faults)
}

fn join(family: &mut MetricFamily, more: MetricFamily, faults: &mut Vec<Fault>) {
    let name = family.name.clone();
    if family.kind != more.kind {
        faults.push(Fault::Kind { name, first: family.kind, second: more.kind });
    } else if family.help != more.help {
        faults.push(Fault::Help { name, first: family.help.clone(), second: more.help });
    } else {
        family.metrics.extend(more.metrics);
    }
}

fn drop_suffix_collisions(families: &mut Vec<MetricFamily>, faults: &mut Vec<Fault>) {
    let mut taken: Vec<(String, MetricKind, String)> = Vec::new();
    for family in families.iter() {
        let suffixes: &[&str] = match family.kind {
            MetricKind::Histogram => &["_bucket", "_count", "_sum"],
            MetricKind::Summary => &["_count", "_sum"],
            _ => &[],
        };
        for suffix in suffixes {
            taken.push((format!("{}{suffix}", family.name), family.kind, family.name.clone()));
        }
    }
    families.retain(|family| match taken.iter().find(|(name, ..)| *name == family.name) {
        Some((name, kind, of)) => {
            faults.push(Fault::Suffix { name: name.clone(), kind: *kind, of: of.clone() });
            false
        }
        None => true,
    });
}

/// Sorts the metrics of a family as the original's pages are sorted, and drops repetitions and bad labels.
fn tidy(family: &mut MetricFamily, faults: &mut Vec<Fault>) {
    let mut seen = HashSet::with_capacity(family.metrics.len());
    let name = &family.name;
    family.metrics.retain(|metric| {
        if let Some((label, _)) = metric.labels.iter().find(|(label, _)| !is_legacy_label_name(label)) {
            faults.push(Fault::LabelName { name: name.clone(), label: label.to_owned() });
            return false;
        }
        let first = seen.insert(without_empty(&metric.labels));
        if !first {
            faults.push(Fault::Duplicate { name: name.clone(), labels: metric.labels.clone() });
        }
        first
    });
    family.metrics.sort_by(by_labels);
}

/// A label with an empty value is the same as none when it comes to telling metrics apart.
fn without_empty(labels: &Labels) -> Labels {
    if labels.iter().any(|(_, value)| value.is_empty()) {
        Labels::from_sorted(labels.iter().filter(|(_, value)| !value.is_empty()))
    } else {
        labels.clone()
    }
}

/// Fewer labels first, then by the values in order of the labels' names.
fn by_labels(left: &Metric, right: &Metric) -> Ordering {
    fn values(metric: &Metric) -> impl Iterator<Item = &str> {
        metric.labels.iter().map(|(_, value)| value)
    }
    left.labels.len().cmp(&right.labels.len()).then_with(|| values(left).cmp(values(right)))
}

#[cfg(test)]
mod tests;
