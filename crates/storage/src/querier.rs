//! Reading: a [`Queryable`] gives a consistent [`Querier`], which selects [`Series`], whose [`Cursor`] yields runs of
//! decoded samples.

use std::sync::Arc;

use metrics_model::{FloatHistogram, Labels, Matcher};

/// A range of time, both ends included, in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    /// First millisecond.
    pub start_ms: i64,
    /// Last millisecond.
    pub end_ms: i64,
}

impl TimeRange {
    /// All of time.
    pub const ALL: Self = Self { start_ms: i64::MIN, end_ms: i64::MAX };

    /// Whether `timestamp_ms` lies in the range.
    #[must_use]
    pub fn contains(self, timestamp_ms: i64) -> bool {
        (self.start_ms..=self.end_ms).contains(&timestamp_ms)
    }
}

/// What a store can use to do less work; never changes an answer.
#[derive(Debug, Clone, Default)]
pub struct SelectHints {
    /// The function directly around the selector, or empty.
    pub function: String,
    /// Step of a range query, 0 for an instant query.
    pub step_ms: i64,
    /// Width of a range selector, 0 for an instant selector.
    pub range_ms: i64,
    /// At most this many series are wanted, 0 for all.
    pub limit: usize,
    /// Only labels are wanted; no samples will be read.
    pub labels_only: bool,
}

/// Why a store could not answer.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The store below failed.
    #[error("cannot read from storage: {what}")]
    Read {
        /// What was being read.
        what: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Stored bytes do not make sense.
    #[error("corrupt data in storage: {what}")]
    Corrupt {
        /// Where, and what was expected.
        what: String,
    },
    /// The store is closing.
    #[error("storage is closed")]
    Closed,
}

/// Something that can be asked for series.
pub trait Queryable: Send + Sync {
    /// A view of the samples in `range` that does not change while it is held: no half commit is ever seen.
    ///
    /// # Errors
    /// [`StorageError`] when the store cannot open the view.
    fn querier(&self, range: TimeRange) -> Result<Box<dyn Querier + '_>, StorageError>;
}

/// A consistent view of one time range.
pub trait Querier: Send + Sync {
    /// The series that satisfy all `matchers` and have samples in the range, sorted by labels.
    ///
    /// # Errors
    /// [`StorageError`] when the index cannot be read.
    fn select(&self, matchers: &[Matcher], hints: &SelectHints) -> Result<Vec<BoxedSeries<'_>>, StorageError>;

    /// The names of labels of the series that satisfy all `matchers`, sorted. Without matchers: of all series.
    ///
    /// # Errors
    /// [`StorageError`] when the index cannot be read.
    fn label_names(&self, matchers: &[Matcher]) -> Result<Vec<String>, StorageError>;

    /// The values of label `name` of the series that satisfy all `matchers`, sorted.
    ///
    /// # Errors
    /// [`StorageError`] when the index cannot be read.
    fn label_values(&self, name: &str, matchers: &[Matcher]) -> Result<Vec<String>, StorageError>;
}

/// A selected series, readable from any thread.
pub type BoxedSeries<'a> = Box<dyn Series + 'a>;

/// One series of a selection.
pub trait Series: Send + Sync {
    /// Its labels.
    fn labels(&self) -> &Labels;

    /// A cursor over the samples in `range` (further limited by the querier's range).
    fn cursor(&self, range: TimeRange) -> Box<dyn Cursor + '_>;
}

/// Walks over the samples of one series in order of time.
pub trait Cursor: Send {
    /// The next run, or `None` at the end. Runs are never empty; their timestamps grow within and between runs.
    ///
    /// # Errors
    /// [`StorageError`] when samples cannot be read or decoded; the cursor is then at its end.
    fn next_run(&mut self) -> Result<Option<Run<'_>>, StorageError>;

    /// The next run, and for each of its samples when the counter it is of began to count, in milliseconds since the
    /// Unix epoch; 0 where that is not known. Stores that do not keep start times give none at all.
    ///
    /// # Errors
    /// As [`Cursor::next_run`].
    fn next_run_with_starts(&mut self) -> Result<Option<(Run<'_>, &[i64])>, StorageError> {
        Ok(self.next_run()?.map(|run| (run, [].as_slice())))
    }
}

/// Decoded samples of one kind, in columns of equal length.
#[derive(Debug, Clone, Copy)]
pub enum Run<'a> {
    /// Floats, staleness markers included.
    Floats {
        /// Milliseconds since the Unix epoch, growing.
        timestamps_ms: &'a [i64],
        /// One value for each timestamp.
        values: &'a [f64],
    },
    /// Native histograms, with float counts whatever they were scraped as.
    Histograms {
        /// Milliseconds since the Unix epoch, growing.
        timestamps_ms: &'a [i64],
        /// One value for each timestamp. A sum that is the staleness marker ends the series.
        values: &'a [Arc<FloatHistogram>],
    },
}
