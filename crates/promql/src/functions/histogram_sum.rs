//! Sums and means of native histograms, over a window or a group.

use std::sync::Arc;

use metrics_model::histogram::{Combined, HistogramSum, IncompatibleSchemas};
use metrics_model::{FloatHistogram, ResetHint};

use super::range::RangeContext;
use crate::annotations::{HistogramOperation, Remark};
use crate::value::PointValue;

/// Something to remark on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Finding {
    /// Exponential and custom buckets do not go together; the metric that did not fit.
    Incompatible { metric: String },
    /// Custom bounds differed.
    Reconciled,
    /// Some said there was a counter reset, others that there was none.
    ResetCollision,
}

impl Finding {
    pub(crate) fn as_remark(&self) -> Remark<'_> {
        let operation = HistogramOperation::Aggregation;
        match self {
            Self::Incompatible { metric } => Remark::MixedExponentialCustom { metric },
            Self::Reconciled => Remark::MismatchedCustomBuckets { operation },
            Self::ResetCollision => Remark::ResetCollision { operation },
        }
    }
}

/// The sum or mean of histograms, one after the other.
#[derive(Debug)]
pub(crate) struct HistogramFold {
    /// The sum, or the mean itself once `incremental`.
    sum: HistogramSum,
    count: f64,
    is_mean: bool,
    /// The sum has overflowed, so the mean is kept up histogram by histogram.
    incremental: bool,
    /// Why there is no result.
    incompatible: Option<String>,
    reconciled: bool,
    reset_seen: bool,
    no_reset_seen: bool,
}

impl HistogramFold {
    pub(crate) fn new(first: &Arc<FloatHistogram>, is_mean: bool) -> Self {
        let mut fold = Self {
            sum: HistogramSum::new(first),
            count: 1.0,
            is_mean,
            incremental: false,
            incompatible: None,
            reconciled: false,
            reset_seen: false,
            no_reset_seen: false,
        };
        fold.note_hint(first);
        fold
    }

    fn note_hint(&mut self, histogram: &FloatHistogram) {
        self.reset_seen |= histogram.reset_hint == ResetHint::Reset;
        self.no_reset_seen |= histogram.reset_hint == ResetHint::NotReset;
    }

    /// Adds a histogram of `metric`.
    pub(crate) fn add(&mut self, histogram: &FloatHistogram, metric: &str) {
        if self.incompatible.is_some() {
            return;
        }
        self.note_hint(histogram);
        self.count += 1.0;
        match self.try_add(histogram) {
            Ok(combined) => self.reconciled |= combined.bounds_reconciled,
            Err(IncompatibleSchemas) => self.incompatible = Some(metric.to_owned()),
        }
    }

    fn try_add(&mut self, histogram: &FloatHistogram) -> Result<Combined, IncompatibleSchemas> {
        if !self.is_mean {
            return self.sum.add(histogram);
        }
        if !self.incremental {
            let before = self.sum.clone();
            let combined = self.sum.add(histogram)?;
            if !self.sum.has_overflow() {
                return Ok(combined);
            }
            self.incremental = true;
            self.sum = before;
            self.sum.divide(self.count - 1.0);
        }
        self.sum.scale((self.count - 1.0) / self.count);
        let mut part = histogram.clone();
        part.divide(self.count);
        self.sum.add(&part)
    }

    /// What there is to remark on, and the result.
    pub(crate) fn finish(mut self) -> (Vec<Finding>, Option<FloatHistogram>) {
        let mut findings = Vec::new();
        if self.reconciled {
            findings.push(Finding::Reconciled);
        }
        if let Some(metric) = self.incompatible {
            findings.push(Finding::Incompatible { metric });
            return (findings, None);
        }
        if self.reset_seen && self.no_reset_seen {
            findings.push(Finding::ResetCollision);
        }
        if self.is_mean && !self.incremental {
            self.sum.divide(self.count);
        }
        let mut result = self.sum.finish();
        result.compact();
        (findings, Some(result))
    }
}

/// The sum of a window's histograms.
pub(crate) fn sum_of_window(histograms: &[Arc<FloatHistogram>], context: &mut RangeContext<'_>) -> Option<PointValue> {
    fold_window(histograms, false, context)
}

/// The mean of a window's histograms.
pub(crate) fn mean_of_window(histograms: &[Arc<FloatHistogram>], context: &mut RangeContext<'_>) -> Option<PointValue> {
    fold_window(histograms, true, context)
}

fn fold_window(
    histograms: &[Arc<FloatHistogram>],
    is_mean: bool,
    context: &mut RangeContext<'_>,
) -> Option<PointValue> {
    let (first, rest) = histograms.split_first()?;
    let metric = context.labels.metric_name().to_owned();
    let mut fold = HistogramFold::new(first, is_mean);
    for histogram in rest {
        fold.add(histogram, &metric);
    }
    let (findings, result) = fold.finish();
    // A failed sum is remarked on as such and as nothing else.
    let failure = findings.iter().find(|finding| matches!(finding, Finding::Incompatible { .. }));
    match failure {
        Some(failure) => context.remark(&failure.as_remark()),
        None => findings.iter().for_each(|finding| context.remark(&finding.as_remark())),
    }
    result.map(|histogram| PointValue::Histogram(Arc::new(histogram)))
}
