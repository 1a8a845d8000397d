//! A collector: one subject of an exporter, read anew for every scrape. Implemented by each exporter's
//! `collector/<name>.rs`, run by [`crate::Set`].

use std::error::Error;

use crate::batch::Batch;

/// Reads one subject. `collect` may block, on a disk or on a device: it runs on a thread of its own, never twice at a
/// time, and a scrape does not wait for it beyond its deadline.
pub trait Collector: Send + Sync + 'static {
    /// Adds what was found to `out`. What was added before an error counts: a collector gives all it can.
    ///
    /// # Errors
    /// [`CollectError`] says what could not be collected; the collector's success metric is 0 then.
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError>;
}

/// Why a collector did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// The host does not have the subject: nothing is wrong, and nobody needs to read about it at every scrape.
    #[error("no data: {missing}")]
    NoData {
        /// What is not there.
        missing: String,
    },
    /// Something is there but could not be read or understood.
    #[error("cannot {attempted}")]
    Failed {
        /// What was attempted, as "read /proc/stat".
        attempted: String,
        /// The cause.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The collector itself is at fault: it panicked.
    #[error("the collector panicked")]
    Panicked,
}

impl CollectError {
    /// A [`CollectError::NoData`].
    pub fn no_data(missing: impl Into<String>) -> Self {
        Self::NoData { missing: missing.into() }
    }

    /// A [`CollectError::Failed`] from what was attempted and its cause.
    pub fn failed(attempted: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed { attempted: attempted.into(), source: source.into() }
    }
}
