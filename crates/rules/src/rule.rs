//! What recording and alerting rules share: their configuration and how their last evaluation went.

use std::time::Duration;

use metrics_model::{Labels, SampleValue};
use parking_lot::Mutex;
use promql::{PointValue, QueryError};

use crate::alerting::AlertingRule;
use crate::config::{RuleConfig, RuleKind};
use crate::recording::RecordingRule;
use crate::selectors::SelectorHealth;

/// A rule of either kind.
#[derive(Debug)]
pub enum Rule {
    /// Its answer becomes series.
    Recording(RecordingRule),
    /// Its answer becomes alerts.
    Alerting(AlertingRule),
}

impl Rule {
    /// A rule that was not evaluated yet.
    pub(crate) fn new(config: RuleConfig) -> Self {
        match config.kind {
            RuleKind::Recording => Self::Recording(RecordingRule::new(config)),
            RuleKind::Alerting { .. } => Self::Alerting(AlertingRule::new(config)),
        }
    }

    /// As it stands in the file.
    #[must_use]
    pub fn config(&self) -> &RuleConfig {
        match self {
            Self::Recording(rule) => rule.config(),
            Self::Alerting(rule) => rule.config(),
        }
    }

    /// Its expression, as the query language writes it.
    #[must_use]
    pub fn query(&self) -> &str {
        match self {
            Self::Recording(rule) => rule.query(),
            Self::Alerting(rule) => rule.query(),
        }
    }

    pub(crate) fn selectors(&self) -> &SelectorHealth {
        match self {
            Self::Recording(rule) => &rule.selectors,
            Self::Alerting(rule) => &rule.selectors,
        }
    }

    /// How its last evaluation went.
    #[must_use]
    pub fn status(&self) -> RuleStatus {
        self.status_cell().lock().clone()
    }

    pub(crate) fn set_status(&self, status: RuleStatus) {
        *self.status_cell().lock() = status;
    }

    fn status_cell(&self) -> &Mutex<RuleStatus> {
        match self {
            Self::Recording(rule) => &rule.status,
            Self::Alerting(rule) => &rule.status,
        }
    }
}

/// Whether a rule works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Health {
    /// Not evaluated yet.
    #[default]
    Unknown,
    /// The last evaluation went well.
    Ok,
    /// The last evaluation failed.
    Err,
}

impl Health {
    /// The word the API uses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Ok => "ok",
            Self::Err => "err",
        }
    }
}

/// How the last evaluation of a rule went.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RuleStatus {
    /// Whether it went well.
    pub health: Health,
    /// Why not; empty when it did.
    pub last_error: String,
    /// How long it took.
    pub evaluation_time: Duration,
    /// For which time it was; `None` before the first.
    pub last_evaluation_ms: Option<i64>,
}

/// Why a rule gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// The query failed.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The answer is a text or a range of samples.
    #[error("rule result is not a vector or scalar")]
    NotAVector,
    /// Two series of the answer have the same labels once those of the rule are set.
    #[error("vector contains metrics with the same labelset after applying rule labels")]
    DuplicateSeries,
    /// Two alerts of the answer have the same labels.
    #[error("vector contains metrics with the same labelset after applying alert labels")]
    DuplicateAlerts,
    /// More series than the group allows.
    #[error("exceeded limit of {limit} with {count} series")]
    TooManySeries {
        /// The limit.
        limit: usize,
        /// How many there are.
        count: usize,
    },
    /// More alerts than the group allows.
    #[error("exceeded limit of {limit} with {count} alerts")]
    TooManyAlerts {
        /// The limit.
        limit: usize,
        /// How many there are.
        count: usize,
    },
}

/// A sample that a rule made, for the time of its evaluation.
#[derive(Debug, Clone)]
pub(crate) struct RuleSample {
    pub(crate) labels: Labels,
    pub(crate) value: SampleValue,
}

/// What an evaluation of a rule sees, as labels and values at one time.
pub(crate) struct Answer {
    pub(crate) labels: Labels,
    pub(crate) value: PointValue,
}

pub(crate) fn sample_value(value: PointValue) -> SampleValue {
    match value {
        PointValue::Float(value) => SampleValue::Float(value),
        PointValue::Histogram(histogram) => SampleValue::FloatHistogram(histogram),
    }
}
