//! After a restart, alerts go on where they were: which ones were active, since when, and whether they fired stands in
//! `ALERTS_FOR_STATE` and `ALERTS`. Both are read once, before the first evaluation of a rule; alerts that its first
//! evaluations find take over what is remembered of them.

use std::collections::HashMap;
use std::time::Duration;

use metrics_model::alert::ALERT_NAME;
use metrics_model::name::METRIC_NAME;
use metrics_model::{Labels, Matcher, is_stale_nan};
use storage::{Queryable, Run, SelectHints, Series, StorageError, TimeRange};

use crate::alerting::{ALERTS, ALERTS_FOR_STATE, ActiveAlert, AlertState, AlertingRule, millis};

/// How far back state is taken over.
#[derive(Debug, Clone, Copy)]
pub struct RestoreOptions {
    /// `--rules.alert.for-outage-tolerance`: older state than this is not.
    pub outage_tolerance: Duration,
    /// `--rules.alert.for-grace-period`: the least time between a restart and the firing of an alert that was pending;
    /// for rules that hold for at least this long.
    pub grace_period: Duration,
}

impl Default for RestoreOptions {
    fn default() -> Self {
        Self { outage_tolerance: Duration::from_secs(3_600), grace_period: Duration::from_secs(600) }
    }
}

/// Evaluations whose alerts take over what is remembered. The first may see too little: scraping has just begun.
const EVALUATIONS: u8 = 2;

/// What a rule knows of its alerts before the restart.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    alerts: HashMap<Labels, LastSeen>,
    evaluations_left: u8,
    grace_ms: i64,
}

/// The last that was seen of an alert.
#[derive(Debug, Clone, Copy)]
struct LastSeen {
    at_ms: i64,
    active_at_ms: i64,
    was_firing: bool,
}

impl Memory {
    /// Reads what `storage` knows of the alerts of `rule`, of `interval` between evaluations.
    pub(crate) fn load(
        rule: &AlertingRule,
        storage: &dyn Queryable,
        now_ms: i64,
        options: &RestoreOptions,
    ) -> Result<Self, StorageError> {
        let range = TimeRange { start_ms: now_ms - millis(options.outage_tolerance), end_ms: now_ms };
        let mut alerts = HashMap::new();
        for_each_last(rule, storage, range, ALERTS_FOR_STATE, &[], |labels, at_ms, active_at_seconds| {
            let active_at_ms = (active_at_seconds * 1e3).round() as i64;
            alerts.insert(labels.without_name(), LastSeen { at_ms, active_at_ms, was_firing: false });
        })?;
        let firing = [Matcher::equal(ALERT_STATE, AlertState::Firing.as_str())];
        for_each_last(rule, storage, range, ALERTS, &firing, |labels, at_ms, _| {
            let mut labels = labels.to_builder();
            let labels = labels.remove(METRIC_NAME).remove(ALERT_STATE).build();
            if let Some(seen) = alerts.get_mut(&labels) {
                // Series of an alert end together; the one that is behind is of an earlier time.
                seen.was_firing = at_ms >= seen.at_ms;
            }
        })?;
        Ok(Self { alerts, evaluations_left: EVALUATIONS, grace_ms: millis(options.grace_period) })
    }

    /// Gives a new alert the state it had. `hold_ms` is how long the rule holds alerts back now.
    pub(crate) fn recall(&self, alert: &mut ActiveAlert, now_ms: i64, hold_ms: i64, interval_ms: i64) {
        let Some(seen) = self.alerts.get(&alert.labels) else { return };
        if seen.was_firing && seen.at_ms - seen.active_at_ms >= hold_ms {
            alert.state = AlertState::Firing;
            alert.active_at_ms = seen.active_at_ms;
            let interval_ms = interval_ms.max(1);
            let steps = (hold_ms + interval_ms - 1) / interval_ms;
            // When it did fire: at the first evaluation after the time it was held back.
            alert.fired_at_ms = Some((seen.active_at_ms + steps * interval_ms).min(seen.at_ms));
        } else {
            alert.active_at_ms = self.pending_since(seen, now_ms, hold_ms);
        }
    }

    /// Since when an alert that was pending counts as active.
    fn pending_since(&self, seen: &LastSeen, now_ms: i64, hold_ms: i64) -> i64 {
        let remaining_ms = hold_ms - (seen.at_ms - seen.active_at_ms);
        if remaining_ms <= 0 {
            seen.active_at_ms
        } else if hold_ms >= self.grace_ms && remaining_ms < self.grace_ms {
            // It was about to fire: whoever mends things gets the grace period before it does.
            now_ms + self.grace_ms - hold_ms
        } else {
            // The time that the process was down does not count.
            seen.active_at_ms + (now_ms - seen.at_ms)
        }
    }

    /// Counts an evaluation; whether there is still something to recall.
    pub(crate) fn evaluated(&mut self) -> bool {
        self.evaluations_left = self.evaluations_left.saturating_sub(1);
        self.evaluations_left > 0
    }
}

/// The label that says whether an alert is pending or firing.
pub(crate) const ALERT_STATE: &str = "alertstate";

/// Calls `take` with labels, time in milliseconds and value of the last sample of every series called `metric` that is
/// of an alert of `rule` and has not ended.
fn for_each_last(
    rule: &AlertingRule,
    storage: &dyn Queryable,
    range: TimeRange,
    metric: &str,
    more: &[Matcher],
    mut take: impl FnMut(&Labels, i64, f64),
) -> Result<(), StorageError> {
    let config = rule.config();
    let mut matchers = vec![Matcher::equal(METRIC_NAME, metric), Matcher::equal(ALERT_NAME, &config.name)];
    // Labels with templates differ from alert to alert.
    let fixed = config.labels.iter().filter(|(name, text)| !text.contains("{{") && name != ALERT_NAME);
    matchers.extend(fixed.map(|(name, text)| Matcher::equal(name, text)));
    matchers.extend_from_slice(more);
    let querier = storage.querier(range)?;
    for series in querier.select(&matchers, &SelectHints::default())? {
        if let Some((timestamp_ms, value)) = last(&*series, range)?
            && !is_stale_nan(value)
        {
            take(series.labels(), timestamp_ms, value);
        }
    }
    Ok(())
}

fn last(series: &dyn Series, range: TimeRange) -> Result<Option<(i64, f64)>, StorageError> {
    let mut cursor = series.cursor(range);
    let mut last = None;
    while let Some(run) = cursor.next_run()? {
        if let Run::Floats { timestamps_ms, values } = run {
            last = timestamps_ms.last().copied().zip(values.last().copied());
        }
    }
    Ok(last)
}
