//! A group: alerts that are told together, and the task that tells of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use metrics_model::{Fingerprint, Labels};
use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};

use super::{GroupId, Shared, group_key};
use crate::alert::{Alert, compare_for_notification};
use crate::notify::marks::Marks;
use crate::notify::{Flush, NotifyAlert};
use crate::route::Route;
use crate::templates::Templates;

/// A flush gets at least this long, however short the group's interval.
const FLUSH_MIN: Duration = Duration::from_secs(10);

/// A group.
#[derive(Debug)]
pub(super) struct Group {
    route: Arc<Route>,
    labels: Labels,
    key: String,
    marks: Arc<Marks>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    alerts: HashMap<Fingerprint, Arc<Alert>>,
    /// Set once the last alert left. No alert comes in after that.
    is_over: bool,
    next_flush: Instant,
}

impl Group {
    /// A group with its first alert, to be flushed first at `next_flush`.
    pub(super) fn new(route: Arc<Route>, labels: Labels, alert: &Arc<Alert>, next_flush: Instant) -> Self {
        let key = group_key(&route, &labels);
        let alerts = HashMap::from([(alert.fingerprint, Arc::clone(alert))]);
        let state = Mutex::new(State { alerts, is_over: false, next_flush });
        Self { route, labels, key, marks: Arc::default(), state }
    }

    /// When the group is looked at next.
    pub(super) fn next_flush(&self) -> Instant {
        self.state.lock().next_flush
    }

    /// Adds an alert or replaces what was known of it. Not if the group is over.
    pub(super) fn insert(&self, alert: &Arc<Alert>) -> bool {
        let mut state = self.state.lock();
        if !state.is_over {
            state.alerts.insert(alert.fingerprint, Arc::clone(alert));
        }
        !state.is_over
    }

    pub(super) fn route(&self) -> &Route {
        &self.route
    }

    pub(super) fn labels(&self) -> &Labels {
        &self.labels
    }

    pub(super) fn marks(&self) -> &Marks {
        &self.marks
    }

    pub(super) fn alerts(&self) -> Vec<Arc<Alert>> {
        self.state.lock().alerts.values().cloned().collect()
    }

    /// The route's labels for the alerts that are in the group now.
    pub(super) fn route_labels(&self, templates: &Templates, now: Timestamp) -> BTreeMap<String, String> {
        if self.route.options.labels.is_empty() {
            return BTreeMap::new();
        }
        templates.route_labels(&self.route, &self.labels, &self.alerts_to_tell(now))
    }

    /// The alerts in the order in which the receiver is told of them. Whether they are resolved is decided here, once.
    fn alerts_to_tell(&self, now: Timestamp) -> Vec<NotifyAlert> {
        let told = |alert: Arc<Alert>| NotifyAlert { resolved: alert.is_resolved_at(now), alert };
        let mut alerts: Vec<NotifyAlert> = self.alerts().into_iter().map(told).collect();
        alerts.sort_by(|left, right| compare_for_notification(&left.alert, &right.alert));
        alerts
    }

    /// Removes resolved alerts that were told and have not been reported again since. Whether the group is over.
    fn remove_told(&self, told: &[NotifyAlert]) -> bool {
        let mut state = self.state.lock();
        for alert in told.iter().filter(|alert| alert.resolved) {
            let fingerprint = alert.alert.fingerprint;
            if state.alerts.get(&fingerprint).is_some_and(|present| Arc::ptr_eq(present, &alert.alert)) {
                state.alerts.remove(&fingerprint);
                self.marks.forget(fingerprint);
            }
        }
        state.is_over = state.alerts.is_empty();
        state.is_over
    }
}

/// Flushes the group first at `first`, then at its interval, until it is over or the dispatcher stops.
pub(super) async fn run(shared: Arc<Shared>, id: GroupId, group: Arc<Group>, first: Instant) {
    let mut next = first;
    loop {
        tokio::select! {
            biased;
            () = shared.cancelled.cancelled() => return,
            () = sleep_until(next) => {}
        }
        // The interval runs from the beginning of a flush, however long the flush takes.
        next = Instant::now() + group.route.options.group_interval;
        group.state.lock().next_flush = next;
        if flush(&shared, &group).await {
            break;
        }
    }
    let mut groups = shared.groups.lock();
    // A new alert may have begun a new group under the same name already.
    if groups.get(&id).is_some_and(|present| Arc::ptr_eq(present, &group)) {
        groups.remove(&id);
    }
    shared.metrics.groups.set(i64::try_from(groups.len()).unwrap_or(i64::MAX));
}

/// Tells of the group. Whether it is over.
async fn flush(shared: &Shared, group: &Group) -> bool {
    let now = shared.clock.now();
    let alerts = group.alerts_to_tell(now);
    if alerts.is_empty() {
        return false;
    }
    let flush = Flush {
        route: Arc::clone(&group.route),
        group_key: group.key.clone(),
        group_labels: group.labels.clone(),
        route_labels: group.route_labels(&shared.templates, now),
        now,
        // What is not told by the next flush is that flush's work.
        deadline: Instant::now() + group.route.options.group_interval.max(FLUSH_MIN) + shared.pipeline.peer_wait(),
        marks: Arc::clone(&group.marks),
        cancelled: shared.cancelled.clone(),
    };
    tracing::debug!(group = group.key, alerts = alerts.len(), "flushing");
    match shared.pipeline.run(&flush, &alerts).await {
        Ok(()) => group.remove_told(&alerts),
        Err(error) if shared.cancelled.is_cancelled() => {
            tracing::debug!(group = group.key, %error, "group not told: stopping");
            false
        }
        Err(error) => {
            tracing::error!(group = group.key, alerts = alerts.len(), %error, "group not told");
            false
        }
    }
}
