//! Sends alerts to Alertmanagers. Rules hand alerts over without waiting; each Alertmanager has a bounded queue and a
//! task of its own, so that one that is slow or away delays no other.
//!
//! * [`endpoint`]: queue and task of one Alertmanager
//! * [`sections`]: the sections of the configuration, their discovery and their HTTP clients
//! * [`targets`]: which addresses a set of targets means
//! * [`wire`]: alerts as the API of the Alertmanager takes them

mod endpoint;
mod sections;
mod targets;
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http_client::Client;
use instrument::{IntCounterVec, IntGauge, IntGaugeVec, Registry, SummaryVec};
use metrics_model::Labels;
use metrics_model::alert::Alert;
use metrics_model::relabel::{self, RelabelConfig};
use parking_lot::RwLock;
use rules::AlertSink;

pub(crate) use sections::{Sections, USER_AGENT};
pub(crate) use targets::{TargetRules, addresses};

use endpoint::Endpoint;

/// What a notifier is made with.
#[derive(Debug, Clone)]
pub(crate) struct NotifierOptions {
    /// `--alertmanager.notification-queue-capacity`: alerts that wait for one Alertmanager.
    pub(crate) queue_capacity: usize,
    /// `--alertmanager.notification-batch-size`: alerts in one message.
    pub(crate) batch_max: usize,
    /// `--alertmanager.drain-notification-queue-on-shutdown`: how long a stop may take to send what waits.
    pub(crate) drain: Option<Duration>,
}

/// One section of `alerting.alertmanagers`.
#[derive(Debug, Clone)]
pub(crate) struct AlertmanagerSet {
    /// What tells it from other sections over reloads.
    pub(crate) key: String,
    pub(crate) client: Client,
    pub(crate) timeout: Duration,
    /// How alerts are changed on their way to these Alertmanagers.
    pub(crate) alert_relabel: Arc<[RelabelConfig]>,
    /// Where they are.
    pub(crate) urls: Vec<String>,
    /// What discovery found and relabeling dropped.
    pub(crate) dropped_urls: Vec<String>,
}

/// What a reload sets beside the Alertmanagers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outgoing {
    pub(crate) external_labels: Labels,
    pub(crate) alert_relabel: Arc<[RelabelConfig]>,
}

/// Takes alerts from rules and brings them to all Alertmanagers.
pub(crate) struct Notifier {
    options: NotifierOptions,
    metrics: Metrics,
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    outgoing: Outgoing,
    sets: BTreeMap<String, Running>,
    is_stopped: bool,
}

struct Running {
    set: AlertmanagerSet,
    endpoints: BTreeMap<String, Endpoint>,
}

/// The original's metrics of its notifier.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    pub(crate) sent: IntCounterVec,
    pub(crate) errors: IntCounterVec,
    pub(crate) dropped: IntCounterVec,
    pub(crate) latency: SummaryVec,
    pub(crate) queue_length: IntGaugeVec,
    discovered: IntGauge,
}

impl Metrics {
    fn new(registry: &Registry, queue_capacity: usize) -> Self {
        const ALERTMANAGER: &[&str] = &["alertmanager"];
        registry
            .gauge("prometheus_notifications_queue_capacity", "The capacity of the alert notifications queue.")
            .set(i64::try_from(queue_capacity).unwrap_or(i64::MAX));
        Self {
            sent: registry.counters(
                "prometheus_notifications_sent_total",
                "Total number of alerts sent.",
                ALERTMANAGER,
            ),
            errors: registry.counters(
                "prometheus_notifications_errors_total",
                "Total number of sent alerts affected by errors.",
                ALERTMANAGER,
            ),
            dropped: registry.counters(
                "prometheus_notifications_dropped_total",
                "Total number of alerts dropped due to errors when sending to Alertmanager.",
                ALERTMANAGER,
            ),
            latency: registry.summaries(
                "prometheus_notifications_latency_seconds",
                "Latency quantiles for sending alert notifications.",
                ALERTMANAGER,
                &[0.5, 0.9, 0.99],
            ),
            queue_length: registry.gauges(
                "prometheus_notifications_queue_length",
                "The number of alert notifications in the queue.",
                ALERTMANAGER,
            ),
            discovered: registry.gauge(
                "prometheus_notifications_alertmanagers_discovered",
                "The number of alertmanagers discovered and active.",
            ),
        }
    }

    /// Shows an Alertmanager from its start on, with zeros.
    fn add(&self, url: &str) {
        for counters in [&self.sent, &self.errors, &self.dropped] {
            counters.with_label_values(&[url]);
        }
        self.queue_length.with_label_values(&[url]);
    }

    /// Forgets an Alertmanager. Absent label values are no error here.
    fn remove(&self, url: &str) {
        for counters in [&self.sent, &self.errors, &self.dropped] {
            drop(counters.remove_label_values(&[url]));
        }
        self.latency.remove(&[url]);
        drop(self.queue_length.remove_label_values(&[url]));
    }
}

