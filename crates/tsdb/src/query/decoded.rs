//! Decoded samples of several series in one buffer, and a cursor over those of one.

use std::sync::Arc;

use storage::{Cursor, Run, StorageError, TimeRange};

use crate::bytes::DecodeError;
use crate::head::group::Sink;
use crate::query::runs::{OwnedRun, Runs};
use crate::query::together::Taken;

/// Samples of several series.
#[derive(Debug)]
pub(crate) struct Decoded {
    /// The floats of all of them.
    pub(crate) values: Vec<f64>,
    pub(crate) segments: Vec<Segment>,
}

/// Samples that one series has in one place.
#[derive(Debug)]
pub(crate) struct Segment {
    /// Of samples at one time, those of the oldest place count.
    age: u64,
    samples: Samples,
}

#[derive(Debug)]
enum Samples {
    /// Floats in the buffer from `start` on, at a range of times that other series have too.
    Shared { times: Arc<[i64]>, from: usize, to: usize, start: usize },
    /// Anything else.
    Own(Runs),
}

impl Segment {
    /// Floats from `start` on in the buffer, at the times from the first to before the second of `range`.
    pub(crate) fn shared(age: u64, times: Arc<[i64]>, range: (usize, usize), start: usize) -> Self {
        Self { age, samples: Samples::Shared { times, from: range.0, to: range.1, start } }
    }

    /// Samples of its own.
    pub(crate) fn own(age: u64, runs: Runs) -> Self {
        Self { age, samples: Samples::Own(runs) }
    }

    /// Whether there are no samples.
    pub(crate) fn is_empty(&self) -> bool {
        match &self.samples {
            Samples::Shared { from, to, .. } => from == to,
            Samples::Own(runs) => runs.is_empty(),
        }
    }

    /// The first and the last time.
    fn ends_ms(&self) -> Option<(i64, i64)> {
        match &self.samples {
            Samples::Shared { times, from, to, .. } => {
                times[*from..*to].first().copied().zip(times[..*to].last().copied())
            }
            Samples::Own(runs) => runs.first_ms().zip(runs.last_ms()),
        }
    }

    /// As runs of its own.
    fn to_runs(&self, values: &[f64]) -> Runs {
        match &self.samples {
            Samples::Shared { times, from, to, start } => {
                let mut runs = Runs::default();
                runs.floats(&times[*from..*to], &values[*start..start + (to - from)]);
                runs
            }
            Samples::Own(runs) => runs.clone(),
        }
    }
}

/// Takes the floats that one series has in rows of a group. Most series are in every row from their first to their last, so
/// their times are those of the rows.
pub(crate) struct RowSink<'a> {
    /// The times of all rows.
    times: &'a Arc<[i64]>,
    /// Room for a float of each row.
    values: &'a mut [f64],
    /// The row of the first float.
    first: usize,
    count: usize,
    /// The samples, once they are not floats at the times of consecutive rows.
    own: Option<Runs>,
}

impl<'a> RowSink<'a> {
    /// Takes floats at `times`; `is_growing` says whether these are in order. Rows aside are in the order they came in:
    /// then no series has the times of the rows.
    pub(crate) fn new(times: &'a Arc<[i64]>, is_growing: bool, values: &'a mut [f64]) -> Self {
        Self { times, values, first: 0, count: 0, own: (!is_growing).then(Runs::default) }
    }

    /// What was taken; the room begins at `start` of the buffer.
    pub(crate) fn finish(self, age: u64, start: usize) -> Segment {
        match self.own {
            Some(runs) => Segment::own(age, Runs::merge(vec![runs])),
            None => Segment::shared(age, Arc::clone(self.times), (self.first, self.first + self.count), start),
        }
    }

    fn own(&mut self) -> &mut Runs {
        self.own.get_or_insert_with(|| {
            let mut runs = Runs::default();
            if self.count > 0 {
                runs.floats(&self.times[self.first..self.first + self.count], &self.values[..self.count]);
            }
            runs
        })
    }
}

