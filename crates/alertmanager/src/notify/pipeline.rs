//! The stages that a group's alerts pass on every flush, in this order: inhibition, active times, mute times, silences;
//! then for each integration of the receiver on its own: deduplication, delivery with retries, the notification log.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use jiff::Timestamp;
use metrics_model::Fingerprint;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::NotifyError;
use super::context::{Flush, NotifyAlert, Reason};
use super::dedup::{self, Hashes};
use super::integration::{Delivery, Notifier};
use super::outbox::{Key, Notification, Outbox, Pending};
use super::retry::{self, Attempts};
use crate::inhibit::Inhibitor;
use crate::metrics::{NotificationMetrics, Suppressed};
use crate::nflog::{Entry, NotificationLog, ReceiverKey};
use crate::silence::Silences;
use crate::time::Clock;
use crate::time_interval::TimeIntervals;

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
    /// What receivers are still to be told.
    pub outbox: Arc<Outbox>,
    /// Who is told when a receiver cannot be, by receiver.
    pub fallbacks: HashMap<String, String>,
    /// What happened.
    pub metrics: Arc<NotificationMetrics>,
    /// The time.
    pub clock: Clock,
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
    pub async fn run(&self, flush: &Flush, group: &[NotifyAlert]) -> Result<(), PipelineError> {
        let alerts = self.without_inhibited(flush, group.to_vec());
        if alerts.is_empty() || !self.is_active(flush, alerts.len()) || self.is_muted(flush, alerts.len()) {
            return Ok(());
        }
        let alerts = self.without_silenced(flush, alerts);
        if alerts.is_empty() {
            return Ok(());
        }
        let receiver = &flush.route.options.receiver;
        let fallback = self.fallback_of(receiver);
        // Whoever was told in another's place is told how it ends.
        let is_engaged = fallback.iter().any(|channel| self.knows_of_firing(channel, flush));
        let (also, in_need) = if is_engaged { (fallback, &[][..]) } else { (&[][..], fallback) };
        let own = self.channels_of(receiver).iter().map(|channel| self.tell(channel, flush, &alerts, group, in_need));
        let others = also.iter().map(|channel| self.tell(channel, flush, &alerts, group, &[]));
        let outcomes = join_all(own.chain(others)).await;
        let errors: Vec<String> = outcomes.into_iter().filter_map(Result::err).map(|error| error.to_string()).collect();
        if errors.is_empty() { Ok(()) } else { Err(PipelineError(errors)) }
    }

    /// Tells what waits in the outbox, once. `flush` stands for the flush that it came from.
    ///
    /// # Errors
    /// [`NotifyError`] when it was not delivered; then it still waits.
    pub async fn redeliver(&self, key: &Key, flush: &Flush, waiting: &Notification) -> Result<(), NotifyError> {
        let (receiver, now) = (&key.1.receiver, self.clock.now());
        let Some(channel) = self.channels_of(receiver).iter().find(|channel| channel.key == key.1) else {
            self.outbox.give_up(key, "the configuration does not have this receiver any more", now);
            return Ok(());
        };
        let is_over = |alert: &NotifyAlert| alert.resolved || channel.send_resolved && alert.alert.is_resolved_at(now);
        let updated = |alert: &NotifyAlert| NotifyAlert { alert: Arc::clone(&alert.alert), resolved: is_over(alert) };
        let group: Vec<NotifyAlert> = waiting.alerts.iter().map(updated).collect();
        if !self.is_active(flush, 0) || self.is_muted(flush, 0) {
            self.outbox.put_off(key, crate::time::after(now, MUTED_PAUSE));
            return Ok(());
        }
        let alerts = self.without_silenced(flush, self.without_inhibited(flush, group.clone()));
        if alerts.is_empty() {
            self.outbox.remove(key);
            return Ok(());
        }
        let fallback = self.fallback_of(&flush.route.options.receiver);
        let in_need = if fallback.iter().any(|channel| channel.key == key.1) { &[][..] } else { fallback };
        self.tell_claimed(channel, flush, Told { alerts: &alerts, group: &group, fallback: in_need }, key).await
    }

    fn channels_of(&self, receiver: &str) -> &[Channel] {
        self.channels.get(receiver).map_or(&[], Vec::as_slice)
    }

    fn fallback_of(&self, receiver: &str) -> &[Channel] {
        self.fallbacks.get(receiver).map_or(&[], |fallback| self.channels_of(fallback))
    }

    fn knows_of_firing(&self, channel: &Channel, flush: &Flush) -> bool {
        self.log.query(&flush.group_key, &channel.key).is_some_and(|entry| !entry.firing.is_empty())
    }

    fn without_inhibited(&self, flush: &Flush, alerts: Vec<NotifyAlert>) -> Vec<NotifyAlert> {
        let now = self.clock.now();
        self.without(Suppressed::Inhibition, alerts, |alert| {
            let inhibited = self.inhibitor.inhibited_by(&alert.alert.labels, now).is_some();
            flush.marks.set_inhibited(alert.alert.fingerprint, inhibited);
            inhibited
        })
    }

    fn without_silenced(&self, flush: &Flush, alerts: Vec<NotifyAlert>) -> Vec<NotifyAlert> {
        let now = self.clock.now();
        self.without(Suppressed::Silence, alerts, |alert| {
            let silenced = !self.silences.silencing(&alert.alert.labels, now).is_empty();
            flush.marks.set_silenced(alert.alert.fingerprint, silenced);
            silenced
        })
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

    /// Tells one integration, if there is something to tell, and notes that.
    fn tell<'a>(
        &'a self,
        channel: &'a Channel,
        flush: &'a Flush,
        alerts: &'a [NotifyAlert],
        group: &'a [NotifyAlert],
        fallback: &'a [Channel],
    ) -> BoxFuture<'a, Result<(), NotifyError>> {
        Box::pin(async move {
            let key = (flush.group_key.clone(), channel.key.clone());
            // What the outbox is delivering right now may be all there is to tell.
            let _claim = tokio::select! {
                claim = self.outbox.claim(&key) => claim,
                () = sleep_until(flush.deadline) => {
                    let message = format!("{channel}: an earlier notification is still being delivered");
                    return Err(NotifyError::unreachable(message));
                }
            };
            self.tell_claimed(channel, flush, Told { alerts, group, fallback }, &key).await
        })
    }

    /// The same for whoever holds the claim.
    async fn tell_claimed(
        &self,
        channel: &Channel,
        flush: &Flush,
        told: Told<'_>,
        key: &Key,
    ) -> Result<(), NotifyError> {
        let asked = std::time::Instant::now();
        let last = self.log.query(&flush.group_key, &channel.key);
        self.metrics.log_queried(last.is_some(), asked.elapsed());
        let waiting = self.waiting(key, flush.now);
        let Some((reason, alerts)) = news(channel, flush, &told, last.as_ref(), waiting.as_deref()) else {
            self.outbox.remove(key);
            return Ok(());
        };
        let memory = match (reason, last) {
            (Reason::FirstNotification, _) | (_, None) => BTreeMap::new(),
            (_, Some(last)) => last.memory,
        };
        self.metrics.notified(channel.kind());
        let memory = self.deliver(channel, flush, Work { reason, alerts: &alerts, memory, told, key }).await;
        let memory = memory.inspect_err(|error| self.metrics.failed(channel.kind(), error.reason));
        let memory = memory.map_err(|error| error.context(&channel.to_string()))?;
        let Hashes { firing, resolved } = Hashes::of(&alerts);
        let entry = Entry { timestamp: self.clock.now(), firing, resolved, memory };
        let expiry = 2 * flush.route.options.repeat_interval;
        if let Err(error) = self.log.record(&flush.group_key, &channel.key, entry, expiry).await {
            // The receiver was told; failing here would tell it again and again.
            tracing::error!(%error, "a notification was sent but not noted on disk: after a restart it may be sent again");
        }
        self.outbox.remove(key);
        Ok(())
    }

    /// The notification that waits, unless it is too old.
    fn waiting(&self, key: &Key, now: Timestamp) -> Option<Arc<Notification>> {
        let pending = self.outbox.pending(key)?;
        if !self.outbox.is_too_old(pending.since, now) {
            return Some(pending.notification);
        }
        let age = metrics_model::duration::format_duration(self.outbox.settings().max_age);
        self.outbox.give_up(key, &format!("not delivered within {age}: {}", pending.last_error), now);
        None
    }

    /// Delivers what the receiver wants to hear. Gives what it wants to remember.
    async fn deliver(
        &self,
        channel: &Channel,
        flush: &Flush,
        work: Work<'_>,
    ) -> Result<BTreeMap<String, String>, NotifyError> {
        let Work { reason, alerts, memory, told, key } = work;
        let wanted: Vec<NotifyAlert> =
            alerts.iter().filter(|alert| channel.send_resolved || !alert.resolved).cloned().collect();
        if wanted.is_empty() {
            // Only resolved alerts, and this receiver does not hear of them. That it need not is noted all the same.
            return Ok(memory);
        }
        let pending = self.put(key, flush, reason, alerts).await;
        let (failures, count) = watch::channel(pending.failures);
        let attempts = Attempts { outbox: &self.outbox, key, clock: &self.clock, pending: &pending, failures };
        let mut delivery = Delivery { flush, reason, alerts: &wanted, memory };
        let delivering = retry::deliver(channel, &mut delivery, &self.metrics, &attempts);
        let outcome = self.with_help(channel, flush, &told, count, delivering).await;
        outcome.map(|()| delivery.memory)
    }

    /// Delivers, and has the fallback told meanwhile once too many attempts have failed.
    async fn with_help(
        &self,
        channel: &Channel,
        flush: &Flush,
        told: &Told<'_>,
        mut failures: watch::Receiver<u32>,
        delivering: impl Future<Output = Result<(), NotifyError>> + Send,
    ) -> Result<(), NotifyError> {
        let enough = self.outbox.settings().fallback_after;
        if told.fallback.is_empty() || enough == 0 {
            return delivering.await;
        }
        let is_helping = AtomicBool::new(false);
        let mut count = failures.clone();
        let helping = async {
            if count.wait_for(|failures| *failures >= enough).await.is_err() {
                // Nobody counts any more.
                return std::future::pending().await;
            }
            is_helping.store(true, Ordering::Relaxed);
            self.tell_instead(channel, flush, told).await;
        };
        let (mut delivering, mut helping) = (std::pin::pin!(delivering), std::pin::pin!(helping));
        let mut is_helped = false;
        let outcome = loop {
            tokio::select! {
                outcome = &mut delivering => break outcome,
                () = &mut helping, if !is_helped => is_helped = true,
            }
        };
        let needs_help = outcome.is_err() && *failures.borrow_and_update() >= enough;
        // What was begun is brought to its end.
        if !is_helped && (needs_help || is_helping.load(Ordering::Relaxed)) {
            helping.await;
        }
        outcome
    }

    /// Tells those who are told when a receiver cannot be.
    async fn tell_instead(&self, channel: &Channel, flush: &Flush, told: &Told<'_>) {
        let outcomes =
            join_all(told.fallback.iter().map(|other| self.tell(other, flush, told.alerts, told.group, &[]))).await;
        for (other, outcome) in told.fallback.iter().zip(outcomes) {
            match outcome {
                Ok(()) => self.metrics.fell_back(other.kind()),
                Err(error) => {
                    tracing::error!(receiver = %channel, fallback = %other, %error, "fallback not told either")
                }
            }
        }
    }

    async fn put(&self, key: &Key, flush: &Flush, reason: Reason, alerts: &[NotifyAlert]) -> Pending {
        let notification = Notification {
            receiver: flush.route.options.receiver.clone(),
            route_key: flush.route.key.clone(),
            group_labels: flush.group_labels.clone(),
            route_labels: flush.route_labels.clone(),
            reason,
            alerts: alerts.to_vec(),
        };
        let now = self.clock.now();
        let left = flush.deadline.saturating_duration_since(Instant::now());
        match self.outbox.put(key, notification, crate::time::after(now, left), now).await {
            Ok(pending) => pending,
            Err((pending, error)) => {
                // Not to tell it would lose it for sure.
                tracing::error!(%error, "a notification is not in the outbox on disk: should it fail now, a restart loses it");
                pending
            }
        }
    }
}

