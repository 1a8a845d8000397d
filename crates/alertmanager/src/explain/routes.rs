//! The routes an alert takes, and what they come to.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use metrics_model::Labels;
use serde::{Serialize, Serializer};

use super::{NearMiss, Question, Sources, Verdict, missed_by_one};
use crate::alert::Alert;
use crate::notify::dedup::{self, Hashes};
use crate::notify::pipeline::Channel;
use crate::notify::{NotifyAlert, Reason};
use crate::route::{Route, RouteId, RouteTree};
use crate::time::after;

/// A route that an alert takes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteAnswer {
    /// The conditions passed, from the root down.
    pub path: Vec<String>,
    /// Who is told.
    pub receiver: String,
    /// What the group is known by.
    pub group_key: String,
    /// The labels that name the group.
    pub group_labels: BTreeMap<String, String>,
    /// How long a new group waits.
    #[serde(serialize_with = "duration")]
    pub group_wait: Duration,
    /// How long a group waits before it tells of changes.
    #[serde(serialize_with = "duration")]
    pub group_interval: Duration,
    /// How long before an unchanged group is told again.
    #[serde(serialize_with = "duration")]
    pub repeat_interval: Duration,
    /// What becomes of the alert on this route.
    pub verdict: Verdict,
    /// Time intervals that mute the route.
    pub muted_by: Vec<String>,
    /// Active time intervals none of which holds.
    pub outside_of: Vec<String>,
    /// How many alerts the group has, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_alerts: Option<usize>,
    /// When the group is looked at next; for an alert that is made up: when a new group would be.
    pub next_flush: Timestamp,
    /// The receiver's integrations.
    pub integrations: Vec<IntegrationAnswer>,
    /// What the history has of this group and receiver, the latest first; filled in by whoever has a history.
    pub attempts: Vec<crate::history::Event>,
}

/// One integration of a receiver.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IntegrationAnswer {
    /// Its kind.
    pub integration: String,
    /// Its position among those of its kind.
    pub index: usize,
    /// Whether it hears of resolved alerts.
    pub send_resolved: bool,
    /// When it was last told of this group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_told: Option<Timestamp>,
    /// Why it is told at the next flush; `none` if it is not.
    pub reason: &'static str,
    /// When it is told next, if nothing changes and nothing keeps the alert quiet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_send: Option<Timestamp>,
}

impl RouteAnswer {
    pub(super) fn sentence(&self) -> String {
        let next = self.integrations.iter().filter_map(|integration| integration.next_send).min();
        let when = match (self.verdict, next) {
            (Verdict::Told | Verdict::AlreadyTold, Some(next)) => format!("; next at {next}"),
            _ => String::new(),
        };
        format!("Route {} to {}: {}{when}.", self.path.join(" > "), self.receiver, self.verdict.sentence())
    }
}

/// Seconds, as the API of the original writes no durations: `90s`.
fn duration<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{}s", duration.as_secs_f64()))
}

/// The routes that the alert takes.
pub(super) fn taken(
    question: &Question<'_>,
    sources: &Sources<'_>,
    is_silenced: bool,
    is_inhibited: bool,
) -> Vec<RouteAnswer> {
    let tree = &sources.engine.config.routes;
    let answer = |id: RouteId| {
        let mut answer = route(question, sources, id);
        // In the order of the pipeline's stages: the first that applies decides.
        answer.verdict = if is_inhibited {
            Verdict::Inhibited
        } else if !answer.outside_of.is_empty() {
            Verdict::OutsideActiveTime
        } else if !answer.muted_by.is_empty() {
            Verdict::Muted
        } else if is_silenced {
            Verdict::Silenced
        } else {
            answer.verdict
        };
        answer
    };
    tree.matching(question.labels).into_iter().map(answer).collect()
}

fn route(question: &Question<'_>, sources: &Sources<'_>, id: RouteId) -> RouteAnswer {
    let engine = sources.engine;
    let tree = &engine.config.routes;
    let route = tree.get(id);
    let options = &route.options;
    let group_labels = options.group_labels(question.labels);
    let group = engine.dispatcher.group_at(id, &group_labels);
    let group_key = crate::dispatch::group_key(route, &group_labels);
    let intervals = &engine.config.time_intervals;
    let active = &options.active_time_intervals;
    let is_active = active.is_empty() || !intervals.containing(active, question.time).is_empty();
    let is_now = question.time <= question.now;
    let next_flush = match &group {
        Some(group) if is_now => group.next_flush,
        _ => after(question.time, options.group_wait),
    };
    let alerts = told_alerts(question, group.as_ref().map(|group| &group.alerts[..]));
    let channels = engine.dispatcher.channels(&options.receiver);
    let integrations: Vec<IntegrationAnswer> =
        channels.iter().map(|channel| integration(sources, channel, route, &group_key, &alerts, next_flush)).collect();
    let verdict = if integrations.iter().any(|integration| integration.reason != Reason::DoNotNotify.as_str()) {
        Verdict::Told
    } else if integrations.iter().any(|integration| integration.last_told.is_some()) {
        Verdict::AlreadyTold
    } else {
        Verdict::NothingToTell
    };
    RouteAnswer {
        path: path(tree, id),
        receiver: options.receiver.clone(),
        group_key,
        group_labels: group_labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        group_wait: options.group_wait,
        group_interval: options.group_interval,
        repeat_interval: options.repeat_interval,
        verdict,
        muted_by: intervals.containing(&options.mute_time_intervals, question.time),
        outside_of: if is_active { Vec::new() } else { active.clone() },
        group_alerts: group.as_ref().map(|group| group.alerts.len()),
        next_flush,
        integrations,
        attempts: Vec::new(),
    }
}

