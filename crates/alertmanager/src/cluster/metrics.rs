//! What the cluster says about itself, under the original's names.

use std::sync::{Arc, Weak};

use instrument::{HistogramVec, IntCounter, IntCounterVec, Registry};
use metrics_model::Labels;
use metrics_model::family::{MetricFamily, MetricKind, MetricValue};

use super::{Kind, Shared};

/// The counters.
pub(super) struct ClusterMetrics {
    pub(super) joined: IntCounter,
    pub(super) left: IntCounter,
    pub(super) updated: IntCounter,
    pub(super) reconnections: IntCounter,
    pub(super) reconnections_failed: IntCounter,
    pub(super) refreshes: IntCounter,
    pub(super) refreshes_failed: IntCounter,
    pub(super) oversize_sent: IntCounterVec,
    pub(super) oversize_failed: IntCounterVec,
    pub(super) oversize_dropped: IntCounterVec,
    pub(super) oversize_duration: HistogramVec,
    pub(super) pings: HistogramVec,
    pub(super) alive: IntCounterVec,
    received: IntCounterVec,
    received_bytes: IntCounterVec,
    sent: IntCounterVec,
    sent_bytes: IntCounterVec,
    propagated: [IntCounter; 2],
}

const WHOLE: &str = "full_state";
const UPDATE: &str = "update";

impl ClusterMetrics {
    /// Takes up the metrics.
    pub(super) fn new(registry: &Registry) -> Self {
        let counter = |name: &str, help: &str| registry.counter(&format!("alertmanager_{name}"), help);
        let by_type = |name: &str, help: &str| {
            let counters = registry.counters(&format!("alertmanager_cluster_{name}"), help, &["msg_type"]);
            [WHOLE, UPDATE].iter().for_each(|kind| drop(counters.with_label_values(&[kind])));
            counters
        };
        let by_key = |name: &str, help: &str| {
            let counters = registry.counters(&format!("alertmanager_oversized_gossip_message_{name}"), help, &["key"]);
            Kind::ALL.iter().for_each(|kind| drop(counters.with_label_values(&[kind.as_str()])));
            counters
        };
        drop(counter("cluster_messages_pruned_total", "Total number of cluster messages pruned."));
        Self {
            joined: counter("cluster_peers_joined_total", "A counter of the number of peers that have joined."),
            left: counter("cluster_peers_left_total", "A counter of the number of peers that have left."),
            updated: counter(
                "cluster_peers_update_total",
                "A counter of the number of peers that have updated metadata.",
            ),
            reconnections: counter(
                "cluster_reconnections_total",
                "A counter of the number of successful reconnections to cluster peers.",
            ),
            reconnections_failed: counter(
                "cluster_reconnections_failed_total",
                "A counter of the number of failed cluster peer reconnection attempts.",
            ),
            refreshes: counter(
                "cluster_refresh_join_total",
                "A counter of the number of successful joins of cluster peers via refresh.",
            ),
            refreshes_failed: counter(
                "cluster_refresh_join_failed_total",
                "A counter of the number of failed cluster peer join attempts via refresh.",
            ),
            oversize_sent: by_key("sent_total", "Number of oversized gossip message sent."),
            oversize_failed: by_key("failure_total", "Number of oversized gossip message sends that failed."),
            oversize_dropped: by_key(
                "dropped_total",
                "Number of oversized gossip messages that were dropped due to a full message queue.",
            ),
            oversize_duration: registry.histograms(
                "alertmanager_oversize_gossip_message_duration_seconds",
                "Duration of oversized gossip message requests.",
                &["key"],
                &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0],
            ),
            pings: registry.histograms(
                "alertmanager_cluster_pings_seconds",
                "Histogram of latencies for ping messages.",
                &["peer"],
                &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5],
            ),
            alive: registry.counters(
                "alertmanager_cluster_alive_messages_total",
                "Total number of received alive messages.",
                &["peer"],
            ),
            received: by_type("messages_received_total", "Total number of cluster messages received."),
            received_bytes: by_type("messages_received_size_total", "Total size of cluster messages received."),
            sent: by_type("messages_sent_total", "Total number of cluster messages sent."),
            sent_bytes: by_type("messages_sent_size_total", "Total size of cluster messages sent."),
            propagated: propagated(registry),
        }
    }

    pub(super) fn sent_whole(&self, size_bytes: usize) {
        count(&self.sent, &self.sent_bytes, WHOLE, size_bytes);
    }

    pub(super) fn received_whole(&self, size_bytes: usize) {
        count(&self.received, &self.received_bytes, WHOLE, size_bytes);
    }

    pub(super) fn sent_update(&self, size_bytes: usize) {
        count(&self.sent, &self.sent_bytes, UPDATE, size_bytes);
    }

    pub(super) fn received_update(&self, size_bytes: usize) {
        count(&self.received, &self.received_bytes, UPDATE, size_bytes);
    }

    /// An update was news and goes on to other members.
    pub(super) fn propagated(&self, kind: Kind) {
        self.propagated[kind as usize].inc();
    }
}

/// Counters that are there even without a cluster.
pub fn add_unused(registry: &Registry) {
    drop(propagated(registry));
}

/// By kind.
fn propagated(registry: &Registry) -> [IntCounter; 2] {
    ["silences", "nflog"].map(|name| {
        let help = "Number of received gossip messages that have been further gossiped.";
        registry.counter(&format!("alertmanager_{name}_gossip_messages_propagated_total"), help)
    })
}

fn count(messages: &IntCounterVec, bytes: &IntCounterVec, kind: &str, size_bytes: usize) {
    messages.with_label_values(&[kind]).inc();
    bytes.with_label_values(&[kind]).inc_by(size_bytes as u64);
}

/// Metrics that are taken from the list of members when somebody asks.
pub(super) fn add_sources(registry: &Registry, shared: &Arc<Shared>) {
    let shared: Weak<Shared> = Arc::downgrade(shared);
    registry.source(move || {
        let Some(shared) = shared.upgrade() else {
            return Vec::new();
        };
        let position = shared.position();
        let view = shared.view.read();
        let peers = view.members.len() as f64;
        let mut info = MetricFamily::new(
            "alertmanager_cluster_peer_info",
            "A metric with a constant '1' value labeled by peer name.",
            MetricKind::Gauge,
        );
        info.push(Labels::from_pairs([("peer", view.own.name())]), MetricValue::Gauge(1.0));
        let gauge = |name: &str, help: &str, value: f64| {
            let mut family = MetricFamily::new(name, help, MetricKind::Gauge);
            family.push(Labels::empty(), MetricValue::Gauge(value));
            family
        };
        vec![
            info,
            gauge(
                "alertmanager_cluster_members",
                "Number indicating current number of members in cluster.",
                peers + 1.0,
            ),
            gauge(
                "alertmanager_cluster_failed_peers",
                "Number indicating the current number of failed peers in the cluster.",
                view.failed.len() as f64,
            ),
            gauge(
                "alertmanager_cluster_health_score",
                "Health score of the cluster. Lower values are better and zero means 'totally healthy'.",
                view.suspected as f64,
            ),
            gauge("alertmanager_cluster_messages_queued", "Number of cluster messages which are queued.", 0.0),
            gauge(
                "alertmanager_peer_position",
                "Position the Alertmanager instance believes it's in. The position determines a peer's behavior in the \
                 cluster.",
                position as f64,
            ),
        ]
    });
}
