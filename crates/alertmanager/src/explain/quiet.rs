//! What keeps an alert quiet whichever route it takes: silences and inhibition.

use std::collections::BTreeMap;

use jiff::Timestamp;
use metrics_model::{Fingerprint, Labels};
use serde::Serialize;

use super::{NearMiss, Question, missed_by_one};
use crate::inhibit::{Inhibitor, Rule};
use crate::silence::{Silence, Silences, State};

/// What silences have to do with an alert.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SilencesAnswer {
    /// Those that hold for it.
    pub matching: Vec<MatchingSilence>,
    /// Those that would hold for it at another time.
    pub at_other_times: Vec<MatchingSilence>,
    /// Those in force that miss it by one label.
    pub near_misses: Vec<NearMiss>,
}

/// A silence whose conditions an alert fulfils.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MatchingSilence {
    /// Its id.
    pub id: String,
    /// Whether it is in force.
    pub state: &'static str,
    /// From when on it is.
    pub starts_at: Timestamp,
    /// Until when.
    pub ends_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// Why.
    pub comment: String,
}

impl MatchingSilence {
    fn new(silence: &Silence, time: Timestamp) -> Self {
        Self {
            id: silence.id.clone(),
            state: silence.state_at(time).as_str(),
            starts_at: silence.starts_at,
            ends_at: silence.ends_at,
            created_by: silence.created_by.clone(),
            comment: silence.comment.clone(),
        }
    }
}

pub(super) fn silences(question: &Question<'_>, silences: &Silences) -> SilencesAnswer {
    let mut answer = SilencesAnswer::default();
    for silence in silences.all() {
        let in_force = silence.state_at(question.time) == State::Active;
        if silence.matchers.match_labels(question.labels) {
            let shown = MatchingSilence::new(&silence, question.time);
            if in_force { answer.matching.push(shown) } else { answer.at_other_times.push(shown) }
        } else if in_force {
            answer.near_misses.extend(missed_by_one(&silence.id, &silence.matchers, question.labels));
        }
    }
    answer
}

/// What inhibition has to do with an alert.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InhibitionAnswer {
    /// The alerts that inhibit it, and by which rules.
    pub by: Vec<Inhibiting>,
    /// Rules that would inhibit it but for one label, of its own or of the source.
    pub near_misses: Vec<InhibitionMiss>,
}

/// An alert that inhibits another.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inhibiting {
    /// The rule, by name or by place: `rule 0`.
    pub rule: String,
    /// The source's fingerprint.
    pub fingerprint: String,
    /// The source's labels.
    pub labels: BTreeMap<String, String>,
}

/// A rule that almost applies.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InhibitionMiss {
    /// The rule.
    pub rule: String,
    /// The label that makes the difference.
    pub label: String,
    /// The alert's value.
    pub value: String,
    /// What would have been needed: a condition, or the source's value.
    pub wanted: String,
    /// The source, where it is a label that must be equal on both sides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// Of the sources that miss by a label only some are shown.
const SOURCES_SHOWN_MAX: usize = 5;

pub(super) fn inhibition(question: &Question<'_>, inhibitor: &Inhibitor) -> InhibitionAnswer {
    let mut answer = InhibitionAnswer::default();
    let labels = question.labels;
    for (at, rule) in inhibitor.rules().enumerate() {
        let name = if rule.name.is_empty() { format!("rule {at}") } else { rule.name.clone() };
        let sources: Vec<Labels> = match question.firing_then {
            Some(firing) => firing.iter().filter(|source| rule.sources.match_labels(source)).cloned().collect(),
            None => inhibitor.sources(at, question.time.min(question.now)),
        };
        if sources.is_empty() {
            continue;
        }
        if let Some(missed) = missed_by_one(&name, &rule.targets, labels) {
            let applies = sources.iter().any(|source| differing(rule, source, labels).is_empty());
            if applies {
                let NearMiss { what: rule, matcher: wanted, label, value } = missed;
                answer.near_misses.push(InhibitionMiss { rule, label, value, wanted, source: None });
            }
        }
        if !rule.targets.match_labels(labels) {
            continue;
        }
        let is_source_too = rule.sources.match_labels(labels);
        let mut missed = Vec::new();
        for source in sources.iter().filter(|source| !(is_source_too && rule.targets.match_labels(source))) {
            let fingerprint = Fingerprint::of(source).to_string();
            match differing(rule, source, labels)[..] {
                [] => answer.by.push(Inhibiting {
                    rule: name.clone(),
                    fingerprint,
                    labels: source.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
                }),
                [label] if missed.len() < SOURCES_SHOWN_MAX => missed.push(InhibitionMiss {
                    rule: name.clone(),
                    label: label.to_owned(),
                    value: labels.get_or_empty(label).to_owned(),
                    wanted: source.get_or_empty(label).to_owned(),
                    source: Some(fingerprint),
                }),
                _ => {}
            }
        }
        if answer.by.is_empty() {
            answer.near_misses.extend(missed);
        }
    }
    answer
}

/// Labels that the rule wants to be equal and that are not.
fn differing<'a>(rule: &'a Rule, source: &Labels, target: &Labels) -> Vec<&'a str> {
    let differs = |name: &&String| source.get_or_empty(name) != target.get_or_empty(name);
    rule.equal.iter().filter(differs).map(String::as_str).collect()
}