/// The alerts of the group at its next flush, with the one that is asked about. What fires is taken to go on: an end in
/// the future only says until when nobody need report it again.
fn told_alerts(question: &Question<'_>, group: Option<&[Arc<Alert>]>) -> Vec<NotifyAlert> {
    let at = question.time.min(question.now);
    let told = |alert: Arc<Alert>| NotifyAlert { resolved: alert.is_resolved_at(at), alert };
    let mut alerts: Vec<NotifyAlert> = group.unwrap_or_default().iter().cloned().map(told).collect();
    if !alerts.iter().any(|alert| alert.alert.labels == *question.labels) {
        let alert = question.alert.cloned().unwrap_or_else(|| made_up(question.labels, question.time));
        alerts.push(told(Arc::new(alert)));
    }
    alerts
}

fn made_up(labels: &Labels, time: Timestamp) -> Alert {
    Alert {
        fingerprint: metrics_model::Fingerprint::of(labels),
        labels: labels.clone(),
        annotations: crate::alert::Pairs::default(),
        starts_at: time,
        ends_at: Timestamp::MAX,
        updated_at: time,
        generator_url: Arc::from(""),
        ends_by_timeout: false,
    }
}

fn integration(
    sources: &Sources<'_>,
    channel: &Channel,
    route: &Route,
    group_key: &str,
    alerts: &[NotifyAlert],
    next_flush: Timestamp,
) -> IntegrationAnswer {
    let last = sources.log.query(group_key, channel.key());
    let hashes = Hashes::of(alerts);
    let decide = |at: Timestamp| {
        dedup::decide(last.as_ref(), &hashes, channel.send_resolved(), route.options.repeat_interval, at)
    };
    let reason = decide(next_flush);
    let next_send = match (reason, &last) {
        (Reason::DoNotNotify, Some(last)) if !hashes.firing.is_empty() => {
            Some(repeat_at(last.timestamp, route, next_flush))
        }
        (Reason::DoNotNotify, _) => None,
        _ => Some(next_flush),
    };
    IntegrationAnswer {
        integration: channel.key().integration.clone(),
        index: channel.key().index,
        send_resolved: channel.send_resolved(),
        last_told: last.map(|last| last.timestamp),
        reason: reason.as_str(),
        next_send,
    }
}

/// The first flush after the repeat interval is over.
fn repeat_at(last: Timestamp, route: &Route, next_flush: Timestamp) -> Timestamp {
    let due = after(last, route.options.repeat_interval);
    let interval_ms = i64::try_from(route.options.group_interval.as_millis()).unwrap_or(i64::MAX).max(1);
    let behind_ms = (due.as_millisecond() - next_flush.as_millisecond()).max(0);
    let flushes = behind_ms.div_euclid(interval_ms) + i64::from(behind_ms % interval_ms != 0);
    let wait_ms = u64::try_from(flushes.saturating_mul(interval_ms)).unwrap_or(0);
    after(next_flush, Duration::from_millis(wait_ms))
}

/// The conditions from the root down to a route.
fn path(tree: &RouteTree, id: RouteId) -> Vec<String> {
    let mut parents: BTreeMap<RouteId, RouteId> = BTreeMap::new();
    for (parent, _) in tree.iter() {
        parents.extend(tree.children(parent).map(|(child, _)| (child, parent)));
    }
    let mut path = vec![tree.get(id).matchers.to_string()];
    let mut place = id;
    while let Some(parent) = parents.get(&place) {
        path.push(tree.get(*parent).matchers.to_string());
        place = *parent;
    }
    path.reverse();
    path
}

/// Routes whose parents the alert passes and that it misses by one label.
pub(super) fn missed(question: &Question<'_>, tree: &RouteTree) -> Vec<NearMiss> {
    let mut missed = Vec::new();
    let mut places = vec![tree.root()];
    while let Some(place) = places.pop() {
        for (child, route) in tree.children(place) {
            if route.matchers.match_labels(question.labels) {
                places.push(child);
            } else {
                missed.extend(missed_by_one(&route.key, &route.matchers, question.labels));
            }
        }
    }
    missed
}
