//! What the daemon says about itself, under the original's names.

mod http;
pub mod outbox;

pub use http::HttpMetrics;

use std::time::Duration;

use instrument::{Gauge, Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, Registry, Summary};

use crate::journal::JournalError;
use crate::notify::FailureReason;

/// The kinds of integrations, in the order in which people know them.
pub const INTEGRATIONS: [&str; 18] = [
    "email",
    "pagerduty",
    "wechat",
    "pushover",
    "slack",
    "opsgenie",
    "webhook",
    "victorops",
    "sns",
    "telegram",
    "discord",
    "webex",
    "msteams",
    "msteamsv2",
    "incidentio",
    "jira",
    "rocketchat",
    "mattermost",
];

/// Why an alert was not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suppressed {
    /// It is silenced.
    Silence,
    /// It is inhibited.
    Inhibition,
    /// Its route is within a mute time.
    MuteTimeInterval,
    /// Its route is outside its active times.
    ActiveTimeInterval,
}

impl Suppressed {
    fn as_str(self) -> &'static str {
        match self {
            Self::Silence => "silence",
            Self::Inhibition => "inhibition",
            Self::MuteTimeInterval => "mute_time_interval",
            Self::ActiveTimeInterval => "active_time_interval",
        }
    }
}

/// Of the notification pipeline.
#[derive(Debug)]
pub struct NotificationMetrics {
    notifications: IntCounterVec,
    failed: IntCounterVec,
    requests: IntCounterVec,
    requests_failed: IntCounterVec,
    suppressed: IntCounterVec,
    latency: HistogramVec,
    fallback: IntCounterVec,
    log_queries: IntCounter,
    log_query_errors: IntCounter,
    log_query_duration: Histogram,
}

impl NotificationMetrics {
    /// Takes up the metrics, with a series for each kind of integration from the start.
    #[must_use]
    pub fn new(registry: &Registry) -> Self {
        let by_kind = |name, help| registry.counters(name, help, &["integration"]);
        let metrics = Self {
            notifications: by_kind("alertmanager_notifications_total", "The total number of attempted notifications."),
            failed: registry.counters(
                "alertmanager_notifications_failed_total",
                "The total number of failed notifications.",
                &["integration", "reason"],
            ),
            requests: by_kind(
                "alertmanager_notification_requests_total",
                "The total number of attempted notification requests.",
            ),
            requests_failed: by_kind(
                "alertmanager_notification_requests_failed_total",
                "The total number of failed notification requests.",
            ),
            suppressed: registry.counters(
                "alertmanager_notifications_suppressed_total",
                "The total number of notifications suppressed for being silenced, inhibited, outside of active time \
                 intervals or within muted time intervals.",
                &["reason"],
            ),
            latency: registry.histograms(
                "alertmanager_notification_latency_seconds",
                "The latency of notifications in seconds.",
                &["integration"],
                &[1.0, 5.0, 10.0, 15.0, 20.0],
            ),
            fallback: by_kind(
                "firewatch_fallback_notifications_total",
                "The total number of notifications delivered by a fallback receiver.",
            ),
            log_queries: registry
                .counter("alertmanager_nflog_queries_total", "Number of notification log queries were received."),
            log_query_errors: registry.counter(
                "alertmanager_nflog_query_errors_total",
                "Number notification log received queries that failed.",
            ),
            log_query_duration: registry.histogram(
                "alertmanager_nflog_query_duration_seconds",
                "Duration of notification log query evaluation.",
                &DURATIONS,
            ),
        };
        for kind in INTEGRATIONS {
            metrics.notifications.with_label_values(&[kind]);
            metrics.requests.with_label_values(&[kind]);
            metrics.requests_failed.with_label_values(&[kind]);
            metrics.latency.with_label_values(&[kind]);
            metrics.fallback.with_label_values(&[kind]);
            for reason in FailureReason::ALL {
                metrics.failed.with_label_values(&[kind, reason.as_str()]);
            }
        }
        metrics
    }

    /// A notification is to be delivered.
    pub fn notified(&self, kind: &str) {
        self.notifications.with_label_values(&[kind]).inc();
    }

    /// A notification was given up.
    pub fn failed(&self, kind: &str, reason: FailureReason) {
        self.failed.with_label_values(&[kind, reason.as_str()]).inc();
    }

    /// A fallback receiver was told.
    pub fn fell_back(&self, kind: &str) {
        self.fallback.with_label_values(&[kind]).inc();
    }

    /// One attempt to deliver was made.
    pub fn attempted(&self, kind: &str, took: Duration, failed: bool) {
        self.requests.with_label_values(&[kind]).inc();
        self.latency.with_label_values(&[kind]).observe(took.as_secs_f64());
        if failed {
            self.requests_failed.with_label_values(&[kind]).inc();
        }
    }

