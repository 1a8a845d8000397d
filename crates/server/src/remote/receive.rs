//! The receiver of remote write: one request in, one commit out.
//!
//! A request is walked through once and borrowed from: nothing is made of it but what the store keeps. A series that was
//! seen before costs one hash of its labels' bytes; only those of new series are read. What is wrong with one sample
//! takes none of the others along: they are committed, and the sender is told about the first one that was refused.
//!
//! * [`wire`]: protobuf, read without copying
//! * [`version1`], [`version2`]: the requests of either version
//! * [`mod@write`]: samples and exemplars into the store
//! * [`series`]: the way from the bytes of labels to the series
//! * [`histogram`]: native histograms
//! * [`metadata`]: what is said about metric families

mod histogram;
mod metadata;
mod series;
mod version1;
mod version2;
mod wire;
mod write;

use instrument::{IntCounter, IntCounterVec, Registry};
use parking_lot::Mutex;
use storage::{CommitError, Storage};

pub(crate) use metadata::RemoteMetadata;
use series::SeriesKeys;
pub(crate) use version2::Written;
use wire::WireError;
use write::{INVALID_LABELS, Refusals};

/// A compressed request may not be larger.
pub(crate) const COMPRESSED_BYTES_MAX: usize = 32 << 20;
/// A request may not say that it is larger once decompressed: memory is taken on its word.
pub(crate) const DECODED_BYTES_MAX: usize = 128 << 20;
/// Larger buffers are not kept for the next request.
const KEPT_BYTES_MAX: usize = 4 << 20;
const KEPT_BUFFERS_MAX: usize = 8;

/// Why a request was not taken, or not all of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReceiveError {
    /// It is no snappy block.
    #[error("cannot decompress the request")]
    Compression(#[from] snap::Error),
    /// It would be too large.
    #[error("the request says that it has {bytes} bytes decompressed, the limit is {DECODED_BYTES_MAX}")]
    TooLarge { bytes: usize },
    /// It is no write request.
    #[error("cannot read the request")]
    Wire(#[from] WireError),
    /// Some of its samples cannot be taken, now or later; the others were.
    #[error("{problem}")]
    Refused {
        /// What to tell the sender.
        problem: String,
    },
    /// The store could not take it; it can be sent again.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// The versions of remote write, which are two messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// `prometheus.WriteRequest`
    One,
    /// `io.prometheus.write.v2.Request`
    Two,
}

/// Receives.
pub(crate) struct Receiver {
    series: SeriesKeys,
    metadata: RemoteMetadata,
    buffers: Mutex<Vec<Vec<u8>>>,
    samples: IntCounter,
    invalid_labels: IntCounter,
    refused: IntCounterVec,
}

impl Receiver {
    /// A receiver that shows its figures in `registry`.
    pub(crate) fn new(registry: &Registry) -> Self {
        Self {
            series: SeriesKeys::default(),
            metadata: RemoteMetadata::new(registry),
            buffers: Mutex::default(),
            samples: registry.counter(
                "prometheus_api_remote_write_without_metadata_appended_samples_total",
                "The total number of received remote write samples (and histogram samples) which were ingested \
                 without corresponding metadata.",
            ),
            invalid_labels: registry.counter(
                "prometheus_api_remote_write_invalid_labels_samples_total",
                "The total number of received remote write samples and histogram samples which were rejected due to \
                 invalid labels.",
            ),
            refused: registry.counters(
                "firewatch_remote_write_refused_samples_total",
                "Samples received by remote write and not stored.",
                &["reason"],
            ),
        }
    }

    /// What senders said about metric families.
    pub(crate) fn metadata(&self) -> &RemoteMetadata {
        &self.metadata
    }

    /// Stores what a request holds, compressed as it came. The first of the results is what was written, which senders of
    /// version 2 are told in any case once their request could be read.
    ///
    /// # Errors
    /// [`ReceiveError`]: after [`ReceiveError::Refused`] the samples that could be taken are stored, after any other
    /// nothing is.
    pub(crate) fn receive(
        &self,
        storage: &dyn Storage,
        body: &[u8],
        version: Version,
        now_ms: i64,
    ) -> (Option<Written>, Result<(), ReceiveError>) {
        let bytes = match snap::raw::decompress_len(body) {
            Ok(bytes) if bytes <= DECODED_BYTES_MAX => bytes,
            Ok(bytes) => return (None, Err(ReceiveError::TooLarge { bytes })),
            Err(error) => return (None, Err(error.into())),
        };
        let mut buffer = self.buffers.lock().pop().unwrap_or_default();
        if buffer.len() < bytes {
            buffer.resize(bytes, 0);
        }
        let result = match snap::raw::Decoder::new().decompress(body, &mut buffer) {
            Ok(length) => match version {
                Version::One => (None, self.store_version1(storage, &buffer[..length], now_ms)),
                Version::Two => self.store_version2(storage, &buffer[..length], now_ms),
            },
            Err(error) => (None, Err(error.into())),
        };
        let mut buffers = self.buffers.lock();
        if buffer.len() <= KEPT_BYTES_MAX && buffers.len() < KEPT_BUFFERS_MAX {
            buffers.push(buffer);
        }
        result
    }

    fn count(&self, samples: u64, refused: &Refusals) {
        self.samples.inc_by(samples.saturating_sub(refused.count()));
        for (reason, count) in refused.by_reason() {
            self.refused.with_label_values(&[reason]).inc_by(count);
        }
        self.invalid_labels.inc_by(refused.of(INVALID_LABELS));
    }
}

#[cfg(test)]
mod tests;
