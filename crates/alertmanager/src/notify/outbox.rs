//! The outbox: notifications that a receiver has still to be told, on disk before the first attempt.
//!
//! For each group and integration there is at most one: what is news while a receiver cannot be reached is added to what
//! it was not told yet, so that it hears of everything once, in order. A notification leaves the outbox when it was
//! delivered, when nobody wants it any more (it was silenced), or when it is too old: then it is listed as undelivered.

mod record;

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;

pub use self::record::Notification;
use self::record::Record;
use super::NotifyError;
use crate::journal::{Journal, JournalError};
use crate::nflog::ReceiverKey;
use crate::time::{after, before};

/// A group and an integration.
pub type Key = (String, ReceiverKey);

/// How the outbox behaves.
#[derive(Debug, Clone)]
pub struct OutboxSettings {
    /// After this time a notification counts as undeliverable.
    pub max_age: Duration,
    /// After this many failed attempts the fallback receiver is told too; zero for never.
    pub fallback_after: u32,
    /// Who that is, unless a receiver's own label says otherwise; empty for nobody.
    pub fallback_receiver: String,
    /// How long undelivered notifications are listed.
    pub retention: Duration,
}

impl Default for OutboxSettings {
    fn default() -> Self {
        Self {
            max_age: Duration::from_secs(24 * 3600),
            fallback_after: 5,
            fallback_receiver: String::new(),
            retention: Duration::from_secs(120 * 3600),
        }
    }
}

/// A notification that waits.
#[derive(Debug, Clone)]
pub struct Pending {
    /// When the first of its alerts should have been told.
    pub since: Timestamp,
    /// What is to be told.
    pub notification: Arc<Notification>,
    /// Attempts that failed.
    pub failures: u32,
    /// Why the last one failed.
    pub last_error: String,
    /// Before this, no attempt may be made: the receiver asked for it, or the pauses between attempts grow.
    pub not_before: Timestamp,
    /// When it is tried again if no flush of its group does it earlier.
    pub next_attempt: Timestamp,
}

/// A notification that was given up.
#[derive(Debug, Clone)]
pub struct Undelivered {
    /// Whom it was for.
    pub key: Key,
    /// What should have been told.
    pub notification: Arc<Notification>,
    /// Since when.
    pub since: Timestamp,
    /// When it was given up.
    pub given_up_at: Timestamp,
    /// Attempts that failed.
    pub failures: u32,
    /// Why.
    pub reason: String,
}

/// How many undelivered notifications are listed; the oldest go first.
const UNDELIVERED_MAX: usize = 1000;

/// Below this many dead records a file is not worth rewriting.
const DEAD_RECORDS_MIN: usize = 1000;

/// The outbox.
#[derive(Debug)]
pub struct Outbox {
    settings: OutboxSettings,
    /// Appended to under the lock of `state`, so that the file has the order of the changes in memory.
    journal: Journal,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    pending: HashMap<Key, Pending>,
    undelivered: VecDeque<Undelivered>,
    /// Who deals with a notification holds its lock.
    claims: HashMap<Key, Arc<tokio::sync::Mutex<()>>>,
    /// Records in the file.
    records: usize,
}

/// The right to deal with one group's notification to one integration, until it is dropped.
#[derive(Debug)]
pub struct Claim {
    _guard: OwnedMutexGuard<()>,
}

impl Outbox {
    /// Opens the outbox. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`JournalError`] when its file cannot be used.
    pub fn open(path: &Path, settings: OutboxSettings, now: Timestamp) -> Result<Self, JournalError> {
        let (journal, found) = Journal::open::<Record>(path)?;
        if found.damaged > 0 {
            tracing::warn!(damaged = found.damaged, "outbox has damaged records: notifications may be lost");
        }
        let mut state = State { records: found.records.len(), ..State::default() };
        found.records.into_iter().for_each(|record| state.apply(record, now));
        state.forget(before(now, settings.retention));
        if !state.pending.is_empty() {
            tracing::info!(
                notifications = state.pending.len(),
                "outbox holds notifications that were not delivered yet"
            );
        }
        Ok(Self { settings, journal, state: Mutex::new(state) })
    }

