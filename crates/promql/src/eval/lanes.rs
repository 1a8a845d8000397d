//! Series read by several threads at a time. Each thread evaluates a part of them on its own; what was found is handed on
//! in the order of the series, while the next parts are being read, so that an answer does not depend on how many threads
//! there are.

use parking_lot::{Condvar, Mutex};
use storage::BoxedSeries;

use super::column::VectorSeries;
use super::counts::{ReadCounts, StepCounts};
use super::{Evaluated, Evaluator, Sink};
use crate::annotations::Annotations;

/// How many series a thread reads before their columns are handed on: enough to be worth the way, and few enough to hold.
const SERIES_PER_PART: usize = 64;

/// How many parts a thread may be ahead of what was handed on.
const PARTS_AHEAD: usize = 4;

/// From so many values of all series together on, threads save more than they take to start.
const VALUES_MIN: usize = 32_768;

/// Reading and decoding a series takes about as long as so many values.
const VALUES_PER_SERIES: usize = 48;

/// What there is to do for each series of a selection.
pub(super) trait Reader {
    /// Evaluates one series into `current`, whose column is empty. Returns whether there is a value.
    fn read(
        &mut self,
        evaluator: &mut Evaluator<'_>,
        series: &BoxedSeries<'_>,
        current: &mut VectorSeries,
    ) -> Evaluated<bool>;
}

/// Series with values, in slots whose memory is used again.
#[derive(Default)]
struct Found {
    slots: Vec<VectorSeries>,
    count: usize,
}

/// A part that was read, and the evaluator with what it has come across.
struct Lane<'q> {
    evaluator: Evaluator<'q>,
    found: Evaluated<Found>,
}

/// What the threads share.
struct Parts<'q> {
    state: Mutex<State<'q>>,
    changed: Condvar,
    ahead_max: usize,
}

struct State<'q> {
    /// By part: what was read and not yet handed on.
    read: Vec<Option<Lane<'q>>>,
    /// The part that is read next.
    next: usize,
    /// How many were handed on.
    handed: usize,
    /// Memory for what is found next.
    spare: Vec<Found>,
    /// Nobody wants more.
    is_over: bool,
}

/// What a thread is to do now.
enum Turn<'q> {
    Read(usize, Found),
    HandOn(Box<Lane<'q>>),
    Over,
}

impl<'q> Parts<'q> {
    fn new(count: usize, threads: usize) -> Self {
        let read = (0..count).map(|_| None).collect();
        let state = State { read, next: 0, handed: 0, spare: Vec::new(), is_over: false };
        let ahead_max = threads * PARTS_AHEAD;
        Self { state: Mutex::new(state), changed: Condvar::new(), ahead_max }
    }

    /// Waits for something to do: for who hands on, that comes first.
    fn turn(&self, hands_on: bool) -> Turn<'q> {
        let mut state = self.state.lock();
        loop {
            let count = state.read.len();
            if state.is_over || (hands_on && state.handed == count) {
                return Turn::Over;
            }
            let handed = state.handed;
            if hands_on && let Some(lane) = state.read[handed].take() {
                state.handed += 1;
                self.changed.notify_all();
                return Turn::HandOn(Box::new(lane));
            }
            if state.next == count && !hands_on {
                return Turn::Over;
            }
            if state.next < count && state.next < state.handed + self.ahead_max {
                state.next += 1;
                return Turn::Read(state.next - 1, state.spare.pop().unwrap_or_default());
            }
            self.changed.wait(&mut state);
        }
    }

    fn put(&self, part: usize, lane: Lane<'q>) {
        self.state.lock().read[part] = Some(lane);
        self.changed.notify_all();
    }

    fn end(&self) {
        self.state.lock().is_over = true;
        self.changed.notify_all();
    }
}

/// Lets the other threads end when one of them panics, instead of waiting for its part.
struct EndOnPanic<'p, 'q>(&'p Parts<'q>);

impl Drop for EndOnPanic<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.end();
        }
    }
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
        let chunks: Vec<&[BoxedSeries<'q>]> = selection.chunks(SERIES_PER_PART).collect();
        let threads = self.options.threads.min(chunks.len());
        if threads < 2 || selection.len().saturating_mul(steps.saturating_add(VALUES_PER_SERIES)) < VALUES_MIN {
            return self.read_alone(selection, new_reader, sink);
        }
        let parts = Parts::new(chunks.len(), threads);
        let (parts, chunks) = (&parts, &chunks[..]);
        std::thread::scope(|scope| {
            for _ in 1..threads {
                let fork = self.fork();
                let work = move || {
                    let _end = EndOnPanic(parts);
                    let mut reader = None;
                    while let Turn::Read(part, found) = parts.turn(false) {
                        parts.put(part, fork.fork().read_part(chunks[part], &mut reader, new_reader, found));
                    }
                };
                // Without another thread this one does all of it.
                let _ = std::thread::Builder::new().name("promql-lane".to_owned()).spawn_scoped(scope, work);
            }
            let _end = EndOnPanic(parts);
            let outcome = self.hand_on(parts, chunks, new_reader, sink);
            parts.end();
            outcome
        })
    }

    /// Hands on what is read, in order, and reads with the others when there is nothing to be handed on.
    fn hand_on<R: Reader>(
        &mut self,
        parts: &Parts<'q>,
        chunks: &[&[BoxedSeries<'q>]],
        new_reader: &(dyn Fn() -> Evaluated<R> + Sync),
        sink: &mut Sink<'_>,
    ) -> Evaluated<()> {
        let mut reader = None;
        loop {
            match parts.turn(true) {
                Turn::Over => return Ok(()),
                Turn::Read(part, found) => {
                    parts.put(part, self.fork().read_part(chunks[part], &mut reader, new_reader, found));
                }
                Turn::HandOn(lane) => {
                    let Lane { evaluator, found } = *lane;
                    self.absorb(evaluator);
                    let mut found = found?;
                    for series in &mut found.slots[..found.count] {
                        // Held until whoever wanted the series rewinds.
                        self.budget.hold(series.column.samples(), series.bytes())?;
                        sink(series)?;
                    }
                    parts.state.lock().spare.push(found);
                }
            }
        }
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

    fn read_part<R: Reader>(
        mut self,
        part: &[BoxedSeries<'q>],
        reader: &mut Option<R>,
        new_reader: &(dyn Fn() -> Evaluated<R> + Sync),
        mut found: Found,
    ) -> Lane<'q> {
        found.count = 0;
        let mut read = || -> Evaluated<()> {
            let reader = match reader {
                Some(reader) => reader,
                None => reader.insert(new_reader()?),
            };
            for series in part {
                if found.count == found.slots.len() {
                    found.slots.push(VectorSeries::default());
                }
                let slot = &mut found.slots[found.count];
                slot.column.clear();
                if reader.read(&mut self, series, slot)? {
                    self.budget.hold(slot.column.samples(), slot.bytes())?;
                    found.count += 1;
                }
            }
            Ok(())
        };
        let outcome = read();
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
