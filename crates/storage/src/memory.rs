//! The reference store: every sample in a sorted map in memory. Slow, obviously right; tests of `promql`, `rules` and
//! `scrape` run on it, and `tsdb` must give the same answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use metrics_model::{FloatHistogram, Labels, Matcher, SampleValue};
use parking_lot::RwLock;

use crate::Storage;
use crate::appender::{AppendError, Appender, CommitError, SeriesRef};
use crate::exemplars::{ExemplarError, Fit, SeriesExemplars, TimedExemplar};
use crate::querier::{BoxedSeries, Cursor, Querier, Queryable, Run, SelectHints, Series, StorageError, TimeRange};

/// A store in memory. Clones share the data.
#[derive(Debug, Clone, Default)]
pub struct MemoryStorage {
    state: Arc<RwLock<State>>,
}

#[derive(Debug, Clone, Default)]
struct State {
    ids: BTreeMap<Labels, usize>,
    series: Vec<Arc<Samples>>,
}

#[derive(Debug, Clone, Default)]
struct Samples {
    labels: Labels,
    by_time: BTreeMap<i64, Value>,
    exemplars: Vec<TimedExemplar>,
}

impl State {
    /// The position of the series with `labels`, which is made when it is new.
    fn id(&mut self, labels: &Labels) -> usize {
        if let Some(id) = self.ids.get(labels) {
            return *id;
        }
        let id = self.series.len();
        self.series.push(Arc::new(Samples { labels: labels.clone(), ..Samples::default() }));
        self.ids.insert(labels.clone(), id);
        id
    }
}

/// A stored value: histograms are kept in the form that queries want.
#[derive(Debug, Clone)]
enum Value {
    Float(f64),
    Histogram(Arc<FloatHistogram>),
}

impl Value {
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            (Self::Histogram(a), Self::Histogram(b)) => a == b,
            _ => false,
        }
    }
}

impl From<SampleValue> for Value {
    fn from(value: SampleValue) -> Self {
        match value {
            SampleValue::Float(value) => Self::Float(value),
            SampleValue::Histogram(histogram) => Self::Histogram(Arc::new(histogram.to_float())),
            SampleValue::FloatHistogram(histogram) => Self::Histogram(histogram),
        }
    }
}

impl MemoryStorage {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Storage for MemoryStorage {
    fn appender(&self) -> Box<dyn Appender + '_> {
        Box::new(MemoryAppender { storage: self, pending: BTreeMap::new(), exemplars: Vec::new() })
    }

    fn exemplars(&self, selectors: &[&[Matcher]], range: TimeRange) -> Result<Vec<SeriesExemplars>, StorageError> {
        let state = self.state.read();
        let is_selected = |labels: &Labels| {
            selectors.iter().any(|matchers| matchers.iter().all(|matcher| matcher.matches_labels(labels)))
        };
        let mut found = Vec::new();
        for samples in state.ids.values().map(|id| &state.series[*id]).filter(|samples| is_selected(&samples.labels)) {
            let in_range = samples.exemplars.iter().filter(|exemplar| range.contains(exemplar.timestamp_ms));
            let exemplars: Vec<TimedExemplar> = in_range.cloned().collect();
            if !exemplars.is_empty() {
                found.push(SeriesExemplars { labels: samples.labels.clone(), exemplars });
            }
        }
        Ok(found)
    }
}

/// Collects samples by series; series exist from their first append on, but are invisible while they have no sample.
struct MemoryAppender<'a> {
    storage: &'a MemoryStorage,
    pending: BTreeMap<usize, BTreeMap<i64, Value>>,
    exemplars: Vec<(usize, TimedExemplar)>,
}

impl Appender for MemoryAppender<'_> {
    fn append(&mut self, labels: &Labels, timestamp_ms: i64, value: SampleValue) -> Result<SeriesRef, AppendError> {
        if labels.is_empty() {
            return Err(AppendError::InvalidLabels { reason: "empty label set".to_owned() });
        }
        let series = SeriesRef(self.storage.state.write().id(labels) as u64);
        self.append_ref(series, timestamp_ms, value)?;
        Ok(series)
    }

    fn append_ref(&mut self, series: SeriesRef, timestamp_ms: i64, value: SampleValue) -> Result<(), AppendError> {
        let state = self.storage.state.read();
        let (id, stored) = usize::try_from(series.0)
            .ok()
            .and_then(|id| state.series.get(id).map(|samples| (id, samples)))
            .ok_or(AppendError::UnknownSeries)?;
        let value = Value::from(value);
        let pending = self.pending.entry(id).or_default();
        if let Some((newest_ms, newest)) = pending.last_key_value().or_else(|| stored.by_time.last_key_value()) {
            if timestamp_ms < *newest_ms {
                return Err(AppendError::OutOfOrder);
            }
            if timestamp_ms == *newest_ms && !newest.is_same(&value) {
                return Err(AppendError::DuplicateTimestamp);
            }
        }
        pending.insert(timestamp_ms, value);
        Ok(())
    }

    fn keeps_exemplars(&self) -> bool {
        true
    }

    fn append_exemplar(&mut self, series: SeriesRef, exemplar: TimedExemplar) -> Result<(), ExemplarError> {
        let state = self.storage.state.read();
        let id = usize::try_from(series.0).map_err(|_| ExemplarError::UnknownSeries)?;
        let samples = state.series.get(id).ok_or(ExemplarError::UnknownSeries)?;
        if exemplar.fit(samples.exemplars.last())? == Fit::New {
            self.exemplars.push((id, exemplar));
        }
        Ok(())
    }

    fn commit(self: Box<Self>) -> Result<(), CommitError> {
        let mut state = self.storage.state.write();
        for (id, exemplar) in self.exemplars {
            let kept = &mut Arc::make_mut(&mut state.series[id]).exemplars;
            if exemplar.fit(kept.last()) == Ok(Fit::New) {
                kept.push(exemplar);
            }
        }
        for (id, samples) in self.pending {
            Arc::make_mut(&mut state.series[id]).by_time.extend(samples);
        }
        Ok(())
    }
}

