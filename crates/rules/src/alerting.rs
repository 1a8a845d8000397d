//! Alerting rules: each series in the answer of an expression is an alert, which goes from pending to firing when it
//! stays, and from firing to resolved when it goes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use metrics_model::alert::{ALERT_NAME, Alert};
use metrics_model::name::METRIC_NAME;
use metrics_model::{Labels, SampleValue};
use parking_lot::Mutex;
use promql::PointValue;

use crate::config::{RuleConfig, RuleKind};
use crate::expand::{AlertScope, TemplateText};
use crate::group::Evaluation;
use crate::restore::{ALERT_STATE, Memory};
use crate::rule::{Answer, RuleError, RuleSample, RuleStatus};
use crate::selectors::SelectorHealth;

/// The series that says which alerts are pending and firing.
pub const ALERTS: &str = "ALERTS";
/// The series that says since when alerts are active, for [`crate::restore`].
pub const ALERTS_FOR_STATE: &str = "ALERTS_FOR_STATE";

/// How long a resolved alert is kept and sent again, so that an Alertmanager that was away still hears of its end.
const RESOLVED_RETENTION_MS: i64 = 15 * 60 * 1_000;
/// An alert that is not heard of for this many times its usual interval counts as resolved.
const VALID_INTERVALS: i64 = 4;

/// The state of one alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertState {
    /// Not active any more.
    Inactive,
    /// Active, but not yet for as long as the rule wants.
    Pending,
    /// Active for long enough.
    Firing,
}

impl AlertState {
    /// The word the API and the `alertstate` label use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Pending => "pending",
            Self::Firing => "firing",
        }
    }
}

/// One alert of a rule. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct ActiveAlert {
    /// What identifies it, `alertname` included.
    pub labels: Labels,
    /// What people should read, expanded.
    pub annotations: Labels,
    /// Pending, firing or resolved.
    pub state: AlertState,
    /// The value of the expression at the last evaluation.
    pub value: PointValue,
    /// Since when the expression has this series.
    pub active_at_ms: i64,
    /// Since when it fires.
    pub fired_at_ms: Option<i64>,
    /// Since when it is resolved.
    pub resolved_at_ms: Option<i64>,
    /// Since when it fires only because of `keep_firing_for`.
    pub keep_firing_since_ms: Option<i64>,
    last_sent_ms: Option<i64>,
}

impl ActiveAlert {
    /// Whether the Alertmanager should hear of it now.
    fn needs_sending(&self, now_ms: i64, resend_delay: Duration) -> bool {
        if self.state == AlertState::Pending {
            return false;
        }
        match (self.resolved_at_ms, self.last_sent_ms) {
            (_, None) => true,
            (Some(resolved_ms), Some(sent_ms)) if resolved_ms > sent_ms => true,
            (_, Some(sent_ms)) => sent_ms + millis(resend_delay) < now_ms,
        }
    }

    /// One step in time for an alert that is (`present`) or is not in the answer.
    fn step(&mut self, present: bool, now_ms: i64, hold_ms: i64, keep_firing_ms: i64) -> Step {
        if present {
            self.keep_firing_since_ms = None;
        } else {
            let mut keep_firing = false;
            if self.state == AlertState::Firing && keep_firing_ms > 0 {
                let since_ms = *self.keep_firing_since_ms.get_or_insert(now_ms);
                keep_firing = now_ms - since_ms < keep_firing_ms;
            }
            let is_forgotten = self.state == AlertState::Pending
                || self.resolved_at_ms.is_some_and(|resolved_ms| now_ms - resolved_ms > RESOLVED_RETENTION_MS);
            if is_forgotten {
                return Step::Forget;
            }
            if !keep_firing {
                if self.state != AlertState::Inactive {
                    self.state = AlertState::Inactive;
                    self.resolved_at_ms = Some(now_ms);
                }
                return Step::Resolved;
            }
        }
        let is_held = now_ms - self.active_at_ms >= hold_ms;
        if self.state == AlertState::Pending && is_held {
            self.state = AlertState::Firing;
            self.fired_at_ms = Some(now_ms);
        } else if self.state == AlertState::Firing && !is_held {
            // The rule was changed to hold longer than this alert is active.
            self.state = AlertState::Pending;
            self.fired_at_ms = None;
            self.last_sent_ms = None;
            self.keep_firing_since_ms = None;
        }
        Step::Active
    }
}

