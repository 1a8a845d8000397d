//! How samples are written and selected, without saying where.
//!
//! Engines (`promql`) and pipelines (`scrape`, `rules`) see only these traits; `tsdb` implements them on RocksDB and
//! [`memory`] in a map, which is the reference that `tsdb` must equal. Everything here is synchronous: an async caller
//! hops to a blocking thread once per query or commit.
//!
//! * [`appender`]: one commit of samples, all or nothing
//! * [`querier`]: matchers and a time range in, series out
//! * [`exemplars`]: examples of what series count
//! * [`memory`]: the reference store

pub mod appender;
pub mod exemplars;
pub mod memory;
pub mod querier;

pub use appender::{AppendError, Appender, CommitError, MetadataEntry, MetricKind, SeriesRef};
pub use exemplars::{ExemplarError, SeriesExemplars, TimedExemplar};
pub use memory::MemoryStorage;
use metrics_model::Matcher;
pub use querier::{BoxedSeries, Cursor, Querier, Queryable, Run, SelectHints, Series, StorageError, TimeRange};

/// A store that can be written to and read from.
pub trait Storage: Queryable + Send + Sync {
    /// Opens one commit. Nothing is visible to queries before [`Appender::commit`].
    fn appender(&self) -> Box<dyn Appender + '_>;

    /// The exemplars in `range` of the series that satisfy all matchers of any of `selectors`, sorted by labels. Stores
    /// that keep none have none.
    ///
    /// # Errors
    /// [`StorageError`] when the store cannot be read.
    fn exemplars(&self, _selectors: &[&[Matcher]], _range: TimeRange) -> Result<Vec<SeriesExemplars>, StorageError> {
        Ok(Vec::new())
    }
}
