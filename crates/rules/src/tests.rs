//! Rules over the reference store, with a clock that the test moves.

mod alerts;
mod files;
mod groups;
mod loops;
mod order;
mod restarts;
mod selectors;
mod unit_tests;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use instrument::Registry;
use metrics_model::alert::Alert;
use metrics_model::clock::ManualClock;
use metrics_model::name::NameScheme;
use metrics_model::{Clock, Labels, SampleValue, is_stale_nan};
use parking_lot::Mutex;
use promql::Engine;
use storage::{MemoryStorage, Queryable as _, Run, SelectHints, Storage as _, TimeRange};
use tokio::sync::Semaphore;

use crate::config::{Checks, GroupConfig, parse_text};
use crate::group::Group;
use crate::manager::{RESEND_DELAY, Settings, Shared, UNMATCHED_AFTER};
use crate::metrics::Metrics;
use crate::restore::RestoreOptions;
use crate::rule::Rule;
use crate::{AlertSink, AlertingRule};

/// Keeps what it is sent.
#[derive(Debug, Default)]
struct Sent(Mutex<Vec<Alert>>);

impl AlertSink for Sent {
    fn send(&self, alerts: Vec<Alert>) {
        self.0.lock().extend(alerts);
    }
}

/// A world around groups of rules.
struct World {
    storage: MemoryStorage,
    sent: Arc<Sent>,
    registry: Registry,
    shared: Arc<Shared>,
    settings: Settings,
}

impl World {
    fn new() -> Self {
        Self::on(MemoryStorage::new(), Arc::new(ManualClock::new(0)))
    }

    /// A world over what another one stored: after a restart.
    fn on(storage: MemoryStorage, clock: Arc<dyn Clock>) -> Self {
        let sent = Arc::new(Sent::default());
        let registry = Registry::new();
        let shared = Shared {
            storage: Arc::new(storage.clone()),
            sink: Arc::clone(&sent) as Arc<dyn AlertSink>,
            observer: None,
            clock,
            metrics: Metrics::new(&registry),
            restore: RestoreOptions::default(),
            resend_delay: RESEND_DELAY,
            evaluations: Arc::new(Semaphore::new(4)),
            unmatched_after: UNMATCHED_AFTER,
        };
        let settings = Settings {
            engine: Arc::new(Engine::default()),
            interval: Duration::from_secs(15),
            query_offset: Duration::ZERO,
            external_labels: Labels::from_pairs([("region", "eu")]),
            external_url: "http://firewatch.example:9090/sub".to_owned(),
        };
        Self { storage, sent, registry, shared: Arc::new(shared), settings }
    }

    /// The only group of `text`, its alerting rules restored from nothing.
    fn group(&self, text: &str) -> Group {
        let group = self.new_group(text);
        group.alerting_rules().for_each(|rule| rule.set_restored(true));
        group
    }

    /// The only group of `text` as after a start.
    fn new_group(&self, text: &str) -> Group {
        let config = configs(text).into_iter().next().expect("the text has a group");
        Group::new(config, Arc::new(self.settings.clone()), Arc::clone(&self.shared))
    }

    fn write(&self, series: &str, timestamp_ms: i64, value: f64) {
        let matchers = promql::parser::parse_selector(series).expect("a selector of plain matchers");
        let labels = Labels::from_pairs(matchers.iter().map(|matcher| (matcher.name(), matcher.value())));
        let mut appender = self.storage.appender();
        appender.append(&labels, timestamp_ms, SampleValue::Float(value)).expect("the sample fits");
        appender.commit().expect("memory takes all");
    }

    /// All samples of the series that satisfy a selector: `labels -> "time=value ..."`, staleness markers as `stale`.
    fn stored(&self, selector: &str) -> BTreeMap<String, String> {
        let matchers = promql::parser::parse_selector(selector).expect("a selector");
        let querier = self.storage.querier(TimeRange::ALL).expect("memory can be read");
        let selected = querier.select(&matchers, &SelectHints::default()).expect("memory can be read");
        let shown = |labels: &Labels, mut cursor: Box<dyn storage::Cursor + '_>| {
            let mut texts = Vec::new();
            while let Some(run) = cursor.next_run().expect("memory can be read") {
                if let Run::Floats { timestamps_ms, values } = run {
                    texts.extend(timestamps_ms.iter().zip(values).map(|(time, value)| {
                        let value = if is_stale_nan(*value) { "stale".to_owned() } else { value.to_string() };
                        format!("{}={value}", time / 1_000)
                    }));
                }
            }
            (labels.to_string(), texts.join(" "))
        };
        selected.iter().map(|series| shown(series.labels(), series.cursor(TimeRange::ALL))).collect()
    }

    /// What was sent since the last call: `alertname state@start`.
    fn sent(&self, now_s: i64) -> Vec<String> {
        std::mem::take(&mut *self.sent.0.lock())
            .iter()
            .map(|alert| {
                let state = if alert.ends_at_ms <= now_s * 1_000 { "resolved" } else { "firing" };
                format!("{} {state}@{}", alert.name(), alert.starts_at_ms / 1_000)
            })
            .collect()
    }

    fn metric(&self, name: &str) -> f64 {
        use metrics_model::family::MetricValue;
        let families = self.registry.gather();
        let family = families.iter().find(|family| family.name == name);
        let value = |metric: &metrics_model::family::Metric| match metric.value {
            MetricValue::Counter { value, .. } | MetricValue::Gauge(value) => value,
            _ => f64::NAN,
        };
        family.map_or(0.0, |family| family.metrics.iter().map(value).sum())
    }
}

fn parse(text: &str) -> Result<Vec<GroupConfig>, String> {
    let engine = Engine::default();
    let checks = Checks { engine: &engine, names: NameScheme::Utf8, ignore_unknown_fields: false };
    parse_text(Path::new("rules.yml"), text, &checks).map_err(|errors| errors.to_string())
}

fn configs(text: &str) -> Vec<GroupConfig> {
    parse(text).expect("the rules are right")
}

fn alerting(group: &Group) -> &AlertingRule {
    group.alerting_rules().next().expect("the group has an alerting rule")
}

fn last_error(rule: &Rule) -> String {
    rule.status().last_error
}
