//! What loads fill: samples of all series in maps.
//!
//! Histograms are read as the original's store reads them: it knows that a histogram continues the one before when both
//! fit one chunk, and nothing about resets otherwise.

use std::collections::BTreeMap;
use std::sync::Arc;

use metrics_model::{FloatHistogram, Labels, Matcher, ResetHint, is_stale_nan};
use storage::{BoxedSeries, Cursor, Querier, Queryable, Run, SelectHints, Series, StorageError, TimeRange};

/// A loaded value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Loaded {
    Float(f64),
    Histogram(Arc<FloatHistogram>),
}

/// A loaded sample.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LoadedSample {
    pub(super) value: Loaded,
    /// When the counter that the sample is of began to count; 0 when that is not known.
    pub(super) start_ms: i64,
}

/// The store of one script.
#[derive(Debug, Clone, Default)]
pub(super) struct ScriptStorage {
    series: BTreeMap<Labels, Arc<BTreeMap<i64, LoadedSample>>>,
}

impl ScriptStorage {
    /// Adds samples to a series.
    pub(super) fn add(&mut self, labels: &Labels, samples: impl IntoIterator<Item = (i64, LoadedSample)>) {
        let series = self.series.entry(labels.clone()).or_default();
        Arc::make_mut(series).extend(samples);
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.series.clear();
    }
}

impl Queryable for ScriptStorage {
    fn querier(&self, range: TimeRange) -> Result<Box<dyn Querier + '_>, StorageError> {
        Ok(Box::new(ScriptQuerier { storage: self, range }))
    }
}

struct ScriptQuerier<'a> {
    storage: &'a ScriptStorage,
    range: TimeRange,
}

impl ScriptQuerier<'_> {
    fn matching<'m>(&'m self, matchers: &'m [Matcher]) -> impl Iterator<Item = ScriptSeries<'m>> {
        self.storage
            .series
            .iter()
            .filter(|(labels, _)| matchers.iter().all(|matcher| matcher.matches_labels(labels)))
            .map(|(labels, samples)| ScriptSeries { labels, samples, range: self.range })
    }
}

impl Querier for ScriptQuerier<'_> {
    fn select(&self, matchers: &[Matcher], _: &SelectHints) -> Result<Vec<BoxedSeries<'_>>, StorageError> {
        let selected = self
            .storage
            .series
            .iter()
            .filter(|(labels, _)| matchers.iter().all(|matcher| matcher.matches_labels(labels)))
            .map(|(labels, samples)| Box::new(ScriptSeries { labels, samples, range: self.range }) as BoxedSeries<'_>);
        Ok(selected.collect())
    }

    fn label_names(&self, matchers: &[Matcher]) -> Result<Vec<String>, StorageError> {
        let mut names: Vec<String> = self
            .matching(matchers)
            .flat_map(|series| series.labels.iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>())
            .collect();
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    fn label_values(&self, name: &str, matchers: &[Matcher]) -> Result<Vec<String>, StorageError> {
        let mut values: Vec<String> =
            self.matching(matchers).filter_map(|series| series.labels.get(name).map(str::to_owned)).collect();
        values.sort_unstable();
        values.dedup();
        Ok(values)
    }
}

struct ScriptSeries<'a> {
    labels: &'a Labels,
    samples: &'a BTreeMap<i64, LoadedSample>,
    range: TimeRange,
}

impl Series for ScriptSeries<'_> {
    fn labels(&self) -> &Labels {
        self.labels
    }

    fn cursor(&self, range: TimeRange) -> Box<dyn Cursor + '_> {
        let start_ms = range.start_ms.max(self.range.start_ms);
        let end_ms = range.end_ms.min(self.range.end_ms);
        let mut runs: Vec<OwnedRun> = Vec::new();
        let mut chunk = Chunk::default();
        for (time_ms, sample) in self.samples {
            let value = chunk.read(&sample.value);
            if (start_ms..=end_ms).contains(time_ms) {
                push(&mut runs, *time_ms, value, sample.start_ms);
            }
        }
        Box::new(ScriptCursor { runs, next: 0 })
    }
}

