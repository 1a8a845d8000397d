//! Of the outbox. Counted when somebody asks.

use std::collections::BTreeMap;
use std::sync::Arc;

use instrument::Registry;
use metrics_model::Labels;
use metrics_model::family::{MetricFamily, MetricKind, MetricValue};

use super::MaintenanceMetrics;
use crate::notify::outbox::Outbox;
use crate::time::Clock;

/// Takes up the metrics.
pub fn add(registry: &Registry, outbox: &Arc<Outbox>, clock: &Clock) {
    let (outbox, clock) = (Arc::clone(outbox), clock.clone());
    registry.source(move || {
        let (pending, undelivered) = outbox.list();
        let now = clock.now();
        let oldest = pending.iter().map(|(_, pending)| now.duration_since(pending.since).as_secs_f64());
        let oldest = oldest.fold(0.0, f64::max);
        let waiting = pending.iter().map(|(key, _)| key.1.receiver.as_str());
        let given_up = undelivered.iter().map(|undelivered| undelivered.key.1.receiver.as_str());
        let mut age = MetricFamily::new(
            "firewatch_outbox_oldest_age_seconds",
            "For how long the oldest notification in the outbox waits to be delivered.",
            MetricKind::Gauge,
        );
        age.push(Labels::empty(), MetricValue::Gauge(oldest));
        vec![
            by_receiver(
                "firewatch_outbox_pending",
                "How many notifications are in the outbox, on their way or waiting for another attempt.",
                waiting,
            ),
            by_receiver(
                "firewatch_outbox_undelivered",
                "How many notifications are listed as undeliverable.",
                given_up,
            ),
            age,
        ]
    });
}

/// Of the maintenance of its file.
pub(super) fn maintenance(registry: &Registry) -> MaintenanceMetrics {
    let summary = |name, help| registry.summary(name, help, &[]);
    MaintenanceMetrics {
        rounds: registry.counter("firewatch_outbox_maintenance_total", "How often the outbox's file was looked after."),
        errors: registry.counter("firewatch_outbox_maintenance_errors_total", "How often that failed."),
        size_bytes: registry.gauge("firewatch_outbox_snapshot_size_bytes", "Size of the file after its last rewrite."),
        collection: summary("firewatch_outbox_gc_duration_seconds", "How long looking for dead records took."),
        rewrite: summary("firewatch_outbox_snapshot_duration_seconds", "How long rewriting the file took."),
    }
}

fn by_receiver<'a>(name: &str, help: &str, receivers: impl Iterator<Item = &'a str>) -> MetricFamily {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    receivers.for_each(|receiver| *counts.entry(receiver).or_default() += 1);
    let mut family = MetricFamily::new(name, help, MetricKind::Gauge);
    for (receiver, count) in counts {
        family.push(Labels::from_pairs([("receiver", receiver)]), MetricValue::Gauge(count as f64));
    }
    family
}
