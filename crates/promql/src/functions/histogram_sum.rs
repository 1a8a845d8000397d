//! Sums and means of native histograms.

use std::sync::Arc;

use metrics_model::FloatHistogram;

use super::range::RangeContext;
use crate::annotations::Remark;
use crate::value::PointValue;

/// Something to remark on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Finding {}

impl Finding {
    pub(crate) fn as_remark(&self) -> Remark<'_> {
        match *self {}
    }
}

/// The sum or mean of histograms, one after the other.
#[derive(Debug)]
pub(crate) struct HistogramFold {}

impl HistogramFold {
    pub(crate) fn new(_: &Arc<FloatHistogram>, _: bool) -> Self {
        Self {}
    }

    pub(crate) fn add(&mut self, _: &Arc<FloatHistogram>, _: &str) {}

    pub(crate) fn finish(self) -> (Vec<Finding>, Option<FloatHistogram>) {
        (Vec::new(), None)
    }
}

/// The sum of a window's histograms.
pub(crate) fn sum_of_window(_: &[Arc<FloatHistogram>], _: &mut RangeContext<'_>) -> Option<PointValue> {
    None
}

/// The mean of a window's histograms.
pub(crate) fn mean_of_window(_: &[Arc<FloatHistogram>], _: &mut RangeContext<'_>) -> Option<PointValue> {
    None
}
