//! Sliding windows: the samples of one series within a range before each step.
//!
//! A window reads runs from a cursor as steps move on and forgets what lies behind, so it holds no more than one range
//! and one run, however long the query.

use std::sync::Arc;

use metrics_model::{FloatHistogram, ResetHint, is_stale_nan};
use storage::{Cursor, Run, StorageError};

use super::column::{Column, Point, histogram_samples};
use super::shapes::{Ahead, Grid, Shapes};
use super::stats_only::StatsOnly;
use crate::plan::Steps;

/// The samples in a window, floats and histograms apart, both in order of time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) float_times: &'a [i64],
    pub(crate) floats: &'a [f64],
    pub(crate) histogram_times: &'a [i64],
    pub(crate) histograms: &'a [Arc<FloatHistogram>],
    /// How many floats of the series came before the first one here.
    pub(crate) floats_before: usize,
    /// How many histograms of the series came before the first one here.
    pub(crate) histograms_before: usize,
    /// Start times of the floats, or nothing where they are not known or not wanted.
    pub(crate) float_starts: &'a [i64],
    /// Start times of the histograms, or nothing.
    pub(crate) histogram_starts: &'a [i64],
    /// What the histograms count as.
    histogram_samples: usize,
}

/// Floats that are read ahead of the window of the next step, about, so that several windows can be had at once.
const AHEAD_SAMPLES: usize = 16 << 10;

impl<'a> View<'a> {
    /// A window with nothing but floats, of which `before` came before in the series.
    pub(crate) fn of_floats(times: &'a [i64], floats: &'a [f64], before: usize) -> Self {
        Self {
            float_times: times,
            floats,
            histogram_times: &[],
            histograms: &[],
            floats_before: before,
            histograms_before: 0,
            float_starts: &[],
            histogram_starts: &[],
            histogram_samples: 0,
        }
    }
}

impl View<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        self.floats.is_empty() && self.histograms.is_empty()
    }

    /// What the samples count as.
    pub(crate) fn samples(&self) -> usize {
        self.floats.len() + self.histogram_samples
    }

    /// The numbers of the floats and histograms behind the last ones here.
    pub(crate) fn end(&self) -> (usize, usize) {
        (self.floats_before + self.floats.len(), self.histograms_before + self.histograms.len())
    }

    /// What the samples from these numbers on count as.
    pub(crate) fn samples_since(&self, (float, histogram): (usize, usize)) -> usize {
        let floats = self.floats.len().min(self.end().0.saturating_sub(float));
        let known = histogram.saturating_sub(self.histograms_before).min(self.histograms.len());
        floats + self.histograms[known..].iter().map(|histogram| histogram_samples(histogram)).sum::<usize>()
    }
}

/// Samples of one kind, of which those from `low` to before `high` are in the window.
#[derive(Debug)]
struct Track<T> {
    times: Vec<i64>,
    values: Vec<T>,
    /// Start times where any are known, 0 for those that are not; else nothing.
    starts: Vec<i64>,
    low: usize,
    high: usize,
    /// How many samples were forgotten.
    forgotten: usize,
    /// What the samples in the window count as, by the measure that the window slides with.
    weight: usize,
}

impl<T> Default for Track<T> {
    fn default() -> Self {
        Self { times: Vec::new(), values: Vec::new(), starts: Vec::new(), low: 0, high: 0, forgotten: 0, weight: 0 }
    }
}

impl<T> Track<T> {
    fn clear(&mut self) {
        self.times.clear();
        self.values.clear();
        self.starts.clear();
        (self.low, self.high, self.forgotten, self.weight) = (0, 0, 0, 0);
    }

    /// Moves the window to samples after `after_ms` and up to `until_ms`.
    fn slide(&mut self, after_ms: i64, until_ms: i64, weigh: impl Fn(&T) -> usize) {
        while self.times.get(self.high).is_some_and(|time_ms| *time_ms <= until_ms) {
            self.weight += weigh(&self.values[self.high]);
            self.high += 1;
        }
        while self.low < self.high && self.times[self.low] <= after_ms {
            self.weight -= weigh(&self.values[self.low]);
            self.low += 1;
        }
    }

    /// Begins anew at the first sample after `after_ms`, with an empty window. Samples before are not asked for again.
    fn begin(&mut self, after_ms: i64) {
        self.low += self.times[self.low..].partition_point(|time_ms| *time_ms <= after_ms);
        self.high = self.low;
        self.weight = 0;
    }

    /// How many samples lie ready from the start of the window on.
    fn ready(&self) -> usize {
        self.times.len() - self.low
    }