/// Follows how the original would put histograms into chunks.
#[derive(Debug, Default)]
struct Chunk {
    last: Option<Arc<FloatHistogram>>,
}

impl Chunk {
    fn read(&mut self, value: &Loaded) -> Loaded {
        let Loaded::Histogram(histogram) = value else {
            self.last = None;
            return value.clone();
        };
        let hint = hint_in_chunk(self.last.as_deref(), histogram);
        self.last = Some(Arc::clone(histogram));
        let mut read = FloatHistogram::clone(histogram);
        read.reset_hint = hint;
        Loaded::Histogram(Arc::new(read))
    }
}

/// What the original's store says about resets when it reads `next` back, which came after `last` in its series.
#[must_use]
pub fn hint_in_chunk(last: Option<&FloatHistogram>, next: &FloatHistogram) -> ResetHint {
    match (last, next.reset_hint) {
        (_, ResetHint::Gauge) => ResetHint::Gauge,
        (Some(last), _) if continues(last, next) => ResetHint::NotReset,
        _ => ResetHint::Unknown,
    }
}

/// Whether a counter histogram fits behind another one in the same chunk.
fn continues(last: &FloatHistogram, next: &FloatHistogram) -> bool {
    if last.reset_hint == ResetHint::Gauge || next.reset_hint == ResetHint::Reset {
        return false;
    }
    if is_stale_nan(next.sum) {
        return true;
    }
    if is_stale_nan(last.sum) {
        return false;
    }
    let unhinted = FloatHistogram { reset_hint: ResetHint::Unknown, ..next.clone() };
    next.schema == last.schema
        && next.zero_threshold == last.zero_threshold
        && next.custom_bounds() == last.custom_bounds()
        && !unhinted.is_reset_after(last)
}

enum OwnedRun {
    Floats { times: Vec<i64>, values: Vec<f64>, starts: Vec<i64> },
    Histograms { times: Vec<i64>, values: Vec<Arc<FloatHistogram>>, starts: Vec<i64> },
}

fn push(runs: &mut Vec<OwnedRun>, time_ms: i64, value: Loaded, start_ms: i64) {
    match (runs.last_mut(), value) {
        (Some(OwnedRun::Floats { times, values, starts }), Loaded::Float(value)) => {
            times.push(time_ms);
            values.push(value);
            starts.push(start_ms);
        }
        (Some(OwnedRun::Histograms { times, values, starts }), Loaded::Histogram(value)) => {
            times.push(time_ms);
            values.push(value);
            starts.push(start_ms);
        }
        (_, Loaded::Float(value)) => {
            runs.push(OwnedRun::Floats { times: vec![time_ms], values: vec![value], starts: vec![start_ms] });
        }
        (_, Loaded::Histogram(value)) => {
            runs.push(OwnedRun::Histograms { times: vec![time_ms], values: vec![value], starts: vec![start_ms] });
        }
    }
}

struct ScriptCursor {
    runs: Vec<OwnedRun>,
    next: usize,
}

impl Cursor for ScriptCursor {
    fn next_run(&mut self) -> Result<Option<Run<'_>>, StorageError> {
        Ok(self.next_run_with_starts()?.map(|(run, _)| run))
    }

    fn next_run_with_starts(&mut self) -> Result<Option<(Run<'_>, &[i64])>, StorageError> {
        let run = self.runs.get(self.next);
        self.next += 1;
        Ok(run.map(|run| match run {
            OwnedRun::Floats { times, values, starts } => {
                (Run::Floats { timestamps_ms: times, values }, starts.as_slice())
            }
            OwnedRun::Histograms { times, values, starts } => {
                (Run::Histograms { timestamps_ms: times, values }, starts.as_slice())
            }
        }))
    }
}
