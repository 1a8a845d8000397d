//! Runs one test group: series come in as time goes on, rules are evaluated at each interval, alerts are looked at on
//! the way and expressions at the end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use instrument::Registry;
use metrics_model::alert::Alert;
use metrics_model::clock::ManualClock;
use metrics_model::duration::format_duration;
use metrics_model::{Labels, SampleValue};
use promql::script::series::{SeriesDescription, SeriesPoint, parse_series};
use promql::{Engine, QueryContext, Value};
use storage::{Queryable as _, SelectHints, Storage as _, TimeRange};
use tokio::sync::Semaphore;

use super::compare::{self, FoundSample};
use super::file::{AlertCase, QueryCase, TestFile, TestGroup};
use super::store::TestStore;
use super::{GroupReport, UnitTestOptions};
use crate::alerting::{AlertState, millis};
use crate::config::GroupConfig;
use crate::group::Group;
use crate::manager::{RESEND_DELAY, Settings, Shared, UNMATCHED_AFTER};
use crate::metrics::Metrics;
use crate::restore::RestoreOptions;
use crate::rule::Health;
use crate::sink::AlertSink;

/// Alerts of tests go nowhere.
struct Nowhere;

impl AlertSink for Nowhere {
    fn send(&self, _: Vec<Alert>) {}
}

/// Runs `group` over `rules`, in that order.
pub(super) fn run(
    group: &TestGroup,
    rules: &[GroupConfig],
    file: &TestFile,
    engine: &Engine,
    options: &UnitTestOptions<'_>,
) -> GroupReport {
    let started = Instant::now();
    let mut report = GroupReport::default();
    match Runner::new(group, rules, file, engine, options.diff) {
        Ok(mut runner) => {
            if runner.evaluate() {
                runner.check_queries();
            }
            if options.debug {
                report.samples = runner.all_samples();
            }
            report.failures = runner.failures;
        }
        Err(message) => report.failures.push(message),
    }
    report.took = started.elapsed();
    report
}

struct Runner<'a> {
    test: &'a TestGroup,
    file: &'a TestFile,
    engine: &'a Engine,
    diff: bool,
    store: Arc<TestStore>,
    /// Series and how many of their points are loaded.
    series: Vec<(SeriesDescription, usize)>,
    groups: Vec<Group>,
    failures: Vec<String>,
}

impl<'a> Runner<'a> {
    fn new(
        test: &'a TestGroup,
        rules: &[GroupConfig],
        file: &'a TestFile,
        engine: &'a Engine,
        diff: bool,
    ) -> Result<Self, String> {
        let mut series = Vec::with_capacity(test.series.len());
        for (labels, values) in &test.series {
            let description = parse_series(&format!("{labels} {values}"));
            series.push((description.map_err(|error| format!("    series: {labels:?}, err: {error}"))?, 0));
        }
        let store = Arc::new(TestStore::default());
        let shared = Arc::new(Shared {
            storage: Arc::clone(&store) as _,
            sink: Arc::new(Nowhere),
            observer: None,
            clock: Arc::new(ManualClock::new(test.start_ms)),
            metrics: Metrics::new(&Registry::new()),
            restore: RestoreOptions::default(),
            resend_delay: RESEND_DELAY,
            evaluations: Arc::new(Semaphore::new(1)),
            unmatched_after: UNMATCHED_AFTER,
        });
        let settings = Arc::new(Settings {
            engine: Arc::new(engine.clone()),
            interval: file.evaluation_interval,
            query_offset: Duration::ZERO,
            external_labels: test.external_labels.clone(),
            external_url: test.external_url.clone(),
        });
        let groups = rules.iter().map(|config| Group::new(config.clone(), Arc::clone(&settings), Arc::clone(&shared)));
        let groups: Vec<Group> = groups.collect();
        for rule in groups.iter().flat_map(Group::alerting_rules) {
            // There is nothing to restore: series of alerts are written from the first evaluation on.
            rule.set_restored(true);
        }
        Ok(Self { test, file, engine, diff, store, series, groups, failures: Vec::new() })
    }

    /// The last time that anything is asked for, after the start.
    fn end(&self) -> Duration {
        let alerts = self.test.alerts.iter().map(|case| case.at);
        alerts.chain(self.test.queries.iter().map(|case| case.at)).max().unwrap_or_default()
    }