    /// How it behaves.
    #[must_use]
    pub fn settings(&self) -> &OutboxSettings {
        &self.settings
    }

    /// Waits until nobody else deals with this group's notification to this integration.
    pub async fn claim(&self, key: &Key) -> Claim {
        let lock = self.lock_of(key);
        Claim { _guard: lock.lock_owned().await }
    }

    /// The same, unless somebody else does.
    #[must_use]
    pub fn try_claim(&self, key: &Key) -> Option<Claim> {
        self.lock_of(key).try_lock_owned().ok().map(|guard| Claim { _guard: guard })
    }

    fn lock_of(&self, key: &Key) -> Arc<tokio::sync::Mutex<()>> {
        let mut state = self.state.lock();
        match state.claims.get(key) {
            Some(lock) => Arc::clone(lock),
            None => Arc::clone(state.claims.entry(key.clone()).or_default()),
        }
    }

    /// What waits, if anything.
    #[must_use]
    pub fn pending(&self, key: &Key) -> Option<Pending> {
        self.state.lock().pending.get(key).cloned()
    }

    /// Puts a notification in, in the place of the one that waits, and waits until that is on disk. Age and failures of
    /// the earlier one count on. `next_attempt` is when it is due if whoever puts it in does not deliver it.
    ///
    /// # Errors
    /// [`JournalError`] when it could not be written; it is known until the process ends all the same.
    pub async fn put(
        &self,
        key: &Key,
        notification: Notification,
        next_attempt: Timestamp,
        now: Timestamp,
    ) -> Result<Pending, (Pending, JournalError)> {
        let (pending, written) = {
            let mut state = self.state.lock();
            let earlier = state.pending.get(key);
            let pending = Pending {
                since: earlier.map_or(now, |earlier| earlier.since),
                notification: Arc::new(notification),
                failures: earlier.map_or(0, |earlier| earlier.failures),
                last_error: earlier.map_or_else(String::new, |earlier| earlier.last_error.clone()),
                not_before: earlier.map_or(now, |earlier| earlier.not_before),
                next_attempt,
            };
            let written = self.append(&mut state, &Record::put(key, &pending));
            state.pending.insert(key.clone(), pending.clone());
            (pending, written)
        };
        match written.wait().await {
            Ok(_) => Ok(pending),
            Err(error) => Err((pending, error)),
        }
    }

    /// Notes a failed attempt. Gives how many there were.
    pub fn failed(&self, key: &Key, error: &NotifyError, not_before: Timestamp, next_attempt: Timestamp) -> u32 {
        let mut state = self.state.lock();
        let Some(pending) = state.pending.get_mut(key) else { return 0 };
        pending.failures = pending.failures.saturating_add(1);
        pending.last_error.clone_from(&error.message);
        pending.not_before = not_before;
        pending.next_attempt = next_attempt;
        let failures = pending.failures;
        let record = Record::attempt(key, pending);
        // Only how often it was tried is lost with this record, never what is to be told.
        drop(self.append(&mut state, &record));
        failures
    }

    /// Takes a notification out: it was delivered, or nobody wants it any more.
    pub fn remove(&self, key: &Key) {
        let mut state = self.state.lock();
        if state.pending.remove(key).is_some() {
            // Should the record get lost, the notification log still knows that it was delivered.
            drop(self.append(&mut state, &Record::gone(key)));
        }
    }

    /// Lists a notification as undelivered.
    pub fn give_up(&self, key: &Key, reason: &str, now: Timestamp) {
        let mut state = self.state.lock();
        let Some(pending) = state.pending.remove(key) else { return };
        let undelivered = Undelivered {
            key: key.clone(),
            notification: pending.notification,
            since: pending.since,
            given_up_at: now,
            failures: pending.failures,
            reason: reason.to_owned(),
        };
        tracing::error!(
            group = key.0,
            receiver = key.1.receiver,
            integration = key.1.integration,
            reason,
            "a notification was given up"
        );
        drop(self.append(&mut state, &Record::undelivered(&undelivered)));
        state.list(undelivered);
    }

