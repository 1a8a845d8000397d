//! Why an alert is told, or is not: the pipeline's own decisions, asked one by one for an alert that there is or that
//! might be, now or at another time.
//!
//! Pure over what it is given: the same routes, silences, inhibition rules, time intervals and notification log that the
//! pipeline asks. What was just missed is named together with the one label that made the difference.

mod quiet;
mod routes;

use std::collections::BTreeMap;

use jiff::Timestamp;
use metrics_model::{Fingerprint, Labels};
use serde::Serialize;

use crate::alert::Alert;
use crate::engine::Engine;
use crate::matcher::Matchers;
use crate::nflog::NotificationLog;
use crate::silence::Silences;

pub use quiet::{InhibitionAnswer, SilencesAnswer};
pub use routes::{IntegrationAnswer, RouteAnswer};

/// What is asked about.
#[derive(Debug)]
pub struct Question<'a> {
    /// The alert's labels.
    pub labels: &'a Labels,
    /// The alert, if there is one.
    pub alert: Option<&'a Alert>,
    /// For when the answer shall hold.
    pub time: Timestamp,
    /// The time now.
    pub now: Timestamp,
    /// Alerts that fired at `time`, where that lies in the past; else those that fire now count.
    pub firing_then: Option<&'a [Labels]>,
}

/// What the answer is taken from.
#[derive(Debug)]
pub struct Sources<'a> {
    /// Routes, inhibition, time intervals, groups.
    pub engine: &'a Engine,
    /// Silences.
    pub silences: &'a Silences,
    /// What receivers were told.
    pub log: &'a NotificationLog,
}

/// The answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// For when it holds.
    pub time: Timestamp,
    /// The alert's labels.
    pub labels: BTreeMap<String, String>,
    /// Their hash.
    pub fingerprint: String,
    /// Whether the alert fires or is resolved; absent when it is made up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<&'static str>,
    /// The first thing that keeps it quiet on every route, else what its routes come to.
    pub verdict: Verdict,
    /// The same in sentences.
    pub summary: Vec<String>,
    /// Silences that hold for it, or almost.
    pub silences: SilencesAnswer,
    /// Alerts that inhibit it, or almost.
    pub inhibition: InhibitionAnswer,
    /// The routes it takes.
    pub routes: Vec<RouteAnswer>,
    /// Routes it missed by one label.
    pub missed_routes: Vec<NearMiss>,
}

/// What becomes of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// Somebody will be told, or is told again.
    Told,
    /// Everybody knows of it already; it is told again when the repeat interval is over.
    AlreadyTold,
    /// Nobody has to know: the receiver has no integrations, or it resolved before anybody was told.
    NothingToTell,
    /// A silence holds.
    Silenced,
    /// A time interval mutes the route.
    Muted,
    /// The route is outside its active times.
    OutsideActiveTime,
    /// Another alert inhibits it.
    Inhibited,
}

impl Verdict {
    fn sentence(self) -> &'static str {
        match self {
            Self::Told => "The receiver is told",
            Self::AlreadyTold => "The receiver knows of it already",
            Self::NothingToTell => "There is nothing to tell",
            Self::Silenced => "It is silenced",
            Self::Muted => "The route is muted by a time interval",
            Self::OutsideActiveTime => "The route is outside its active time intervals",
            Self::Inhibited => "It is inhibited",
        }
    }
}

/// Conditions of which an alert fulfils all but one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NearMiss {
    /// What was missed: a silence's id, a rule's name, a route's key.
    pub what: String,
    /// The one condition that does not hold.
    pub matcher: String,
    /// The label it is about.
    pub label: String,
    /// The alert's value; empty when it lacks the label.
    pub value: String,
}

/// The condition that alone keeps `matchers` from holding for `labels`.
fn missed_by_one(what: &str, matchers: &Matchers, labels: &Labels) -> Option<NearMiss> {
    let mut failing = matchers.iter().filter(|matcher| !matcher.matches(labels.get_or_empty(matcher.name())));
    let (matcher, None) = (failing.next()?, failing.next()) else {
        return None;
    };
    Some(NearMiss {
        what: what.to_owned(),
        matcher: matcher.to_string(),
        label: matcher.name().to_owned(),
        value: labels.get_or_empty(matcher.name()).to_owned(),
    })
}

/// Answers a question.
#[must_use]
pub fn explain(question: &Question<'_>, sources: &Sources<'_>) -> Explanation {
    let silences = quiet::silences(question, sources.silences);
    let inhibition = quiet::inhibition(question, &sources.engine.inhibitor);
    let is_silenced = !silences.matching.is_empty();
    let is_inhibited = !inhibition.by.is_empty();
    let routes = routes::taken(question, sources, is_silenced, is_inhibited);
    let verdict = routes.iter().map(|route| route.verdict).min().unwrap_or(Verdict::NothingToTell);
    let mut summary = Vec::new();
    if let [inhibitor, ..] = &inhibition.by[..] {
        summary.push(format!("It is inhibited by alert {} through rule {}.", inhibitor.fingerprint, inhibitor.rule));
    }
    if let [silence, ..] = &silences.matching[..] {
        summary.push(format!("It is silenced by {} until {}: {}.", silence.id, silence.ends_at, silence.comment));
    }
    summary.extend(routes.iter().map(RouteAnswer::sentence));
    Explanation {
        time: question.time,
        labels: question.labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        fingerprint: Fingerprint::of(question.labels).to_string(),
        state: question.alert.map(|alert| if alert.is_resolved_at(question.time) { "resolved" } else { "firing" }),
        verdict,
        summary,
        silences,
        inhibition,
        missed_routes: routes::missed(question, &sources.engine.config.routes),
        routes,
    }
}
