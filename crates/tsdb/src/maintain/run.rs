//! When maintenance is due, and the threads that see to it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::db::stats::count;
use crate::db::store::Store;
use crate::error::DbError;
use crate::maintain::forget::Leaving;
use crate::maintain::seal::window_start;
use crate::options::millis;
use crate::sealed::partition::Partition;

/// Samples further in the future than this do not decide when windows end.
pub(crate) const AHEAD_MS: i64 = 10 * 60 * 1000;

/// A merged day is merged again when so many late partitions have come to it.
const LATE_PARTITIONS: usize = 8;

/// Damage to lists, labels and log is to be found while memory has the same.
const SCRUB_MS: i64 = 60 * 60 * 1000;

/// How often new tables are taken note of, so that it shows when they change.
const NOTE_MS: i64 = 60 * 1000;

/// What maintenance remembers from one round to the next.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    leaving: Leaving,
    sealed_before_ms: Option<i64>,
    /// When lists, labels and log were read last; the start does so too.
    scrubbed_ms: Option<i64>,
    /// When new tables of these were taken note of.
    noted_ms: Option<i64>,
    /// Whether sealed rows are still in memory.
    pub(crate) is_trim_due: bool,
}

impl Store {
    /// One round: seals finished windows, merges finished days, deletes what is too old, and cleans up.
    pub(crate) fn run_maintenance(&self, now_ms: i64) -> Result<(), DbError> {
        if self.is_closed() {
            return Err(DbError::Closed);
        }
        let mut memory = self.maintenance.lock();
        self.mend()?;
        if memory.scrubbed_ms.get_or_insert(now_ms).saturating_add(SCRUB_MS) <= now_ms {
            self.scrub()?;
            memory.scrubbed_ms = Some(now_ms);
        }
        if memory.noted_ms.is_none_or(|noted_ms| noted_ms.saturating_add(NOTE_MS) <= now_ms) {
            self.note_tables()?;
            memory.noted_ms = Some(now_ms);
        }
        let result = self.mended(|| self.seal_finished(now_ms, &mut memory));
        if result.is_err() {
            count(&self.counters.seals_failed, 1);
        }
        memory.is_trim_due |= result?;
        if memory.is_trim_due {
            memory.is_trim_due = !self.mended(|| self.trim())?;
        }
        self.mended(|| self.merge_finished(&memory))?;
        self.mended(|| self.retain(now_ms))?;
        if self.is_cleaning_left() {
            self.clean(&mut memory)?;
        }
        self.mended(|| self.drop_tombstones())?;
        self.mended(|| self.forget(&mut memory.leaving, now_ms))?;
        self.mended(|| self.retain_exemplars(now_ms))?;
        self.mended(|| self.sweep())
    }

    /// Seals windows that ended long enough ago, by the time of the newest sample; by the clock, a window later, when
    /// samples have stopped coming.
    fn seal_finished(&self, now_ms: i64, memory: &mut Memory) -> Result<bool, DbError> {
        let Some(newest_ms) = self.head.newest_ms() else {
            return Ok(false);
        };
        let (window_ms, delay_ms) = (millis(self.options.window).max(1), millis(self.options.seal_delay));
        let by_samples = newest_ms.min(now_ms.saturating_add(AHEAD_MS)).saturating_sub(delay_ms);
        let by_clock = now_ms.saturating_sub(delay_ms).saturating_sub(window_ms);
        let is_idle = self.idle_since(now_ms) >= window_ms;
        let before_ms = window_start(if is_idle { by_samples.max(by_clock) } else { by_samples }, window_ms);
        if memory.sealed_before_ms.is_some_and(|sealed_ms| before_ms <= sealed_ms) || !self.has_rows_before(before_ms) {
            return Ok(false);
        }
        self.seal(before_ms)?;
        memory.sealed_before_ms = Some(before_ms);
        Ok(true)
    }

