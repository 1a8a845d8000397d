//! All alerts that were reported and are not yet forgotten. Reports of the same alert are merged here; whoever observes
//! the store hears of every alert in the order in which it was stored.

use std::collections::{HashMap, HashSet};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use metrics_model::Fingerprint;
use parking_lot::Mutex;

use crate::alert::Alert;
use crate::history::{AlertChange, Event, History};
use crate::time::after;

/// Hears of stored alerts.
pub trait Observer: Debug + Send + Sync {
    /// Alerts were stored. Called under the store's lock: must be quick and must not call the store.
    fn observe(&self, alerts: &[Arc<Alert>]);
}

/// The store.
#[derive(Debug)]
pub struct AlertStore {
    /// The most alerts of one name that may fire; zero for no limit (`--alerts.per-alertname-limit`).
    name_limit: usize,
    /// How much memory alerts may take; zero for no limit.
    bytes_max: u64,
    history: Arc<History>,
    state: Mutex<State>,
}

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stored {
    /// Alerts that were dropped because their name has too many.
    pub limited: usize,
    /// Alerts that were refused because there is no room for new ones.
    pub refused: usize,
}

#[derive(Debug, Default)]
struct State {
    alerts: HashMap<Fingerprint, Arc<Alert>>,
    /// Fingerprints by name, kept only when names are limited.
    by_name: HashMap<String, HashSet<Fingerprint>>,
    /// The alerts that the history knows as firing.
    firing: HashSet<Fingerprint>,
    /// How much memory the alerts take, about.
    bytes: u64,
    /// When room was last looked for among resolved alerts.
    swept_at: Option<Timestamp>,
    observer: Option<Arc<dyn Observer>>,
}

impl AlertStore {
    /// An empty store.
    #[must_use]
    pub fn new(name_limit: usize, bytes_max: u64, history: Arc<History>) -> Self {
        Self { name_limit, bytes_max, history, state: Mutex::default() }
    }

    /// Stores alerts, merging each with what is known of it.
    pub fn put(&self, alerts: Vec<Alert>, now: Timestamp) -> Stored {
        let mut state = self.state.lock();
        let mut stored = Vec::with_capacity(alerts.len());
        let mut outcome = Stored::default();
        for alert in alerts {
            if !state.alerts.contains_key(&alert.fingerprint) && !self.has_room(&mut state, weight(&alert), now) {
                outcome.refused += 1;
                continue;
            }
            let merged = match state.alerts.get(&alert.fingerprint) {
                Some(known) if alert.overlaps(known) => known.merge(&alert, now),
                _ => alert,
            };
            if self.name_limit > 0 && !state.has_room(&merged, self.name_limit, now) {
                tracing::warn!(
                    alertname = merged.name(),
                    limit = self.name_limit,
                    "alert dropped: its name has too many"
                );
                outcome.limited += 1;
                continue;
            }
            self.note(&mut state, &merged, now);
            let merged = Arc::new(merged);
            state.bytes += weight(&merged);
            if let Some(replaced) = state.alerts.insert(merged.fingerprint, Arc::clone(&merged)) {
                state.bytes -= weight(&replaced);
            }
            stored.push(merged);
        }
        if let Some(observer) = &state.observer {
            observer.observe(&stored);
        }
        outcome
    }

    /// Whether a new alert of this weight fits in. Resolved alerts make room for it, but are not looked for again and
    /// again: a flood of alerts would make that all that is done.
    fn has_room(&self, state: &mut State, bytes: u64, now: Timestamp) -> bool {
        let fits = |state: &State| self.bytes_max == 0 || state.bytes + bytes <= self.bytes_max;
        if !fits(state) && state.swept_at.is_none_or(|swept_at| after(swept_at, SWEEP_PAUSE) <= now) {
            state.swept_at = Some(now);
            self.note_over(state, now);
            state.forget_resolved(now);
        }
        fits(state)
    }

