//! Exemplars: examples of what a series counts, with labels that lead to it, and which of them a store takes.
//!
//! Of a series they come in order of time, then value, then labels. A target shows the same one until it has another, so
//! one that repeats the newest is nothing new, and what sorts before the newest was there already or is too late.

use std::cmp::Ordering;

use metrics_model::{Exemplar, Labels};

/// The most characters that names and values of an exemplar's labels may have together.
pub const EXEMPLAR_CHARS_MAX: usize = 128;

/// An exemplar of which the time is known.
#[derive(Debug, Clone, PartialEq)]
pub struct TimedExemplar {
    /// Labels of the example.
    pub labels: Labels,
    /// What was observed.
    pub value: f64,
    /// When, in milliseconds since the Unix epoch.
    pub timestamp_ms: i64,
    /// Whether the target gave the time; if not, it is that of the sample the exemplar came with.
    pub has_own_time: bool,
}

impl TimedExemplar {
    /// The exemplar of a sample taken at `sample_ms`.
    #[must_use]
    pub fn new(exemplar: Exemplar, sample_ms: i64) -> Self {
        Self {
            labels: exemplar.labels,
            value: exemplar.value,
            timestamp_ms: exemplar.timestamp_ms.unwrap_or(sample_ms),
            has_own_time: exemplar.timestamp_ms.is_some(),
        }
    }

    /// The order in which exemplars of one series come.
    #[must_use]
    pub fn order(&self, other: &Self) -> Ordering {
        let values = || self.value.partial_cmp(&other.value).unwrap_or(Ordering::Equal);
        (self.timestamp_ms.cmp(&other.timestamp_ms)).then_with(values).then_with(|| self.labels.cmp(&other.labels))
    }

    /// Whether it is `newest` once more. Without times of their own two are one if they say the same.
    fn repeats(&self, newest: &Self) -> bool {
        let is_same_value = self.value == newest.value || (self.value.is_nan() && newest.value.is_nan());
        let is_same_time = self.timestamp_ms == newest.timestamp_ms || !(self.has_own_time || newest.has_own_time);
        is_same_value && is_same_time && self.labels == newest.labels
    }

    /// Whether a store takes it after `newest`, the newest of the series that it has.
    ///
    /// # Errors
    /// [`ExemplarError`] when it cannot be taken.
    pub fn fit(&self, newest: Option<&Self>) -> Result<Fit, ExemplarError> {
        let chars: usize = self.labels.iter().map(|(name, value)| name.chars().count() + value.chars().count()).sum();
        if chars > EXEMPLAR_CHARS_MAX {
            return Err(ExemplarError::TooLong);
        }
        match newest {
            Some(newest) if self.repeats(newest) => Ok(Fit::Repeated),
            Some(newest) if self.order(newest) == Ordering::Less => Err(ExemplarError::OutOfOrder),
            _ => Ok(Fit::New),
        }
    }
}

/// What an exemplar that can be taken is to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// One to keep.
    New,
    /// The newest that the store has, once more: there is nothing to do.
    Repeated,
}

/// Why an exemplar was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ExemplarError {
    /// It sorts before the newest of its series.
    #[error("out of order exemplar")]
    OutOfOrder,
    /// Its labels are too long.
    #[error("label length for exemplar exceeds maximum of {EXEMPLAR_CHARS_MAX} UTF-8 characters")]
    TooLong,
    /// There is no such series.
    #[error("unknown series reference")]
    UnknownSeries,
}

/// The exemplars of one series, in order of time.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesExemplars {
    /// Labels of the series.
    pub labels: Labels,
    /// At least one.
    pub exemplars: Vec<TimedExemplar>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exemplar(timestamp_ms: Option<i64>, value: f64, id: &str) -> TimedExemplar {
        TimedExemplar::new(Exemplar { labels: Labels::from_pairs([("id", id)]), value, timestamp_ms }, 50)
    }

    #[test]
    fn what_follows_the_newest() {
        let check = |newest: (Option<i64>, f64, &str), next: (Option<i64>, f64, &str), expected| {
            let newest = exemplar(newest.0, newest.1, newest.2);
            assert_eq!(exemplar(next.0, next.1, next.2).fit(Some(&newest)), expected, "{newest:?} {next:?}");
        };
        let own = (Some(10), 1.0, "b");
        check(own, own, Ok(Fit::Repeated));
        check(own, (Some(11), 1.0, "b"), Ok(Fit::New));
        check(own, (Some(9), 1.0, "b"), Err(ExemplarError::OutOfOrder));
        check(own, (Some(10), 2.0, "a"), Ok(Fit::New));
        check(own, (Some(10), 0.5, "c"), Err(ExemplarError::OutOfOrder));
        check(own, (Some(10), 1.0, "c"), Ok(Fit::New));
        check(own, (Some(10), 1.0, "a"), Err(ExemplarError::OutOfOrder));
        check(own, (Some(10), f64::NAN, "c"), Ok(Fit::New));
        check((Some(10), f64::NAN, "b"), (Some(10), f64::NAN, "b"), Ok(Fit::Repeated));
        // The times are those of two scrapes.
        let mut later = exemplar(None, 1.0, "b");
        later.timestamp_ms = 60;
        assert_eq!(later.fit(Some(&exemplar(None, 1.0, "b"))), Ok(Fit::Repeated));
        assert_eq!(later.fit(Some(&exemplar(Some(50), 1.0, "b"))), Ok(Fit::New));
    }

    #[test]
    fn labels_have_a_limit_in_characters() {
        let with = |length: usize| {
            let labels = Labels::from_pairs([("é", "ü".repeat(length))]);
            TimedExemplar::new(Exemplar { labels, value: 1.0, timestamp_ms: None }, 0).fit(None)
        };
        assert_eq!((with(127), with(128)), (Ok(Fit::New), Err(ExemplarError::TooLong)));
    }
}