impl AlertSink for Notifier {
    fn send(&self, alerts: Vec<Alert>) {
        let state = self.state.read();
        let alerts: Vec<Arc<Alert>> =
            alerts.into_iter().filter_map(|alert| state.outgoing.prepare(alert)).map(Arc::new).collect();
        for running in state.sets.values() {
            let alerts = relabeled(&alerts, &running.set.alert_relabel);
            for endpoint in running.endpoints.values() {
                endpoint.push(&alerts);
            }
        }
    }
}

impl Outgoing {
    /// The alert with external labels added, or `None` when relabeling drops it.
    fn prepare(&self, mut alert: Alert) -> Option<Alert> {
        let mut labels = alert.labels.to_builder();
        for (name, value) in &self.external_labels {
            if labels.get(name).is_none() {
                labels.set(name, value);
            }
        }
        if !relabel::process(&self.alert_relabel, &mut labels) {
            return None;
        }
        alert.labels = labels.build();
        Some(alert)
    }
}

fn relabeled(alerts: &[Arc<Alert>], configs: &[RelabelConfig]) -> Vec<Arc<Alert>> {
    if configs.is_empty() {
        return alerts.to_vec();
    }
    let relabeled = alerts.iter().filter_map(|alert| {
        let mut labels = alert.labels.to_builder();
        relabel::process(configs, &mut labels)
            .then(|| Arc::new(Alert { labels: labels.build(), ..Alert::clone(alert) }))
    });
    relabeled.collect()
}

impl Notifier {
    pub(crate) fn new(options: NotifierOptions, registry: &Registry) -> Self {
        let metrics = Metrics::new(registry, options.queue_capacity);
        Self { options, metrics, state: RwLock::default() }
    }

    /// Takes a new configuration over: sections that are not in `keys` end, the others are brought by
    /// [`Notifier::set_alertmanagers`].
    pub(crate) fn set_outgoing(&self, outgoing: Outgoing, keys: &[String]) {
        let mut gone = Vec::new();
        {
            let mut state = self.state.write();
            state.outgoing = outgoing;
            let sets = std::mem::take(&mut state.sets);
            for (key, running) in sets {
                if keys.contains(&key) {
                    state.sets.insert(key, running);
                } else {
                    gone.extend(running.endpoints);
                }
            }
            self.count(&state);
        }
        self.end(gone);
    }

    /// Sends to the Alertmanagers of one section from now on. Queues of addresses that stay go on.
    pub(crate) fn set_alertmanagers(&self, set: AlertmanagerSet) {
        let mut gone = Vec::new();
        {
            let mut state = self.state.write();
            if state.is_stopped {
                return;
            }
            let mut before = state.sets.remove(&set.key).map(|running| running.endpoints).unwrap_or_default();
            let mut endpoints = BTreeMap::new();
            for url in &set.urls {
                let endpoint = match before.remove(url) {
                    Some(endpoint) => endpoint,
                    None => {
                        self.metrics.add(url);
                        Endpoint::start(url, &self.options, &self.metrics)
                    }
                };
                endpoint.set_client(&set.client, set.timeout);
                endpoints.insert(url.clone(), endpoint);
            }
            gone.extend(before);
            state.sets.insert(set.key.clone(), Running { set, endpoints });
            self.count(&state);
        }
        self.end(gone);
    }

    /// The addresses that alerts go to, and those that relabeling dropped.
    pub(crate) fn alertmanagers(&self) -> (Vec<String>, Vec<String>) {
        let state = self.state.read();
        let active = state.sets.values().flat_map(|running| running.endpoints.keys().cloned()).collect();
        let dropped = state.sets.values().flat_map(|running| running.set.dropped_urls.clone()).collect();
        (active, dropped)
    }

    /// Sends what waits, as far as the options say, and stops.
    pub(crate) async fn stop(&self) {
        let sets = {
            let mut state = self.state.write();
            state.is_stopped = true;
            std::mem::take(&mut state.sets)
        };
        let endpoints = sets.into_values().flat_map(|running| running.endpoints.into_values());
        let stops: Vec<_> = endpoints.map(|endpoint| endpoint.stop(self.options.drain)).collect();
        futures_util::future::join_all(stops).await;
    }

    /// Ends queues nobody wants any more; what waits in them is dropped and counted by nobody, as their Alertmanager is
    /// not ours any more.
    fn end(&self, gone: Vec<(String, Endpoint)>) {
        let state = self.state.read();
        for (url, endpoint) in gone {
            endpoint.abandon();
            if !state.sets.values().any(|running| running.endpoints.contains_key(&url)) {
                self.metrics.remove(&url);
            }
        }
    }

    fn count(&self, state: &State) {
        let count: usize = state.sets.values().map(|running| running.endpoints.len()).sum();
        self.metrics.discovered.set(i64::try_from(count).unwrap_or(i64::MAX));
    }
}