impl Queryable for MemoryStorage {
    fn querier(&self, range: TimeRange) -> Result<Box<dyn Querier + '_>, StorageError> {
        Ok(Box::new(MemoryQuerier { range, state: self.state.read().clone() }))
    }
}

struct MemoryQuerier {
    range: TimeRange,
    state: State,
}

impl MemoryQuerier {
    /// Series with samples in the range that satisfy all matchers, in order of their labels.
    fn matching<'a>(&'a self, matchers: &[Matcher]) -> impl Iterator<Item = &'a Arc<Samples>> {
        self.state
            .ids
            .values()
            .map(|id| &self.state.series[*id])
            .filter(|samples| matchers.iter().all(|matcher| matcher.matches_labels(&samples.labels)))
            .filter(|samples| samples.by_time.range(self.range.start_ms..=self.range.end_ms).next().is_some())
    }
}

impl Querier for MemoryQuerier {
    fn select(&self, matchers: &[Matcher], hints: &SelectHints) -> Result<Vec<BoxedSeries<'_>>, StorageError> {
        let limit = if hints.limit == 0 { usize::MAX } else { hints.limit };
        Ok(self
            .matching(matchers)
            .take(limit)
            .map(|samples| Box::new(MemorySeries { range: self.range, samples }) as BoxedSeries<'_>)
            .collect())
    }

    fn label_names(&self, matchers: &[Matcher]) -> Result<Vec<String>, StorageError> {
        let names: BTreeSet<&str> =
            self.matching(matchers).flat_map(|samples| samples.labels.iter().map(|(name, _)| name)).collect();
        Ok(names.into_iter().map(str::to_owned).collect())
    }

    fn label_values(&self, name: &str, matchers: &[Matcher]) -> Result<Vec<String>, StorageError> {
        let values: BTreeSet<&str> = self.matching(matchers).filter_map(|samples| samples.labels.get(name)).collect();
        Ok(values.into_iter().map(str::to_owned).collect())
    }
}

struct MemorySeries<'a> {
    range: TimeRange,
    samples: &'a Samples,
}

impl Series for MemorySeries<'_> {
    fn labels(&self) -> &Labels {
        &self.samples.labels
    }

    fn cursor(&self, range: TimeRange) -> Box<dyn Cursor + '_> {
        let start_ms = range.start_ms.max(self.range.start_ms);
        let end_ms = range.end_ms.min(self.range.end_ms);
        let mut runs: Vec<OwnedRun> = Vec::new();
        if start_ms <= end_ms {
            for (timestamp_ms, value) in self.samples.by_time.range(start_ms..=end_ms) {
                push(&mut runs, *timestamp_ms, value);
            }
        }
        Box::new(MemoryCursor { runs, next: 0 })
    }
}

enum OwnedRun {
    Floats(Vec<i64>, Vec<f64>),
    Histograms(Vec<i64>, Vec<Arc<FloatHistogram>>),
}

/// Adds a sample to the last run, or starts a run when the kind of value changes.
fn push(runs: &mut Vec<OwnedRun>, timestamp_ms: i64, value: &Value) {
    match (runs.last_mut(), value) {
        (Some(OwnedRun::Floats(times, values)), Value::Float(value)) => {
            times.push(timestamp_ms);
            values.push(*value);
        }
        (Some(OwnedRun::Histograms(times, values)), Value::Histogram(value)) => {
            times.push(timestamp_ms);
            values.push(Arc::clone(value));
        }
        (_, Value::Float(value)) => runs.push(OwnedRun::Floats(vec![timestamp_ms], vec![*value])),
        (_, Value::Histogram(value)) => {
            runs.push(OwnedRun::Histograms(vec![timestamp_ms], vec![Arc::clone(value)]));
        }
    }
}

struct MemoryCursor {
    runs: Vec<OwnedRun>,
    next: usize,
}

impl Cursor for MemoryCursor {
    fn next_run(&mut self) -> Result<Option<Run<'_>>, StorageError> {
        let run = self.runs.get(self.next);
        self.next += 1;
        Ok(run.map(|run| match run {
            OwnedRun::Floats(timestamps_ms, values) => Run::Floats { timestamps_ms, values },
            OwnedRun::Histograms(timestamps_ms, values) => Run::Histograms { timestamps_ms, values },
        }))
    }
}
