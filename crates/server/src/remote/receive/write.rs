//! A request on its way into the store, whatever its version.

use std::collections::BTreeMap;

use metrics_model::name::METRIC_NAME;
use metrics_model::{Exemplar, Labels, SampleValue};
use storage::{AppendError, Appender, ExemplarError, SeriesRef, TimedExemplar};

use super::series::SeriesKey;

/// Samples from further in the future are refused, as by the original: a wrong clock must not end a series for us.
const AHEAD_MAX_MS: i64 = 10 * 60 * 1000;

pub(super) const INVALID_LABELS: &str = "invalid_labels";
pub(super) const INVALID_HISTOGRAM: &str = "invalid_histogram";

/// The value of the label `reason` for what was refused.
pub(super) fn reason(error: &AppendError) -> &'static str {
    match error {
        AppendError::OutOfOrder => "out_of_order",
        AppendError::DuplicateTimestamp => "duplicate",
        AppendError::OutOfBounds => "out_of_bounds",
        AppendError::InvalidLabels { .. } => INVALID_LABELS,
        AppendError::SeriesRefused { .. } => "series_refused",
        AppendError::UnknownSeries | AppendError::Unsupported { .. } => "unsupported",
    }
}

/// How many samples were refused for which reason.
#[derive(Debug, Default)]
pub(super) struct Refusals(BTreeMap<&'static str, u64>);

impl Refusals {
    pub(super) fn add(&mut self, reason: &'static str, samples: u64) {
        if samples > 0 {
            *self.0.entry(reason).or_default() += samples;
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.0.values().sum()
    }

    pub(super) fn of(&self, reason: &'static str) -> u64 {
        self.0.get(reason).copied().unwrap_or_default()
    }

    pub(super) fn by_reason(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.0.iter().map(|(reason, count)| (*reason, *count))
    }
}

/// A series of a request.
pub(super) struct Target<'a> {
    /// Its bytes.
    pub(super) key: SeriesKey,
    /// The series in the store, once it is known.
    pub(super) known: Option<SeriesRef>,
    /// Reads its labels.
    pub(super) labels: &'a dyn Fn() -> Result<Labels, AppendError>,
}

/// A request while it is stored.
pub(super) struct Write<'a> {
    pub(super) appender: Box<dyn Appender + 'a>,
    /// Samples after this are refused.
    newest_ms: i64,
    /// Series that were not known by their bytes.
    pub(super) learned: Vec<(SeriesKey, SeriesRef)>,
    pub(super) keeps_exemplars: bool,
}

impl<'a> Write<'a> {
    pub(super) fn new(appender: Box<dyn Appender + 'a>, now_ms: i64) -> Self {
        let keeps_exemplars = appender.keeps_exemplars();
        Self { appender, newest_ms: now_ms.saturating_add(AHEAD_MAX_MS), learned: Vec::new(), keeps_exemplars }
    }

    /// Whether a time is too far in the future.
    pub(super) fn is_ahead(&self, timestamp_ms: i64) -> bool {
        timestamp_ms > self.newest_ms
    }

    /// Adds one sample.
    pub(super) fn sample(
        &mut self,
        target: &mut Target<'_>,
        timestamp_ms: i64,
        value: SampleValue,
    ) -> Result<(), AppendError> {
        if self.is_ahead(timestamp_ms) {
            return Err(AppendError::OutOfBounds);
        }
        match target.known {
            Some(id) => match self.appender.append_ref(id, timestamp_ms, value.clone()) {
                Err(AppendError::UnknownSeries) => self.append_new(target, timestamp_ms, value),
                result => result,
            },
            None => self.append_new(target, timestamp_ms, value),
        }
    }

    fn append_new(
        &mut self,
        target: &mut Target<'_>,
        timestamp_ms: i64,
        value: SampleValue,
    ) -> Result<(), AppendError> {
        let id = self.appender.append(&(target.labels)()?, timestamp_ms, value)?;
        target.known = Some(id);
        self.learned.push((target.key, id));
        Ok(())
    }

    /// Adds an exemplar of a series. Where none are kept there is nothing that could be wrong with it.
    pub(super) fn exemplar(&mut self, target: &Target<'_>, exemplar: Exemplar) -> Result<(), ExemplarError> {
        if !self.keeps_exemplars {
            return Ok(());
        }
        let series = target.known.ok_or(ExemplarError::UnknownSeries)?;
        self.appender.append_exemplar(series, TimedExemplar::new(exemplar, 0))
    }
}

/// The labels of a series, checked as the original does.
pub(super) fn checked(mut pairs: Vec<(&str, &str)>) -> Result<Labels, AppendError> {
    let invalid = |reason: String| AppendError::InvalidLabels { reason };
    if pairs.iter().any(|(name, _)| name.is_empty()) {
        return Err(invalid("a label has no name".to_owned()));
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
