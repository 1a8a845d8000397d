//! The loop of one group: due at its slots, evaluated on a blocking thread, evaluations that were missed are counted.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::alerting::millis;
use crate::group::Group;

/// Runs `group` until `stop` fires. With `restore`, the time before a restart is taken into account.
pub(crate) async fn run(group: Arc<Group>, stop: CancellationToken, restore: bool) {
    let clock = Arc::clone(&group.shared().clock);
    let interval_ms = millis(group.interval()).max(1);
    let mut evaluated_ms = group.slot_ms(clock.now_ms());
    let mut restore = restore;
    loop {
        let wait_ms = evaluated_ms + interval_ms - clock.now_ms();
        if wait_ms > interval_ms {
            // The clock was set back: find the place in the new time.
            evaluated_ms = group.slot_ms(clock.now_ms());
            continue;
        }
        let wait = Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0));
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stop.cancelled() => return,
        }
        let late_ms = clock.now_ms() - evaluated_ms;
        if late_ms < interval_ms {
            continue;
        }
        let missed = late_ms / interval_ms - 1;
        count_missed(&group, missed);
        evaluated_ms += (missed + 1) * interval_ms;
        let Ok(permit) = Arc::clone(&group.shared().evaluations).acquire_owned().await else { return };
        let evaluated = Arc::clone(&group);
        let restore_now = std::mem::take(&mut restore);
        let evaluation = tokio::task::spawn_blocking(move || {
            if restore_now {
                evaluated.restore(evaluated_ms);
            }
            evaluated.evaluate(evaluated_ms);
            drop(permit);
        });
        if let Err(error) = evaluation.await {
            tracing::error!(group = group.key(), %error, "the evaluation of a rule group failed");
        }
    }
}

fn count_missed(group: &Group, missed: i64) {
    let Ok(missed) = u64::try_from(missed) else { return };
    if missed > 0 {
        let metrics = &group.shared().metrics;
        let key = group.key();
        metrics.iterations_missed.with_label_values(&[&key]).inc_by(missed);
        metrics.iterations.with_label_values(&[&key]).inc_by(missed);
    }
}
