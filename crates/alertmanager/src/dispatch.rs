//! Sorts alerts into groups and lets each group tell its receiver when its time has come.

mod group;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use metrics_model::{Fingerprint, Labels};
use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::alert::{Alert, compare_for_notification, compare_label_sets};
use crate::metrics::DispatchMetrics;
use crate::notify::marks::AlertState;
use crate::notify::outbox::{self, Outbox};
use crate::notify::{Flush, Pipeline};
use crate::route::{Route, RouteId, RouteTree};
use crate::templates::Templates;
use crate::time::Clock;
use group::Group;

/// All groups of a configuration, each with a task of its own.
#[derive(Debug)]
pub struct Dispatcher {
    shared: Arc<Shared>,
}

/// What groups and dispatcher share.
struct Shared {
    routes: HashMap<RouteId, Arc<Route>>,
    tree: RouteTree,
    pipeline: Pipeline,
    templates: Arc<Templates>,
    clock: Clock,
    metrics: Arc<DispatchMetrics>,
    /// Before this, groups only collect.
    start_at: Instant,
    groups: Mutex<HashMap<GroupId, Arc<Group>>>,
    tasks: TaskTracker,
    cancelled: CancellationToken,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("groups", &self.groups.lock().len()).finish_non_exhaustive()
    }
}

type GroupId = (RouteId, Labels);

/// What receivers and the notification log know a group of a route by.
#[must_use]
pub fn group_key(route: &Route, labels: &Labels) -> String {
    format!("{}:{}", route.key, crate::text::label_set(labels))
}

/// A group as it is now.
#[derive(Debug)]
pub struct GroupNow {
    /// Its alerts, in no order.
    pub alerts: Vec<Arc<Alert>>,
    /// When it is looked at next.
    pub next_flush: jiff::Timestamp,
}

/// A group as the API shows it.
#[derive(Debug, Clone)]
pub struct GroupView {
    /// The labels that all alerts of the group share by construction.
    pub labels: Labels,
    /// The route's labels, templates rendered.
    pub route_labels: std::collections::BTreeMap<String, String>,
    /// Who is told.
    pub receiver: String,
    /// The time intervals that mute the group.
    pub muted_by: Vec<String>,
    /// Its alerts, in the order in which the receiver is told of them.
    pub alerts: Vec<Arc<Alert>>,
}

/// How long a delivery from the outbox may take, with all its attempts.
const REDELIVERY_TIME: std::time::Duration = std::time::Duration::from_secs(30);

