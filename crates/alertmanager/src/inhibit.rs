//! Inhibition: while a source alert fires, its targets are not told.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use metrics_model::{Fingerprint, Labels};
use parking_lot::RwLock;

use crate::alert::Alert;
use crate::matcher::Matchers;

/// A rule of the configuration.
#[derive(Debug, Clone)]
pub struct Rule {
    /// For people; may be empty.
    pub name: String,
    /// Which alerts inhibit.
    pub sources: Matchers,
    /// Which alerts are inhibited.
    pub targets: Matchers,
    /// Labels whose values must be the same on both sides; an absent label is like an empty one.
    pub equal: Vec<String>,
}

impl Rule {
    /// A rule from its parts.
    #[must_use]
    pub fn new(name: &str, sources: Matchers, targets: Matchers, equal: Vec<String>) -> Self {
        Self { name: name.to_owned(), sources, targets, equal }
    }

    /// The values of the `equal` labels: alerts with the same key can inhibit each other.
    fn key(&self, labels: &Labels) -> Labels {
        Labels::from_pairs(self.equal.iter().map(|name| (name.as_str(), labels.get_or_empty(name))))
    }
}

/// Knows which source alerts there are, and answers whether a label set is inhibited.
#[derive(Debug)]
pub struct Inhibitor {
    rules: Vec<RuleState>,
}

#[derive(Debug)]
struct RuleState {
    rule: Rule,
    /// Source alerts by key.
    sources: RwLock<HashMap<Labels, HashMap<Fingerprint, Arc<Alert>>>>,
}

impl Inhibitor {
    /// An inhibitor that has seen no alerts yet.
    #[must_use]
    pub fn new(rules: &[Rule]) -> Self {
        let state = |rule: &Rule| RuleState { rule: rule.clone(), sources: RwLock::default() };
        Self { rules: rules.iter().map(state).collect() }
    }

    /// The rules, in the order of the configuration.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().map(|state| &state.rule)
    }

    /// The labels of the alerts that are sources of a rule, by its place, and fire at `now`.
    #[must_use]
    pub fn sources(&self, rule: usize, now: Timestamp) -> Vec<Labels> {
        let Some(state) = self.rules.get(rule) else {
            return Vec::new();
        };
        let sources = state.sources.read();
        let firing = sources.values().flat_map(HashMap::values).filter(|alert| !alert.is_resolved_at(now));
        firing.map(|alert| alert.labels.clone()).collect()
    }

    /// Takes note of an alert that was stored, in the state in which it was stored.
    pub fn observe(&self, alert: &Arc<Alert>) {
        for state in self.rules.iter().filter(|state| state.rule.sources.match_labels(&alert.labels)) {
            let key = state.rule.key(&alert.labels);
            state.sources.write().entry(key).or_default().insert(alert.fingerprint, Arc::clone(alert));
        }
    }

    /// Forgets alerts that are resolved at `now`.
    pub fn collect_garbage(&self, now: Timestamp) {
        for state in &self.rules {
            state.sources.write().retain(|_, alerts| {
                alerts.retain(|_, alert| !alert.is_resolved_at(now));
                !alerts.is_empty()
            });
        }
    }

    /// The alert that inhibits `labels` at `now`, if there is one: of the first rule that applies, the source that lasts
    /// longest. An alert that is both source and target of a rule is not inhibited by others that are both.
    #[must_use]
    pub fn inhibited_by(&self, labels: &Labels, now: Timestamp) -> Option<Fingerprint> {
        self.rules.iter().filter(|state| state.rule.targets.match_labels(labels)).find_map(|state| {
            let rule = &state.rule;
            let is_source_too = rule.sources.match_labels(labels);
            let sources = state.sources.read();
            let inhibits = |alert: &&Arc<Alert>| {
                !alert.is_resolved_at(now) && !(is_source_too && rule.targets.match_labels(&alert.labels))
            };
            let candidates = sources.get(&rule.key(labels))?.values().filter(inhibits);
            candidates.max_by_key(|alert| (alert.ends_at, alert.fingerprint)).map(|alert| alert.fingerprint)
        })
    }
}