    /// Whether a notification that waits since `since` is too old.
    #[must_use]
    pub fn is_too_old(&self, since: Timestamp, now: Timestamp) -> bool {
        after(since, self.settings.max_age) <= now
    }

    /// At most `max` of those that are due at `now`, longest first.
    #[must_use]
    pub fn due(&self, now: Timestamp, max: usize) -> Vec<Key> {
        let state = self.state.lock();
        let mut due: Vec<_> = state.pending.iter().filter(|(_, pending)| pending.next_attempt <= now).collect();
        due.sort_by_key(|(_, pending)| pending.next_attempt);
        due.into_iter().take(max).map(|(key, _)| key.clone()).collect()
    }

    /// Puts off a notification that somebody else deals with, or that cannot be told now.
    pub fn put_off(&self, key: &Key, until: Timestamp) {
        if let Some(pending) = self.state.lock().pending.get_mut(key) {
            pending.next_attempt = until;
        }
    }

    /// All that waits, longest first, and all that was given up, newest first.
    #[must_use]
    pub fn list(&self) -> (Vec<(Key, Pending)>, Vec<Undelivered>) {
        let state = self.state.lock();
        let mut pending: Vec<_> = state.pending.iter().map(|(key, pending)| (key.clone(), pending.clone())).collect();
        pending.sort_by(|(left_key, left), (right_key, right)| {
            left.since.cmp(&right.since).then_with(|| left_key.0.cmp(&right_key.0))
        });
        (pending, state.undelivered.iter().rev().cloned().collect())
    }

    /// Forgets what was given up long ago, and rewrites the file when most of it is dead. Gives the size of a new file.
    ///
    /// # Errors
    /// [`JournalError`] when the file could not be rewritten; then it is as before.
    pub async fn maintain(&self, now: Timestamp) -> Result<Option<u64>, JournalError> {
        let written = {
            let mut state = self.state.lock();
            state.forget(before(now, self.settings.retention));
            state.claims.retain(|_, lock| Arc::strong_count(lock) > 1);
            let living = state.pending.len() + state.undelivered.len();
            if state.records < DEAD_RECORDS_MIN + 2 * living {
                return Ok(None);
            }
            state.records = living;
            let pending = state.pending.iter().map(|(key, pending)| Record::put(key, pending));
            let records: Vec<Record> = pending.chain(state.undelivered.iter().map(Record::undelivered)).collect();
            self.journal.rewrite(&records)
        };
        written.wait().await.map(Some)
    }

    /// Writes what is queued and ends.
    pub async fn close(&self) {
        self.journal.close().await;
    }

    fn append(&self, state: &mut State, record: &Record) -> crate::journal::Written {
        state.records += 1;
        self.journal.append(record)
    }
}

impl State {
    /// Takes a record from the file.
    fn apply(&mut self, record: Record, now: Timestamp) {
        match record {
            Record::Put(put) => {
                let (key, pending) = put.into_parts(now);
                self.pending.insert(key, pending);
            }
            Record::Attempt(attempt) => {
                if let Some(pending) = self.pending.get_mut(&attempt.key.clone().into()) {
                    attempt.tell(pending);
                }
            }
            Record::Gone(key) => drop(self.pending.remove(&key.into())),
            Record::Undelivered(undelivered) => {
                let undelivered = undelivered.into_undelivered();
                self.pending.remove(&undelivered.key);
                self.list(undelivered);
            }
        }
    }

    fn list(&mut self, undelivered: Undelivered) {
        self.undelivered.push_back(undelivered);
        if self.undelivered.len() > UNDELIVERED_MAX {
            self.undelivered.pop_front();
        }
    }

    fn forget(&mut self, until: Timestamp) {
        self.undelivered.retain(|undelivered| undelivered.given_up_at > until);
    }
}

#[cfg(test)]
mod tests;
