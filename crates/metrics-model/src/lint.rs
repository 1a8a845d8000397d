//! Advice on how metrics are named and described, worded as `promtool check metrics` words it.

use std::collections::HashSet;

use crate::family::{MetricFamily, MetricKind};

/// One piece of advice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The metric's name.
    pub metric: String,
    /// What could be better.
    pub text: String,
}

/// What could be better about `families`, sorted by name and then text.
#[must_use]
pub fn lint(families: &[MetricFamily]) -> Vec<Problem> {
    let mut problems: Vec<Problem> = families.iter().flat_map(lint_family).collect();
    problems.sort();
    problems
}

fn lint_family(family: &MetricFamily) -> Vec<Problem> {
    let mut texts = Vec::new();
    if family.help.is_empty() {
        texts.push("no help text".to_owned());
    }
    check_units(&family.name, &mut texts);
    check_counter(family, &mut texts);
    check_reserved(family, &mut texts);
    check_kind_in_name(family, &mut texts);
    check_spelling(family, &mut texts);
    check_unique(family, &mut texts);
    texts.into_iter().map(|text| Problem { metric: family.name.clone(), text }).collect()
}

/// Units and the base unit to use instead. Sizes may have a prefix, which makes them another unit than the base.
const UNITS: [(&str, &str); 24] = [
    ("amperes", "amperes"),
    ("bytes", "bytes"),
    ("celsius", "celsius"),
    ("grams", "grams"),
    ("joules", "joules"),
    ("kelvin", "kelvin"),
    ("meters", "meters"),
    ("metres", "metres"),
    ("seconds", "seconds"),
    ("volts", "volts"),
    ("minutes", "seconds"),
    ("hours", "seconds"),
    ("days", "seconds"),
    ("weeks", "seconds"),
    ("kelvins", "kelvin"),
    ("fahrenheit", "celsius"),
    ("rankine", "celsius"),
    ("inches", "meters"),
    ("yards", "meters"),
    ("miles", "meters"),
    ("bits", "bytes"),
    ("calories", "joules"),
    ("pounds", "grams"),
    ("ounces", "grams"),
];

const PREFIXES: [&str; 18] = [
    "pico", "nano", "micro", "milli", "centi", "deci", "deca", "hecto", "kilo", "kibi", "mega", "mibi", "giga", "gibi",
    "tera", "tebi", "peta", "pebi",
];

const ABBREVIATIONS: [&str; 14] = ["s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d"];

fn base_unit(word: &str) -> Option<&'static str> {
    UNITS.iter().find(|(unit, _)| *unit == word).map(|(_, base)| *base)
}

/// The first word of the name that is a unit should be a base unit.
fn check_units(name: &str, texts: &mut Vec<String>) {
    let found = name.split('_').find_map(|word| {
        let without_prefix = PREFIXES.iter().filter_map(|prefix| word.strip_prefix(prefix));
        let base = base_unit(word).or_else(|| without_prefix.filter_map(base_unit).next());
        base.map(|base| (word, base))
    });
    if let Some((unit, base)) = found.filter(|(unit, base)| unit != base) {
        texts.push(format!("use base unit {base:?} instead of {unit:?}"));
    }
}

fn check_counter(family: &MetricFamily, texts: &mut Vec<String>) {
    let has_suffix = family.name.ends_with("_total");
    match family.kind {
        MetricKind::Counter if !has_suffix => texts.push("counter metrics should have \"_total\" suffix".to_owned()),
        MetricKind::Counter | MetricKind::Unknown => {}
        _ if has_suffix => texts.push("non-counter metrics should not have \"_total\" suffix".to_owned()),
        _ => {}
    }
}

/// Names and labels that belong to the parts of histograms and summaries.
fn check_reserved(family: &MetricFamily, texts: &mut Vec<String>) {
    if family.kind == MetricKind::Unknown {
        return;
    }
    let is_histogram = family.kind == MetricKind::Histogram;
    let is_summary = family.kind == MetricKind::Summary;
    if !is_histogram && family.name.ends_with("_bucket") {
        texts.push("non-histogram metrics should not have \"_bucket\" suffix".to_owned());
    }
    for suffix in ["_count", "_sum"] {
        if !is_histogram && !is_summary && family.name.ends_with(suffix) {
            texts.push(format!("non-histogram and non-summary metrics should not have {suffix:?} suffix"));
        }
    }
    for (label, _) in family.metrics.iter().flat_map(|metric| metric.labels.iter()) {
        if !is_histogram && label == "le" {
            texts.push("non-histogram metrics should not have \"le\" label".to_owned());
        }
        if !is_summary && label == "quantile" {
            texts.push("non-summary metrics should not have \"quantile\" label".to_owned());
        }
    }
}

fn check_kind_in_name(family: &MetricFamily, texts: &mut Vec<String>) {
    let kind = match family.kind {
        MetricKind::Unknown => return,
        MetricKind::GaugeHistogram => "gauge_histogram",
        kind => kind.as_str(),
    };
    if has_word(&family.name.to_lowercase(), kind) {
        texts.push(format!("metric name should not include type '{kind}'"));
    }
}

fn check_spelling(family: &MetricFamily, texts: &mut Vec<String>) {
    if family.name.contains(':') {
        texts.push("metric names should not contain ':'".to_owned());
    }
    if is_camel_case(&family.name) {
        texts.push("metric names should be written in 'snake_case' not 'camelCase'".to_owned());
    }
    for (label, _) in family.metrics.iter().flat_map(|metric| metric.labels.iter()) {
        if is_camel_case(label) {
            texts.push("label names should be written in 'snake_case' not 'camelCase'".to_owned());
        }
    }
    let name = family.name.to_lowercase();
    for _ in ABBREVIATIONS.iter().filter(|word| has_word(&name, word)) {
        texts.push("metric names should not contain abbreviated units".to_owned());
    }
}

/// Once for each metric that another one later repeats.
fn check_unique(family: &MetricFamily, texts: &mut Vec<String>) {
    let mut later = HashSet::new();
    for metric in family.metrics.iter().rev() {
        if !later.insert(&metric.labels) {
            texts.push("metric not unique".to_owned());
        }
    }
}

/// Whether `name` has `word` between underscores or at its end.
fn has_word(name: &str, word: &str) -> bool {
    name.match_indices(word).any(|(at, _)| {
        let after = &name[at + word.len()..];
        name[..at].ends_with('_') && (after.is_empty() || after.starts_with('_'))
    })
}

fn is_camel_case(name: &str) -> bool {
    name.as_bytes().windows(2).any(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())
}

#[cfg(test)]
mod tests;
