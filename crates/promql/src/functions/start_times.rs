//! Start times of samples: when the counter that a sample is of began to count.

use super::range::RangeContext;
use crate::annotations::Remark;
use crate::eval::window::View;

/// Whether a counter started over between two samples. A start time of 0 means that it is not known.
pub(crate) fn is_reset(before_start_ms: i64, before_ms: i64, start_ms: i64, time_ms: i64) -> bool {
    if start_ms == 0 || start_ms >= time_ms || start_ms < before_ms {
        return false;
    }
    if start_ms > before_ms {
        return true;
    }
    // It starts where the sample before it ends. So do differences, each of which starts over; but so do also totals
    // of which the start is not known, whose first sample starts at its own time.
    before_start_ms != 0 && before_start_ms < before_ms
}

/// Whether a sample claims to have started before the sample before it, and not when that one did.
pub(crate) fn overlaps(before_start_ms: i64, before_ms: i64, start_ms: i64) -> bool {
    start_ms != 0 && start_ms < before_ms && start_ms != before_start_ms
}

/// What a counter had reached each time it started over, added up. An overlap is remarked on once.
pub(crate) fn float_resets(view: View<'_>, context: &mut RangeContext<'_>) -> f64 {
    let starts = |at: usize| view.float_starts.get(at).copied().unwrap_or(0);
    let mut correction = 0.0;
    let mut overlap_seen = false;
    for at in 1..view.floats.len() {
        let (before, value) = (view.floats[at - 1], view.floats[at]);
        let (before_ms, time_ms) = (view.float_times[at - 1], view.float_times[at]);
        if !overlap_seen && overlaps(starts(at - 1), before_ms, starts(at)) {
            remark_overlap(context);
            overlap_seen = true;
        }
        if value < before || is_reset(starts(at - 1), before_ms, starts(at), time_ms) {
            correction += before;
        }
    }
    correction
}

/// Says that start times overlap.
pub(crate) fn remark_overlap(context: &mut RangeContext<'_>) {
    let metric = context.labels.metric_name().to_owned();
    context.remark(&Remark::StartTimeOverlap { metric: &metric });
}
