//! Ranges with `anchored` or `smoothed` borders.

use crate::parser::ast::Extension;

/// A float and its time.
pub(crate) type FloatPoint = (i64, f64);

/// The line through two points at `time_ms`. A counter that went down is taken to have started from zero.
pub(crate) fn interpolate(before: FloatPoint, after: FloatPoint, time_ms: i64, is_counter: bool) -> f64 {
    let (from, to) = (before.1, after.1);
    let from = if is_counter && to < from { 0.0 } else { from };
    from + (to - from) * (time_ms - before.0) as f64 / (after.0 - before.0) as f64
}

/// The samples of a range with a sample at each of its borders. Samples around the range are in `floats` as well.
pub(crate) fn range(floats: &[FloatPoint], start_ms: i64, end_ms: i64, extension: Extension) -> Vec<FloatPoint> {
    let Some(borders) = Borders::find(floats, start_ms, end_ms, extension, false) else { return Vec::new() };
    let mut range = vec![(start_ms, borders.left)];
    range.extend_from_slice(borders.inside(floats));
    range.push((end_ms, borders.right));
    range
}

/// What a range has at its borders.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Borders {
    pub(crate) left: f64,
    pub(crate) right: f64,
    /// Samples strictly inside of the range: from this one
    inside_from: usize,
    /// to before this one.
    inside_to: usize,
}

impl Borders {
    /// Looks for the values at the borders of a range. `None` when it has no sample.
    pub(crate) fn find(
        floats: &[FloatPoint],
        start_ms: i64,
        end_ms: i64,
        extension: Extension,
        is_counter: bool,
    ) -> Option<Self> {
        let smoothed = extension == Extension::Smoothed;
        let mut last = floats.len().checked_sub(1)?;
        let first = floats[..last].partition_point(|(time_ms, _)| *time_ms <= start_ms).saturating_sub(1);
        if smoothed {
            last = floats[..last].partition_point(|(time_ms, _)| *time_ms < end_ms);
        }
        if floats[last].0 <= start_ms || (smoothed && floats[first].0 > end_ms) {
            return None;
        }
        let left = if smoothed && floats[first].0 < start_ms {
            interpolate(floats[first], floats[first + 1], start_ms, is_counter)
        } else {
            floats[first].1
        };
        let right = if smoothed && last > 0 && floats[last].0 > end_ms {
            interpolate(floats[last - 1], floats[last], end_ms, is_counter)
        } else {
            floats[last].1
        };
        let inside_from = first + usize::from(floats[first].0 <= start_ms);
        let inside_to = last + usize::from(floats[last].0 < end_ms);
        Some(Self { left, right, inside_from, inside_to })
    }

    /// The samples strictly inside of the range.
    pub(crate) fn inside<'a>(&self, floats: &'a [FloatPoint]) -> &'a [FloatPoint] {
        floats.get(self.inside_from..self.inside_to).unwrap_or_default()
    }
}