    /// Evaluates the rules up to the end and checks alerts on the way; whether no rule failed.
    fn evaluate(&mut self) -> bool {
        let interval = self.file.evaluation_interval;
        let end = self.end();
        let cases: &'a [AlertCase] = &self.test.alerts;
        let mut checked = 0;
        let mut at = Duration::ZERO;
        while at <= end {
            let now_ms = self.test.start_ms + millis(at);
            if let Err(message) = self.load(now_ms) {
                self.failures.push(message);
                return false;
            }
            for group in &self.groups {
                group.evaluate(now_ms);
            }
            let failures = self.rule_failures(at);
            if !failures.is_empty() {
                self.failures.extend(failures);
                return false;
            }
            // A case between two evaluations is about the alerts of the first.
            while let Some(case) = cases.get(checked).filter(|case| case.at < at + interval) {
                self.check_alerts(case);
                checked += 1;
            }
            at += interval;
        }
        true
    }

    fn rule_failures(&self, at: Duration) -> Vec<String> {
        let rules = self.groups.iter().flat_map(Group::rules);
        let failed = rules.map(|rule| (rule, rule.status())).filter(|(_, status)| status.health == Health::Err);
        failed
            .map(|(rule, status)| {
                let (name, at, error) = (&rule.config().name, shown(at), &status.last_error);
                format!("    rule: {name}, time: {at}, err: {error}")
            })
            .collect()
    }

    /// Loads all points up to a time.
    fn load(&mut self, now_ms: i64) -> Result<(), String> {
        let mut appender = self.store.appender();
        for (description, loaded) in &mut self.series {
            let labels = &description.labels;
            for point in &description.points[*loaded..] {
                let steps = i64::try_from(*loaded).unwrap_or(i64::MAX);
                let time_ms = self.test.start_ms.saturating_add(self.test.step_ms.saturating_mul(steps));
                if time_ms > now_ms {
                    break;
                }
                *loaded += 1;
                let value = match point {
                    SeriesPoint::Gap => continue,
                    SeriesPoint::Float(value) => SampleValue::Float(*value),
                    SeriesPoint::Histogram { histogram, .. } => {
                        SampleValue::FloatHistogram(Arc::new((**histogram).clone()))
                    }
                };
                let appended = appender.append(labels, time_ms, value);
                appended.map_err(|error| format!("    series: {labels}, time: {time_ms}ms, err: {error}"))?;
            }
        }
        appender.commit().map_err(|error| format!("    loading series: {}", error.0))
    }

    fn check_alerts(&mut self, case: &AlertCase) {
        let rules = self.groups.iter().flat_map(Group::alerting_rules);
        let alerts = rules.filter(|rule| rule.config().name == case.name).flat_map(|rule| rule.alerts());
        let found: Vec<(Labels, Labels)> = alerts
            .filter(|alert| alert.state == AlertState::Firing)
            .map(|alert| (alert.labels, alert.annotations))
            .collect();
        if let Some(difference) = compare::alerts(&case.expected, found, self.diff) {
            let group = match self.test.name.as_str() {
                "" => String::new(),
                name => format!("    name: {name},\n"),
            };
            let (name, at) = (&case.name, shown(case.at));
            self.failures.push(format!("{group}    alertname: {name}, time: {at},\n{difference}"));
        }
    }

    fn check_queries(&mut self) {
        let test = self.test;
        for case in &test.queries {
            if let Err(problem) = self.check_query(case) {
                let (query, at) = (&case.query, shown(case.at));
                self.failures.push(format!("    expr: {query:?}, time: {at},{problem}"));
            }
        }
    }

    fn check_query(&self, case: &QueryCase) -> Result<(), String> {
        let failed = |error: String| format!(" err: {error}");
        let time_ms = self.test.start_ms + millis(case.at);
        let context = QueryContext::default();
        let output = self.engine.instant(self.store.as_ref(), &case.query, time_ms, &context);
        let found = match output.map_err(|error| failed(error.to_string()))?.value {
            Value::Vector(samples) => {
                samples.into_iter().map(|sample| FoundSample::new(sample.labels, &sample.value)).collect()
            }
            Value::Scalar { value, .. } => vec![FoundSample::scalar(value)],
            Value::String { .. } | Value::Matrix(_) => {
                return Err(failed("rule result is not a vector or scalar".to_owned()));
            }
        };
        let expected = compare::expected(&case.expected).map_err(failed)?;
        match compare::samples(expected, found, self.file.fuzzy, self.diff) {
            None => Ok(()),
            Some(difference) => Err(format!("\n{difference}")),
        }
    }

    /// Everything that is stored: `labels => value @[seconds] ...`.
    fn all_samples(&self) -> Vec<String> {
        let querier = self.store.querier(TimeRange::ALL);
        let selected = querier.as_ref().map(|querier| querier.select(&[], &SelectHints::default()));
        let Ok(Ok(series)) = selected else { return Vec::new() };
        series.iter().map(|series| compare::shown_series(&**series)).collect()
    }
}

fn shown(at: Duration) -> String {
    format_duration(at)
}