/// What became of an alert in one step.
enum Step {
    Active,
    Resolved,
    Forget,
}

/// An alerting rule and its alerts.
#[derive(Debug)]
pub struct AlertingRule {
    config: RuleConfig,
    query: String,
    hold: Duration,
    keep_firing: Duration,
    labels: Vec<(String, TemplateText)>,
    annotations: Vec<(String, TemplateText)>,
    pub(crate) status: Mutex<RuleStatus>,
    pub(crate) selectors: SelectorHealth,
    active: Mutex<BTreeMap<Labels, ActiveAlert>>,
    /// What is known of its alerts before a restart, during the first evaluations after it.
    memory: Mutex<Option<Memory>>,
    /// Whether the time before a restart was looked at; series are written only from then on.
    restored: AtomicBool,
}

impl AlertingRule {
    pub(crate) fn new(config: RuleConfig) -> Self {
        let (hold, keep_firing, labels, annotations) = match &config.kind {
            RuleKind::Alerting { templates, hold, keep_firing, annotations } => {
                (*hold, *keep_firing, templates.clone(), annotations.clone())
            }
            RuleKind::Recording => (Duration::ZERO, Duration::ZERO, Vec::new(), Vec::new()),
        };
        Self {
            query: config.expr.to_string(),
            config,
            hold,
            keep_firing,
            labels,
            annotations,
            status: Mutex::default(),
            selectors: SelectorHealth::default(),
            active: Mutex::default(),
            memory: Mutex::default(),
            restored: AtomicBool::new(false),
        }
    }

    /// As it stands in the file.
    #[must_use]
    pub fn config(&self) -> &RuleConfig {
        &self.config
    }

    /// Its expression, as the query language writes it.
    #[must_use]
    pub fn query(&self) -> &str {
        &self.query
    }

    /// How long the expression must have an answer before an alert fires.
    #[must_use]
    pub fn hold(&self) -> Duration {
        self.hold
    }

    /// How long an alert goes on firing when the expression has no answer any more.
    #[must_use]
    pub fn keep_firing(&self) -> Duration {
        self.keep_firing
    }

    /// The templates of the annotations.
    #[must_use]
    pub fn annotations(&self) -> &[(String, TemplateText)] {
        &self.annotations
    }

    /// The pending and firing alerts, in order of their labels.
    #[must_use]
    pub fn alerts(&self) -> Vec<ActiveAlert> {
        self.active.lock().values().filter(|alert| alert.resolved_at_ms.is_none()).cloned().collect()
    }

    /// The gravest state of its alerts; `None` before the first evaluation.
    #[must_use]
    pub fn state(&self) -> Option<AlertState> {
        self.status.lock().last_evaluation_ms?;
        let gravest = self.active.lock().values().map(|alert| alert.state).max();
        Some(gravest.unwrap_or(AlertState::Inactive))
    }

    /// Takes the alerts of `old`, the same rule before a reload, over.
    pub(crate) fn copy_state(&self, old: &Self) {
        self.active.lock().clone_from(&old.active.lock());
        self.memory.lock().clone_from(&old.memory.lock());
        self.set_restored(old.is_restored());
    }

    pub(crate) fn is_restored(&self) -> bool {
        self.restored.load(Ordering::SeqCst)
    }

    pub(crate) fn set_restored(&self, restored: bool) {
        self.restored.store(restored, Ordering::SeqCst);
    }

    /// Takes what was before a restart into account from now on; `None` when that is not known.
    pub(crate) fn remember(&self, memory: Option<Memory>) {
        *self.memory.lock() = memory;
        self.set_restored(true);
    }

