//! The notification log: what each receiver was last told about each group, so that nobody is told twice.
//!
//! In memory for the pipeline, in a [`Journal`] for the next start.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::cluster::{Kind, Merged, Outgoing, Replicated, Update};
use crate::journal::{Journal, JournalError};
use crate::time::after;

/// Whom an entry is about: one integration of one receiver.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ReceiverKey {
    /// The receiver's name.
    pub receiver: String,
    /// The integration's kind.
    pub integration: String,
    /// Its position among those of its kind.
    pub index: usize,
}

/// What a receiver was last told about a group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// When.
    pub timestamp: Timestamp,
    /// Hashes of the alerts that were told as firing.
    pub firing: HashSet<u64>,
    /// Hashes of the alerts that were told as resolved.
    pub resolved: HashSet<u64>,
    /// What the integration wants to remember, such as the message it may change.
    pub memory: BTreeMap<String, String>,
}

/// An entry on disk.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    group_key: String,
    #[serde(flatten)]
    receiver: ReceiverKey,
    timestamp: Timestamp,
    firing: Vec<u64>,
    resolved: Vec<u64>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    memory: BTreeMap<String, String>,
    expires_at: Timestamp,
}

type Key = (String, ReceiverKey);

/// The log.
#[derive(Debug)]
pub struct NotificationLog {
    retention: Duration,
    /// Appended to under the lock of `state`, so that the file has the order of the changes in memory.
    journal: Journal,
    state: Mutex<State>,
    /// Takes entries to the other members of the cluster.
    outgoing: OnceLock<Outgoing>,
}

#[derive(Debug)]
struct State {
    entries: HashMap<Key, (Entry, Timestamp)>,
    /// Records appended since the file was last rewritten.
    appended: usize,
}

/// Below this many dead records a file is not worth rewriting.
const DEAD_RECORDS_MIN: usize = 1000;

impl NotificationLog {
    /// Opens the log, without what has expired at `now`. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`JournalError`] when its file cannot be used.
    pub fn open(path: &Path, retention: Duration, now: Timestamp) -> Result<Self, JournalError> {
        let (journal, found) = Journal::open::<Record>(path)?;
        if found.damaged > 0 {
            tracing::warn!(damaged = found.damaged, "notification log has damaged records: some may be sent again");
        }
        let appended = found.records.len();
        let mut entries = HashMap::new();
        for record in found.records {
            let (key, entry, expires_at) = record.into_parts();
            entries.insert(key, (entry, expires_at));
        }
        entries.retain(|_, (_, expires_at)| *expires_at > now);
        let state = Mutex::new(State { entries, appended });
        Ok(Self { retention, journal, state, outgoing: OnceLock::new() })
    }

    /// What `receiver` was last told about the group.
    #[must_use]
    pub fn query(&self, group_key: &str, receiver: &ReceiverKey) -> Option<Entry> {
        let key = (group_key.to_owned(), receiver.clone());
        self.state.lock().entries.get(&key).map(|(entry, _)| entry.clone())
    }

    /// Notes what `receiver` was told and waits until that is on disk. The entry is kept for `expiry`, but not longer
    /// than the log's own retention. An entry that is newer than this one stays.
    ///
    /// # Errors
    /// [`JournalError`] when it could not be written; it is known until the process ends all the same.
    pub async fn record(
        &self,
        group_key: &str,
        receiver: &ReceiverKey,
        entry: Entry,
        expiry: Duration,
    ) -> Result<(), JournalError> {
        let keep = if expiry.is_zero() { self.retention } else { self.retention.min(expiry) };
        let expires_at = after(entry.timestamp, keep);
        let written = {
            let mut state = self.state.lock();
            let key = (group_key.to_owned(), receiver.clone());
            if state.entries.get(&key).is_some_and(|(present, _)| present.timestamp > entry.timestamp) {
                return Ok(());
            }
            let record = Record::from_parts(&key, &entry, expires_at);
            state.entries.insert(key, (entry, expires_at));
            state.appended += 1;
            if let Some(outgoing) = self.outgoing.get() {
                outgoing.send(Update { kind: Kind::Notification, key: record.hash(), record: record.json() });
            }
            self.journal.append(&record)
        };
        written.wait().await.map(drop)
    }

