//! Waits after the start until the list of members does not change any more.
//!
//! Nobody is told anything before: an instance that has just come back does not know yet what the others told.

use std::sync::Arc;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::Shared;

/// How many gossip intervals to wait between two looks.
const INTERVALS: u32 = 10;
/// How many looks in a row must find the same number of members.
const SAME_LOOKS: usize = 3;

pub(super) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    // Whoever waits goes on when this instance stops, too; they have their own way to hear of that.
    let _ = stop.run_until_cancelled(settle(&shared)).await;
    shared.settled.send_replace(true);
}

async fn settle(shared: &Shared) {
    let pause = shared.options.gossip_interval * INTERVALS;
    let limit = Instant::now() + shared.options.settle_timeout;
    let (mut members, mut same) = (0, 0);
    while same < SAME_LOOKS {
        sleep(pause.min(limit.saturating_duration_since(Instant::now()))).await;
        if Instant::now() >= limit {
            tracing::warn!(members, "the cluster has not settled in time; going on all the same");
            return;
        }
        let now = shared.view.read().members.len();
        same = if now == members { same + 1 } else { 0 };
        members = now;
    }
    tracing::info!(peers = members, "the cluster has settled");
}
