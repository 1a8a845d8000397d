//! How many samples a query uses and reads, in all and at each step.

use super::Evaluator;
use crate::plan::{Steps, SubqueryPlan};

/// What a query has cost so far.
#[derive(Debug, Default)]
pub(crate) struct ReadCounts {
    /// Samples used, once for each step.
    pub(crate) total: u64,
    /// Samples read from the store.
    pub(crate) read: u64,
    /// The same for each step, when wanted.
    pub(crate) per_step: Option<StepCounts>,
}

/// Samples of one step.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PerStep {
    pub(crate) used: u64,
    pub(crate) read: u64,
}

/// Samples of the steps of a query, or of a subquery.
#[derive(Debug)]
pub(crate) struct StepCounts {
    steps: Steps,
    counts: Vec<PerStep>,
}

impl StepCounts {
    pub(crate) fn new(steps: Steps) -> Self {
        Self { steps, counts: vec![PerStep::default(); steps.count()] }
    }

    /// The same steps with nothing counted.
    pub(crate) fn fresh(&self) -> Self {
        Self::new(self.steps)
    }

    /// The times of the steps and what was counted at them.
    pub(crate) fn all(&self) -> impl Iterator<Item = (i64, PerStep)> {
        self.counts.iter().enumerate().map(|(step, counts)| (self.steps.time_ms(step), *counts))
    }

    /// Counts samples at the step that `time_ms` is at, if there is one.
    fn add(&mut self, time_ms: i64, used: u64, read: u64) {
        let since = time_ms.saturating_sub(self.steps.start_ms);
        if let Ok(step) = usize::try_from(since / self.steps.step_ms)
            && let Some(counts) = self.counts.get_mut(step)
        {
            counts.used += used;
            counts.read += read;
        }
    }

    /// Counts samples as used at all of the first `count` steps but the very first.
    pub(crate) fn repeat(&mut self, count: usize, used: u64) {
        for counts in self.counts.iter_mut().take(count).skip(1) {
            counts.used += used;
        }
    }

    /// Takes over what was counted elsewhere for the same steps.
    pub(crate) fn absorb(&mut self, other: Self) {
        for (ours, theirs) in self.counts.iter_mut().zip(other.counts) {
            ours.used += theirs.used;
            ours.read += theirs.read;
        }
    }
}

impl Evaluator<'_> {
    /// Counts samples for the step at `time_ms`, if anybody wants to know.
    pub(crate) fn count_at(&mut self, time_ms: i64, used: u64, read: u64) {
        if let Some(per_step) = &mut self.counts.per_step {
            per_step.add(time_ms, used, read);
        }
    }

    /// Counts what `inner`, the steps of a subquery, have read for the steps of `outer` at which it is looked at: each
    /// inner step for the first outer one that has it in its range. Without ranges in between, what they read is not
    /// part of any answer, and not counted.
    pub(super) fn count_subquery(&mut self, subquery: &SubqueryPlan, inner: &StepCounts, outer: Steps) {
        for (time_ms, counts) in inner.all().filter(|(_, counts)| counts.read > 0) {
            let time_ms = time_ms.saturating_add(subquery.shift.offset_ms);
            let since = time_ms.saturating_sub(outer.start_ms).max(0);
            let behind = since.saturating_add(outer.step_ms - 1) / outer.step_ms;
            let step = usize::try_from(behind).unwrap_or(usize::MAX).min(outer.count().saturating_sub(1));
            let outer_ms = outer.time_ms(step);
            if time_ms > outer_ms.saturating_sub(subquery.range_ms) {
                self.counts.read += counts.read;
                self.count_at(outer_ms, 0, counts.read);
            }
        }
    }
}