    /// Tells the history whether an alert began to fire or is over.
    fn note(&self, state: &mut State, alert: &Alert, now: Timestamp) {
        let resolved = alert.is_resolved_at(now);
        let changed =
            if resolved { state.firing.remove(&alert.fingerprint) } else { state.firing.insert(alert.fingerprint) };
        if changed {
            let change = if resolved { AlertChange::Resolved } else { AlertChange::Firing };
            self.history.record(&Event::alert(now, alert, change, Vec::new(), None));
        }
    }

    /// Tells the history of alerts that are over at `now` because their end has come.
    pub fn note_resolved(&self, now: Timestamp) {
        self.note_over(&mut self.state.lock(), now);
    }

    fn note_over(&self, state: &mut State, now: Timestamp) {
        let State { alerts, firing, .. } = state;
        firing.retain(|fingerprint| match alerts.get(fingerprint) {
            Some(alert) if !alert.is_resolved_at(now) => true,
            Some(alert) => {
                self.history.record(&Event::alert(now, alert, AlertChange::Resolved, Vec::new(), None));
                false
            }
            None => false,
        });
    }

    /// The alert with this fingerprint.
    #[must_use]
    pub fn get(&self, fingerprint: Fingerprint) -> Option<Arc<Alert>> {
        self.state.lock().alerts.get(&fingerprint).cloned()
    }

    /// Replaces the observer. The new one hears of all alerts that are there before it hears of any other.
    pub fn set_observer(&self, observer: Arc<dyn Observer>) {
        let mut state = self.state.lock();
        let alerts: Vec<_> = state.alerts.values().cloned().collect();
        observer.observe(&alerts);
        state.observer = Some(observer);
    }

    /// Takes the observer away, so that alerts are only stored until there is a new one.
    pub fn remove_observer(&self) {
        self.state.lock().observer = None;
    }

    /// All alerts, in no order.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Alert>> {
        self.state.lock().alerts.values().cloned().collect()
    }

    /// Forgets alerts that are resolved at `now`. Groups that have yet to tell of them keep them.
    pub fn collect_garbage(&self, now: Timestamp) {
        let mut state = self.state.lock();
        self.note_over(&mut state, now);
        state.forget_resolved(now);
    }
}

/// How long not to look for resolved alerts after having done so in vain.
const SWEEP_PAUSE: Duration = Duration::from_secs(10);
/// What an alert costs besides its texts: in the store, in groups, with inhibition rules.
const WEIGHT_BYTES: u64 = 1024;

/// About how much memory an alert takes.
fn weight(alert: &Alert) -> u64 {
    let labels = alert.labels.iter().map(|(name, value)| name.len() + value.len() + 32);
    let annotations = alert.annotations.iter().map(|(name, value)| name.len() + value.len() + 32);
    let texts: usize = labels.chain(annotations).sum::<usize>() + alert.generator_url.len();
    WEIGHT_BYTES + texts as u64
}

impl State {
    fn forget_resolved(&mut self, now: Timestamp) {
        let Self { alerts, by_name, bytes, .. } = self;
        alerts.retain(|_, alert| {
            let stays = !alert.is_resolved_at(now);
            if !stays {
                *bytes -= weight(alert);
            }
            stays
        });
        by_name.retain(|_, fingerprints| {
            fingerprints.retain(|fingerprint| alerts.contains_key(fingerprint));
            !fingerprints.is_empty()
        });
    }

    /// Whether the alert may be stored under a limit of `limit` per name; if so it is counted.
    fn has_room(&mut self, alert: &Alert, limit: usize, now: Timestamp) -> bool {
        let fingerprints = self.by_name.entry(alert.name().to_owned()).or_default();
        if !fingerprints.contains(&alert.fingerprint) && fingerprints.len() >= limit {
            // A resolved alert makes room for one that fires.
            let alerts = &self.alerts;
            fingerprints.retain(|known| alerts.get(known).is_some_and(|alert| !alert.is_resolved_at(now)));
            if fingerprints.len() >= limit {
                return false;
            }
        }
        fingerprints.insert(alert.fingerprint);
        true
    }
}

#[cfg(test)]
mod tests;