impl Dispatcher {
    /// A dispatcher without groups. Groups tell nobody before `start_at`.
    #[must_use]
    pub fn new(
        tree: RouteTree,
        pipeline: Pipeline,
        templates: Arc<Templates>,
        clock: Clock,
        metrics: Arc<DispatchMetrics>,
        start_at: Instant,
    ) -> Self {
        metrics.groups.set(0);
        let shared = Shared {
            routes: tree.iter().map(|(id, route)| (id, Arc::new(route.clone()))).collect(),
            tree,
            pipeline,
            templates,
            clock,
            metrics,
            start_at,
            groups: Mutex::default(),
            tasks: TaskTracker::new(),
            cancelled: CancellationToken::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Puts alerts into the groups they belong to, making those that are not there. A new group begins its life once all
    /// of `alerts` are sorted: those that come together are told together. Within a tokio runtime.
    pub fn dispatch(&self, alerts: &[Arc<Alert>]) {
        let mut begun = Vec::new();
        for alert in alerts {
            let started = std::time::Instant::now();
            for route in self.shared.tree.matching(&alert.labels) {
                begun.extend(self.add(route, alert));
            }
            self.shared.metrics.processing.observe_duration(started.elapsed());
        }
        for (id, group, first) in begun {
            self.shared.tasks.spawn(group::run(Arc::clone(&self.shared), id, group, first));
        }
    }

    /// Puts an alert into a group. If that is a new one, gives it and when it is to be flushed first.
    fn add(&self, place: RouteId, alert: &Arc<Alert>) -> Option<(GroupId, Arc<Group>, Instant)> {
        let shared = &self.shared;
        let route = &shared.routes[&place];
        let id = (place, route.options.group_labels(&alert.labels));
        let mut groups = shared.groups.lock();
        if groups.get(&id).is_some_and(|group| group.insert(alert)) {
            return None;
        }
        // An alert that fires for long already is not made to wait for others.
        let now = shared.clock.now();
        let is_old = crate::time::after(alert.starts_at, route.options.group_wait) < now;
        let wait = if is_old { std::time::Duration::ZERO } else { route.options.group_wait };
        let first = (Instant::now() + wait).max(shared.start_at);
        let group = Arc::new(Group::new(Arc::clone(route), id.1.clone(), alert, first));
        groups.insert(id.clone(), Arc::clone(&group));
        shared.metrics.groups.set(i64::try_from(groups.len()).unwrap_or(i64::MAX));
        Some((id, group, first))
    }

    /// Tells what waits in the outbox, if nobody else is doing it.
    pub async fn redeliver(&self, outbox: &Outbox, key: &outbox::Key) {
        let shared = &self.shared;
        let Some(_claim) = outbox.try_claim(key) else { return };
        let Some(pending) = outbox.pending(key) else { return };
        let waiting = pending.notification;
        let is_its = |route: &&Arc<Route>| route.key == waiting.route_key && route.options.receiver == waiting.receiver;
        let route = shared.routes.values().find(is_its).cloned();
        let route = route.unwrap_or_else(|| Arc::new(Route::former(&waiting.route_key, &waiting.receiver)));
        let flush = Flush {
            route,
            group_key: key.0.clone(),
            group_labels: waiting.group_labels.clone(),
            route_labels: waiting.route_labels.clone(),
            now: shared.clock.now(),
            deadline: Instant::now() + REDELIVERY_TIME,
            marks: Arc::default(),
            cancelled: shared.cancelled.clone(),
        };
        if let Err(error) = shared.pipeline.redeliver(key, &flush, &waiting).await {
            tracing::warn!(group = key.0, %error, "notification still not delivered");
        }
    }

    /// The groups that are wanted by receiver and muting intervals, with those of their alerts that `wants_alert`; groups
    /// without such alerts are left out. Ordered by labels and receiver; `limit` of them from the one at `offset` on.
    #[must_use]
    pub fn groups(
        &self,
        wants_group: impl Fn(&str, &[String]) -> bool,
        wants_alert: impl Fn(&Alert) -> bool,
        offset: usize,
        limit: usize,
    ) -> Vec<GroupView> {
        let mut groups: Vec<Arc<Group>> = self.shared.groups.lock().values().cloned().collect();
        groups.sort_unstable_by(|left, right| {
            let receivers = || left.route().options.receiver.cmp(&right.route().options.receiver);
            compare_label_sets(left.labels(), right.labels()).then_with(receivers)
        });
        let view = |group: Arc<Group>| {
            let muted_by = group.marks().muted_by();
            if !wants_group(&group.route().options.receiver, &muted_by) {
                return None;
            }
            let mut alerts: Vec<_> = group.alerts().into_iter().filter(|alert| wants_alert(alert)).collect();
            if alerts.is_empty() {
                return None;
            }
            alerts.sort_by(|left, right| compare_for_notification(left, right));
            Some((group, muted_by, alerts))
        };
        // Lazily: of ten thousand groups a page shows only some.
        let wanted = groups.into_iter().filter_map(view).skip(offset).take(limit);
        let shown = |(group, muted_by, alerts): (Arc<Group>, Vec<String>, Vec<Arc<Alert>>)| GroupView {
            labels: group.labels().clone(),
            route_labels: group.route_labels(&self.shared.templates, self.shared.clock.now()),
            receiver: group.route().options.receiver.clone(),
            muted_by,
            alerts,
        };
        wanted.map(shown).collect()
    }

    /// How many groups there are.
    #[must_use]
    pub fn group_count(&self) -> usize {
        self.shared.groups.lock().len()
    }

    /// The group of a route with these labels, if there is one.
    #[must_use]
    pub fn group_at(&self, route: RouteId, labels: &Labels) -> Option<GroupNow> {
        let group = Arc::clone(self.shared.groups.lock().get(&(route, labels.clone()))?);
        let wait = group.next_flush().saturating_duration_since(Instant::now());
        Some(GroupNow { alerts: group.alerts(), next_flush: crate::time::after(self.shared.clock.now(), wait) })
    }

    /// The integrations of a receiver.
    #[must_use]
    pub fn channels(&self, receiver: &str) -> &[crate::notify::pipeline::Channel] {
        self.shared.pipeline.channels.get(receiver).map_or(&[], Vec::as_slice)
    }

    /// How many alerts fire in each state. Of an alert in several groups the most important state counts.
    #[must_use]
    pub fn count_alerts(&self) -> HashMap<AlertState, usize> {
        let now = self.shared.clock.now();
        let groups: Vec<Arc<Group>> = self.shared.groups.lock().values().cloned().collect();
        let mut states: HashMap<Fingerprint, AlertState> = HashMap::new();
        for group in groups {
            for alert in group.alerts().iter().filter(|alert| !alert.is_resolved_at(now)) {
                let state = group.marks().state(alert.fingerprint);
                let known = states.entry(alert.fingerprint).or_insert(state);
                *known = (*known).max(state);
            }
        }
        let mut counts = HashMap::new();
        for state in states.into_values() {
            *counts.entry(state).or_default() += 1;
        }
        counts
    }

    /// Stops all groups and waits for them. Deliveries that are under way end unfinished; the notification log decides
    /// later whether they are made again.
    pub async fn stop(&self) {
        self.shared.cancelled.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}

#[cfg(test)]
mod tests;