    /// Forgets what has expired at `now`, and rewrites the file when most of it is dead. Gives the size of a new file.
    ///
    /// # Errors
    /// [`JournalError`] when the file could not be rewritten; then it is as before.
    pub async fn maintain(&self, now: Timestamp) -> Result<Option<u64>, JournalError> {
        let written = {
            let mut state = self.state.lock();
            state.entries.retain(|_, (_, expires_at)| *expires_at > now);
            let living = state.entries.len();
            if state.appended < DEAD_RECORDS_MIN + 2 * living {
                return Ok(None);
            }
            state.appended = living;
            let records: Vec<Record> = state
                .entries
                .iter()
                .map(|(key, (entry, expires_at))| Record::from_parts(key, entry, *expires_at))
                .collect();
            self.journal.rewrite(&records)
        };
        written.wait().await.map(Some)
    }

    /// From now on the other members of a cluster hear of what is recorded here.
    pub fn attach(&self, outgoing: Outgoing) {
        // A log belongs to one cluster for good.
        drop(self.outgoing.set(outgoing));
    }

    /// Writes what is queued and ends.
    pub async fn close(&self) {
        self.journal.close().await;
    }
}

/// Of each receiver and group the newest entry holds.
impl Replicated for NotificationLog {
    fn kind(&self) -> Kind {
        Kind::Notification
    }

    fn records(&self) -> Vec<String> {
        let state = self.state.lock();
        let record = |(key, (entry, expires_at)): (&Key, &(Entry, Timestamp))| {
            serde_json::to_string(&Record::from_parts(key, entry, *expires_at)).ok()
        };
        state.entries.iter().filter_map(record).collect()
    }

    fn merge(&self, record: &[u8]) -> Result<Merged, serde_json::Error> {
        let record: Record = serde_json::from_slice(record)?;
        let hash = record.hash();
        let (key, entry, expires_at) = record.into_parts();
        let mut state = self.state.lock();
        let is_known = state.entries.get(&key).is_some_and(|(present, _)| present.timestamp >= entry.timestamp);
        let is_news = !is_known && expires_at > Timestamp::now();
        if is_news {
            // Nobody waits for this: the member that sent it has it on disk.
            drop(self.journal.append(&Record::from_parts(&key, &entry, expires_at)));
            state.entries.insert(key, (entry, expires_at));
            state.appended += 1;
        }
        Ok(Merged { key: hash, is_news })
    }
}

impl Record {
    fn from_parts((group_key, receiver): &Key, entry: &Entry, expires_at: Timestamp) -> Self {
        Self {
            group_key: group_key.clone(),
            receiver: receiver.clone(),
            timestamp: entry.timestamp,
            firing: entry.firing.iter().copied().collect(),
            resolved: entry.resolved.iter().copied().collect(),
            memory: entry.memory.clone(),
            expires_at,
        }
    }

    /// Tells receivers and groups apart.
    fn hash(&self) -> u64 {
        let ReceiverKey { receiver, integration, index } = &self.receiver;
        xxh3_64(format!("{}\0{receiver}\0{integration}\0{index}", self.group_key).as_bytes())
    }

    fn json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a record is made of texts, numbers and lists")
    }

    fn into_parts(self) -> (Key, Entry, Timestamp) {
        let entry = Entry {
            timestamp: self.timestamp,
            firing: self.firing.into_iter().collect(),
            resolved: self.resolved.into_iter().collect(),
            memory: self.memory,
        };
        ((self.group_key, self.receiver), entry, self.expires_at)
    }
}

#[cfg(test)]
mod tests;
