//! All alerts that were reported and are not yet forgotten. Reports of the same alert are merged here; whoever observes
//! the store hears of every alert in the order in which it was stored.

use std::collections::{HashMap, HashSet};
use std::fmt::Debug;
use std::sync::Arc;

use jiff::Timestamp;
use metrics_model::Fingerprint;
use parking_lot::Mutex;

use crate::alert::Alert;

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
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    alerts: HashMap<Fingerprint, Arc<Alert>>,
    /// Fingerprints by name, kept only when names are limited.
    by_name: HashMap<String, HashSet<Fingerprint>>,
    observer: Option<Arc<dyn Observer>>,
}

impl AlertStore {
    /// An empty store.
    #[must_use]
    pub fn new(name_limit: usize) -> Self {
        Self { name_limit, state: Mutex::default() }
    }

    /// Stores alerts, merging each with what is known of it. Gives how many were dropped because their name has too many.
    pub fn put(&self, alerts: Vec<Alert>, now: Timestamp) -> usize {
        let mut state = self.state.lock();
        let mut stored = Vec::with_capacity(alerts.len());
        let mut dropped = 0;
        for alert in alerts {
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
                dropped += 1;
                continue;
            }
            let merged = Arc::new(merged);
            state.alerts.insert(merged.fingerprint, Arc::clone(&merged));
            stored.push(merged);
        }
        if let Some(observer) = &state.observer {
            observer.observe(&stored);
        }
        dropped
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
        state.alerts.retain(|_, alert| !alert.is_resolved_at(now));
        let State { alerts, by_name, .. } = &mut *state;
        by_name.retain(|_, fingerprints| {
            fingerprints.retain(|fingerprint| alerts.contains_key(fingerprint));
            !fingerprints.is_empty()
        });
    }
}

impl State {
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
