//! The stages that keep alerts quiet, for all integrations of a receiver alike.

use super::Pipeline;
use crate::history::{AlertChange, Event};
use crate::metrics::Suppressed;
use crate::notify::context::{Flush, NotifyAlert};

impl Pipeline {
    pub(super) fn without_inhibited(&self, flush: &Flush, alerts: Vec<NotifyAlert>) -> Vec<NotifyAlert> {
        let now = self.clock.now();
        self.without(Suppressed::Inhibition, alerts, |alert| {
            let by = self.inhibitor.inhibited_by(&alert.alert.labels, now);
            if let Some(changed) = flush.marks.set_inhibited(alert.alert.fingerprint, by.is_some()) {
                let by = by.iter().map(ToString::to_string).collect();
                self.note_change(flush, alert, changed.then_some(AlertChange::Inhibited), by);
            }
            by.is_some()
        })
    }

    pub(super) fn without_silenced(&self, flush: &Flush, alerts: Vec<NotifyAlert>) -> Vec<NotifyAlert> {
        let now = self.clock.now();
        self.without(Suppressed::Silence, alerts, |alert| {
            let by = self.silences.silencing(&alert.alert.labels, now);
            let silenced = !by.is_empty();
            if let Some(changed) = flush.marks.set_silenced(alert.alert.fingerprint, silenced) {
                self.note_change(flush, alert, changed.then_some(AlertChange::Silenced), by);
            }
            silenced
        })
    }

    /// Notes in the history that something begins to keep an alert quiet or, without a change, that nothing does.
    fn note_change(&self, flush: &Flush, alert: &NotifyAlert, change: Option<AlertChange>, by: Vec<String>) {
        let change = change.unwrap_or(AlertChange::Active);
        let receiver = Some(flush.route.options.receiver.as_str());
        self.history.record(&Event::alert(self.clock.now(), &alert.alert, change, by, receiver));
    }

    fn without(
        &self,
        why: Suppressed,
        mut alerts: Vec<NotifyAlert>,
        quiet: impl Fn(&NotifyAlert) -> bool,
    ) -> Vec<NotifyAlert> {
        let before = alerts.len();
        alerts.retain(|alert| !quiet(alert));
        self.metrics.suppressed(why, before - alerts.len());
        alerts
    }

    /// Whether the route is within one of its active times, if it has any.
    pub(super) fn is_active(&self, flush: &Flush, alerts: usize) -> bool {
        let names = &flush.route.options.active_time_intervals;
        let active = names.is_empty() || !self.time_intervals.containing(names, flush.now).is_empty();
        flush.marks.set_muted_by(if active { Vec::new() } else { names.clone() });
        if !active {
            self.metrics.suppressed(Suppressed::ActiveTimeInterval, alerts);
        }
        active
    }

    /// Whether the route is within one of its mute times.
    pub(super) fn is_muted(&self, flush: &Flush, alerts: usize) -> bool {
        let muted_by = self.time_intervals.containing(&flush.route.options.mute_time_intervals, flush.now);
        let muted = !muted_by.is_empty();
        flush.marks.set_muted_by(muted_by);
        if muted {
            self.metrics.suppressed(Suppressed::MuteTimeInterval, alerts);
        }
        muted
    }
}