impl Sink for RowSink<'_> {
    fn float(&mut self, at_ms: i64, bits: u64) {
        if self.own.is_none() {
            if self.count == 0 {
                self.first = self.times.iter().position(|time_ms| *time_ms == at_ms).unwrap_or(self.times.len());
            }
            if self.times.get(self.first + self.count) == Some(&at_ms) {
                self.values[self.count] = f64::from_bits(bits);
                self.count += 1;
                return;
            }
        }
        self.own().float(at_ms, bits);
    }

    fn histogram(&mut self, at_ms: i64, encoded: &[u8]) -> Result<(), DecodeError> {
        self.own().histogram(at_ms, encoded)
    }
}

/// Walks over what was read of one series.
#[derive(Debug)]
pub(crate) struct DecodedCursor {
    source: Source,
    range: TimeRange,
    segment: usize,
    run: usize,
}

#[derive(Debug)]
enum Source {
    /// Segments follow each other in time.
    Chain(Taken),
    /// They had to be merged.
    Merged(Vec<OwnedRun>),
}

impl DecodedCursor {
    pub(crate) fn new(taken: Taken, range: TimeRange) -> Self {
        let mut last_ms = None;
        let is_chain = taken.segments().filter_map(|(_, segment)| segment.ends_ms()).all(|(first, last)| {
            let follows = last_ms.is_none_or(|last_ms| last_ms < first);
            last_ms = Some(last);
            follows
        });
        let source = if is_chain { Source::Chain(taken) } else { Source::Merged(merge(&taken)) };
        Self { source, range, segment: 0, run: 0 }
    }
}

/// All samples in order of time.
fn merge(taken: &Taken) -> Vec<OwnedRun> {
    let mut sources: Vec<(u64, Runs)> =
        taken.segments().map(|(decoded, segment)| (segment.age, segment.to_runs(&decoded.values))).collect();
    // Of samples at one time the one that came first counts.
    sources.sort_by_key(|(age, _)| *age);
    Runs::merge(sources.into_iter().map(|(_, runs)| runs).collect()).runs
}

/// The positions in growing times that lie in a range.
fn within(times: &[i64], range: TimeRange) -> (usize, usize) {
    match (times.first(), times.last()) {
        (Some(first), Some(last)) if range.contains(*first) && range.contains(*last) => (0, times.len()),
        _ => {
            let from = times.partition_point(|at_ms| *at_ms < range.start_ms);
            (from, times.partition_point(|at_ms| *at_ms <= range.end_ms).max(from))
        }
    }
}

fn cut(run: &OwnedRun, range: TimeRange) -> Option<Run<'_>> {
    let run = run.as_run();
    let (Run::Floats { timestamps_ms, .. } | Run::Histograms { timestamps_ms, .. }) = run;
    let (from, to) = within(timestamps_ms, range);
    (from < to).then(|| match run {
        Run::Floats { timestamps_ms, values } => {
            Run::Floats { timestamps_ms: &timestamps_ms[from..to], values: &values[from..to] }
        }
        Run::Histograms { timestamps_ms, values } => {
            Run::Histograms { timestamps_ms: &timestamps_ms[from..to], values: &values[from..to] }
        }
    })
}

impl Cursor for DecodedCursor {
    fn next_run(&mut self) -> Result<Option<Run<'_>>, StorageError> {
        let range = self.range;
        let taken = match &self.source {
            Source::Merged(runs) => {
                let rest = runs.iter().enumerate().skip(self.run);
                let Some((at, run)) = rest.filter_map(|(at, run)| Some((at, cut(run, range)?))).next() else {
                    self.run = runs.len();
                    return Ok(None);
                };
                self.run = at + 1;
                return Ok(Some(run));
            }
            Source::Chain(taken) => taken,
        };
        for (decoded, segment) in taken.segments().skip(self.segment) {
            match &segment.samples {
                Samples::Shared { times, from, to, start } => {
                    self.segment += 1;
                    let timestamps_ms = &times[*from..*to];
                    let (from, to) = within(timestamps_ms, range);
                    if from < to {
                        let values = &decoded.values[start + from..start + to];
                        return Ok(Some(Run::Floats { timestamps_ms: &timestamps_ms[from..to], values }));
                    }
                }
                Samples::Own(runs) => {
                    let rest = runs.runs.iter().enumerate().skip(self.run);
                    if let Some((at, run)) = rest.filter_map(|(at, run)| Some((at, cut(run, range)?))).next() {
                        self.run = at + 1;
                        return Ok(Some(run));
                    }
                    self.segment += 1;
                    self.run = 0;
                }
            }
        }
        Ok(None)
    }
}