    fn has_rows_before(&self, before_ms: i64) -> bool {
        let seals = self.views.now().seals.clone();
        self.head.all_groups().iter().any(|group| {
            let data = group.data.read();
            data.rows().iter().any(|row| row.at_ms < before_ms && !seals.covers(row.number, row.at_ms))
        })
    }

    /// Milliseconds since the last commit.
    fn idle_since(&self, now_ms: i64) -> i64 {
        let commits = self.counters.appended.load(Ordering::Relaxed);
        let mut last = self.last_commits.lock();
        if last.0 != commits {
            *last = (commits, now_ms);
        }
        now_ms.saturating_sub(last.1)
    }

    /// Merges the partitions of one finished day; false if there is none to merge.
    pub(crate) fn merge_finished(&self, memory: &Memory) -> Result<bool, DbError> {
        let Some(sealed_ms) = memory.sealed_before_ms else {
            return Ok(false);
        };
        let day_ms = millis(self.options.merge_window).max(1);
        let view = self.views.now();
        let day = |partition: &Arc<Partition>| window_start(partition.key.start_ms, day_ms);
        for partitions in view.partitions.chunk_by(|a, b| day(a) == day(b)) {
            let start_ms = day(&partitions[0]);
            let end_ms = start_ms.saturating_add(day_ms);
            let is_merged =
                partitions.iter().any(|partition| partition.key.start_ms == start_ms && partition.end_ms == end_ms);
            let due = if is_merged { LATE_PARTITIONS } else { 2 };
            let fits = partitions.iter().all(|partition| partition.end_ms <= end_ms);
            if end_ms <= sealed_ms && partitions.len() >= due && fits {
                self.merge(partitions, start_ms, end_ms)?;
                count(&self.counters.merges, 1);
                // The view is another now; the next day waits for the next round, so that commits get a turn.
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The threads that sync and maintain.
#[derive(Debug)]
pub(crate) struct Background {
    stop: Arc<Stop>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Stop {
    is_stopped: Mutex<bool>,
    signal: Condvar,
}

impl Stop {
    /// Calls `work` each `interval` until stopped.
    fn each(&self, interval: Duration, mut work: impl FnMut()) {
        let mut is_stopped = self.is_stopped.lock();
        while !*is_stopped {
            self.signal.wait_for(&mut is_stopped, interval);
            if !*is_stopped {
                MutexGuard::unlocked(&mut is_stopped, &mut work);
            }
        }
    }
}

impl Background {
    /// Starts the threads: sealing takes its time, and syncing must not wait for it.
    pub(crate) fn start(store: &Arc<Store>) -> std::io::Result<Self> {
        let stop = Arc::new(Stop::default());
        let mut background = Self { stop, threads: Vec::new() };
        let (sync_interval, interval) = (store.options.sync_interval, store.options.maintenance_interval);
        background.spawn("tsdb-sync", store, sync_interval, |store| {
            store.disk.check();
            if let Err(error) = store.sync() {
                count(&store.counters.syncs_failed, 1);
                tracing::error!(error = chain(&error), "cannot sync the log");
            }
        })?;
        background.spawn("tsdb-maintain", store, interval, |store| {
            match store.run_maintenance(store.options.clock.now_ms()) {
                Ok(()) | Err(DbError::Closed) => {}
                Err(error) => tracing::error!(error = chain(&error), "maintenance of the store failed"),
            }
        })?;
        Ok(background)
    }

    fn spawn(
        &mut self,
        name: &str,
        store: &Arc<Store>,
        interval: Duration,
        work: impl Fn(&Store) + Send + 'static,
    ) -> std::io::Result<()> {
        let (stop, store) = (Arc::clone(&self.stop), Arc::clone(store));
        let thread = std::thread::Builder::new().name(name.to_owned());
        self.threads.push(thread.spawn(move || stop.each(interval, || work(&store)))?);
        Ok(())
    }

    /// Stops the threads and waits for them.
    pub(crate) fn stop(&mut self) {
        *self.stop.is_stopped.lock() = true;
        self.stop.signal.notify_all();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a maintenance thread of the store has panicked");
            }
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop();
    }
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
