//! One group: its rules in order, and one evaluation of them. Synchronous; `runner` calls it on a blocking thread.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use metrics_model::{Labels, SampleValue, stale_nan};
use parking_lot::Mutex;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use promql::{CancelToken, PointValue, QueryContext, Value};
use storage::{AppendError, Appender, CommitError, Queryable};
use tokio::sync::OwnedSemaphorePermit;
use xxhash_rust::xxh64::xxh64;

use crate::alerting::{AlertingRule, millis};
use crate::config::GroupConfig;
use crate::manager::{Settings, Shared};
use crate::order;
use crate::restore::Memory;
use crate::rule::{Answer, Health, Rule, RuleError, RuleSample, RuleStatus};
use crate::selectors::{Found, Noting, Unmatched};

/// A group of rules that runs, or did until the last reload.
pub struct Group {
    config: GroupConfig,
    settings: Arc<Settings>,
    shared: Arc<Shared>,
    rules: Vec<Rule>,
    /// Positions of rules that may be evaluated at the same time, step by step.
    steps: Vec<Vec<usize>>,
    state: Mutex<State>,
    pub(crate) cancel: CancelToken,
}

#[derive(Debug, Default)]
struct State {
    /// For each rule the series that its last good evaluation gave.
    previous: Vec<BTreeSet<Labels>>,
    /// Series of rules that are gone: they get a staleness marker with the next evaluation.
    vanished: Vec<Labels>,
    evaluation_time: Duration,
    last_evaluation_ms: Option<i64>,
}

impl std::fmt::Debug for Group {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Group").field("key", &self.key()).finish_non_exhaustive()
    }
}

/// A group whose last evaluation took less is evaluated on one thread: starting others would cost more than it saves.
const CONCURRENT_FROM: Duration = Duration::from_millis(10);

/// What a rule sees of its evaluation.
pub(crate) struct Evaluation<'a> {
    group: &'a Group,
    pub(crate) settings: &'a Settings,
    /// The time of the evaluation; queries look at this time less the offset.
    pub(crate) now_ms: i64,
    offset_ms: i64,
}

impl Evaluation<'_> {
    /// The answer to the expression of a rule at the time of the evaluation, less the offset.
    pub(crate) fn query(&self, rule: &Rule) -> Result<Vec<Answer>, RuleError> {
        let found = Found::default();
        let storage = Noting { storage: self.group.shared.storage.as_ref(), found: &found };
        let answers = self.ask(&storage, rule.query(), self.now_ms - self.offset_ms)?;
        rule.selectors().evaluated(&found, self.now_ms);
        Ok(answers)
    }

    /// The answer to a query in a template.
    pub(crate) fn query_at(&self, text: &str, time_ms: i64) -> Result<Vec<Answer>, RuleError> {
        self.ask(self.group.shared.storage.as_ref(), text, time_ms)
    }

    /// Time between evaluations.
    pub(crate) fn interval_ms(&self) -> i64 {
        millis(self.group.interval())
    }

    fn ask(&self, storage: &dyn Queryable, text: &str, time_ms: i64) -> Result<Vec<Answer>, RuleError> {
        let context = QueryContext { cancel: self.group.cancel.clone(), ..QueryContext::default() };
        let engine = &self.settings.engine;
        let output = engine.instant(storage, text, time_ms, &context)?;
        match output.value {
            Value::Vector(samples) => {
                Ok(samples.into_iter().map(|sample| Answer { labels: sample.labels, value: sample.value }).collect())
            }
            Value::Scalar { value, .. } => {
                Ok(vec![Answer { labels: Labels::empty(), value: PointValue::Float(value) }])
            }
            Value::String { .. } | Value::Matrix(_) => Err(RuleError::NotAVector),
        }
    }
}

impl Group {
    pub(crate) fn new(config: GroupConfig, settings: Arc<Settings>, shared: Arc<Shared>) -> Self {
        let rules: Vec<Rule> = config.rules.iter().cloned().map(Rule::new).collect();
        let steps = order::steps(&config.rules);
        let state = State { previous: vec![BTreeSet::new(); rules.len()], ..State::default() };
        let cancel = CancelToken::default();
        Self { config, settings, shared, rules, steps, state: Mutex::new(state), cancel }
    }

