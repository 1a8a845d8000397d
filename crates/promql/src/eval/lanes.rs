//! Series read by several threads at a time. Each thread evaluates a part of them on its own; what they found is handed on
//! in the order of the series, so that an answer does not depend on how many there are.

use storage::BoxedSeries;

use super::column::VectorSeries;
use super::counts::{ReadCounts, StepCounts};
use super::{Evaluated, Evaluator, Sink};
use crate::annotations::Annotations;

/// How many series a thread reads before their columns are handed on: enough to be worth a thread, and few enough to hold.
const SERIES_PER_LANE: usize = 128;

/// From so many values of all series together on, threads save more than they take to start.
const VALUES_MIN: usize = 32_768;

/// What there is to do for each series of a selection.
pub(super) trait Reader {
    /// Evaluates one series into `current`. Returns whether there is a value.
    fn read(
        &mut self,
        evaluator: &mut Evaluator<'_>,
        series: &BoxedSeries<'_>,
        current: &mut VectorSeries,
    ) -> Evaluated<bool>;
}

impl<'q> Evaluator<'q> {
    /// Reads `selection`, which is looked at `steps` times each, with readers that `new_reader` makes, one a thread.
    pub(super) fn read_series<R: Reader>(
        &mut self,
        selection: &[BoxedSeries<'q>],
        steps: usize,
        new_reader: &(dyn Fn() -> Evaluated<R> + Sync),
        sink: &mut Sink<'_>,
    ) -> Evaluated<()> {
        let lanes = self.options.threads.min(selection.len() / 2);
        if lanes < 2 || selection.len().saturating_mul(steps) < VALUES_MIN {
            return self.read_alone(selection, new_reader, sink);
        }
        for round in selection.chunks(lanes * SERIES_PER_LANE) {
            let parts: Vec<&[BoxedSeries<'q>]> = round.chunks(round.len().div_ceil(lanes)).collect();
            let lanes: Vec<Lane<'q>> = std::thread::scope(|scope| {
                let running: Vec<_> = parts[1..]
                    .iter()
                    .map(|part| {
                        let fork = self.fork();
                        scope.spawn(move || fork.read_lane(part, new_reader))
                    })
                    .collect();
                let own = self.fork().read_lane(parts[0], new_reader);
                let others = running.into_iter().map(|thread| match thread.join() {
                    Ok(lane) => lane,
                    Err(panic) => std::panic::resume_unwind(panic),
                });
                std::iter::once(own).chain(others).collect()
            });
            for Lane { evaluator, found } in lanes {
                self.absorb(evaluator);
                for mut series in found? {
                    // Held until whoever wanted the series rewinds.
                    self.budget.hold(series.column.samples(), series.bytes())?;
                    sink(&mut series)?;
                }
            }
        }
        Ok(())
    }

    fn read_alone<R: Reader>(
        &mut self,
        selection: &[BoxedSeries<'q>],
        new_reader: &(dyn Fn() -> Evaluated<R> + Sync),
        sink: &mut Sink<'_>,
    ) -> Evaluated<()> {
        let mut reader = new_reader()?;
        let mut current = VectorSeries::default();
        for series in selection {
            current.column.clear();
            if reader.read(self, series, &mut current)? {
                self.budget.hold(current.column.samples(), current.bytes())?;
                sink(&mut current)?;
            }
        }
        Ok(())
    }

    fn read_lane<R: Reader>(
        mut self,
        part: &[BoxedSeries<'q>],
        new_reader: &(dyn Fn() -> Evaluated<R> + Sync),
    ) -> Lane<'q> {
        let mut found = Vec::with_capacity(part.len());
        let outcome = self.read_alone(part, new_reader, &mut |series| {
            found.push(std::mem::take(series));
            Ok(())
        });
        Lane { evaluator: self, found: outcome.map(|()| found) }
    }

    /// An evaluator of the same query for another thread.
    fn fork(&self) -> Self {
        let per_step = self.counts.per_step.as_ref().map(StepCounts::fresh);
        Self {
            plan: self.plan,
            querier: self.querier,
            selections: self.selections,
            options: self.options,
            budget: self.budget.clone(),
            annotations: Annotations::default(),
            counts: ReadCounts { per_step, ..ReadCounts::default() },
        }
    }

    /// Takes over what a forked evaluator has come across.
    fn absorb(&mut self, fork: Self) {
        self.annotations.merge(fork.annotations);
        self.counts.total += fork.counts.total;
        self.counts.read += fork.counts.read;
        if let (Some(ours), Some(theirs)) = (&mut self.counts.per_step, fork.counts.per_step) {
            ours.absorb(theirs);
        }
    }
}

/// What one thread has found, and what it has come across.
struct Lane<'q> {
    evaluator: Evaluator<'q>,
    found: Evaluated<Vec<VectorSeries>>,
}
