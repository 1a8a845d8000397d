//! The wording of every warning and info, as the original has it.

use metrics_model::labels::Quoted;
use metrics_model::number::format_general;

use super::{Monotonicity, Severity};

/// What histograms were in when they turned out not to fit each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HistogramOperation {
    Addition,
    Subtraction,
    Aggregation,
}

impl HistogramOperation {
    fn as_str(self) -> &'static str {
        match self {
            Self::Addition => "addition",
            Self::Subtraction => "subtraction",
            Self::Aggregation => "aggregation",
        }
    }
}

/// One thing worth a remark. Metric names are empty where they are not known.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Remark<'a> {
    InvalidRatio { given: f64, capped: f64 },
    InvalidQuantile { given: f64 },
    BadBucketLabel { metric: &'a str, label: &'a str },
    MixedFloatsHistograms { metric: &'a str },
    MixedFloatsHistogramsInAggregation,
    MixedClassicNative { metric: &'a str },
    NotCounter { metric: &'a str },
    NotGauge { metric: &'a str },
    MixedExponentialCustom { metric: &'a str },
    IncompatibleBuckets { operator: &'a str },
    SortInRangeQuery,
    ResetCollision { operation: HistogramOperation },
    StartTimeOverlap { metric: &'a str },
    PossibleNonCounter { metric: &'a str },
    PossibleNonCounterLabel { metric: &'a str, type_label: &'a str },
    ForcedMonotonicity { metric: &'a str, found: Monotonicity },
    IncompatibleTypes { left: &'a str, operator: &'a str, right: &'a str },
    HistogramIgnoredInAggregation { aggregation: &'a str },
    HistogramIgnoredInMixedRange { metric: &'a str },
    QuantileIsNan { metric: &'a str },
    QuantileSkewedByNan { metric: &'a str },
    FractionIgnoresNan { metric: &'a str },
    MismatchedCustomBuckets { operation: HistogramOperation },
}

impl Remark<'_> {
    /// How grave it is and its text with the prefix.
    pub(super) fn message(&self) -> (Severity, String) {
        match self.warning() {
            Some(text) => (Severity::Warning, format!("PromQL warning: {text}")),
            None => (Severity::Info, format!("PromQL info: {}", self.info())),
        }
    }

    fn warning(&self) -> Option<String> {
        Some(match self {
            Self::InvalidRatio { given, capped } => format!(
                "ratio value should be between -1 and 1, got {}, capping to {}",
                format_general(*given),
                format_general(*capped)
            ),
            Self::InvalidQuantile { given } => {
                format!("quantile value should be between 0 and 1, got {}", format_general(*given))
            }
            Self::BadBucketLabel { metric, label } => {
                let text = format!("bucket label \"le\" is missing or has a malformed value of {}", Quoted(label));
                with_metric(&text, metric)
            }
            Self::MixedFloatsHistograms { metric } => {
                format!("encountered a mix of histograms and floats for metric name {}", Quoted(metric))
            }
            Self::MixedFloatsHistogramsInAggregation => {
                "encountered a mix of histograms and floats for aggregation".to_owned()
            }
            Self::MixedClassicNative { metric } => {
                with_metric("vector contains a mix of classic and native histograms", metric)
            }
            Self::NotCounter { metric } => {
                format!("this native histogram metric is not a counter: {}", Quoted(metric))
            }
            Self::NotGauge { metric } => format!("this native histogram metric is not a gauge: {}", Quoted(metric)),
            Self::MixedExponentialCustom { metric } => format!(
                "vector contains a mix of histograms with exponential and custom buckets schemas for metric name {}",
                Quoted(metric)
            ),
            Self::IncompatibleBuckets { operator } => {
                format!("incompatible bucket layout encountered for binary operator {operator}")
            }
            Self::SortInRangeQuery => {
                "sort is ineffective for range queries since results are always ordered by labels".to_owned()
            }
            Self::ResetCollision { operation } => {
                format!("conflicting counter resets during histogram {}", operation.as_str())
            }
            Self::StartTimeOverlap { metric } => format!(
                "sample has start time that overlaps with previous sample timestamp for metric {}",
                Quoted(metric)
            ),
            _ => return None,
        })
    }

    fn info(&self) -> String {
        const QUANTILE: &str = "input to histogram_quantile";
        match self {
            Self::PossibleNonCounter { metric } => format!(
                "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {}",
                Quoted(metric)
            ),
            Self::PossibleNonCounterLabel { metric, type_label } => format!(
                "metric might not be a counter, __type__ label is not set to \"counter\" or \"histogram\", got {}: {}",
                Quoted(type_label),
                Quoted(metric)
            ),
            Self::ForcedMonotonicity { metric, .. } => {
                let see = "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile";
                with_metric(&format!("{QUANTILE} needed to be fixed for monotonicity (see {see})"), metric)
            }
            Self::IncompatibleTypes { left, operator, right } => format!(
                "incompatible sample types encountered for binary operator {}: {left} {operator} {right}",
                Quoted(operator)
            ),
            Self::HistogramIgnoredInAggregation { aggregation } => {
                format!("ignored histogram in {aggregation} aggregation")
            }
            Self::HistogramIgnoredInMixedRange { metric } => format!(
                "ignored histograms in a range containing both floats and histograms for metric name {}",
                Quoted(metric)
            ),
            Self::QuantileIsNan { metric } => {
                with_metric(&format!("{QUANTILE} has NaN observations, result is NaN"), metric)
            }
            Self::QuantileSkewedByNan { metric } => {
                with_metric(&format!("{QUANTILE} has NaN observations, result is skewed higher"), metric)
            }
            Self::FractionIgnoresNan { metric } => with_metric(
                "input to histogram_fraction has NaN observations, which are excluded from all fractions",
                metric,
            ),
            Self::MismatchedCustomBuckets { operation } => {
                format!("mismatched custom buckets were reconciled during {}", operation.as_str())
            }
            _ => String::new(),
        }
    }
}

fn with_metric(text: &str, metric: &str) -> String {
    if metric.is_empty() { text.to_owned() } else { format!("{text} for metric name {}", Quoted(metric)) }
}
