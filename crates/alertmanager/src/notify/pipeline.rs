//! The stages that a group's alerts pass on every flush, in this order: inhibition, active times, mute times, silences;
//! then for each integration of the receiver on its own: deduplication, delivery with retries, the notification log.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;

use super::context::{Flush, NotifyAlert, Reason};
use super::dedup::{self, Hashes};
use super::integration::{Delivery, Notifier};
use super::{NotifyError, retry};
use crate::cluster::Cluster;
use crate::history::{AlertChange, Event, History, Outcome, ToldAlert, What};
use crate::inhibit::Inhibitor;
use crate::metrics::{NotificationMetrics, Suppressed};
use crate::nflog::{Entry, NotificationLog, ReceiverKey};
use crate::silence::Silences;
use crate::time::Clock;
use crate::time_interval::TimeIntervals;

/// Of a notification with more alerts than this the history keeps the first ones and the number.
const NOTED_ALERTS_MAX: usize = 100;

/// One integration of one receiver.
#[derive(Debug)]
pub struct Channel {
    key: ReceiverKey,
    send_resolved: bool,
    pub(super) notifier: Box<dyn Notifier>,
    deliveries: AtomicU64,
}

impl Channel {
    /// A channel under the name that the notification log knows it by.
    #[must_use]
    pub fn new(key: ReceiverKey, send_resolved: bool, notifier: Box<dyn Notifier>) -> Self {
        Self { key, send_resolved, notifier, deliveries: AtomicU64::new(0) }
    }

    /// What the notification log knows it by.
    #[must_use]
    pub fn key(&self) -> &ReceiverKey {
        &self.key
    }

    /// Whether it hears of resolved alerts.
    #[must_use]
    pub fn send_resolved(&self) -> bool {
        self.send_resolved
    }

    /// What delivers.
    #[must_use]
    pub fn notifier(&self) -> &dyn Notifier {
        &*self.notifier
    }

    /// The kind of integration.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.key.integration
    }

    /// Differs between channels and between deliveries.
    pub(super) fn jitter_seed(&self) -> u64 {
        let delivery = self.deliveries.fetch_add(1, Ordering::Relaxed);
        xxhash_rust::xxh3::xxh3_64_with_seed(self.to_string().as_bytes(), delivery)
    }
}

/// `team/slack[0]`
impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}[{}]", self.key.receiver, self.key.integration, self.key.index)
    }
}

/// The stages with everything they need.
#[derive(Debug)]
pub struct Pipeline {
    /// By receiver.
    pub channels: HashMap<String, Vec<Channel>>,
    /// Which alerts are inhibited.
    pub inhibitor: Arc<Inhibitor>,
    /// Which alerts are silenced.
    pub silences: Arc<Silences>,
    /// When routes are muted or active.
    pub time_intervals: TimeIntervals,
    /// What receivers were told.
    pub log: Arc<NotificationLog>,
    /// What happened.
    pub metrics: Arc<NotificationMetrics>,
    /// The time.
    pub clock: Clock,
    /// What happened.
    pub history: Arc<History>,
    /// The other instances, if there are any.
    pub cluster: Option<Arc<Cluster>>,
}

/// What kept a group from being told completely.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct PipelineError(Vec<String>);

impl Pipeline {
    /// Passes alerts through all stages. Succeeds when everyone who had to be told was told.
    ///
    /// # Errors
    /// [`PipelineError`] names each integration that failed.
    pub async fn run(&self, flush: &Flush, alerts: Vec<NotifyAlert>) -> Result<(), PipelineError> {
        if let Some(cluster) = &self.cluster
            && flush.cancelled.run_until_cancelled(cluster.settled()).await.is_none()
        {
            return Ok(());
        }
        let alerts = self.without_inhibited(flush, alerts);
        if alerts.is_empty() || !self.is_active(flush, alerts.len()) || self.is_muted(flush, alerts.len()) {
            return Ok(());
        }
        let alerts = self.without_silenced(flush, alerts);
        if alerts.is_empty() {
            return Ok(());
        }
        let channels = self.channels.get(&flush.route.options.receiver).map_or(&[][..], Vec::as_slice);
        let outcomes = join_all(channels.iter().map(|channel| self.tell(channel, flush, &alerts))).await;
        let errors: Vec<String> = outcomes.into_iter().filter_map(Result::err).map(|error| error.to_string()).collect();
        if errors.is_empty() { Ok(()) } else { Err(PipelineError(errors)) }
    }

    fn without_inhibited(&self, flush: &Flush, alerts: Vec<NotifyAlert>) -> Vec<NotifyAlert> {
        let now = self.clock.now();
        self.without(Suppressed::Inhibition, alerts, |alert| {
            let by = self.inhibitor.inhibited_by(&alert.alert.labels, now);
            if let Some(changed) = flush.marks.set_inhibited(alert.alert.fingerprint, by.is_some()) {
                let by = by.iter().map(ToString::to_string).collect();
                self.note_change(flush, alert, changed.then_some(AlertChange::Inhibited), by);
            }
            by.is_some()
        })
    }

    fn without_silenced(&self, flush: &Flush, alerts: Vec<NotifyAlert>) -> Vec<NotifyAlert> {
        let now = self.clock.now();
        self.without(Suppressed::Silence, alerts, |alert| {
            let by = self.silences.silencing(&alert.alert.labels, now);
            let silenced = !by.is_empty();
            if let Some(changed) = flush.marks.set_silenced(alert.alert.fingerprint, silenced) {
                self.note_change(flush, alert, changed.then_some(AlertChange::Silenced), by);
            }
            silenced
        })
    }

