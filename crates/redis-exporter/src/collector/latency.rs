//! Latency: spikes that the server noted, percentiles and histograms for each command.

use std::collections::BTreeMap;

use metrics_model::family::{Bucket, HistogramValue, MetricKind, MetricValue, Quantile, Summary};

use super::Out;
use super::commands::Usage;
use crate::info::Info;
use crate::reply::Reply;

/// Adds the answer to `LATENCY LATEST`: lists of event, time, latest and worst milliseconds.
pub fn emit_spikes(out: &mut Out<'_>, answer: &Reply) {
    for event in answer.list().iter().map(Reply::list) {
        let (Some(name), Some(last), Some(spike_ms)) = (
            event.first().and_then(Reply::text),
            event.get(1).and_then(Reply::number),
            event.get(2).and_then(Reply::number),
        ) else {
            continue;
        };
        let labels = [("event_name", name.as_str())];
        out.gauge("latency_spike_last", "When the latency spike last occurred", &labels, last);
        let help = "Length of the last latency spike in seconds";
        out.gauge("latency_spike_duration_seconds", help, &labels, spike_ms / 1e3);
    }
}

/// Adds the section Latencystats: `p50=1.0,p99=2.0` for each command.
pub fn emit_percentiles(out: &mut Out<'_>, info: &Info, usage: &BTreeMap<String, Usage>) {
    let mut summaries = Vec::new();
    for (command, parts) in info.with_prefix("latency_percentiles_usec_") {
        let mut quantiles: Vec<Quantile> = parts
            .iter()
            .filter_map(|(percentile, value)| {
                let quantile = percentile.strip_prefix('p')?.parse().ok()?;
                Some(Quantile { quantile, value: value.parse().ok()? })
            })
            .collect();
        quantiles.sort_by(|a, b| a.quantile.total_cmp(&b.quantile));
        let usage = usage.get(command).copied().unwrap_or_default();
        let summary = Summary { count: usage.calls, sum: usage.micros, quantiles, created_ms: None };
        summaries.push((vec![("cmd", command)], MetricValue::Summary(summary)));
    }
    let help = "A summary of latency percentile distribution per command";
    out.family("latency_percentiles_usec", help, MetricKind::Summary, summaries);
}

/// Adds the answer to `LATENCY HISTOGRAM`: for each command a map of `calls` and `histogram_usec`, bounds and counts.
pub fn emit_histograms(out: &mut Out<'_>, answer: &Reply, usage: &BTreeMap<String, Usage>) {
    let commands: Vec<(String, &Reply)> = answer.pairs().collect();
    let mut histograms = Vec::new();
    for (command, details) in &commands {
        let Some(count) = details.get("calls").and_then(Reply::number) else { continue };
        let bounds = details.get("histogram_usec").map(Reply::list).unwrap_or_default();
        let mut buckets: Vec<Bucket> = bounds
            .chunks_exact(2)
            .filter_map(|pair| {
                let (upper_bound, cumulative_count) = (pair[0].number()?, pair[1].number()?);
                Some(Bucket { upper_bound, cumulative_count, exemplar: None })
            })
            .collect();
        buckets.sort_by(|a, b| a.upper_bound.total_cmp(&b.upper_bound));
        let sum = usage.get(command).copied().unwrap_or_default().micros;
        let histogram = HistogramValue { count, sum, buckets, ..HistogramValue::default() };
        histograms.push((vec![("cmd", command.as_str())], MetricValue::Histogram(Box::new(histogram))));
    }
    let help = "A histogram of latencies per command";
    out.family("commands_latencies_usec", help, MetricKind::Histogram, histograms);
}
