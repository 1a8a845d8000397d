//! A folder that is read.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use metrics_model::{FloatHistogram, Labels, Matcher, Sample, SampleValue};
use prometheus_data::block::{BlockReader, BlockSeries};
use prometheus_data::{Block, DataError, Folder};
use storage::{BoxedSeries, Cursor, Queryable as _, Run, SelectHints, TimeRange};
use tsdb::{Db, Options};

use super::chain;

/// What kind of folder it is.
pub(super) enum Source {
    /// A store of ours.
    Ours(Db),
    /// A data folder of Prometheus.
    Theirs(Folder),
}

impl Source {
    /// Opens a folder for reading.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        if path.join("database").is_dir() {
            return ours(path).map(Self::Ours);
        }
        Folder::open(path).map(Self::Theirs).map_err(|error| chain(&error))
    }
}

/// Opens a store of ours, of which nothing is thrown away meanwhile.
pub(super) fn ours(path: &Path) -> Result<Db, String> {
    let options = Options { retention: None, late_limit: None, background: false, ..Options::default() };
    Db::open(path, options).map_err(|error| chain(&error))
}

/// Hands each selected series with its samples to `visit`, in order of their labels.
pub(super) fn each_series(
    db: &Db,
    range: TimeRange,
    selectors: &[Vec<Matcher>],
    mut visit: impl FnMut(&Labels, &[Sample]) -> Result<(), String>,
) -> Result<(), String> {
    let failed = |error: storage::StorageError| chain(&error);
    let querier = db.querier(range).map_err(failed)?;
    let mut selected: Vec<BoxedSeries<'_>> = Vec::new();
    for selector in selectors {
        selected.extend(querier.select(selector, &SelectHints::default()).map_err(failed)?);
    }
    selected.sort_by(|a, b| a.labels().cmp(b.labels()));
    selected.dedup_by(|a, b| a.labels() == b.labels());
    for series in selected {
        let samples = read(&mut *series.cursor(range)).map_err(failed)?;
        visit(series.labels(), &samples)?;
    }
    Ok(())
}

/// Hands each selected series of a data folder of Prometheus with its samples to `visit`, in order of their labels.
/// Damage is named, and what is not damaged is read.
pub(super) fn each_series_of(
    folder: &Folder,
    range: TimeRange,
    selectors: &[Vec<Matcher>],
    mut visit: impl FnMut(&Labels, &[Sample]) -> Result<(), String>,
) -> Result<(), String> {
    let damaged = |error: &DataError| eprintln!("{}", chain(error));
    folder.broken().iter().for_each(damaged);
    let overlaps = |block: &&Block| block.meta().min_time <= range.end_ms && block.meta().max_time > range.start_ms;
    let mut blocks = Vec::new();
    for block in folder.blocks().iter().filter(overlaps) {
        match block.reader() {
            Ok(reader) => blocks.push(OpenBlock::new(reader)),
            Err(error) => damaged(&error),
        }
    }
    let mut head: BTreeMap<Labels, Vec<Sample>> = BTreeMap::new();
    if folder.has_head() {
        let read = folder.head().map_err(|error| chain(&error))?;
        read.damage().iter().for_each(damaged);
        head.extend(read.into_series());
    }
    loop {
        let next = blocks.iter().filter_map(|block| block.next.as_ref().map(|series| &series.labels));
        let Some(labels) = next.chain(head.keys().next()).min().cloned() else { return Ok(()) };
        let is_selected =
            selectors.iter().any(|matchers| matchers.iter().all(|matcher| matcher.matches_labels(&labels)));
        let mut samples = Vec::new();
        for block in &mut blocks {
            samples.extend(block.take(&labels, is_selected));
        }
        samples.extend(head.remove(&labels).unwrap_or_default());
        samples.retain(|sample| range.contains(sample.timestamp_ms));
        // Of samples at one time the first counts: blocks come before the head.
        samples.sort_by_key(|sample| sample.timestamp_ms);
        samples.dedup_by_key(|sample| sample.timestamp_ms);
        if is_selected && !samples.is_empty() {
            visit(&labels, &samples)?;
        }
    }
}

/// A block, and the series of it that comes next.
struct OpenBlock {
    reader: BlockReader,
    next: Option<BlockSeries>,
}

impl OpenBlock {
    fn new(reader: BlockReader) -> Self {
        let mut block = Self { reader, next: None };
        block.advance();
        block
    }

    fn advance(&mut self) {
        self.next = self.reader.next_series().unwrap_or_else(|error| {
            eprintln!("{}", chain(&error));
            None
        });
    }

    /// The samples of the series with these labels, if that is the one that comes next.
    fn take(&mut self, labels: &Labels, is_wanted: bool) -> Vec<Sample> {
        let Some(series) = self.next.take_if(|series| series.labels == *labels) else {
            return Vec::new();
        };
        let wanted = is_wanted.then_some(series);
        let samples = wanted.map(|series| self.reader.samples(&series, |error| eprintln!("{}", chain(&error))));
        self.advance();
        samples.unwrap_or_default()
    }
}

fn read(cursor: &mut dyn Cursor) -> Result<Vec<Sample>, storage::StorageError> {
    let mut samples = Vec::new();
    while let Some(run) = cursor.next_run()? {
        match run {
            Run::Floats { timestamps_ms, values } => {
                let sample =
                    |(at_ms, value): (&i64, &f64)| Sample { timestamp_ms: *at_ms, value: SampleValue::Float(*value) };
                samples.extend(timestamps_ms.iter().zip(values).map(sample));
            }
            Run::Histograms { timestamps_ms, values } => {
                let sample = |(at_ms, value): (&i64, &Arc<FloatHistogram>)| Sample {
                    timestamp_ms: *at_ms,
                    value: SampleValue::FloatHistogram(Arc::clone(value)),
                };
                samples.extend(timestamps_ms.iter().zip(values).map(sample));
            }
        }
    }
    Ok(samples)
}
