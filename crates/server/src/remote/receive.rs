//! The receiver of remote write 1.0: one request in, one commit out.
//!
//! A request is walked through once and borrowed from: nothing is made of it but what the store keeps. A series that was
//! seen before costs one hash of its labels' bytes; only those of new series are read. What is wrong with one sample
//! takes none of the others along: they are committed, and the sender is told about the first one that was refused.
//!
//! * [`wire`]: protobuf, read without copying
//! * [`series`]: the way from the bytes of labels to the series
//! * [`histogram`]: native histograms

mod histogram;
mod series;
mod wire;

use std::collections::BTreeMap;

use instrument::{IntCounter, IntCounterVec, Registry};
use metrics_model::name::METRIC_NAME;
use metrics_model::{Labels, SampleValue};
use parking_lot::Mutex;
use storage::{AppendError, Appender, CommitError, SeriesRef, Storage};

use series::{SeriesKey, SeriesKeys};
use wire::{Series, WireError};

/// A compressed request may not be larger.
pub(crate) const COMPRESSED_BYTES_MAX: usize = 32 << 20;
/// A request may not say that it is larger once decompressed: memory is taken on its word.
pub(crate) const DECODED_BYTES_MAX: usize = 128 << 20;
/// Samples from further in the future are refused, as by the original: a wrong clock must not end a series for us.
const AHEAD_MAX_MS: i64 = 10 * 60 * 1000;
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
    #[error("{}", refusal(.first, *.refused, *.samples))]
    Refused { first: Box<Refusal>, refused: u64, samples: u64 },
    /// The store could not take it; it can be sent again.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// One sample that was not taken.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// The original's words where it refuses the same.
    problem: String,
    series: String,
    /// `None` if it could not be read.
    timestamp_ms: Option<i64>,
}

fn refusal(first: &Refusal, refused: u64, samples: u64) -> String {
    let Refusal { problem, series, timestamp_ms } = first;
    let at = timestamp_ms.map(|at_ms| format!(", timestamp {at_ms}")).unwrap_or_default();
    format!("{problem}: series {series}{at}; {refused} of {samples} samples were refused, the others are stored")
}

/// Receives.
pub(crate) struct Receiver {
    series: SeriesKeys,
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

    /// Stores what a request of remote write 1.0 holds, compressed as it came.
    ///
    /// # Errors
    /// [`ReceiveError`]: after [`ReceiveError::Refused`] the samples that could be taken are stored, after any other
    /// nothing is.
    pub(crate) fn receive(&self, storage: &dyn Storage, body: &[u8], now_ms: i64) -> Result<(), ReceiveError> {
        let bytes = snap::raw::decompress_len(body)?;
        if bytes > DECODED_BYTES_MAX {
            return Err(ReceiveError::TooLarge { bytes });
        }
        let mut buffer = self.buffers.lock().pop().unwrap_or_default();
        if buffer.len() < bytes {
            buffer.resize(bytes, 0);
        }
        let result = match snap::raw::Decoder::new().decompress(body, &mut buffer) {
            Ok(length) => self.store(storage, &buffer[..length], now_ms),
            Err(error) => Err(error.into()),
        };
        let mut buffers = self.buffers.lock();
        if buffer.len() <= KEPT_BYTES_MAX && buffers.len() < KEPT_BUFFERS_MAX {
            buffers.push(buffer);
        }
        result
    }

    fn store(&self, storage: &dyn Storage, request: &[u8], now_ms: i64) -> Result<(), ReceiveError> {
        let mut write = Write {
            appender: storage.appender(),
            newest_ms: now_ms.saturating_add(AHEAD_MAX_MS),
            learned: Vec::new(),
            samples: 0,
            refused: BTreeMap::new(),
            first_refusal: None,
        };
        let mut joined = Vec::new();
        let known = self.series.read();
        for message in wire::series(request) {
            let series = Series::read(message?, &mut joined)?;
            let key = known.key(series.labels);
            let id = known.find(key, &mut write.learned);
            write.series(&series, key, id)?;
        }
        drop(known);
        let Write { appender, learned, samples, refused, first_refusal, .. } = write;
        appender.commit()?;
        self.series.learn(&learned);
        self.count(samples, &refused);
        match first_refusal {
            Some(first) => Err(ReceiveError::Refused { first, refused: refused.values().sum(), samples }),
            None => Ok(()),
        }
    }

    fn count(&self, samples: u64, refused: &BTreeMap<&'static str, u64>) {
        self.samples.inc_by(samples.saturating_sub(refused.values().sum()));
        for (reason, count) in refused {
            self.refused.with_label_values(&[*reason]).inc_by(*count);
        }
        self.invalid_labels.inc_by(refused.get(INVALID_LABELS).copied().unwrap_or_default());
    }
}

