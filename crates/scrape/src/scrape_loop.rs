//! The loop of one target: wait, ask, store, on a grid of times that stays the same over restarts.

use std::sync::Arc;
use std::time::Duration;

use metrics_model::Clock;
use parking_lot::Mutex;
use storage::Storage;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::config::ScrapeConfig;
use crate::error::ScrapeError;
use crate::failure_log::FailureLogCell;
use crate::fetch::Fetch;
use crate::ingest::{Ingest, Scraped};
use crate::metrics::Metrics;
use crate::target::Target;

/// What all loops of a process share.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Metrics,
    /// Spreads the scrapes of several servers of the same targets.
    pub(crate) offset_seed: u64,
    /// How many scrapes may be on their way into storage at once.
    pub(crate) ingest_slots: Arc<Semaphore>,
    /// Fires when the process ends: loops then stop as they are, so that the next start goes on without a gap.
    pub(crate) shutdown: CancellationToken,
}

/// What a loop shall do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Go on.
    Run,
    /// Stop, and let a successor go on with the same series.
    HandOver,
    /// Stop, and end the series if the target does not come back.
    End,
}

/// Set while a job has too many targets: how many, and how many may be.
pub(crate) type OverLimit = Arc<Mutex<Option<(usize, u64)>>>;

/// The loop of one target.
pub(crate) struct ScrapeLoop {
    pub(crate) surroundings: Surroundings,
    pub(crate) config: Arc<ScrapeConfig>,
    pub(crate) target: Arc<Target>,
    pub(crate) fetch: Arc<dyn Fetch>,
    pub(crate) over_limit: OverLimit,
    pub(crate) failure_log: FailureLogCell,
    pub(crate) orders: watch::Receiver<Order>,
}

impl ScrapeLoop {
    /// Runs until ordered otherwise. `before` is what the loop before this one left. Gives what a successor needs.
    pub(crate) async fn run(mut self, before: Option<Ingest>) -> Option<Ingest> {
        let (config, target) = (Arc::clone(&self.config), Arc::clone(&self.target));
        let mut ingest = match before {
            Some(before) => before.succeed(config, target),
            None => Ingest::new(config, target, self.surroundings.metrics.clone()),
        };
        let interval = self.target.interval();
        let now_ns = i128::from(self.surroundings.clock.now_ms()) * 1_000_000;
        let offset = self.target.offset(now_ns, self.surroundings.offset_seed);
        if !self.wait(tokio::time::sleep(offset)).await {
            return self.hand_over(ingest);
        }
        let mut grid = Grid::new(self.surroundings.clock.now_ms(), interval);
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut last: Option<Instant> = None;
        while self.wait(ticks.tick()).await {
            let timestamp_ms = grid.align(self.surroundings.clock.now_ms());
            let started = Instant::now();
            if let Some(last) = last.replace(started) {
                let seconds = started.duration_since(last).as_secs_f64();
                self.surroundings.metrics.interval_length.with(&[self.target.interval_text()]).observe(seconds);
            }
            ingest = self.scrape(ingest, timestamp_ms, started).await?;
        }
        if *self.orders.borrow() == Order::End && last.is_some() {
            self.end(ingest, ticks).await;
            return None;
        }
        self.hand_over(ingest)
    }

    /// Waits for `moment`. False: the loop shall stop, at once if it had to before.
    async fn wait<T>(&mut self, moment: impl Future<Output = T>) -> bool {
        tokio::select! {
            biased;
            () = self.surroundings.shutdown.cancelled() => false,
            // An error means that the pool is gone, which is an order to stop too.
            _ = self.orders.wait_for(|order| *order != Order::Run) => false,
            _ = moment => true,
        }
    }

    fn hand_over(&self, ingest: Ingest) -> Option<Ingest> {
        (*self.orders.borrow() == Order::HandOver).then_some(ingest)
    }

