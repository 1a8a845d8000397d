//! Ranges with `anchored` or `smoothed` borders.
//!
//! An anchored range takes the last sample before it for the value at its start. A smoothed one draws lines to the
//! samples around it. Windows for both reach farther than the range, by the lookback.

use super::range::RangeContext;
use super::rate::Change;
use crate::eval::window::View;
use crate::parser::ast::Extension;

/// Which samples stand for a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    /// The last sample at or before the start, or else the first one.
    pub(crate) first: usize,
    /// The last sample; of a smoothed range the first at or after its end.
    pub(crate) last: usize,
    /// The value at the start lies between the first sample and the one after it.
    pub(crate) left_is_between: bool,
    /// The value at the end lies between the last sample and the one before it.
    pub(crate) right_is_between: bool,
    /// Samples strictly inside of the range: from this one
    inside_from: usize,
    /// to before this one.
    inside_to: usize,
}

impl Range {
    /// Looks for the samples of a range. `None` when there is nothing in it to measure.
    pub(crate) fn find(times: &[i64], start_ms: i64, end_ms: i64, extension: Extension) -> Option<Self> {
        let range = Self::locate(times, start_ms, end_ms, extension)?;
        let begins_later = extension == Extension::Smoothed && times[range.first] > end_ms;
        (!begins_later).then_some(range)
    }

    /// The same, also when all samples are behind the range.
    fn locate(times: &[i64], start_ms: i64, end_ms: i64, extension: Extension) -> Option<Self> {
        let is_smoothed = extension == Extension::Smoothed;
        let mut last = times.len().checked_sub(1)?;
        let first = times[..last].partition_point(|time_ms| *time_ms <= start_ms).saturating_sub(1);
        if is_smoothed {
            last = times[..last].partition_point(|time_ms| *time_ms < end_ms);
        }
        if times[last] <= start_ms {
            return None;
        }
        Some(Self {
            first,
            last,
            left_is_between: is_smoothed && times[first] < start_ms,
            right_is_between: is_smoothed && last > 0 && times[last] > end_ms,
            inside_from: first + usize::from(times[first] <= start_ms),
            inside_to: last + usize::from(times[last] < end_ms),
        })
    }

    /// The values of floats at the borders.
    fn float_borders(self, times: &[i64], floats: &[f64], start_ms: i64, end_ms: i64, is_counter: bool) -> (f64, f64) {
        let at = |place: usize| (times[place], floats[place]);
        let left = if self.left_is_between {
            interpolate(at(self.first), at(self.first + 1), start_ms, is_counter)
        } else {
            floats[self.first]
        };
        let right = if self.right_is_between {
            interpolate(at(self.last - 1), at(self.last), end_ms, is_counter)
        } else {
            floats[self.last]
        };
        (left, right)
    }

    /// The samples strictly inside.
    fn inside(self) -> std::ops::Range<usize> {
        self.inside_from..self.inside_to.max(self.inside_from)
    }
}

/// The line through two points at `time_ms`. A counter that went down is taken to have started from zero.
pub(crate) fn interpolate(before: (i64, f64), after: (i64, f64), time_ms: i64, is_counter: bool) -> f64 {
    let (from, to) = (before.1, after.1);
    let from = if is_counter && to < from { 0.0 } else { from };
    from + (to - from) * (time_ms - before.0) as f64 / (after.0 - before.0) as f64
}

/// The samples of a range with one at each of its borders.
pub(crate) fn samples(
    times: &[i64],
    floats: &[f64],
    start_ms: i64,
    end_ms: i64,
    extension: Extension,
) -> Vec<(i64, f64)> {
    let Some(range) = Range::locate(times, start_ms, end_ms, extension) else { return Vec::new() };
    let (left, right) = range.float_borders(times, floats, start_ms, end_ms, false);
    let inside = range.inside().map(|place| (times[place], floats[place]));
    std::iter::once((start_ms, left)).chain(inside).chain(std::iter::once((end_ms, right))).collect()
}

/// The change of floats over a range.
pub(crate) fn float_change(
    view: View<'_>,
    context: &RangeContext<'_>,
    change: Change,
    extension: Extension,
) -> Option<f64> {
    let (start_ms, end_ms) = (context.range_start_ms, context.range_end_ms);
    let range = Range::find(view.float_times, start_ms, end_ms, extension)?;
    let (left, right) = range.float_borders(view.float_times, view.floats, start_ms, end_ms, change.is_counter);
    let mut result = right - left;
    if change.is_counter {
        let mut previous = left;
        for value in view.floats[range.inside()].iter().copied().chain(std::iter::once(right)) {
            if value < previous {
                result += previous;
            }
            previous = value;
        }
    }
    Some(if change.is_rate { result / context.range_s } else { result })
}

/// Where an anchored range of floats and histograms starts: at the last sample of either kind at or before its start.
/// `None` when there is no sample after that.
pub(crate) fn anchor(view: &View<'_>, start_ms: i64) -> Option<(usize, usize)> {
    let floats = view.float_times.partition_point(|time_ms| *time_ms <= start_ms);
    let histograms = view.histogram_times.partition_point(|time_ms| *time_ms <= start_ms);
    if floats == view.floats.len() && histograms == view.histograms.len() {
        return None;
    }
    let last_float = floats.checked_sub(1).map(|place| (view.float_times[place], place));
    let last_histogram = histograms.checked_sub(1).map(|place| (view.histogram_times[place], place));
    Some(match (last_float, last_histogram) {
        (None, None) => (0, 0),
        (Some((_, place)), None) => (place, histograms),
        (Some((float_ms, place)), Some((histogram_ms, _))) if float_ms >= histogram_ms => (place, histograms),
        (_, Some((_, place))) => (floats, place),
    })
}