    /// Adds the start times of the samples that were added since there were `before`; `kept` says which of `starts_ms`
    /// they are.
    fn add_starts(&mut self, before: usize, starts_ms: &[i64], kept: impl Fn(usize) -> bool) {
        if starts_ms.is_empty() && self.starts.is_empty() {
            return;
        }
        self.starts.resize(before, 0);
        let added = starts_ms.iter().enumerate().filter(|(place, _)| kept(*place)).map(|(_, start_ms)| *start_ms);
        self.starts.extend(added);
        self.starts.resize(self.times.len(), 0);
    }

    fn starts(&self) -> &[i64] {
        self.starts.get(self.low..self.high).unwrap_or_default()
    }

    /// Forgets samples before the window.
    fn forget(&mut self) {
        if self.low > 0 {
            self.times.drain(..self.low);
            self.values.drain(..self.low);
            self.starts.drain(..self.low.min(self.starts.len()));
            self.high -= self.low;
            self.forgotten += self.low;
            self.low = 0;
        }
    }
}

/// Where the samples of a window come from.
enum Feed<'a> {
    Cursor(Box<dyn Cursor + 'a>),
    /// All samples are in the window's tracks already.
    Loaded,
}

/// A window over one series. Its memory is kept from series to series, all of which are looked at for the same call.
#[derive(Default)]
pub(crate) struct Window {
    floats: Track<f64>,
    histograms: Track<Arc<FloatHistogram>>,
    shapes: Shapes,
}

/// A window on the move over one series.
pub(crate) struct Slider<'w, 'a> {
    window: &'w mut Window,
    feed: Feed<'a>,
    /// Time of the newest sample read.
    read_until_ms: i64,
    stats: Option<StatsOnly>,
    wants_starts: bool,
}

/// What is wanted of the samples of a cursor besides their values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Wants {
    /// Start times.
    pub(crate) starts: bool,
    /// Of histograms only count, sum and resets.
    pub(crate) stats_only: bool,
}

impl Window {
    /// Starts over with the samples of a cursor.
    pub(crate) fn over<'w, 'a>(&'w mut self, cursor: Box<dyn Cursor + 'a>, wants: Wants) -> Slider<'w, 'a> {
        self.clear();
        Slider {
            window: self,
            feed: Feed::Cursor(cursor),
            read_until_ms: i64::MIN,
            stats: wants.stats_only.then(StatsOnly::default),
            wants_starts: wants.starts,
        }
    }

    /// Starts over with the points of a subquery's result.
    pub(crate) fn over_column(&mut self, column: &Column, steps: Steps) -> Slider<'_, 'static> {
        self.clear();
        for (step, point) in column.points() {
            let time_ms = steps.time_ms(step);
            match point {
                Point::Float(value) => {
                    self.floats.times.push(time_ms);
                    self.floats.values.push(value);
                }
                Point::Histogram(histogram) => {
                    self.histograms.times.push(time_ms);
                    self.histograms.values.push(without_reset_hint(histogram));
                }
            }
        }
        Slider { window: self, feed: Feed::Loaded, read_until_ms: i64::MAX, stats: None, wants_starts: false }
    }

    fn clear(&mut self) {
        self.floats.clear();
        self.histograms.clear();
    }

    /// Whether there is nothing but floats without start times.
    fn is_plain(&self) -> bool {
        self.histograms.times.is_empty() && self.floats.starts.is_empty()
    }

    fn slide(&mut self, after_ms: i64, until_ms: i64) {
        self.floats.slide(after_ms, until_ms, |_| 1);
        self.histograms.slide(after_ms, until_ms, |histogram| histogram_samples(histogram));
    }

    fn load(&mut self, run: Run<'_>, starts_ms: &[i64], stats: Option<&mut StatsOnly>) -> i64 {
        match run {
            Run::Floats { timestamps_ms, values } => {
                self.floats.forget();
                let before = self.floats.times.len();
                if values.iter().any(|value| is_stale_nan(*value)) {
                    let kept = timestamps_ms.iter().zip(values).filter(|(_, value)| !is_stale_nan(**value));
                    for (time_ms, value) in kept {
                        self.floats.times.push(*time_ms);
                        self.floats.values.push(*value);
                    }
                } else {
                    self.floats.times.extend_from_slice(timestamps_ms);
                    self.floats.values.extend_from_slice(values);
                }
                self.floats.add_starts(before, starts_ms, |place| !is_stale_nan(values[place]));
                timestamps_ms.last().copied().unwrap_or(i64::MIN)
            }
            Run::Histograms { timestamps_ms, values } => {
                self.histograms.forget();
                let before = self.histograms.times.len();
                let mut stats = stats;
                let kept = timestamps_ms.iter().zip(values).filter(|(_, value)| !is_stale_nan(value.sum));
                for (time_ms, value) in kept {
                    let value = stats.as_mut().map_or_else(|| Arc::clone(value), |stats| stats.strip(value));
                    self.histograms.times.push(*time_ms);
                    self.histograms.values.push(value);
                }
                self.histograms.add_starts(before, starts_ms, |place| !is_stale_nan(values[place].sum));
                timestamps_ms.last().copied().unwrap_or(i64::MIN)
            }
        }
    }
}

