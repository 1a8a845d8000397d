//! The stages that a group's alerts pass on every flush, in this order: inhibition, active times, mute times, silences;
//! then for each integration of the receiver on its own: deduplication, delivery with retries, the notification log.

mod stages;
mod tell;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;

use self::tell::Told;
use super::NotifyError;
use super::context::{Flush, NotifyAlert};
use super::integration::Notifier;
use super::outbox::{Key, Notification, Outbox};
use crate::cluster::Cluster;
use crate::history::History;
use crate::inhibit::Inhibitor;
use crate::metrics::NotificationMetrics;
use crate::nflog::{NotificationLog, ReceiverKey};
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
    /// What receivers are still to be told.
    pub outbox: Arc<Outbox>,
    /// Who is told when a receiver cannot be, by receiver.
    pub fallbacks: HashMap<String, String>,
    /// What happened.
    pub metrics: Arc<NotificationMetrics>,
    /// The time.
    pub clock: Clock,
    /// What happened, for people.
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
    pub async fn run(&self, flush: &Flush, group: &[NotifyAlert]) -> Result<(), PipelineError> {
        if let Some(cluster) = &self.cluster
            && flush.cancelled.run_until_cancelled(cluster.settled()).await.is_none()
        {
            return Ok(());
        }
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
        self.await_peers(flush).await;
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

    /// Lets members of the cluster tell first whose turn it is.
    async fn await_peers(&self, flush: &Flush) {
        let wait = self.peer_wait();
        if !wait.is_zero() {
            // When the group is stopped meanwhile, the delivery notices.
            let _ = flush.cancelled.run_until_cancelled(tokio::time::sleep(wait)).await;
        }
    }

    /// How long to wait, in each flush, for members of the cluster that may tell first.
    #[must_use]
    pub fn peer_wait(&self) -> Duration {
        self.cluster.as_ref().map_or(Duration::ZERO, |cluster| cluster.wait())
    }
}

/// For how long a notification of a muted route is put off.
const MUTED_PAUSE: Duration = Duration::from_secs(30);
