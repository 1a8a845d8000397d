//! Delivers what waits in the outbox and no flush of a group delivers: after a restart, and between flushes.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::outbox::{Key, Outbox};
use crate::engine::CurrentEngine;
use crate::time::{Clock, after};

/// How often the outbox is looked through.
const TICK: Duration = Duration::from_secs(1);

/// How many notifications are delivered at a time.
const DELIVERIES_MAX: usize = 64;

/// For how long a notification that is being dealt with is left alone.
const PUT_OFF: Duration = Duration::from_secs(10);

/// Delivers from `start_at` on, until it is stopped.
pub async fn run(
    outbox: Arc<Outbox>,
    engine: Arc<CurrentEngine>,
    clock: Clock,
    start_at: Instant,
    stop: CancellationToken,
) {
    let mut tick = start_at;
    let mut deliveries = FuturesUnordered::new();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            Some(()) = deliveries.next(), if !deliveries.is_empty() => continue,
            () = sleep_until(tick) => tick = Instant::now() + TICK,
        }
        let now = clock.now();
        for key in outbox.due(now, DELIVERIES_MAX - deliveries.len()) {
            outbox.put_off(&key, after(now, PUT_OFF));
            deliveries.push(deliver(&outbox, &engine, key));
        }
    }
}

async fn deliver(outbox: &Outbox, engine: &CurrentEngine, key: Key) {
    engine.get().dispatcher.redeliver(outbox, &key).await;
}