    pub(crate) fn evaluate(
        &self,
        answers: Vec<Answer>,
        evaluation: &Evaluation<'_>,
        limit: usize,
    ) -> Result<Vec<RuleSample>, RuleError> {
        let mut found = BTreeMap::new();
        for answer in answers {
            let alert = self.pending(answer, evaluation);
            if found.insert(alert.labels.clone(), alert).is_some() {
                return Err(RuleError::DuplicateAlerts);
            }
        }
        let (hold_ms, keep_firing_ms) = (millis(self.hold), millis(self.keep_firing));
        let mut active = self.active.lock();
        let mut memory = self.memory.lock();
        let present: BTreeSet<Labels> = found.keys().cloned().collect();
        for (labels, mut alert) in found {
            match active.get_mut(&labels) {
                Some(known) if known.state != AlertState::Inactive => {
                    known.value = alert.value;
                    known.annotations = alert.annotations;
                }
                _ => {
                    if let Some(memory) = &*memory {
                        memory.recall(&mut alert, evaluation.now_ms, hold_ms, evaluation.interval_ms());
                    }
                    active.insert(labels, alert);
                }
            }
        }
        memory.take_if(|memory| !memory.evaluated());
        let mut count = 0_usize;
        let mut samples = Vec::new();
        active.retain(|labels, alert| {
            match alert.step(present.contains(labels), evaluation.now_ms, hold_ms, keep_firing_ms) {
                Step::Forget => return false,
                Step::Resolved => {}
                Step::Active => {
                    count += 1;
                    if self.is_restored() {
                        samples.extend(self.samples(alert));
                    }
                }
            }
            true
        });
        if limit > 0 && count > limit {
            active.clear();
            return Err(RuleError::TooManyAlerts { limit, count });
        }
        Ok(samples)
    }

    /// The alert for one series of the answer, labels and annotations expanded.
    fn pending(&self, answer: Answer, evaluation: &Evaluation<'_>) -> ActiveAlert {
        let query = |text: &str| evaluation.query_at(text, evaluation.now_ms).map_err(|error| error.to_string());
        let scope = AlertScope::new(
            &answer.labels,
            &answer.value,
            &evaluation.settings.external_labels,
            &evaluation.settings.external_url,
            evaluation.now_ms,
            &query,
        );
        let expand = |template: &TemplateText| {
            scope.expand(template).unwrap_or_else(|error| {
                tracing::warn!(alert = self.config.name, %error, "expanding alert template failed");
                format!("<error expanding template: {error}>")
            })
        };
        let mut labels = answer.labels.to_builder();
        labels.remove(METRIC_NAME);
        for (name, template) in &self.labels {
            labels.set(name, &expand(template));
        }
        labels.set(ALERT_NAME, &self.config.name);
        let annotations = Labels::from_pairs(self.annotations.iter().map(|(name, template)| (name, expand(template))));
        ActiveAlert {
            labels: labels.build(),
            annotations,
            state: AlertState::Pending,
            value: answer.value,
            active_at_ms: evaluation.now_ms,
            fired_at_ms: None,
            resolved_at_ms: None,
            keep_firing_since_ms: None,
            last_sent_ms: None,
        }
    }

    /// The two series of an active alert.
    fn samples(&self, alert: &ActiveAlert) -> [RuleSample; 2] {
        let mut labels = alert.labels.to_builder();
        labels.set(METRIC_NAME, ALERTS_FOR_STATE).set(ALERT_NAME, &self.config.name);
        let for_state = labels.build();
        labels.set(METRIC_NAME, ALERTS).set(ALERT_STATE, alert.state.as_str());
        // With its fraction, where the original cuts it off: the alert shall have the same start after a restart.
        let active_seconds = alert.active_at_ms as f64 / 1e3;
        [
            RuleSample { labels: labels.build(), value: SampleValue::Float(1.0) },
            RuleSample { labels: for_state, value: SampleValue::Float(active_seconds) },
        ]
    }

    /// The alerts that are due, marked as sent at `now_ms`.
    pub(crate) fn due(&self, now_ms: i64, resend_delay: Duration, interval: Duration, url: &str) -> Vec<Alert> {
        // Two or three lost messages must not look like the end of the alert.
        let valid_until_ms = now_ms + VALID_INTERVALS * millis(resend_delay.max(interval));
        let mut due = Vec::new();
        for alert in self.active.lock().values_mut() {
            if !alert.needs_sending(now_ms, resend_delay) {
                continue;
            }
            alert.last_sent_ms = Some(now_ms);
            due.push(Alert {
                labels: alert.labels.clone(),
                annotations: alert.annotations.clone(),
                starts_at_ms: alert.fired_at_ms.unwrap_or(alert.active_at_ms),
                ends_at_ms: alert.resolved_at_ms.unwrap_or(valid_until_ms),
                updated_at_ms: now_ms,
                generator_url: url.to_owned(),
                ends_by_timeout: alert.resolved_at_ms.is_none(),
            });
        }
        due
    }
}

pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 8)
}