const INVALID_LABELS: &str = "invalid_labels";
const INVALID_HISTOGRAM: &str = "invalid_histogram";

/// The value of the label `reason` for what was refused.
fn reason(error: &AppendError) -> &'static str {
    match error {
        AppendError::OutOfOrder => "out_of_order",
        AppendError::DuplicateTimestamp => "duplicate",
        AppendError::OutOfBounds => "out_of_bounds",
        AppendError::InvalidLabels { .. } => INVALID_LABELS,
        AppendError::SeriesRefused { .. } => "series_refused",
        AppendError::UnknownSeries | AppendError::Unsupported { .. } => "unsupported",
    }
}

/// A request while it is stored.
struct Write<'a> {
    appender: Box<dyn Appender + 'a>,
    /// Samples after this are refused.
    newest_ms: i64,
    /// Series that were not known by their bytes.
    learned: Vec<(SeriesKey, SeriesRef)>,
    samples: u64,
    /// How many samples were refused for which reason.
    refused: BTreeMap<&'static str, u64>,
    first_refusal: Option<Box<Refusal>>,
}

impl Write<'_> {
    /// Adds the samples of one series, which is known by its bytes or not.
    fn series(&mut self, series: &Series<'_>, key: SeriesKey, known: Option<SeriesRef>) -> Result<(), ReceiveError> {
        let mut known = known;
        for sample in series.samples() {
            let sample = sample?;
            self.sample(series, key, &mut known, (sample.timestamp_ms, SampleValue::Float(sample.value)));
        }
        for message in series.histograms() {
            match histogram::read(message?)? {
                Ok(sample) => self.sample(series, key, &mut known, sample),
                Err(error) => {
                    self.samples += 1;
                    self.refuse(series, None, INVALID_HISTOGRAM, error.to_string());
                }
            }
        }
        Ok(())
    }

    fn sample(
        &mut self,
        series: &Series<'_>,
        key: SeriesKey,
        known: &mut Option<SeriesRef>,
        (timestamp_ms, value): (i64, SampleValue),
    ) {
        self.samples += 1;
        let appended = if timestamp_ms > self.newest_ms {
            Err(AppendError::OutOfBounds)
        } else {
            match known {
                Some(id) => match self.appender.append_ref(*id, timestamp_ms, value.clone()) {
                    Err(AppendError::UnknownSeries) => self.append_new(series, key, known, timestamp_ms, value),
                    result => result,
                },
                None => self.append_new(series, key, known, timestamp_ms, value),
            }
        };
        if let Err(error) = appended {
            self.refuse(series, Some(timestamp_ms), reason(&error), error.to_string());
        }
    }

    fn append_new(
        &mut self,
        series: &Series<'_>,
        key: SeriesKey,
        known: &mut Option<SeriesRef>,
        timestamp_ms: i64,
        value: SampleValue,
    ) -> Result<(), AppendError> {
        let id = self.appender.append(&labels(series)?, timestamp_ms, value)?;
        *known = Some(id);
        self.learned.push((key, id));
        Ok(())
    }

    fn refuse(&mut self, series: &Series<'_>, timestamp_ms: Option<i64>, reason: &'static str, problem: String) {
        *self.refused.entry(reason).or_default() += 1;
        self.first_refusal.get_or_insert_with(|| Box::new(Refusal { problem, series: shown(series), timestamp_ms }));
    }
}

/// A series as people write it, whether or not its labels can be one.
fn shown(series: &Series<'_>) -> String {
    match labels(series) {
        Ok(labels) => labels.to_string(),
        Err(_) => format!("{:?}", series.labels().filter_map(Result::ok).collect::<Vec<_>>()),
    }
}

/// The labels of a series, checked as the original does.
fn labels(series: &Series<'_>) -> Result<Labels, AppendError> {
    let invalid = |reason: String| AppendError::InvalidLabels { reason };
    let mut pairs = Vec::new();
    for label in series.labels() {
        let (name, value) = label.map_err(|error| invalid(error.to_string()))?;
        if name.is_empty() {
            return Err(invalid("a label has no name".to_owned()));
        }
        pairs.push((name, value));
    }
    pairs.sort_unstable();
    if let Some(pair) = pairs.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(invalid(format!("label {:?} is there twice", pair[0].0)));
    }
    pairs.retain(|(_, value)| !value.is_empty());
    if pairs.iter().all(|(name, _)| *name != METRIC_NAME) {
        return Err(invalid("there is no metric name".to_owned()));
    }
    Ok(Labels::from_sorted(pairs))
}