    /// Alerts were kept quiet.
    pub fn suppressed(&self, why: Suppressed, alerts: usize) {
        if alerts > 0 {
            self.suppressed.with_label_values(&[why.as_str()]).inc_by(alerts as u64);
        }
    }

    /// The notification log was asked. Not to know an answer counts as an error there.
    pub fn log_queried(&self, found: bool, took: Duration) {
        self.log_queries.inc();
        self.log_query_duration.observe(took.as_secs_f64());
        if !found {
            self.log_query_errors.inc();
        }
    }
}

/// Of the silences.
#[derive(Debug)]
pub struct SilenceMetrics {
    queries: IntCounter,
    duration: Histogram,
    scanned: IntCounter,
    uncompiled: IntCounter,
}

impl SilenceMetrics {
    /// Takes up the metrics.
    #[must_use]
    pub fn new(registry: &Registry) -> Self {
        let uncompiled = registry.counters(
            "alertmanager_silences_matcher_compile_errors_total",
            "How many silence matcher compilations failed.",
            &["stage"],
        );
        uncompiled.with_label_values(&["index"]);
        Self {
            queries: registry.counter("alertmanager_silences_queries_total", "How many silence queries were received."),
            duration: registry.histogram(
                "alertmanager_silences_query_duration_seconds",
                "Duration of silence query evaluation.",
                &DURATIONS,
            ),
            scanned: registry.counter(
                "alertmanager_silences_query_silences_scanned_total",
                "How many silences were scanned during query evaluation.",
            ),
            uncompiled: uncompiled.with_label_values(&["load_snapshot"]),
        }
    }

    /// All silences were compared with an alert.
    pub fn queried(&self, silences: usize, took: Duration) {
        self.queries.inc();
        self.scanned.inc_by(silences as u64);
        self.duration.observe(took.as_secs_f64());
    }

    /// A silence on disk could not be understood.
    pub fn dropped(&self) {
        self.uncompiled.inc();
    }
}

/// Counters of things that cannot happen in this daemon, because it does without the machinery that they are about.
/// Dashboards and alerts ask for them all the same.
pub fn add_never_counted(registry: &Registry) {
    for (name, help) in [
        (
            "alertmanager_dispatcher_aggregation_group_limit_reached_total",
            "Number of times when dispatcher failed to create new aggregation group due to limit.",
        ),
        (
            "alertmanager_dispatcher_aggregation_group_creation_retries_total",
            "Number of CAS retries while creating aggregation groups under contention.",
        ),
        (
            "alertmanager_dispatcher_aggregation_group_creation_given_up_total",
            "Number of alerts dropped because aggregation group creation exceeded the retry limit.",
        ),
        ("alertmanager_silences_gc_errors_total", "How many silence GC errors were encountered."),
        ("alertmanager_silences_query_errors_total", "How many silence received queries did not succeed."),
        (
            "alertmanager_silences_query_silences_skipped_total",
            "How many silences were skipped during query evaluation using the version index.",
        ),
    ] {
        drop(registry.counter(name, help));
    }
}

/// Upper bounds for what is usually quick.
const DURATIONS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Of the dispatcher.
#[derive(Debug)]
pub struct DispatchMetrics {
    /// Groups there are.
    pub groups: IntGauge,
    /// How long routing an alert took.
    pub processing: Summary,
}

impl DispatchMetrics {
    /// Takes up the metrics.
    #[must_use]
    pub fn new(registry: &Registry) -> Self {
        Self {
            groups: registry.gauge("alertmanager_dispatcher_aggregation_groups", "Number of active aggregation groups"),
            processing: registry.summary(
                "alertmanager_dispatcher_alert_processing_duration_seconds",
                "Summary of latencies for the processing of alerts.",
                &[],
            ),
        }
    }
}

/// Of what comes in over the API.
#[derive(Debug)]
pub struct ApiMetrics {
    received: IntCounterVec,
    /// Alerts that made no sense.
    pub invalid: IntCounter,
    /// Alerts dropped because their name has too many.
    pub limited: IntCounter,
    /// Alerts refused because there is no room for more.
    pub refused: IntCounter,
}

impl ApiMetrics {
    /// Takes up the metrics.
    #[must_use]
    pub fn new(registry: &Registry, name_limit: usize) -> Self {
        let received = registry.counters(
            "alertmanager_alerts_received_total",
            "The total number of received alerts.",
            &["status", "version"],
        );
        for status in ["firing", "resolved"] {
            received.with_label_values(&[status, "v2"]);
        }
        let limit =
            registry.gauge("alertmanager_alerts_per_alert_limit", "Current limit on number of alerts per alert name");
        limit.set(i64::try_from(name_limit).unwrap_or(i64::MAX));
        Self {
            received,
            invalid: registry
                .counters(
                    "alertmanager_alerts_invalid_total",
                    "The total number of received alerts that were invalid.",
                    &["version"],
                )
                .with_label_values(&["v2"]),
            limited: registry.counter(
                "alertmanager_alerts_limited_total",
                "Total number of alerts that were dropped due to per alert name limit",
            ),
            refused: registry.counter(
                "firewatch_alertmanager_alerts_refused_total",
                "New alerts that were refused because there is no room for more (--alerts.max-size-bytes).",
            ),
        }
    }

