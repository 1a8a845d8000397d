//! What every kind of integration does: deliver one notification, once.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::{Flush, NotifyAlert, NotifyError, Reason};

/// A kind of integration, set up for one receiver.
pub trait Notifier: Debug + Send + Sync {
    /// Delivers once. What a receiver answered that is needed to change the message later goes into `delivery.memory`.
    fn notify<'a>(&'a self, delivery: &'a mut Delivery<'_>) -> BoxFuture<'a, Result<(), NotifyError>>;
}

/// One notification to deliver.
#[derive(Debug)]
pub struct Delivery<'a> {
    /// The flush it belongs to.
    pub flush: &'a Flush,
    /// Why it is sent.
    pub reason: Reason,
    /// The alerts to tell of; never empty.
    pub alerts: &'a [NotifyAlert],
    /// What earlier deliveries for this group and receiver left behind.
    pub memory: BTreeMap<String, String>,
}

impl Delivery<'_> {
    /// How long until the end of the flush.
    #[must_use]
    pub fn time_left(&self) -> Duration {
        self.timeout(Duration::ZERO)
    }

    /// How long the delivery may still take: the receiver's own limit, but not past the end of the flush.
    #[must_use]
    pub fn timeout(&self, limit: Duration) -> Duration {
        let left = self.flush.deadline.saturating_duration_since(tokio::time::Instant::now());
        if limit.is_zero() { left } else { left.min(limit) }
    }
}
