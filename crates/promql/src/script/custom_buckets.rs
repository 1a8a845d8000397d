//! Classic histograms to native ones with custom buckets, for `load_with_nhcb`.

use std::collections::BTreeMap;
use std::sync::Arc;

use metrics_model::histogram::CUSTOM_BUCKETS_SCHEMA;
use metrics_model::name::METRIC_NAME;
use metrics_model::number::parse_float;
use metrics_model::{FloatHistogram, Labels, Span, is_stale_nan};

use super::storage::{Loaded, LoadedSample};

/// The parts of one histogram at one time.
#[derive(Debug, Clone, Default)]
struct Parts {
    /// Cumulative counts by upper bound.
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: f64,
}

/// Collects classic histograms.
#[derive(Debug, Default)]
pub(super) struct Collector {
    histograms: BTreeMap<Labels, BTreeMap<i64, Parts>>,
}

impl Collector {
    /// Takes in the samples of a series, if it is part of a classic histogram.
    pub(super) fn add(&mut self, labels: &Labels, samples: &[(i64, LoadedSample)]) {
        let name = labels.metric_name();
        let Some((base, part)) =
            ["_bucket", "_count", "_sum"].iter().find_map(|part| Some((name.strip_suffix(part)?, *part)))
        else {
            return;
        };
        let upper = labels.get("le").and_then(|text| parse_float(text).ok());
        if part == "_bucket" && upper.is_none_or(f64::is_nan) {
            return;
        }
        let key = labels.to_builder().set(METRIC_NAME, base).remove("le").build();
        let by_time = self.histograms.entry(key).or_default();
        for (time_ms, sample) in samples {
            let Loaded::Float(value) = sample.value else { continue };
            if is_stale_nan(value) {
                continue;
            }
            let parts = by_time.entry(*time_ms).or_default();
            match (part, upper) {
                ("_bucket", Some(upper)) => parts.buckets.push((upper, value)),
                ("_count", _) => parts.count = Some(value),
                _ => parts.sum = value,
            }
        }
    }

    /// The native histograms.
    pub(super) fn finish(self) -> impl Iterator<Item = (Labels, Vec<(i64, LoadedSample)>)> {
        self.histograms.into_iter().map(|(labels, by_time)| {
            let samples = by_time.into_iter().filter_map(|(time_ms, parts)| {
                let value = Loaded::Histogram(Arc::new(parts.convert()?));
                Some((time_ms, LoadedSample { value, start_ms: 0 }))
            });
            let samples: Vec<_> = samples.collect();
            (labels, samples)
        })
    }
}

impl Parts {
    /// The native histogram; `None` when the parts do not fit together.
    fn convert(mut self) -> Option<FloatHistogram> {
        self.buckets.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        self.buckets.dedup_by(|(a, _), (b, _)| a == b);
        let count = self.count.or(self.buckets.last().map(|(_, count)| *count)).unwrap_or(0.0);
        if self.buckets.last().is_none_or(|(upper, _)| *upper != f64::INFINITY) {
            self.buckets.push((f64::INFINITY, count));
        }
        let mut counts = Vec::with_capacity(self.buckets.len());
        let mut before = 0.0;
        for (_, cumulative) in &self.buckets {
            if *cumulative < before {
                return None;
            }
            counts.push(cumulative - before);
            before = *cumulative;
        }
        if before != count {
            return None;
        }
        let bounds: Arc<[f64]> =
            self.buckets.iter().map(|(upper, _)| *upper).filter(|upper| upper.is_finite()).collect();
        let mut histogram = FloatHistogram {
            schema: CUSTOM_BUCKETS_SCHEMA,
            count,
            sum: self.sum,
            positive_spans: vec![Span { offset: 0, length: u32::try_from(counts.len()).ok()? }],
            positive_buckets: counts,
            custom_values: Some(bounds),
            ..FloatHistogram::default()
        };
        histogram.compact();
        Some(histogram)
    }
}
