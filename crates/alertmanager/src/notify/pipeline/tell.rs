//! What is done for each integration of a receiver on its own: what is news to it, the outbox, delivery with retries and
//! help, the notification log.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use jiff::Timestamp;
use metrics_model::Fingerprint;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::{Channel, Pipeline};
use crate::history::{Event, Outcome, ToldAlert, What};
use crate::nflog::Entry;
use crate::notify::NotifyError;
use crate::notify::context::{Flush, NotifyAlert, Reason};
use crate::notify::dedup::{self, Hashes};
use crate::notify::integration::Delivery;
use crate::notify::outbox::{Key, Notification, Pending};
use crate::notify::retry::{self, Attempts, Delivered};

/// Of a notification with more alerts than this the history keeps the first ones and the number.
const NOTED_ALERTS_MAX: usize = 100;

impl Pipeline {
    /// Tells one integration, if there is something to tell, and notes that.
    pub(super) fn tell<'a>(
        &'a self,
        channel: &'a Channel,
        flush: &'a Flush,
        alerts: &'a [NotifyAlert],
        group: &'a [NotifyAlert],
        fallback: &'a [Channel],
    ) -> BoxFuture<'a, Result<(), NotifyError>> {
        Box::pin(async move {
            self.await_peers(flush).await;
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
    pub(super) async fn tell_claimed(
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
        let last_told = last.as_ref().map(|last| last.timestamp);
        let memory = match (reason, last) {
            (Reason::FirstNotification, _) | (_, None) => BTreeMap::new(),
            (_, Some(last)) => last.memory,
        };
        self.metrics.notified(channel.kind());
        let started = Instant::now();
        let memory = self.deliver(channel, flush, Work { reason, alerts: &alerts, memory, told, key, last_told }).await;
        if let Ok(None) = memory {
            // Another member of the cluster told it and noted that.
            self.outbox.remove(key);
            return Ok(());
        }
        self.note_notification(channel, flush, reason, &alerts, memory.as_ref().err(), started.elapsed());
        let memory = memory.inspect_err(|error| self.metrics.failed(channel.kind(), error.reason));
        let memory = memory.map_err(|error| error.context(&channel.to_string()))?.unwrap_or_default();
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

    /// Delivers what the receiver wants to hear. Gives what it wants to remember; `None` when another member of the
    /// cluster told it first.
    async fn deliver(
        &self,
        channel: &Channel,
        flush: &Flush,
        work: Work<'_>,
    ) -> Result<Option<BTreeMap<String, String>>, NotifyError> {
        let Work { reason, alerts, memory, told, key, last_told } = work;
        let wanted: Vec<NotifyAlert> =
            alerts.iter().filter(|alert| channel.send_resolved || !alert.resolved).cloned().collect();
        if wanted.is_empty() {
            // Only resolved alerts, and this receiver does not hear of them. That it need not is noted all the same.
            return Ok(Some(memory));
        }
        let hashes = Hashes::of(alerts);
        let is_told_elsewhere = || {
            let last = self.log.query(&flush.group_key, &channel.key);
            let repeat_interval = flush.route.options.repeat_interval;
            last.as_ref().map(|last| last.timestamp) != last_told
                && dedup::decide(last.as_ref(), &hashes, channel.send_resolved, repeat_interval, flush.now)
                    == Reason::DoNotNotify
        };
        let pending = self.put(key, flush, reason, alerts).await;
        let (failures, count) = watch::channel(pending.failures);
        let attempts = Attempts {
            outbox: &self.outbox,
            key,
            clock: &self.clock,
            pending: &pending,
            failures,
            is_told_elsewhere: &is_told_elsewhere,
        };
        let mut delivery = Delivery { flush, reason, alerts: &wanted, memory };
        let delivering = retry::deliver(channel, &mut delivery, &self.metrics, &attempts);
        let outcome = self.with_help(channel, flush, &told, count, delivering).await;
        outcome.map(|delivered| (delivered == Delivered::Here).then_some(delivery.memory))
    }

    /// Delivers, and has the fallback told meanwhile once too many attempts have failed.
    async fn with_help(
        &self,
        channel: &Channel,
        flush: &Flush,
        told: &Told<'_>,
        mut failures: watch::Receiver<u32>,
        delivering: impl Future<Output = Result<Delivered, NotifyError>> + Send,
    ) -> Result<Delivered, NotifyError> {
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

/// What a flush has to tell.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told<'a> {
    /// The alerts that passed all stages.
    pub(super) alerts: &'a [NotifyAlert],
    /// All alerts of the group.
    pub(super) group: &'a [NotifyAlert],
    /// Who is told if the receiver cannot be.
    pub(super) fallback: &'a [Channel],
}

/// What an integration is told, with the news decided.
struct Work<'a> {
    reason: Reason,
    alerts: &'a [NotifyAlert],
    memory: BTreeMap<String, String>,
    told: Told<'a>,
    key: &'a Key,
    /// When the integration was last told of the group.
    last_told: Option<Timestamp>,
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
