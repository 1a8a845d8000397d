//! Which labels make the most series.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use metrics_model::Labels;
use storage::{SelectHints, Storage, StorageError, TimeRange};

/// What a store holds. Lists are of names with counts, the largest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Current series.
    pub series: u64,
    /// Different label pairs of these.
    pub label_pairs: u64,
    /// Chunks of samples that are written to, where the store counts them.
    pub chunks: u64,
    /// Time of the oldest sample, if there is any.
    pub min_time_ms: Option<i64>,
    /// Time of the newest sample, if there is any.
    pub max_time_ms: Option<i64>,
    /// Series by metric name.
    pub series_by_metric: Vec<(String, u64)>,
    /// Values by label name.
    pub values_by_label: Vec<(String, u64)>,
    /// Bytes of values by label name.
    pub bytes_by_label: Vec<(String, u64)>,
    /// Series by `name=value`.
    pub series_by_pair: Vec<(String, u64)>,
}

/// Counts over the labels of all series with samples in `range`.
///
/// # Errors
/// [`StorageError`] when the store cannot be read.
pub fn statistics_of(storage: &dyn Storage, range: TimeRange, limit: usize) -> Result<Statistics, StorageError> {
    let querier = storage.querier(range)?;
    let hints = SelectHints { labels_only: true, ..SelectHints::default() };
    let mut counts = Counts::default();
    for series in querier.select(&[], &hints)? {
        counts.add(series.labels());
    }
    Ok(counts.largest(limit))
}

#[derive(Default)]
struct Counts {
    series: u64,
    series_by_metric: HashMap<String, u64>,
    values_by_label: HashMap<String, BTreeSet<String>>,
    bytes_by_label: HashMap<String, u64>,
    series_by_pair: HashMap<String, u64>,
}

impl Counts {
    fn add(&mut self, labels: &Labels) {
        self.series += 1;
        *self.series_by_metric.entry(labels.metric_name().to_owned()).or_default() += 1;
        for (name, value) in labels {
            self.values_by_label.entry(name.to_owned()).or_default().insert(value.to_owned());
            *self.bytes_by_label.entry(name.to_owned()).or_default() += value.len() as u64;
            *self.series_by_pair.entry(format!("{name}={value}")).or_default() += 1;
        }
    }

    fn largest(self, limit: usize) -> Statistics {
        let values = self.values_by_label.into_iter().map(|(name, values)| (name, values.len() as u64));
        Statistics {
            series: self.series,
            label_pairs: self.series_by_pair.len() as u64,
            chunks: 0,
            min_time_ms: None,
            max_time_ms: None,
            series_by_metric: largest(self.series_by_metric, limit),
            values_by_label: largest(values, limit),
            bytes_by_label: largest(self.bytes_by_label, limit),
            series_by_pair: largest(self.series_by_pair, limit),
        }
    }
}

/// The largest counts first, of equal ones in order of names.
fn largest(counts: impl IntoIterator<Item = (String, u64)>, limit: usize) -> Vec<(String, u64)> {
    let mut counts: Vec<(String, u64)> = counts.into_iter().collect();
    counts.sort_by(|(a, a_count), (b, b_count)| (Reverse(a_count), a).cmp(&(Reverse(b_count), b)));
    counts.truncate(limit);
    counts
}