    /// Notes in the history that something begins to keep an alert quiet or, without a change, that nothing does.
    fn note_change(&self, flush: &Flush, alert: &NotifyAlert, change: Option<AlertChange>, by: Vec<String>) {
        let change = change.unwrap_or(AlertChange::Active);
        let receiver = Some(flush.route.options.receiver.as_str());
        self.history.record(&Event::alert(self.clock.now(), &alert.alert, change, by, receiver));
    }

    fn without(
        &self,
        why: Suppressed,
        mut alerts: Vec<NotifyAlert>,
        quiet: impl Fn(&NotifyAlert) -> bool,
    ) -> Vec<NotifyAlert> {
        let before = alerts.len();
        alerts.retain(|alert| !quiet(alert));
        self.metrics.suppressed(why, before - alerts.len());
        alerts
    }

    /// Whether the route is within one of its active times, if it has any.
    fn is_active(&self, flush: &Flush, alerts: usize) -> bool {
        let names = &flush.route.options.active_time_intervals;
        let active = names.is_empty() || !self.time_intervals.containing(names, flush.now).is_empty();
        flush.marks.set_muted_by(if active { Vec::new() } else { names.clone() });
        if !active {
            self.metrics.suppressed(Suppressed::ActiveTimeInterval, alerts);
        }
        active
    }

    /// Whether the route is within one of its mute times.
    fn is_muted(&self, flush: &Flush, alerts: usize) -> bool {
        let muted_by = self.time_intervals.containing(&flush.route.options.mute_time_intervals, flush.now);
        let muted = !muted_by.is_empty();
        flush.marks.set_muted_by(muted_by);
        if muted {
            self.metrics.suppressed(Suppressed::MuteTimeInterval, alerts);
        }
        muted
    }

    /// How long to wait, in each flush, for members of the cluster that may tell first.
    #[must_use]
    pub fn peer_wait(&self) -> Duration {
        self.cluster.as_ref().map_or(Duration::ZERO, |cluster| cluster.wait())
    }

    /// Tells one integration, if there is something to tell, and notes that.
    async fn tell(&self, channel: &Channel, flush: &Flush, alerts: &[NotifyAlert]) -> Result<(), NotifyError> {
        let wait = self.peer_wait();
        if !wait.is_zero() {
            // When the group is stopped meanwhile, the delivery notices.
            let _ = flush.cancelled.run_until_cancelled(tokio::time::sleep(wait)).await;
        }
        let hashes = Hashes::of(alerts);
        let repeat_interval = flush.route.options.repeat_interval;
        let asked = std::time::Instant::now();
        let last = self.log.query(&flush.group_key, &channel.key);
        self.metrics.log_queried(last.is_some(), asked.elapsed());
        let reason = dedup::decide(last.as_ref(), &hashes, channel.send_resolved, repeat_interval, flush.now);
        if reason == Reason::DoNotNotify {
            return Ok(());
        }
        let memory = match (reason, last) {
            (Reason::FirstNotification, _) | (_, None) => BTreeMap::new(),
            (_, Some(last)) => last.memory,
        };
        self.metrics.notified(channel.kind());
        let started = tokio::time::Instant::now();
        let memory = self.deliver(channel, flush, reason, alerts, memory).await.inspect_err(|error| {
            self.metrics.failed(channel.kind(), error.reason);
        });
        let error = memory.as_ref().err();
        self.note_notification(channel, flush, reason, alerts, error, started.elapsed());
        let memory = memory.map_err(|error| error.context(&channel.to_string()))?;
        let entry = Entry { timestamp: self.clock.now(), firing: hashes.firing, resolved: hashes.resolved, memory };
        if let Err(error) = self.log.record(&flush.group_key, &channel.key, entry, 2 * repeat_interval).await {
            // The receiver was told; failing here would tell it again and again.
            tracing::error!(%error, "a notification was sent but not noted on disk: after a restart it may be sent again");
        }
        Ok(())
    }

    /// Notes in the history that a receiver was told, or was not.
    fn note_notification(
        &self,
        channel: &Channel,
        flush: &Flush,
        reason: Reason,
        alerts: &[NotifyAlert],
        error: Option<&NotifyError>,
        took: Duration,
    ) {
        let owned = |labels: &metrics_model::Labels| {
            labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<BTreeMap<_, _>>()
        };
        let told = |alert: &NotifyAlert| ToldAlert { labels: owned(&alert.alert.labels), resolved: alert.resolved };
        let what = What::Notification {
            receiver: channel.key.receiver.clone(),
            integration: channel.key.integration.clone(),
            index: channel.key.index,
            group_key: flush.group_key.clone(),
            group_labels: owned(&flush.group_labels),
            reason: reason.as_str().to_owned(),
            outcome: if error.is_none() { Outcome::Sent } else { Outcome::Failed },
            error: error.map(ToString::to_string),
            milliseconds: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            alert_count: alerts.len(),
            alerts: alerts.iter().take(NOTED_ALERTS_MAX).map(told).collect(),
        };
        self.history.record(&Event { time: self.clock.now(), what });
    }

    /// Delivers what the receiver wants to hear. Gives what it wants to remember.
    async fn deliver(
        &self,
        channel: &Channel,
        flush: &Flush,
        reason: Reason,
        alerts: &[NotifyAlert],
        memory: BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, NotifyError> {
        let firing: Vec<NotifyAlert>;
        let alerts = if channel.send_resolved {
            alerts
        } else {
            firing = alerts.iter().filter(|alert| !alert.resolved).cloned().collect();
            &firing
        };
        if alerts.is_empty() {
            // Only resolved alerts, and this receiver does not hear of them. That it need not is noted all the same.
            return Ok(memory);
        }
        let mut delivery = Delivery { flush, reason, alerts, memory };
        retry::deliver(channel, &mut delivery, &self.metrics).await?;
        Ok(delivery.memory)
    }
}
