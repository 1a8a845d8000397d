//! What the last flush of a group found to keep its alerts quiet. Kept for metrics and the API.

use std::collections::HashMap;

use metrics_model::Fingerprint;
use parking_lot::Mutex;

/// The state of an alert within a group, least to most important.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlertState {
    /// No flush has looked at it yet.
    Unprocessed,
    /// It is told.
    Active,
    /// It is silenced or inhibited.
    Suppressed,
}

impl AlertState {
    /// All states, as metrics list them.
    pub const ALL: [Self; 3] = [Self::Active, Self::Suppressed, Self::Unprocessed];

    /// The word in the API and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unprocessed => "unprocessed",
            Self::Active => "active",
            Self::Suppressed => "suppressed",
        }
    }
}

/// The marks of one group.
#[derive(Debug, Default)]
pub struct Marks {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    alerts: HashMap<Fingerprint, Mark>,
    muted_by: Vec<String>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Mark {
    inhibited: bool,
    silenced: bool,
}

impl Marks {
    /// Notes whether an alert was found inhibited. Gives that back if it was otherwise before.
    pub fn set_inhibited(&self, alert: Fingerprint, inhibited: bool) -> Option<bool> {
        let before = std::mem::replace(&mut self.inner.lock().alerts.entry(alert).or_default().inhibited, inhibited);
        (before != inhibited).then_some(inhibited)
    }

    /// Notes whether an alert was found silenced. Gives that back if it was otherwise before.
    pub fn set_silenced(&self, alert: Fingerprint, silenced: bool) -> Option<bool> {
        let before = std::mem::replace(&mut self.inner.lock().alerts.entry(alert).or_default().silenced, silenced);
        (before != silenced).then_some(silenced)
    }

    /// Notes the time intervals that mute the whole group.
    pub fn set_muted_by(&self, intervals: Vec<String>) {
        self.inner.lock().muted_by = intervals;
    }

    /// The time intervals that mute the whole group.
    #[must_use]
    pub fn muted_by(&self) -> Vec<String> {
        self.inner.lock().muted_by.clone()
    }

    /// What is known of an alert.
    #[must_use]
    pub fn state(&self, alert: Fingerprint) -> AlertState {
        match self.inner.lock().alerts.get(&alert) {
            None => AlertState::Unprocessed,
            Some(mark) if mark.inhibited || mark.silenced => AlertState::Suppressed,
            Some(_) => AlertState::Active,
        }
    }

    /// Forgets an alert that left the group.
    pub fn forget(&self, alert: Fingerprint) {
        self.inner.lock().alerts.remove(&alert);
    }
}
