//! Decides whether a receiver needs to hear of a group, by what it was last told. Pure.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;
use metrics_model::Fingerprint;

use super::{NotifyAlert, Reason};
use crate::alert::compare_for_notification;
use crate::nflog::Entry;
use crate::time::before;

/// The alerts of a flush, by hash.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Hashes {
    /// Those that fire.
    pub firing: HashSet<u64>,
    /// Those that are resolved.
    pub resolved: HashSet<u64>,
}

impl Hashes {
    /// Sorts alerts by whether they fire.
    #[must_use]
    pub fn of(alerts: &[NotifyAlert]) -> Self {
        let mut hashes = Self::default();
        for alert in alerts {
            let hash = alert.alert.notification_hash();
            if alert.resolved {
                hashes.resolved.insert(hash)
            } else {
                hashes.firing.insert(hash)
            };
        }
        hashes
    }
}

/// Why the receiver is told of `hashes`, or [`Reason::DoNotNotify`].
#[must_use]
pub fn decide(
    last: Option<&Entry>,
    hashes: &Hashes,
    send_resolved: bool,
    repeat_interval: Duration,
    now: Timestamp,
) -> Reason {
    let Some(last) = last else {
        return if hashes.firing.is_empty() { Reason::DoNotNotify } else { Reason::FirstNotification };
    };
    if !hashes.firing.is_subset(&last.firing) {
        // After "all resolved" a group begins anew.
        return if last.firing.is_empty() { Reason::FirstNotification } else { Reason::NewAlertsInGroup };
    }
    if hashes.firing.is_empty() {
        // Also for receivers that are not told of this: the log must know that nothing fires any more. What fired and
        // resolved since the last notification never was news to the receiver.
        return if last.firing.is_empty() { Reason::DoNotNotify } else { Reason::AllAlertsResolved };
    }
    if send_resolved && !hashes.resolved.is_subset(&last.resolved) {
        return Reason::NewResolvedAlerts;
    }
    if last.timestamp < before(now, repeat_interval) { Reason::RepeatIntervalElapsed } else { Reason::DoNotNotify }
}

/// What a receiver is to be told when it was not told of `waiting` yet and its group now has `current`: both, each alert
/// as it is now. Alerts that are in the group (`is_known`) but not to be told were silenced or inhibited meanwhile.
///
/// A receiver that does not hear of resolved alerts still hears that those fired of which it was never told.
#[must_use]
pub fn merged(
    waiting: &[NotifyAlert],
    current: &[NotifyAlert],
    is_known: impl Fn(Fingerprint) -> bool,
    last: Option<&Entry>,
    send_resolved: bool,
) -> Vec<NotifyAlert> {
    let mut all = current.to_vec();
    let places: HashMap<Fingerprint, usize> =
        current.iter().enumerate().map(|(at, alert)| (alert.alert.fingerprint, at)).collect();
    let was_told =
        |alert: &NotifyAlert| last.is_some_and(|last| last.firing.contains(&alert.alert.notification_hash()));
    for alert in waiting {
        match places.get(&alert.alert.fingerprint) {
            Some(&at) if !send_resolved && all[at].resolved && !alert.resolved && !was_told(alert) => {
                all[at] = alert.clone();
            }
            None if !is_known(alert.alert.fingerprint) => all.push(alert.clone()),
            _ => {}
        }
    }
    all.sort_by(|left, right| compare_for_notification(&left.alert, &right.alert));
    all
}

/// Why the receiver is told of `hashes` after all, although [`decide`] finds no news, if a notification was `waiting`:
/// alerts that fired and resolved before anybody heard of them.
#[must_use]
pub fn decide_waiting(last: Option<&Entry>, hashes: &Hashes, waiting: Reason) -> Reason {
    let unheard = last.map_or(!hashes.resolved.is_empty(), |last| !hashes.resolved.is_subset(&last.resolved));
    if hashes.firing.is_empty() && unheard { waiting } else { Reason::DoNotNotify }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Told 100 seconds after the epoch; decided `now` with a repeat interval of 60 seconds.
    fn check(last: Option<(&[u64], &[u64])>, firing: &[u64], resolved: &[u64], now: i64, expected: Reason) {
        let set = |hashes: &[u64]| hashes.iter().copied().collect::<HashSet<_>>();
        let at = |second| Timestamp::from_second(second).expect("in range");
        let last = last.map(|(firing, resolved)| Entry {
            timestamp: at(100),
            firing: set(firing),
            resolved: set(resolved),
            ..Entry::default()
        });
        let hashes = Hashes { firing: set(firing), resolved: set(resolved) };
        assert_eq!(decide(last.as_ref(), &hashes, true, Duration::from_secs(60), at(now)), expected);
    }

    #[test]
    fn what_is_new_decides() {
        check(None, &[1], &[], 100, Reason::FirstNotification);
        check(None, &[], &[1], 100, Reason::DoNotNotify);
        check(Some((&[1], &[])), &[1, 2], &[], 110, Reason::NewAlertsInGroup);
        check(Some((&[], &[1])), &[1], &[], 110, Reason::FirstNotification);
        check(Some((&[1], &[])), &[], &[1], 110, Reason::AllAlertsResolved);
        check(Some((&[], &[1])), &[], &[1, 2], 110, Reason::DoNotNotify);
        check(Some((&[1, 2], &[])), &[1], &[2], 110, Reason::NewResolvedAlerts);
        check(Some((&[1, 2], &[])), &[1], &[], 110, Reason::DoNotNotify);
        check(Some((&[1], &[])), &[1], &[], 160, Reason::DoNotNotify);
        check(Some((&[1], &[])), &[1], &[], 161, Reason::RepeatIntervalElapsed);
    }

    #[test]
    fn receivers_that_are_not_told_of_resolved_alerts_wait_for_all_of_them() {
        let last = Entry { firing: [1, 2].into(), ..Entry::default() };
        let decide = |firing: &[u64], resolved: &[u64]| {
            let hashes =
                Hashes { firing: firing.iter().copied().collect(), resolved: resolved.iter().copied().collect() };
            decide(Some(&last), &hashes, false, Duration::from_secs(60), Timestamp::UNIX_EPOCH)
        };
        assert_eq!(decide(&[1], &[2]), Reason::DoNotNotify);
        assert_eq!(decide(&[], &[1, 2]), Reason::AllAlertsResolved);
    }
}
