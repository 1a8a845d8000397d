//! Why a scrape failed: what `/targets` shows as the last error of a target.

use http_client::{BuildError, ClientError, error_chain};
use metrics_model::exposition::negotiate::ContentTypeError;
use metrics_model::exposition::{DuplicateLabel, ReadError};
use storage::AppendError;

/// Why a scrape failed. [`ScrapeError::text`] is what users see.
#[derive(Debug, thiserror::Error)]
pub enum ScrapeError {
    /// No usable answer.
    #[error(transparent)]
    Fetch(#[from] ClientError),
    /// The job's HTTP client cannot be built.
    #[error("cannot make requests")]
    Client(#[from] BuildError),
    /// The target's labels make no address.
    #[error("{reason}")]
    Url {
        /// What is wrong with them.
        reason: String,
    },
    /// The answer is in no format that we know.
    #[error(transparent)]
    ContentType(#[from] ContentTypeError),
    /// The answer cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A sample has a label twice.
    #[error("invalid sample {series}: {source}")]
    DuplicateLabel {
        /// The sample as written.
        series: String,
        /// Which label.
        source: DuplicateLabel,
    },
    /// Relabeling took the name of a metric.
    #[error("missing metric name (__name__ label)")]
    NameMissing,
    /// A name is outside the alphabet.
    #[error("invalid metric name or label names: {labels}")]
    InvalidNames {
        /// The labels.
        labels: String,
    },
    /// Too many samples.
    #[error("sample limit exceeded")]
    SampleLimit,
    /// Too many labels, or too long ones.
    #[error("{what}")]
    LabelLimit {
        /// Which limit, by which sample.
        what: String,
    },
    /// Too many targets in the job.
    #[error("target_limit exceeded (number of targets: {targets}, limit: {limit})")]
    TargetLimit {
        /// How many there are.
        targets: usize,
        /// How many may be.
        limit: u64,
    },
    /// The store refused a sample.
    #[error("cannot store {series}")]
    Append {
        /// The sample's series.
        series: String,
        /// The cause.
        #[source]
        source: AppendError,
    },
}

impl ScrapeError {
    /// The error with its causes, in a line.
    #[must_use]
    pub fn text(&self) -> String {
        error_chain(self)
    }

    /// Whether the body was too large.
    #[must_use]
    pub fn is_body_limit(&self) -> bool {
        matches!(self, Self::Fetch(ClientError::BodyTooLarge { .. }))
    }
}