    /// Scrapes once. `None` when the process ends.
    async fn scrape(&self, ingest: Ingest, timestamp_ms: i64, started: Instant) -> Option<Ingest> {
        let over_limit = *self.over_limit.lock();
        let answer = match over_limit {
            Some((targets, limit)) => Err(ScrapeError::TargetLimit { targets, limit }),
            None => tokio::select! {
                biased;
                () = self.surroundings.shutdown.cancelled() => return None,
                answer = self.fetch.fetch(&self.target) => answer,
            },
        };
        let (target, config, failure_log) =
            (Arc::clone(&self.target), Arc::clone(&self.config), self.failure_log.clone());
        self.store(ingest, move |ingest, storage| {
            let outcome = ingest.ingest(storage, Scraped { timestamp_ms, started, answer });
            if let Some(error) = &outcome.error {
                failure_log.failed(&config.job_name, target.url_text(), &error.text());
            }
            target.report(timestamp_ms, outcome.duration, outcome.error.as_ref(), &outcome.notice);
        })
        .await
    }

    /// Runs `work` on a blocking thread. A scrape that is on its way into storage is always finished.
    async fn store(
        &self,
        mut ingest: Ingest,
        work: impl FnOnce(&mut Ingest, &dyn Storage) + Send + 'static,
    ) -> Option<Ingest> {
        let _slot = self.surroundings.ingest_slots.acquire().await.ok()?;
        let storage = Arc::clone(&self.surroundings.storage);
        let done = tokio::task::spawn_blocking(move || {
            work(&mut ingest, &*storage);
            ingest
        });
        match done.await {
            Ok(ingest) => Some(ingest),
            Err(error) if error.is_panic() => {
                // Our own fault; the target must not be lost over it. What was known of its series is.
                tracing::error!(target = self.target.url_text(), %error, "storing a scrape failed");
                let (config, target) = (Arc::clone(&self.config), Arc::clone(&self.target));
                Some(Ingest::new(config, target, self.surroundings.metrics.clone()))
            }
            Err(_) => None,
        }
    }

    /// Ends the series of a target that is gone. It may come back, by a reload or because its discovery flaps; so this
    /// waits until a new loop would have scraped twice, and then marks them at the time of the first scrape that was
    /// missed. If there is a new loop, the markers are older than its samples and are refused.
    async fn end(&self, ingest: Ingest, mut ticks: Interval) {
        let shutdown = self.surroundings.shutdown.clone();
        let waiting = async {
            ticks.tick().await;
            let missed_ms = self.surroundings.clock.now_ms();
            ticks.tick().await;
            tokio::time::sleep(self.target.interval() / 10).await;
            missed_ms
        };
        if let Some(missed_ms) = shutdown.run_until_cancelled(waiting).await {
            self.store(ingest, move |ingest, storage| ingest.end(storage, missed_ms)).await;
        }
    }
}

/// The times of the samples: the times of the ticks without their jitter. Equal distances between samples compress well.
#[derive(Debug)]
struct Grid {
    aligned_ms: i64,
    interval_ms: i64,
    tolerance_ms: i64,
}

/// A sample's time may be off from its tick by as much.
const TOLERANCE_MAX_MS: i64 = 2;

impl Grid {
    fn new(start_ms: i64, interval: Duration) -> Self {
        let interval_ms = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX).max(1);
        Self { aligned_ms: start_ms, interval_ms, tolerance_ms: (interval_ms / 100).min(TOLERANCE_MAX_MS) }
    }

    /// The time of a sample that is taken at `now_ms`.
    fn align(&mut self, now_ms: i64) -> i64 {
        let behind_ms = now_ms.saturating_sub(self.aligned_ms);
        if behind_ms < -self.tolerance_ms {
            // The clock was set back. Times that had been used already could not be used again.
            self.aligned_ms = now_ms;
            return now_ms;
        }
        // Ticks may have been skipped.
        let skipped = (behind_ms + self.tolerance_ms).max(0) / self.interval_ms;
        self.aligned_ms = self.aligned_ms.saturating_add(skipped.saturating_mul(self.interval_ms));
        let off_ms = now_ms.saturating_sub(self.aligned_ms);
        if off_ms.abs() <= self.tolerance_ms { self.aligned_ms } else { now_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_lie_on_the_grid_within_the_tolerance() {
        let mut grid = Grid::new(1_000, Duration::from_secs(1));
        for (now_ms, expected) in [
            (1_000, 1_000),
            (2_001, 2_000),
            (3_002, 3_000),
            (4_003, 4_003),
            (4_999, 5_000),
            (9_001, 9_000),
            // The clock is set back, and the grid with it.
            (4_500, 4_500),
            (5_501, 5_500),
        ] {
            assert_eq!(grid.align(now_ms), expected, "{now_ms}");
        }
    }
}
