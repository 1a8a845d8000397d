//! Writing: one [`Appender`] is one commit, all or nothing, of any number of samples.

pub use metrics_model::MetricKind;
use metrics_model::{Labels, SampleValue};

use crate::exemplars::{ExemplarError, TimedExemplar};

/// A series as its store knows it. Valid for the life of the store that gave it; a store that has since forgotten the
/// series answers [`AppendError::UnknownSeries`], and the caller appends with labels again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesRef(pub u64);

/// What a target says about a metric family.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MetadataEntry {
    /// The kind of metric.
    pub kind: MetricKind,
    /// The help text, unescaped.
    pub help: String,
    /// The unit, or empty.
    pub unit: String,
}

/// Why one sample was not taken. The rest of the commit goes on.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AppendError {
    /// Older than the newest sample of the series.
    #[error("out of order sample")]
    OutOfOrder,
    /// Same time as the newest sample of the series, other value.
    #[error("duplicate sample for timestamp")]
    DuplicateTimestamp,
    /// Older than the store takes at all.
    #[error("out of bounds")]
    OutOfBounds,
    /// The reference is not, or no longer, known.
    #[error("unknown series reference")]
    UnknownSeries,
    /// Labels that cannot be a series.
    #[error("invalid labels: {reason}")]
    InvalidLabels {
        /// What is wrong with them.
        reason: String,
    },
    /// The store refuses new series at the moment.
    #[error("new series refused: {reason}")]
    SeriesRefused {
        /// Which limit was met.
        reason: String,
    },
    /// A value this store cannot hold.
    #[error("unsupported value: {what}")]
    Unsupported {
        /// Which kind of value.
        what: &'static str,
    },
}

/// Why a commit did not reach the store. Nothing of it is visible.
#[derive(Debug, thiserror::Error)]
#[error("cannot commit samples")]
pub struct CommitError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// One commit in the making. Dropping it without [`Appender::commit`] rolls back.
pub trait Appender: Send {
    /// Says that new series among what is appended from now on are to be refused last when memory is short: what a
    /// server finds out for itself, such as its alerts. A store without limits need not care.
    fn set_vital(&mut self) {}

    /// Adds a sample of the series with `labels`, creating the series when it is new.
    ///
    /// # Errors
    /// [`AppendError`] says why the sample was not taken; others of the commit are not affected.
    fn append(&mut self, labels: &Labels, timestamp_ms: i64, value: SampleValue) -> Result<SeriesRef, AppendError>;

    /// Adds a sample of a series known from an earlier append: the fast path.
    ///
    /// # Errors
    /// As [`Appender::append`], and [`AppendError::UnknownSeries`] when the labels are needed again.
    fn append_ref(&mut self, series: SeriesRef, timestamp_ms: i64, value: SampleValue) -> Result<(), AppendError>;

    /// Whether exemplars are kept: callers save the work of reading them when not.
    fn keeps_exemplars(&self) -> bool {
        false
    }

    /// Adds an exemplar of a series known from an earlier append. One that is kept already, or that the store would not
    /// keep, is no error.
    ///
    /// # Errors
    /// [`ExemplarError`] says why the exemplar was not taken; samples and other exemplars are not affected.
    fn append_exemplar(&mut self, _series: SeriesRef, _exemplar: TimedExemplar) -> Result<(), ExemplarError> {
        Ok(())
    }

    /// Makes the samples durable against a crash of the process, then visible to queries.
    ///
    /// # Errors
    /// [`CommitError`] when the store could not write; nothing of this commit is then visible.
    fn commit(self: Box<Self>) -> Result<(), CommitError>;
}
