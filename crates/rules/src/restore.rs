//! After a restart, alerts that were pending go on where they were: since when they are active stands in
//! `ALERTS_FOR_STATE`. Called once per group, after its second evaluation, when scrapes have had time to come in.

use std::collections::HashMap;
use std::time::Duration;

use metrics_model::alert::ALERT_NAME;
use metrics_model::name::METRIC_NAME;
use metrics_model::{Labels, Matcher, is_stale_nan};
use storage::{Queryable, Run, SelectHints, StorageError, TimeRange};

use crate::alerting::{ALERTS_FOR_STATE, AlertingRule, millis};

/// How far back state is taken over.
#[derive(Debug, Clone, Copy)]
pub struct RestoreOptions {
    /// `--rules.alert.for-outage-tolerance`: older state than this is not.
    pub outage_tolerance: Duration,
    /// `--rules.alert.for-grace-period`: the least time between a restart and the firing of an alert that was pending;
    /// rules that hold for less start anew.
    pub grace_period: Duration,
}

impl Default for RestoreOptions {
    fn default() -> Self {
        Self { outage_tolerance: Duration::from_secs(3_600), grace_period: Duration::from_secs(600) }
    }
}

/// Sets back since when the alerts of `rule` are active. Afterwards the rule writes its series.
pub(crate) fn restore(
    rule: &AlertingRule,
    storage: &dyn Queryable,
    now_ms: i64,
    options: &RestoreOptions,
) -> Result<(), StorageError> {
    let hold_ms = millis(rule.hold());
    let grace_ms = millis(options.grace_period);
    if hold_ms >= grace_ms {
        let last_seen = last_seen(rule, storage, now_ms, millis(options.outage_tolerance))?;
        rule.for_each_active(|alert| {
            if let Some((down_at_ms, active_at_seconds)) = last_seen.get(&alert.labels) {
                let active_at_ms = active_at_seconds.saturating_mul(1_000);
                alert.active_at_ms = restored_active_at(active_at_ms, *down_at_ms, now_ms, hold_ms, grace_ms);
            }
        });
    }
    rule.set_restored(true);
    Ok(())
}

/// Since when the alert counts as active, from when it was active before the process went down.
fn restored_active_at(active_at_ms: i64, down_at_ms: i64, now_ms: i64, hold_ms: i64, grace_ms: i64) -> i64 {
    let pending_ms = down_at_ms - active_at_ms;
    let remaining_ms = hold_ms - pending_ms;
    if remaining_ms <= 0 {
        // It was firing.
        active_at_ms
    } else if remaining_ms < grace_ms {
        // It was about to fire: whoever mends things gets the grace period before it does.
        now_ms + grace_ms - hold_ms
    } else {
        // The time that the process was down does not count.
        active_at_ms + (now_ms - down_at_ms)
    }
}

/// For each alert the time and value of its last sample of `ALERTS_FOR_STATE`, in milliseconds and seconds.
fn last_seen(
    rule: &AlertingRule,
    storage: &dyn Queryable,
    now_ms: i64,
    tolerance_ms: i64,
) -> Result<HashMap<Labels, (i64, i64)>, StorageError> {
    let range = TimeRange { start_ms: now_ms - tolerance_ms, end_ms: now_ms };
    let config = rule.config();
    let mut matchers = vec![Matcher::equal(METRIC_NAME, ALERTS_FOR_STATE), Matcher::equal(ALERT_NAME, &config.name)];
    // Labels with templates differ from alert to alert.
    let fixed = config.labels.iter().filter(|(name, text)| !text.contains("{{") && name != ALERT_NAME);
    matchers.extend(fixed.map(|(name, text)| Matcher::equal(name, text)));
    let querier = storage.querier(range)?;
    let mut last_seen = HashMap::new();
    for series in querier.select(&matchers, &SelectHints::default())? {
        let mut cursor = series.cursor(range);
        let mut last = None;
        while let Some(run) = cursor.next_run()? {
            if let Run::Floats { timestamps_ms, values } = run {
                last = timestamps_ms.last().copied().zip(values.last().copied());
            }
        }
        if let Some((timestamp_ms, value)) = last
            && !is_stale_nan(value)
        {
            last_seen.insert(series.labels().without_name(), (timestamp_ms, value as i64));
        }
    }
    Ok(last_seen)
}
