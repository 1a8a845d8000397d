//! The rules about single samples, their order, and histograms as a whole.

use super::{OpenFamily, StrictSample, broken};
use crate::exposition::error::Fault;
use crate::family::MetricKind;
use crate::labels::Labels;
use crate::number::parse_float;

/// The most characters that names and values of an exemplar's labels have together.
const EXEMPLAR_CHARS_MAX: usize = 128;

/// The labels that all samples of one metric share. Info metrics are all one group: nothing tells them apart.
pub(super) fn group(family: &OpenFamily, suffix: &str, labels: &Labels) -> Labels {
    let own = match (family.kind(), suffix) {
        (MetricKind::Info, _) => return Labels::empty(),
        (MetricKind::Summary, "") => "quantile",
        (MetricKind::Histogram | MetricKind::GaugeHistogram, "_bucket") => "le",
        (MetricKind::StateSet, _) => family.name.as_str(),
        _ => "",
    };
    Labels::from_sorted(labels.without_name().iter().filter(|(name, _)| *name != own))
}

/// What a sample must be by itself.
pub(super) fn sample(family: &OpenFamily, sample: &StrictSample, text: &str) -> Result<(), Fault> {
    let kind = family.kind();
    let (value, suffix) = (sample.value, sample.suffix.as_str());
    let label = |name| sample.labels.get_or_empty(name);
    let rule = |holds: bool, rule| if holds { Ok(()) } else { Err(broken(rule, text)) };
    match (kind, suffix) {
        (MetricKind::StateSet, _) => {
            rule(sample.labels.get(&family.name).is_some(), "a label named as the state set")?;
            rule(value == 0.0 || value == 1.0, "a state of 0 or 1")?;
        }
        (MetricKind::Info, _) => rule(value == 1.0, "an info value of 1")?,
        (MetricKind::Summary, "") => {
            let quantile = parse_float(label("quantile")).unwrap_or(f64::NAN);
            rule((0.0..=1.0).contains(&quantile), "a quantile from 0 to 1")?;
            rule(value.is_nan() || value >= 0.0, "a quantile value that is not negative")?;
        }
        (_, "_bucket") => {
            let bound = parse_float(label("le")).unwrap_or(f64::NAN);
            rule(!bound.is_nan(), "a bucket bound")?;
            rule(bound != f64::INFINITY || label("le") == "+Inf", "+Inf as bound of the last bucket")?;
        }
        _ => {}
    }
    if matches!(suffix, "_bucket" | "_count" | "_gcount") {
        rule(value.fract() == 0.0, "a whole count")?;
    }
    if matches!(suffix, "_total" | "_sum" | "_count" | "_bucket" | "_gcount" | "_gsum") {
        rule(!value.is_nan(), "a value that is a number")?;
    }
    if matches!(suffix, "_total" | "_sum" | "_count" | "_bucket" | "_gcount") {
        rule(value >= 0.0, "a value that is not negative")?;
    }
    if let Some(exemplar) = &sample.exemplar {
        rule(matches!(suffix, "_bucket" | "_total"), "no exemplar but for buckets and counters")?;
        let chars: usize =
            exemplar.labels.iter().map(|(name, value)| name.chars().count() + value.chars().count()).sum();
        rule(chars <= EXEMPLAR_CHARS_MAX, "at most 128 characters in the labels of an exemplar")?;
    }
    Ok(())
}

/// What a sample must be after those before it.
pub(super) fn order(family: &OpenFamily, sample: &StrictSample, text: &str) -> Result<(), Fault> {
    let Some(before) = family.samples.last() else { return Ok(()) };
    if before.group != sample.group {
        let is_new = !family.groups.contains(&sample.group);
        return if is_new { Ok(()) } else { Err(broken("the samples of a metric in one piece", text)) };
    }
    if before.timestamp_ms.is_some() != sample.timestamp_ms.is_some() {
        return Err(broken("a timestamp for all samples of a metric or for none", text));
    }
    if family.kind() != MetricKind::Info && before.timestamp_ms > sample.timestamp_ms {
        return Err(broken("timestamps that do not go back", text));
    }
    Ok(())
}

/// What the samples of each histogram must be together.
pub(super) fn histograms(family: &OpenFamily) -> Result<(), Fault> {
    let mut rest = family.samples.as_slice();
    while let Some(first) = rest.first() {
        let is_same = |sample: &StrictSample| sample.group == first.group && sample.timestamp_ms == first.timestamp_ms;
        let len = rest.iter().position(|sample| !is_same(sample)).unwrap_or(rest.len());
        let (samples, tail) = rest.split_at(len);
        histogram(samples, family.kind() == MetricKind::GaugeHistogram).map_err(|rule| broken(rule, &family.name))?;
        rest = tail;
    }
    Ok(())
}

fn histogram(samples: &[StrictSample], is_gauge: bool) -> Result<(), &'static str> {
    let value_of = |suffix| samples.iter().find(|sample| sample.suffix == suffix).map(|sample| sample.value);
    let count = value_of(if is_gauge { "_gcount" } else { "_count" });
    let sum = value_of(if is_gauge { "_gsum" } else { "_sum" });
    let mut bound_before = f64::NEG_INFINITY;
    let mut count_before = 0.0;
    let mut has_negative = false;
    let mut is_first = true;
    for bucket in samples.iter().filter(|sample| sample.suffix == "_bucket") {
        let bound = parse_float(bucket.labels.get_or_empty("le")).unwrap_or(f64::NAN);
        if !is_first && bound <= bound_before {
            return Err("buckets in ascending order");
        }
        if bucket.value < count_before {
            return Err("bucket counts in ascending order");
        }
        has_negative |= bound < 0.0;
        is_first = false;
        (bound_before, count_before) = (bound, bucket.value);
    }
    if is_first || bound_before != f64::INFINITY {
        return Err("a bucket for +Inf");
    }
    if count.is_some_and(|count| count != count_before) {
        return Err("a count equal to that of the bucket for +Inf");
    }
    if count.is_some() != sum.is_some() {
        return Err("a count and a sum, or neither");
    }
    match sum {
        Some(_) if has_negative && !is_gauge => Err("no sum where buckets are below zero"),
        Some(sum) if !has_negative && sum < 0.0 => Err("a sum that is not negative where no bucket is below zero"),
        _ => Ok(()),
    }
}
