//! Tries a delivery until it succeeds, cannot succeed, or the flush is over. The outbox remembers what failed, so that
//! the next flush goes on where this one ended, also after a restart.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::integration::Delivery;
use super::outbox::{Key, Outbox, Pending};
use super::pipeline::Channel;
use super::{FailureReason, NotifyError};
use crate::metrics::NotificationMetrics;
use crate::time::{Clock, after};

/// How long to wait after the first attempt began.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// By how much each pause is longer than the one before.
const GROWTH: f64 = 1.5;
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Pauses vary by this part of their length, so that receivers are not hit by all at once.
const SPREAD: f64 = 0.5;

/// How long what cannot succeed is left alone, unless a flush of its group tries it.
const PERMANENT_PAUSE: Duration = Duration::from_secs(5 * 60);

/// The attempts to deliver one notification.
pub(super) struct Attempts<'a> {
    pub(super) outbox: &'a Outbox,
    pub(super) key: &'a Key,
    pub(super) clock: &'a Clock,
    /// The notification when this flush began.
    pub(super) pending: &'a Pending,
    /// How many failed, for whoever waits for that.
    pub(super) failures: watch::Sender<u32>,
    /// Whether another member of the cluster has told the same meanwhile.
    pub(super) is_told_elsewhere: &'a (dyn Fn() -> bool + Sync),
}

/// Who told the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivered {
    /// This instance.
    Here,
    /// Another member of the cluster.
    Elsewhere,
}

impl Attempts<'_> {
    /// When the first attempt may be made.
    fn first(&self) -> Instant {
        let wait = self.pending.not_before.duration_since(self.clock.now());
        Instant::now() + Duration::try_from(wait).unwrap_or_default()
    }

    /// Why the last attempt of an earlier flush failed.
    fn earlier_error(&self) -> Option<NotifyError> {
        (self.pending.failures > 0).then(|| NotifyError::unreachable(self.pending.last_error.clone()))
    }

    /// Notes a failure; the next attempt may be made at `next`.
    fn failed(&self, error: &NotifyError, next: Instant) {
        let now = self.clock.now();
        let next = after(now, next.saturating_duration_since(Instant::now()));
        let (not_before, next_attempt) = if error.retry { (next, next) } else { (now, after(now, PERMANENT_PAUSE)) };
        let failures = self.outbox.failed(self.key, error, not_before, next_attempt);
        self.failures.send_replace(failures);
    }
}

/// Delivers, trying again as long as that may help.
pub(super) async fn deliver(
    channel: &Channel,
    delivery: &mut Delivery<'_>,
    metrics: &NotificationMetrics,
    log: &Attempts<'_>,
) -> Result<Delivered, NotifyError> {
    let mut pauses = Pauses::new(channel.jitter_seed(), log.pending.failures);
    let mut last_error = log.earlier_error();
    let mut attempts = 0_u32;
    wait(delivery, log.first()).await;
    loop {
        if let Some(over) = over(delivery) {
            let error = last_error.unwrap_or(over);
            return Err(error.context(&format!("notify retry canceled after {attempts} attempts")));
        }
        if attempts > 0 && (log.is_told_elsewhere)() {
            tracing::info!(receiver = %channel, attempts, "notification delivered by another member of the cluster");
            return Ok(Delivered::Elsewhere);
        }
        // A pause counts from the beginning of an attempt: a slow receiver is not waited for twice.
        let next_attempt = Instant::now() + pauses.next();
        let outcome = attempt(channel, delivery, metrics).await;
        attempts += 1;
        let error = match outcome {
            Some(Ok(())) => {
                if attempts > 1 || log.pending.failures > 0 {
                    tracing::info!(receiver = %channel, attempts, alerts = delivery.alerts.len(), "notification delivered");
                }
                return Ok(Delivered::Here);
            }
            Some(Err(error)) if !error.retry => {
                log.failed(&error, Instant::now());
                let context = format!("notify retry canceled due to unrecoverable error after {attempts} attempts");
                return Err(error.context(&context));
            }
            Some(Err(error)) => error,
            // The flush ended in the middle of the attempt; the check above says how.
            None => {
                if let Some(over) = over(delivery).filter(|over| over.reason != FailureReason::ContextCanceled) {
                    log.failed(&over, next_attempt);
                }
                continue;
            }
        };
        if last_error.as_ref().map(|last| &last.message) != Some(&error.message) {
            tracing::warn!(receiver = %channel, attempts, %error, "notification failed, will be tried again");
        }
        let asked = error.retry_after.map(|pause| Instant::now() + pause);
        let next_attempt = asked.map_or(next_attempt, |asked| asked.max(next_attempt));
        log.failed(&error, next_attempt);
        last_error = Some(error);
        wait(delivery, next_attempt).await;
    }
}