    /// As it stands in the file.
    #[must_use]
    pub fn config(&self) -> &GroupConfig {
        &self.config
    }

    /// Its rules in order.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Time between evaluations.
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.config.interval.unwrap_or(self.settings.interval)
    }

    /// How long the last evaluation took.
    #[must_use]
    pub fn evaluation_time(&self) -> Duration {
        self.state.lock().evaluation_time
    }

    /// When the last evaluation began; `None` before the first.
    #[must_use]
    pub fn last_evaluation_ms(&self) -> Option<i64> {
        self.state.lock().last_evaluation_ms
    }

    /// `file;name`, which identifies a group in metrics and between reloads.
    #[must_use]
    pub fn key(&self) -> String {
        key(&self.config)
    }

    pub(crate) fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The last time at or before `now_ms` at which this group is due. Groups are spread over their interval by the
    /// hash of their key, and due at the same times after a restart.
    #[must_use]
    pub fn slot_ms(&self, now_ms: i64) -> i64 {
        let interval_ms = millis(self.interval()).max(1);
        let spread = xxh64(self.key().as_bytes(), 0) % interval_ms.unsigned_abs();
        let offset_ms = i64::try_from(spread).expect("a remainder is smaller than its divisor, an i64");
        let shifted_ms = now_ms - offset_ms;
        shifted_ms - shifted_ms.rem_euclid(interval_ms) + offset_ms
    }

    pub(crate) fn alerting_rules(&self) -> impl Iterator<Item = &AlertingRule> {
        self.rules.iter().filter_map(|rule| match rule {
            Rule::Alerting(rule) => Some(rule),
            Rule::Recording(_) => None,
        })
    }

    /// Evaluates all rules for the time `now_ms`, commits their samples and sends their alerts.
    pub fn evaluate(&self, now_ms: i64) {
        let key = self.key();
        let metrics = &self.shared.metrics;
        metrics.iterations.with_label_values(&[&key]).inc();
        let started = Instant::now();
        let offset = self.config.query_offset.unwrap_or(self.settings.query_offset);
        let evaluation = Evaluation { group: self, settings: &self.settings, now_ms, offset_ms: millis(offset) };
        let mut samples_total = 0_usize;
        for step in &self.steps {
            samples_total += self.evaluate_step(step, &evaluation, &key);
        }
        if self.cancel.is_canceled() {
            return;
        }
        self.end_vanished(now_ms - evaluation.offset_ms);
        let taken = started.elapsed();
        {
            let mut state = self.state.lock();
            state.evaluation_time = taken;
            state.last_evaluation_ms = Some(now_ms);
        }
        metrics.group_seconds.observe_duration(taken);
        metrics.last_duration.with_label_values(&[&key]).set(taken.as_secs_f64());
        metrics.last_evaluation.with_label_values(&[&key]).set(now_ms as f64 / 1e3);
        metrics.last_samples.with_label_values(&[&key]).set(i64::try_from(samples_total).unwrap_or(i64::MAX));
        let unmatched = self.rules.iter().filter(|rule| !self.unmatched_selectors(rule).is_empty()).count();
        metrics.unmatched_rules.with_label_values(&[&key]).set(i64::try_from(unmatched).unwrap_or(i64::MAX));
    }

    /// The selectors of one of its rules that have matched nothing for so long that the rule can be taken for dead.
    #[must_use]
    pub fn unmatched_selectors(&self, rule: &Rule) -> Vec<Unmatched> {
        let Some(now_ms) = self.last_evaluation_ms() else { return Vec::new() };
        rule.selectors().unmatched(&rule.config().expr, now_ms - millis(self.shared.unmatched_after))
    }

    /// Evaluates rules that have nothing to do with each other, on as many threads as there are permits; gives the
    /// number of samples they made.
    fn evaluate_step(&self, step: &[usize], evaluation: &Evaluation<'_>, key: &str) -> usize {
        let next = AtomicUsize::new(0);
        let work = || {
            let mut samples = 0;
            while let Some(at) = step.get(next.fetch_add(1, Ordering::Relaxed))
                && !self.cancel.is_canceled()
            {
                samples += self.evaluate_rule(*at, &self.rules[*at], evaluation, key);
            }
            samples
        };
        let permits = self.spare_permits(step.len().saturating_sub(1));
        if permits.is_empty() {
            return work();
        }
        std::thread::scope(|scope| {
            let work = &work;
            let thread = |permit| {
                let work = move || {
                    let samples = work();
                    drop(permit);
                    samples
                };
                // When the system has no thread left, the others do its share.
                std::thread::Builder::new().name("rules".to_owned()).spawn_scoped(scope, work).ok()
            };
            let threads: Vec<_> = permits.into_iter().filter_map(thread).collect();
            let own = work();
            // A thread that panicked has told so, and its rule keeps the state of its last evaluation.
            own + threads.into_iter().filter_map(|thread| thread.join().ok()).sum::<usize>()
        })
    }

    /// Permits to evaluate on more threads, as far as nobody else uses them.
    fn spare_permits(&self, wanted: usize) -> Vec<OwnedSemaphorePermit> {
        if wanted == 0 || self.evaluation_time() < CONCURRENT_FROM {
            return Vec::new();
        }
        let permit = || Arc::clone(&self.shared.evaluations).try_acquire_owned().ok();
        std::iter::from_fn(permit).take(wanted).collect()
    }

    /// Evaluates one rule; gives the number of samples it made.
    fn evaluate_rule(&self, at: usize, rule: &Rule, evaluation: &Evaluation<'_>, key: &str) -> usize {
        let metrics = &self.shared.metrics;
        metrics.evaluations.with_label_values(&[key]).inc();
        let started = Instant::now();
        let limit = self.config.limit;
        let outcome = evaluation.query(rule).and_then(|answers| match rule {
            Rule::Recording(rule) => rule.evaluate(answers, limit),
            Rule::Alerting(rule) => rule.evaluate(answers, evaluation, limit),
        });
        let outcome = outcome.map_err(|error| error.to_string()).and_then(|samples| {
            if let Rule::Alerting(rule) = rule {
                self.send(rule, evaluation.now_ms);
            }
            let count = samples.len();
            self.store(at, samples, evaluation.now_ms - evaluation.offset_ms, key)
                .map(|()| count)
                .map_err(|error| format!("{error}: {}", error.0))
        });
        let taken = started.elapsed();
        metrics.evaluation_seconds.observe_duration(taken);
        let (health, last_error, count) = match outcome {
            Ok(count) => (Health::Ok, String::new(), count),
            // The server is stopping or the group was replaced: that says nothing about the rule.
            Err(_) if self.cancel.is_canceled() => return 0,
            Err(error) => {
                metrics.failures.with_label_values(&[key]).inc();
                let name = &rule.config().name;
                tracing::warn!(group = key, rule = name, %error, "evaluating rule failed");
                (Health::Err, error, 0)
            }
        };
        let last_evaluation_ms = Some(evaluation.now_ms);
        rule.set_status(RuleStatus { health, last_error, evaluation_time: taken, last_evaluation_ms });
        count
    }

    fn send(&self, rule: &AlertingRule, now_ms: i64) {
        let url = format!("{}{}", self.settings.external_url, graph_link(rule.query()));
        let alerts = rule.due(now_ms, self.shared.resend_delay, self.interval(), &url);
        if !alerts.is_empty() {
            self.shared.sink.send(alerts);
        }
    }

    /// Commits the samples of one rule, and staleness markers for series that it does not give any more.
    fn store(&self, at: usize, samples: Vec<RuleSample>, timestamp_ms: i64, key: &str) -> Result<(), CommitError> {
        let mut appender = self.shared.storage.appender();
        appender.set_vital();
        let mut returned = BTreeSet::new();
        for sample in samples {
            match appender.append(&sample.labels, timestamp_ms, sample.value) {
                Ok(_) => {
                    returned.insert(sample.labels);
                }
                Err(error) => self.refused(key, &sample.labels, &error),
            }
        }
        // Not locked while the storage writes: rules of a step commit at the same time.
        let previous = std::mem::take(&mut self.state.lock().previous[at]);
        for labels in previous.difference(&returned) {
            self.end(&mut *appender, labels, timestamp_ms, key);
        }
        let committed = appender.commit();
        // What could not be ended now is ended by the next evaluation.
        self.state.lock().previous[at] = if committed.is_ok() { returned } else { previous };
        committed
    }

    /// Ends the series of rules that went with a reload.
    pub(crate) fn end_vanished(&self, timestamp_ms: i64) {
        let vanished = std::mem::take(&mut self.state.lock().vanished);
        if vanished.is_empty() {
            return;
        }
        let key = self.key();
        let mut appender = self.shared.storage.appender();
        for labels in &vanished {
            self.end(&mut *appender, labels, timestamp_ms, &key);
        }
        if let Err(error) = appender.commit() {
            tracing::warn!(group = key, error = %error.0, "cannot end the series of rules that are gone");
        }
    }

    /// One staleness marker. A series that goes on under another rule refuses it, and that is fine.
    fn end(&self, appender: &mut dyn Appender, labels: &Labels, timestamp_ms: i64, key: &str) {
        match appender.append(labels, timestamp_ms, SampleValue::Float(stale_nan())) {
            Ok(_) | Err(AppendError::OutOfOrder | AppendError::DuplicateTimestamp | AppendError::OutOfBounds) => {}
            Err(error) => self.refused(key, labels, &error),
        }
    }

    fn refused(&self, key: &str, labels: &Labels, error: &AppendError) {
        self.shared.metrics.samples_refused.with_label_values(&[key]).inc();
        tracing::warn!(group = key, series = %labels, %error, "the storage did not take a sample of a rule");
    }

    /// Takes the time before a restart into account, for all alerting rules. Called before their first evaluation.
    pub(crate) fn restore(&self, now_ms: i64) {
        let started = Instant::now();
        for rule in self.alerting_rules().filter(|rule| !rule.is_restored()) {
            match Memory::load(rule, self.shared.storage.as_ref(), now_ms, &self.shared.restore) {
                Ok(memory) => rule.remember(Some(memory)),
                Err(error) => {
                    // Without the old state alerts start anew, which is better than no alerts.
                    rule.remember(None);
                    tracing::error!(alert = rule.config().name, %error, "cannot restore the state of alerts");
                }
            }
        }
        let taken = started.elapsed().as_secs_f64();
        self.shared.metrics.last_restore.with_label_values(&[&self.key()]).set(taken);
    }

    /// Takes over what `old`, the same group before a reload, knew: rules are the same when name and labels are.
    pub(crate) fn copy_state(&self, old: &Self) {
        let old_state = old.state.lock();
        let mut state = self.state.lock();
        state.evaluation_time = old_state.evaluation_time;
        state.last_evaluation_ms = old_state.last_evaluation_ms;
        state.vanished.clone_from(&old_state.vanished);
        let mut taken = vec![false; old.rules.len()];
        for (at, rule) in self.rules.iter().enumerate() {
            let same = old.rules.iter().enumerate().position(|(old_at, old_rule)| {
                let (new, old) = (rule.config(), old_rule.config());
                !taken[old_at] && new.name == old.name && new.labels == old.labels
            });
            let Some(old_at) = same else { continue };
            taken[old_at] = true;
            state.previous[at].clone_from(&old_state.previous[old_at]);
            if rule.query() == old.rules[old_at].query() {
                rule.selectors().copy_state(old.rules[old_at].selectors());
            }
            if let (Rule::Alerting(rule), Rule::Alerting(old_rule)) = (rule, &old.rules[old_at]) {
                rule.copy_state(old_rule);
            }
        }
        for (old_at, previous) in old_state.previous.iter().enumerate() {
            if !taken[old_at] {
                state.vanished.extend(previous.iter().cloned());
            }
        }
    }

    /// Marks all its series as vanished: the group is gone.
    pub(crate) fn vanish(&self) {
        let mut state = self.state.lock();
        let previous = std::mem::take(&mut state.previous);
        state.vanished.extend(previous.into_iter().flatten());
    }
}

pub(crate) fn key(config: &GroupConfig) -> String {
    format!("{};{}", config.file, config.name)
}

/// What the original leaves as it is in the query part of a URL.
const QUERY_PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The path of the page that shows `expr`.
#[must_use]
pub fn graph_link(expr: &str) -> String {
    let escaped = utf8_percent_encode(expr, QUERY_PART).to_string().replace("%20", "+");
    format!("/graph?g0.expr={escaped}&g0.tab=1")
}
