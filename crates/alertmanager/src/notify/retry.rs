//! Tries a delivery until it succeeds, cannot succeed, or the flush is over.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::integration::Delivery;
use super::pipeline::Channel;
use super::{FailureReason, NotifyError};
use crate::metrics::NotificationMetrics;

/// How long to wait after the first attempt began.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// By how much each pause is longer than the one before.
const GROWTH: f64 = 1.5;
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Pauses vary by this part of their length, so that receivers are not hit by all at once.
const SPREAD: f64 = 0.5;

/// Delivers, trying again as long as that may help.
pub(super) async fn deliver(
    channel: &Channel,
    delivery: &mut Delivery<'_>,
    metrics: &NotificationMetrics,
) -> Result<(), NotifyError> {
    let mut pauses = Pauses::new(channel.jitter_seed());
    let mut last_error: Option<NotifyError> = None;
    let mut attempts = 0_u32;
    loop {
        if let Some(over) = over(delivery) {
            let error = last_error.unwrap_or(over);
            return Err(error.context(&format!("notify retry canceled after {attempts} attempts")));
        }
        // A pause counts from the beginning of an attempt: a slow receiver is not waited for twice.
        let next_attempt = Instant::now() + pauses.next();
        let outcome = attempt(channel, delivery, metrics).await;
        attempts += 1;
        let error = match outcome {
            Some(Ok(())) => {
                if attempts > 1 {
                    tracing::info!(receiver = %channel, attempts, alerts = delivery.alerts.len(), "notification delivered");
                }
                return Ok(());
            }
            Some(Err(error)) if !error.retry => {
                let context = format!("notify retry canceled due to unrecoverable error after {attempts} attempts");
                return Err(error.context(&context));
            }
            Some(Err(error)) => error,
            // The flush ended in the middle of the attempt; the check above says how.
            None => continue,
        };
        if last_error.as_ref().map(|last| &last.message) != Some(&error.message) {
            tracing::warn!(receiver = %channel, attempts, %error, "notification failed, will be tried again");
        }
        let asked = error.retry_after.map(|pause| Instant::now() + pause);
        last_error = Some(error);
        wait(delivery, asked.map_or(next_attempt, |asked| asked.max(next_attempt))).await;
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
    fn new(seed: u64) -> Self {
        Self { pause: FIRST_PAUSE, seed }
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
        let mut pauses = Pauses::new(7);
        let all: Vec<Duration> = (0..20).map(|_| pauses.next()).collect();
        assert!((250..750).contains(&all[0].as_millis()), "{all:?}");
        assert!(all[19] >= LONGEST_PAUSE / 2 && all[19] <= LONGEST_PAUSE * 3 / 2, "{all:?}");
        assert_ne!(all[18], all[19]);
    }
}
