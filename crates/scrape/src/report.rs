//! The samples that say how a scrape went: `up` and its companions.

use std::time::Duration;

use metrics_model::name::METRIC_NAME;
use metrics_model::{Labels, SampleValue, stale_nan};
use storage::{AppendError, Appender, SeriesRef};

/// How a scrape went, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Numbers {
    pub(crate) is_up: bool,
    pub(crate) duration: Duration,
    /// Samples in the answer.
    pub(crate) scraped: u64,
    /// Samples that relabeling left.
    pub(crate) kept: u64,
    /// Series that were not in the last scrape.
    pub(crate) series_added: u64,
    /// Bytes of the decompressed body; -1 when it was over its limit.
    pub(crate) body_bytes: i64,
}

/// Names in the order in which they are written. The last three are written only when asked for.
const NAMES: [&str; 8] = [
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
    "scrape_timeout_seconds",
    "scrape_sample_limit",
    "scrape_body_size_bytes",
];
const NAMES_ALWAYS: usize = 5;

/// The report series of one target.
#[derive(Debug)]
pub(crate) struct Report {
    series: Vec<(Labels, Option<SeriesRef>)>,
    timeout: Duration,
    sample_limit: u64,
}

impl Report {
    /// For a target with these labels.
    pub(crate) fn new(target: &Labels, extra: bool, timeout: Duration, sample_limit: u64) -> Self {
        let names = if extra { &NAMES[..] } else { &NAMES[..NAMES_ALWAYS] };
        let series = names.iter().map(|name| {
            let mut labels = target.to_builder();
            labels.set(METRIC_NAME, name);
            (labels.build(), None)
        });
        Self { series: series.collect(), timeout, sample_limit }
    }

    /// Adds the samples of one scrape.
    pub(crate) fn append(
        &mut self,
        appender: &mut dyn Appender,
        timestamp_ms: i64,
        numbers: &Numbers,
    ) -> Result<(), AppendError> {
        let values = [
            if numbers.is_up { 1.0 } else { 0.0 },
            numbers.duration.as_secs_f64(),
            numbers.scraped as f64,
            numbers.kept as f64,
            numbers.series_added as f64,
            self.timeout.as_secs_f64(),
            self.sample_limit as f64,
            numbers.body_bytes as f64,
        ];
        self.append_values(appender, timestamp_ms, values)
    }

    /// Ends the series of a target that is gone.
    pub(crate) fn append_stale(&mut self, appender: &mut dyn Appender, timestamp_ms: i64) -> Result<(), AppendError> {
        self.append_values(appender, timestamp_ms, [stale_nan(); NAMES.len()])
    }

    fn append_values(
        &mut self,
        appender: &mut dyn Appender,
        timestamp_ms: i64,
        values: [f64; NAMES.len()],
    ) -> Result<(), AppendError> {
        for ((labels, known), value) in self.series.iter_mut().zip(values) {
            let value = SampleValue::Float(value);
            match append_known(appender, known, labels, timestamp_ms, value) {
                // Another loop, before or after a reload, reports for the same target at this time.
                Ok(()) | Err(AppendError::OutOfOrder | AppendError::DuplicateTimestamp) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Appends by reference if there is one that the store still knows, and by labels otherwise.
fn append_known(
    appender: &mut dyn Appender,
    known: &mut Option<SeriesRef>,
    labels: &Labels,
    timestamp_ms: i64,
    value: SampleValue,
) -> Result<(), AppendError> {
    if let Some(series) = *known {
        match appender.append_ref(series, timestamp_ms, value.clone()) {
            Err(AppendError::UnknownSeries) => {}
            result => return result,
        }
    }
    *known = Some(appender.append(labels, timestamp_ms, value)?);
    Ok(())
}