/// One attempt; `None` when the flush ended before it did.
async fn attempt(
    channel: &Channel,
    delivery: &mut Delivery<'_>,
    metrics: &NotificationMetrics,
) -> Option<Result<(), NotifyError>> {
    let started = Instant::now();
    let (deadline, cancelled) = (delivery.flush.deadline, delivery.flush.cancelled.clone());
    let outcome = tokio::select! {
        outcome = channel.notifier.notify(delivery) => Some(outcome),
        () = sleep_until(deadline) => None,
        () = cancelled.cancelled() => None,
    };
    let failed = !matches!(outcome, Some(Ok(())));
    metrics.attempted(channel.kind(), started.elapsed(), failed);
    outcome
}

/// Waits until `until`, or until the flush ends.
async fn wait(delivery: &Delivery<'_>, until: Instant) {
    tokio::select! {
        () = sleep_until(until.min(delivery.flush.deadline)) => {}
        () = delivery.flush.cancelled.cancelled() => {}
    }
}

/// Why no attempt may be made any more, if so.
fn over(delivery: &Delivery<'_>) -> Option<NotifyError> {
    let ended =
        |message: &str, reason| NotifyError { message: message.to_owned(), retry: true, reason, retry_after: None };
    if delivery.flush.cancelled.is_cancelled() {
        return Some(ended("context canceled", FailureReason::ContextCanceled));
    }
    (Instant::now() >= delivery.flush.deadline)
        .then(|| ended("context deadline exceeded", FailureReason::ContextDeadlineExceeded))
}

/// The growing pauses between attempts.
struct Pauses {
    pause: Duration,
    seed: u64,
}

impl Pauses {
    /// The pauses after so many failures.
    fn new(seed: u64, failures: u32) -> Self {
        let growth = GROWTH.powi(i32::try_from(failures.min(64)).unwrap_or(64));
        Self { pause: FIRST_PAUSE.mul_f64(growth).min(LONGEST_PAUSE), seed }
    }

    fn next(&mut self) -> Duration {
        self.seed = xxhash_rust::xxh3::xxh3_64_with_seed(b"pause", self.seed);
        // 53 bits make a fraction from 0 up to but not including 1.
        let fraction = (self.seed >> 11) as f64 / (1_u64 << 53) as f64;
        let pause = self.pause.mul_f64(1.0 - SPREAD + 2.0 * SPREAD * fraction);
        self.pause = self.pause.mul_f64(GROWTH).min(LONGEST_PAUSE);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_minute_and_vary() {
        let mut pauses = Pauses::new(7, 0);
        let all: Vec<Duration> = (0..20).map(|_| pauses.next()).collect();
        assert!((250..750).contains(&all[0].as_millis()), "{all:?}");
        assert!(all[19] >= LONGEST_PAUSE / 2 && all[19] <= LONGEST_PAUSE * 3 / 2, "{all:?}");
        assert_ne!(all[18], all[19]);
        assert!((750..2300).contains(&Pauses::new(7, 3).next().as_millis()), "goes on where it ended");
        assert!(Pauses::new(7, u32::MAX).next() <= LONGEST_PAUSE * 3 / 2);
    }
}
