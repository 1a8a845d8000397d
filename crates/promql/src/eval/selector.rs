//! Instant selectors: for each step the newest sample that is not older than the lookback.

use std::sync::Arc;

use metrics_model::{FloatHistogram, is_stale_nan};
use storage::{Cursor, Run, Series, StorageError, TimeRange};

use super::column::Column;
use crate::plan::{Steps, TimeShift};

/// What the lookups of one series need to know.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lookup {
    pub(crate) steps: Steps,
    pub(crate) shift: TimeShift,
    pub(crate) lookback_ms: i64,
}

/// The newest sample so far.
#[derive(Debug, Clone)]
enum Latest {
    None,
    Float(i64, f64),
    Histogram(i64, Arc<FloatHistogram>),
}

/// What is wanted of the samples found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want {
    /// Their values.
    Values,
    /// Their times in seconds.
    Timestamps,
    /// Their start times in seconds, where the store has them.
    StartTimestamps,
}

impl Lookup {
    /// The time range that lookups need.
    fn range(self) -> TimeRange {
        let first_ms = self.shift.apply(self.steps.start_ms);
        let last_ms = self.shift.apply(self.steps.last_ms());
        TimeRange { start_ms: first_ms.saturating_sub(self.lookback_ms - 1), end_ms: last_ms }
    }

    /// Fills `column` with what `series` has at each step.
    pub(crate) fn fill(self, series: &dyn Series, want: Want, column: &mut Column) -> Result<(), StorageError> {
        let mut cursor = series.cursor(self.range());
        if self.shift.at_ms.is_some() && self.steps.count() > 1 {
            let once = Self { steps: Steps { end_ms: self.steps.start_ms, ..self.steps }, ..self };
            once.fill_from(&mut *cursor, want, column)?;
            column.repeat_first(self.steps.count());
            return Ok(());
        }
        self.fill_from(&mut *cursor, want, column)
    }

    fn fill_from(self, cursor: &mut dyn Cursor, want: Want, column: &mut Column) -> Result<(), StorageError> {
        let count = self.steps.count();
        let mut step = 0;
        let mut latest = Latest::None;
        while step < count
            && let Some(run) = cursor.next_run()?
        {
            step = match run {
                Run::Floats { timestamps_ms, values } => {
                    let next = self.walk(step, timestamps_ms, |step, sample| match sample {
                        None => self.emit(&latest, want, step, column),
                        Some(at) => self.emit_float(timestamps_ms[at], values[at], want, step, column),
                    });
                    if let (Some(time_ms), Some(value)) = (timestamps_ms.last(), values.last()) {
                        latest = Latest::Float(*time_ms, *value);
                    }
                    next
                }
                Run::Histograms { timestamps_ms, values } => {
                    let next = self.walk(step, timestamps_ms, |step, sample| match sample {
                        None => self.emit(&latest, want, step, column),
                        Some(at) => self.emit_histogram(timestamps_ms[at], &values[at], want, step, column),
                    });
                    if let (Some(time_ms), Some(value)) = (timestamps_ms.last(), values.last()) {
                        latest = Latest::Histogram(*time_ms, Arc::clone(value));
                    }
                    next
                }
            };
        }
        for step in step..count {
            self.emit(&latest, want, step, column);
        }
        Ok(())
    }

    /// Goes through the steps whose newest sample lies in this run or before it, from `step` on. Returns the first
    /// step that may need the next run.
    fn walk(self, mut step: usize, timestamps_ms: &[i64], mut emit: impl FnMut(usize, Option<usize>)) -> usize {
        let count = self.steps.count();
        let mut next = 0;
        while step < count {
            let wanted_ms = self.shift.apply(self.steps.time_ms(step));
            while timestamps_ms.get(next).is_some_and(|time_ms| *time_ms <= wanted_ms) {
                next += 1;
            }
            if next == timestamps_ms.len() {
                break;
            }
            emit(step, next.checked_sub(1));
            step += 1;
        }
        step
    }

    fn is_current(self, time_ms: i64, step: usize) -> bool {
        time_ms > self.shift.apply(self.steps.time_ms(step)).saturating_sub(self.lookback_ms)
    }

    fn emit(self, latest: &Latest, want: Want, step: usize, column: &mut Column) {
        match latest {
            Latest::None => {}
            Latest::Float(time_ms, value) => self.emit_float(*time_ms, *value, want, step, column),
            Latest::Histogram(time_ms, value) => self.emit_histogram(*time_ms, value, want, step, column),
        }
    }

    fn emit_float(self, time_ms: i64, value: f64, want: Want, step: usize, column: &mut Column) {
        if self.is_current(time_ms, step) && !is_stale_nan(value) {
            match want {
                Want::Values => column.push_float(step, value),
                Want::Timestamps => column.push_float(step, time_ms as f64 / 1000.0),
                Want::StartTimestamps => {}
            }
        }
    }

    fn emit_histogram(self, time_ms: i64, value: &Arc<FloatHistogram>, want: Want, step: usize, column: &mut Column) {
        if !self.is_current(time_ms, step) || is_stale_nan(value.sum) {
            return;
        }
        match want {
            Want::Values => column.push_histogram(step, Arc::clone(value)),
            Want::Timestamps => column.push_float(step, time_ms as f64 / 1000.0),
            Want::StartTimestamps => {}
        }
    }
}
