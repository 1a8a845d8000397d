//! The windows of many steps at once, over floats that lie ready.
//!
//! The series of one target have their samples at the same times, so where each window begins and ends is found once for
//! all of them.

use rustc_hash::FxHashMap;

use super::window::View;
use crate::plan::{Steps, TimeShift};

/// Times that are remembered in all shapes together: 1 MB.
const TIMES_MAX: usize = 128 << 10;

/// Where the windows of a call lie in time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grid {
    pub(crate) steps: Steps,
    pub(crate) shift: TimeShift,
    pub(crate) range_ms: i64,
}

impl Grid {
    /// The window of a step: samples after the first time and up to the second.
    pub(crate) fn window(self, step: usize) -> (i64, i64) {
        let end_ms = self.shift.apply(self.steps.time_ms(step));
        (end_ms.saturating_sub(self.range_ms), end_ms)
    }

    /// The first step, from `step` on, whose window does not end before `time_ms`.
    pub(crate) fn steps_before(self, time_ms: i64, step: usize) -> usize {
        let (mut low, mut high) = (step, self.steps.count());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.window(middle).1 < time_ms { low = middle + 1 } else { high = middle }
        }
        low
    }
}

/// The windows of consecutive steps over a sequence of times.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    /// No other shape of the same call has it.
    pub(crate) number: u64,
    times: Vec<i64>,
    /// The first step whose window holds a sample.
    pub(crate) first_step: usize,
    /// Where each window begins and ends in the times, from that step to the last one whose window holds a sample.
    pub(crate) bounds: Vec<(u32, u32)>,
    /// Samples in all windows.
    used: u64,
    /// Samples in any window but the first that are in none before it.
    read_later: u64,
}

impl Shape {
    fn new(number: u64, times: &[i64], grid: Grid, steps: (usize, usize)) -> Self {
        let mut bounds: Vec<(u32, u32)> = Vec::with_capacity(steps.1 - steps.0);
        let (mut low, mut high) = (0, 0);
        for step in steps.0..steps.1 {
            let (after_ms, until_ms) = grid.window(step);
            while times.get(low).is_some_and(|time_ms| *time_ms <= after_ms) {
                low += 1;
            }
            high = high.max(low);
            while times.get(high).is_some_and(|time_ms| *time_ms <= until_ms) {
                high += 1;
            }
            // An empty range has no samples, not even one at its only point.
            bounds.push((low as u32, if after_ms >= until_ms { low } else { high } as u32));
        }
        let is_empty = |bounds: &(u32, u32)| bounds.0 == bounds.1;
        let leading = bounds.iter().take_while(|bounds| is_empty(bounds)).count();
        bounds.drain(..leading);
        bounds.truncate(bounds.iter().rposition(|bounds| !is_empty(bounds)).map_or(0, |last| last + 1));
        let used = bounds.iter().map(|(low, high)| u64::from(high - low)).sum();
        let new = |pair: &[(u32, u32)]| u64::from(pair[1].1.saturating_sub(pair[0].1.max(pair[1].0)));
        let read_later = bounds.windows(2).map(new).sum();
        Self { number, times: times.to_vec(), first_step: steps.0 + leading, bounds, used, read_later }
    }
}

/// Shapes of one call, as far as they are worth to be kept.
#[derive(Debug, Default)]
pub(crate) struct Shapes {
    shapes: FxHashMap<ShapeKey, Shape>,
    times: usize,
    next: u64,
}

/// First and last time, how many there are, and the steps.
type ShapeKey = (i64, i64, usize, (usize, usize));

impl Shapes {
    /// The windows of the steps from the first to before the second of `steps`. All calls have the same grid.
    pub(crate) fn of(&mut self, times: &[i64], grid: Grid, steps: (usize, usize)) -> &Shape {
        let end = |time: Option<&i64>| time.copied().unwrap_or(0);
        let key = (end(times.first()), end(times.last()), times.len(), steps);
        let is_known = self.shapes.get(&key).is_some_and(|shape| shape.times == times);
        if !is_known {
            if self.times > TIMES_MAX {
                self.shapes.clear();
                self.times = 0;
            }
            self.next += 1;
            self.times += times.len();
            self.shapes.insert(key, Shape::new(self.next, times, grid, steps));
        }
        &self.shapes[&key]
    }
}

/// Floats that lie ready, and windows over them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ahead<'a> {
    pub(crate) grid: Grid,
    pub(crate) shape: &'a Shape,
    pub(crate) times: &'a [i64],
    pub(crate) floats: &'a [f64],
    /// How many floats of the series came before.
    pub(crate) before: usize,
    /// The step after the last one that windows are known of.
    pub(crate) end_step: usize,
}

impl<'a> Ahead<'a> {
    /// Samples in all windows, and those of them that no window had before, if all up to the number `seen` were in one.
    pub(crate) fn counts(&self, seen: usize) -> (u64, u64) {
        let Some((low, high)) = self.shape.bounds.first() else { return (0, 0) };
        let known = seen.saturating_sub(self.before).max(*low as usize);
        (self.shape.used, self.shape.read_later + (*high as usize).saturating_sub(known) as u64)
    }

    /// The number of the float behind those in windows.
    pub(crate) fn end(&self) -> usize {
        self.shape.bounds.last().map_or(0, |(_, high)| self.before + *high as usize)
    }

    /// The window between bounds of the shape.
    pub(crate) fn view(&self, (low, high): (u32, u32)) -> View<'a> {
        let (low, high) = (low as usize, high as usize);
        View::of_floats(&self.times[low..high], &self.floats[low..high], self.before + low)
    }
}
