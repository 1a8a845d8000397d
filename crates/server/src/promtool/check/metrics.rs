//! `check metrics`: an exposition on standard input.

use std::collections::BTreeMap;
use std::io::Read as _;

use clap::{Args, ValueEnum};
use metrics_model::exposition::text;
use metrics_model::family::{MetricFamily, MetricValue};
use metrics_model::lint::lint;
use metrics_model::name::NameScheme;

use crate::promtool::{Outcome, failed};

#[derive(Debug, Args)]
pub(super) struct MetricsOptions {
    /// Linting checks to apply to metrics.
    #[arg(long, value_enum, default_value_t = MetricLint::All, value_name = "CHECKS")]
    lint: MetricLint,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum MetricLint {
    All,
    None,
}

pub(super) fn run(options: &MetricsOptions, extended: bool) -> Outcome {
    if options.lint == MetricLint::None && !extended {
        return failed("check metrics: with --lint=none there is nothing to do but with --extended");
    }
    let mut input = Vec::new();
    if let Err(error) = std::io::stdin().read_to_end(&mut input) {
        return failed(format!("cannot read standard input: {error}"));
    }
    // The original's advice is for names in the legacy alphabet only; its count takes all.
    let names = if options.lint == MetricLint::All { NameScheme::Legacy } else { NameScheme::Utf8 };
    let families = match text::read_families(&input, names) {
        Ok(families) => families,
        Err(error) => return failed(format!("error while linting: {error}")),
    };
    let problems = if options.lint == MetricLint::All { lint(&families) } else { Vec::new() };
    for problem in &problems {
        eprintln!("{} {}", problem.metric, problem.text);
    }
    if extended {
        print_cardinality(&families);
    }
    if problems.is_empty() { Outcome::Fine } else { Outcome::Lint }
}

/// How many samples each family has, the largest first.
fn print_cardinality(families: &[MetricFamily]) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for family in families {
        let samples = family.metrics.iter().map(|metric| match &metric.value {
            MetricValue::Counter { .. } | MetricValue::Gauge(_) | MetricValue::Untyped(_) => 1,
            MetricValue::Summary(summary) => summary.quantiles.len() + 2,
            MetricValue::Histogram(histogram) => histogram.buckets.len() + 2,
        });
        *counts.entry(&family.name).or_default() += samples.sum::<usize>();
    }
    let total: usize = counts.values().sum();
    let mut rows: Vec<(&str, usize)> = counts.into_iter().collect();
    rows.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0).max("Metric".len()) + 4;
    println!("{:<width$}{:<15}{:<14}", "Metric", "Cardinality", "Percentage");
    for (name, count) in rows {
        println!("{name:<width$}{count:<15}{:<14}", format!("{:.2}%", count as f64 / total.max(1) as f64 * 100.0));
    }
    println!("{:<width$}{total:<15}{:<14}", "Total", "100%");
}
