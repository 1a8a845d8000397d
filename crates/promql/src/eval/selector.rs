//! Instant selectors: for each step the newest sample that is not older than the lookback.

use std::sync::Arc;

use metrics_model::{FloatHistogram, is_stale_nan};
use storage::{Cursor, Run, Series, StorageError, TimeRange};

use super::column::Column;
use super::stats_only::StatsOnly;
use crate::plan::{Steps, TimeShift};
use crate::value::PointValue;

/// What the lookups of one series need to know.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lookup {
    pub(crate) steps: Steps,
    pub(crate) shift: TimeShift,
    pub(crate) lookback_ms: i64,
    /// Of histograms only count, sum and resets matter.
    pub(crate) stats_only: bool,
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
        let mut latest: Option<Sample> = None;
        let mut stats = self.stats_only.then(StatsOnly::default);
        while step < count
            && let Some((run, starts_ms)) = cursor.next_run_with_starts()?
        {
            let stripped;
            let (times, values) = match run {
                Run::Floats { timestamps_ms, values } => (timestamps_ms, Values::Floats(values)),
                Run::Histograms { timestamps_ms, values } => {
                    let values = match &mut stats {
                        None => values,
                        Some(stats) => {
                            stripped = values.iter().map(|value| stats.strip(value)).collect::<Vec<_>>();
                            &stripped
                        }
                    };
                    (timestamps_ms, Values::Histograms(values))
                }
            };
            let at = |place: usize| Sample {
                time_ms: times[place],
                start_ms: starts_ms.get(place).copied().unwrap_or(0),
                value: values.get(place),
            };
            step = match values {
                // By far the most frequent case: no sample is made of what is already there.
                Values::Floats(floats) if want == Want::Values => {
                    self.walk(step, times, |step, border_ms, place| match place {
                        None => self.emit(latest.as_ref(), want, step, column),
                        Some(place) if times[place] > border_ms && !is_stale_nan(floats[place]) => {
                            column.push_float_of(step, floats[place], count);
                        }
                        Some(_) => {}
                    })
                }
                _ => self.walk(step, times, |step, _, place| match place {
                    None => self.emit(latest.as_ref(), want, step, column),
                    Some(place) => self.emit(Some(&at(place)), want, step, column),
                }),
            };
            latest = times.len().checked_sub(1).map(at).or(latest);
        }
        for step in step..count {
            self.emit(latest.as_ref(), want, step, column);
        }
        Ok(())
    }

    /// Goes through the steps whose newest sample lies in this run or before it, from `step` on. `emit` gets the step, the
    /// time after which samples are current, and the place of the newest one in this run. Returns the first step that
    /// may need the next run.
    fn walk(self, mut step: usize, timestamps_ms: &[i64], mut emit: impl FnMut(usize, i64, Option<usize>)) -> usize {
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
            emit(step, wanted_ms.saturating_sub(self.lookback_ms), next.checked_sub(1));
            step += 1;
        }
        step
    }

    fn is_current(self, time_ms: i64, step: usize) -> bool {
        time_ms > self.shift.apply(self.steps.time_ms(step)).saturating_sub(self.lookback_ms)
    }

    fn emit(self, sample: Option<&Sample>, want: Want, step: usize, column: &mut Column) {
        let Some(sample) = sample.filter(|sample| self.is_current(sample.time_ms, step) && !sample.is_stale()) else {
            return;
        };
        match (want, &sample.value) {
            (Want::Values, PointValue::Float(value)) => column.push_float_of(step, *value, self.steps.count()),
            (Want::Values, PointValue::Histogram(value)) => column.push_histogram(step, Arc::clone(value)),
            (Want::Timestamps, _) => column.push_float(step, sample.time_ms as f64 / 1000.0),
            (Want::StartTimestamps, _) => column.push_float(step, sample.start_ms as f64 / 1000.0),
        }
    }
}

/// The values of a run.
#[derive(Debug, Clone, Copy)]
enum Values<'a> {
    Floats(&'a [f64]),
    Histograms(&'a [Arc<FloatHistogram>]),
}

impl Values<'_> {
    fn get(self, place: usize) -> PointValue {
        match self {
            Self::Floats(values) => PointValue::Float(values[place]),
            Self::Histograms(values) => PointValue::Histogram(Arc::clone(&values[place])),
        }
    }
}

/// One sample.
#[derive(Debug, Clone)]
struct Sample {
    time_ms: i64,
    /// 0 when it is not known.
    start_ms: i64,
    value: PointValue,
}

impl Sample {
    fn is_stale(&self) -> bool {
        match &self.value {
            PointValue::Float(value) => is_stale_nan(*value),
            PointValue::Histogram(value) => is_stale_nan(value.sum),
        }
    }
}