    /// An alert came in.
    pub fn received(&self, firing: bool) {
        self.received.with_label_values(&[if firing { "firing" } else { "resolved" }, "v2"]).inc();
    }
}

/// Of the configuration that is in force.
#[derive(Debug)]
pub struct ConfigMetrics {
    /// Whether the last attempt to load it succeeded.
    pub last_successful: IntGauge,
    /// When one last did, in seconds since the epoch.
    pub last_success: Gauge,
    /// Tells configurations apart.
    pub hash: Gauge,
    /// Receivers that routes use.
    pub receivers: IntGauge,
    /// Their integrations.
    pub integrations: IntGauge,
    /// Inhibition rules.
    pub inhibition_rules: IntGauge,
}

impl ConfigMetrics {
    /// Takes up the metrics.
    #[must_use]
    pub fn new(registry: &Registry) -> Self {
        Self {
            last_successful: registry.gauge(
                "alertmanager_config_last_reload_successful",
                "Whether the last configuration reload attempt was successful.",
            ),
            last_success: registry.float_gauge(
                "alertmanager_config_last_reload_success_timestamp_seconds",
                "Timestamp of the last successful configuration reload.",
            ),
            hash: registry
                .float_gauge("alertmanager_config_hash", "Hash of the currently loaded alertmanager configuration."),
            receivers: registry.gauge("alertmanager_receivers", "Number of configured receivers."),
            integrations: registry.gauge("alertmanager_integrations", "Number of configured integrations."),
            inhibition_rules: registry.gauge("alertmanager_inhibition_rules", "Number of configured inhibition rules."),
        }
    }
}

/// Of one file on disk: the notification log or the silences.
#[derive(Debug)]
pub struct MaintenanceMetrics {
    /// Rounds of maintenance.
    pub rounds: IntCounter,
    /// Rounds that failed.
    pub errors: IntCounter,
    /// The size of the file after its last rewrite.
    pub size_bytes: IntGauge,
    /// How long looking for what can be forgotten took.
    pub collection: Summary,
    /// How long writing a new file took.
    pub rewrite: Summary,
}

impl MaintenanceMetrics {
    /// A round is over: a new file of some size, no new file, or a failure.
    pub fn finished(&self, outcome: Result<Option<u64>, JournalError>, took: Duration) {
        self.rounds.inc();
        match outcome {
            Ok(Some(size_bytes)) => {
                self.rewrite.observe_duration(took);
                self.size_bytes.set(i64::try_from(size_bytes).unwrap_or(i64::MAX));
            }
            Ok(None) => self.collection.observe_duration(took),
            Err(error) => {
                self.errors.inc();
                tracing::error!(%error, "maintenance failed");
            }
        }
    }

    /// Of the outbox.
    #[must_use]
    pub fn of_outbox(registry: &Registry) -> Self {
        outbox::maintenance(registry)
    }

    /// Of the notification log.
    #[must_use]
    pub fn of_log(registry: &Registry) -> Self {
        Self {
            rounds: registry.counter(
                "alertmanager_nflog_maintenance_total",
                "How many maintenances were executed for the notification log.",
            ),
            errors: registry.counter(
                "alertmanager_nflog_maintenance_errors_total",
                "How many maintenances were executed for the notification log that failed.",
            ),
            size_bytes: registry.gauge(
                "alertmanager_nflog_snapshot_size_bytes",
                "Size of the last notification log snapshot in bytes.",
            ),
            collection: registry.summary(
                "alertmanager_nflog_gc_duration_seconds",
                "Duration of the last notification log garbage collection cycle.",
                &[],
            ),
            rewrite: registry.summary(
                "alertmanager_nflog_snapshot_duration_seconds",
                "Duration of the last notification log snapshot.",
                &[],
            ),
        }
    }

    /// Of the silences.
    #[must_use]
    pub fn of_silences(registry: &Registry) -> Self {
        Self {
            rounds: registry.counter(
                "alertmanager_silences_maintenance_total",
                "How many maintenances were executed for silences.",
            ),
            errors: registry.counter(
                "alertmanager_silences_maintenance_errors_total",
                "How many maintenances were executed for silences that failed.",
            ),
            size_bytes: registry
                .gauge("alertmanager_silences_snapshot_size_bytes", "Size of the last silence snapshot in bytes."),
            collection: registry.summary(
                "alertmanager_silences_gc_duration_seconds",
                "Duration of the last silence garbage collection cycle.",
                &[],
            ),
            rewrite: registry.summary(
                "alertmanager_silences_snapshot_duration_seconds",
                "Duration of the last silence snapshot.",
                &[],
            ),
        }
    }
}