/// For how long a notification of a muted route is put off.
const MUTED_PAUSE: Duration = Duration::from_secs(30);

/// What a flush has to tell.
#[derive(Debug, Clone, Copy)]
struct Told<'a> {
    /// The alerts that passed all stages.
    alerts: &'a [NotifyAlert],
    /// All alerts of the group.
    group: &'a [NotifyAlert],
    /// Who is told if the receiver cannot be.
    fallback: &'a [Channel],
}

/// What an integration is told, with the news decided.
struct Work<'a> {
    reason: Reason,
    alerts: &'a [NotifyAlert],
    memory: BTreeMap<String, String>,
    told: Told<'a>,
    key: &'a Key,
}

/// Why an integration is told, and of which alerts.
fn news(
    channel: &Channel,
    flush: &Flush,
    told: &Told<'_>,
    last: Option<&Entry>,
    waiting: Option<&Notification>,
) -> Option<(Reason, Vec<NotifyAlert>)> {
    let alerts = match waiting {
        None => told.alerts.to_vec(),
        Some(waiting) => {
            let known: HashSet<Fingerprint> = told.group.iter().map(|alert| alert.alert.fingerprint).collect();
            let is_known = |fingerprint| known.contains(&fingerprint);
            dedup::merged(&waiting.alerts, told.alerts, is_known, last, channel.send_resolved)
        }
    };
    let hashes = Hashes::of(&alerts);
    let repeat_interval = flush.route.options.repeat_interval;
    let reason = match dedup::decide(last, &hashes, channel.send_resolved, repeat_interval, flush.now) {
        Reason::DoNotNotify => {
            waiting.map_or(Reason::DoNotNotify, |waiting| dedup::decide_waiting(last, &hashes, waiting.reason))
        }
        reason => reason,
    };
    (reason != Reason::DoNotNotify).then_some((reason, alerts))
}
