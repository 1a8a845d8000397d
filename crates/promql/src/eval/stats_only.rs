//! Histograms of which only count and sum are wanted: without their buckets, but knowing about resets.
//!
//! Without buckets resets could no longer be seen, so each histogram gets what its buckets say in its hint.

use std::sync::Arc;

use metrics_model::{FloatHistogram, ResetHint, is_stale_nan};

/// Strips the histograms of one series, one after the other.
#[derive(Debug, Default)]
pub(crate) struct StatsOnly {
    last: Option<Arc<FloatHistogram>>,
}

impl StatsOnly {
    /// The histogram without its buckets.
    pub(crate) fn strip(&mut self, histogram: &Arc<FloatHistogram>) -> Arc<FloatHistogram> {
        if is_stale_nan(histogram.sum) {
            return Arc::clone(histogram);
        }
        let reset_hint = match (&self.last, histogram.reset_hint) {
            (Some(last), ResetHint::Unknown) if histogram.is_reset_after(last) => ResetHint::Reset,
            (Some(_), ResetHint::Unknown) => ResetHint::NotReset,
            (_, hint) => hint,
        };
        self.last = Some(Arc::clone(histogram));
        let FloatHistogram { schema, count, sum, .. } = **histogram;
        Arc::new(FloatHistogram { reset_hint, schema, count, sum, ..FloatHistogram::default() })
    }
}