impl Slider<'_, '_> {
    /// The windows of as many steps from `step` on as what lies ready can tell, if they hold nothing but floats. `None` when
    /// steps are better looked at one by one: they hold something else, or more than is worth to be read ahead.
    pub(crate) fn ahead(&mut self, grid: Grid, step: usize) -> Result<Option<Ahead<'_>>, StorageError> {
        let count = grid.steps.count();
        let (after_ms, _) = grid.window(step);
        let (_, until_ms) = grid.window(count.saturating_sub(1));
        if self.window.is_plain() {
            self.window.floats.begin(after_ms);
        }
        while matches!(self.feed, Feed::Cursor(_))
            && self.window.is_plain()
            && self.read_until_ms <= until_ms
            && self.window.floats.ready() < AHEAD_SAMPLES
        {
            self.read_on()?;
        }
        let window = &mut *self.window;
        let is_all = matches!(self.feed, Feed::Loaded) || self.read_until_ms > until_ms;
        if !window.is_plain() || (!is_all && window.floats.ready() > 2 * AHEAD_SAMPLES) {
            return Ok(None);
        }
        let end_step = if is_all { count } else { grid.steps_before(self.read_until_ms, step) };
        if end_step <= step {
            return Ok(None);
        }
        let floats = &window.floats;
        let times = &floats.times[floats.low..];
        Ok(Some(Ahead {
            grid,
            shape: window.shapes.of(times, grid, (step, end_step)),
            times,
            floats: &floats.values[floats.low..],
            before: floats.forgotten + floats.low,
            end_step,
        }))
    }

    /// Takes the next run of the cursor.
    fn read_on(&mut self) -> Result<(), StorageError> {
        let Feed::Cursor(cursor) = &mut self.feed else { return Ok(()) };
        match cursor.next_run_with_starts()? {
            Some((run, starts_ms)) => {
                let starts_ms = if self.wants_starts { starts_ms } else { &[] };
                self.read_until_ms = self.window.load(run, starts_ms, self.stats.as_mut());
            }
            None => self.feed = Feed::Loaded,
        }
        Ok(())
    }

    /// The samples after `after_ms` and up to `until_ms`; both must not go back from call to call.
    pub(crate) fn slide(&mut self, after_ms: i64, until_ms: i64) -> Result<View<'_>, StorageError> {
        while matches!(self.feed, Feed::Cursor(_)) && self.read_until_ms <= until_ms {
            // What is behind the window need not be kept for the sake of what comes.
            self.window.slide(after_ms, until_ms);
            self.read_on()?;
        }
        let window = &mut *self.window;
        // An empty range has no samples, not even one at its only point.
        let until_ms = if after_ms >= until_ms { i64::MIN } else { until_ms };
        window.slide(after_ms, until_ms);
        let (floats, histograms) = (&window.floats, &window.histograms);
        Ok(View {
            float_times: &floats.times[floats.low..floats.high],
            floats: &floats.values[floats.low..floats.high],
            histogram_times: &histograms.times[histograms.low..histograms.high],
            histograms: &histograms.values[histograms.low..histograms.high],
            floats_before: floats.forgotten + floats.low,
            histograms_before: histograms.forgotten + histograms.low,
            float_starts: floats.starts(),
            histogram_starts: histograms.starts(),
            histogram_samples: histograms.weight,
        })
    }
}

/// A subquery may leave out or repeat the sample after a reset, so what the samples say about resets does not hold for
/// its result.
pub(crate) fn without_reset_hint(histogram: &Arc<FloatHistogram>) -> Arc<FloatHistogram> {
    match histogram.reset_hint {
        ResetHint::Reset | ResetHint::NotReset => {
            let mut copy = FloatHistogram::clone(histogram);
            copy.reset_hint = ResetHint::Unknown;
            Arc::new(copy)
        }
        ResetHint::Unknown | ResetHint::Gauge => Arc::clone(histogram),
    }
}
