//! A folder that is read.

use std::path::Path;
use std::sync::Arc;

use metrics_model::{FloatHistogram, Labels, Matcher, Sample, SampleValue};
use prometheus_data::Folder;
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
