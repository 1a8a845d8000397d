//! All silences: in memory for the pipeline, in a [`Journal`] for the next start. Changes are on disk before anybody
//! sees them.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use metrics_model::Labels;
use parking_lot::RwLock;

use super::record::Record;
use super::{SharedSilence, Silence, State};
use crate::journal::{Journal, JournalError};
use crate::metrics::SilenceMetrics;
use crate::time::after;

/// How many and how large silences may be; zero for no limit.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// Silences, expired ones included (`--silences.max-silences`).
    pub silences: usize,
    /// Bytes of one silence on disk (`--silences.max-silence-size-bytes`).
    pub silence_bytes: usize,
}

/// Why a silence was not changed.
#[derive(Debug, thiserror::Error)]
pub enum SilenceError {
    /// There is none of this id.
    #[error("silence not found")]
    NotFound,
    /// It makes no sense.
    #[error("invalid silence: {0}")]
    Invalid(String),
    /// There are too many.
    #[error("exceeded maximum number of silences: {count} (limit: {limit})")]
    TooMany {
        /// How many there are.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
    /// It is too large.
    #[error("silence exceeded maximum size: {size_bytes} bytes (limit: {limit_bytes} bytes)")]
    TooLarge {
        /// Its size.
        size_bytes: usize,
        /// The largest size.
        limit_bytes: usize,
    },
    /// It could not be written; nothing changed.
    #[error("cannot save the silence")]
    Storage(#[from] JournalError),
}

/// The silences.
#[derive(Debug)]
pub struct Silences {
    retention: Duration,
    limits: Limits,
    /// Held from the decision over the write to the change in memory.
    changes: tokio::sync::Mutex<Changes>,
    known: RwLock<Known>,
    metrics: SilenceMetrics,
}

#[derive(Debug)]
struct Changes {
    journal: Journal,
    /// Records appended since the file was last rewritten.
    appended: usize,
}

#[derive(Debug, Default)]
struct Known {
    by_id: HashMap<String, SharedSilence>,
    /// Ids in the order in which the silences were made.
    order: Vec<String>,
}

impl Known {
    fn insert(&mut self, silence: Silence) {
        let id = silence.id.clone();
        if self.by_id.insert(id.clone(), Arc::new(silence)).is_none() {
            self.order.push(id);
        }
    }

    fn in_order(&self) -> impl Iterator<Item = &SharedSilence> {
        self.order.iter().filter_map(|id| self.by_id.get(id))
    }
}

/// Below this many dead records a file is not worth rewriting.
const DEAD_RECORDS_MIN: usize = 1000;

impl Silences {
    /// Opens the silences, without those that ended longer than `retention` before `now`. Must be called within a tokio
    /// runtime.
    ///
    /// # Errors
    /// [`JournalError`] when the file cannot be used.
    pub fn open(
        path: &Path,
        retention: Duration,
        limits: Limits,
        metrics: SilenceMetrics,
        now: Timestamp,
    ) -> Result<Self, JournalError> {
        let (journal, found) = Journal::open::<Record>(path)?;
        if found.damaged > 0 {
            tracing::error!(damaged = found.damaged, "silences have damaged records: look whether some are missing");
        }
        let appended = found.records.len();
        let mut known = Known::default();
        for record in found.records {
            let id = record.id.clone();
            match record.into_silence() {
                Ok(silence) => known.insert(silence),
                Err(error) => {
                    metrics.dropped();
                    tracing::error!(id, %error, "silence dropped: its expression cannot be used");
                }
            }
        }
        let silences = Self {
            retention,
            limits,
            changes: tokio::sync::Mutex::new(Changes { journal, appended }),
            known: RwLock::new(known),
            metrics,
        };
        silences.forget_expired(now);
        Ok(silences)
    }

    /// Makes a silence, or changes the one with its id. A change that would rewrite history ends the old silence and
    /// makes a new one. Gives the id of the silence that holds now.
    ///
    /// # Errors
    /// [`SilenceError`]; then nothing changed.
    pub async fn set(&self, mut silence: Silence, now: Timestamp) -> Result<String, SilenceError> {
        silence.check().map_err(SilenceError::Invalid)?;
        let mut changes = self.changes.lock().await;
        let previous = match silence.id.as_str() {
            "" => None,
            id => Some(self.get(id).ok_or(SilenceError::NotFound)?),
        };
        silence.updated_at = now;
        if let Some(previous) = previous {
            if previous.can_become(&silence, now) {
                let id = silence.id.clone();
                self.save(&mut changes, vec![silence]).await?;
                return Ok(id);
            }
            let ended = previous_ended(&previous, now);
            let id = self.make(&mut changes, silence, now, ended).await?;
            return Ok(id);
        }
        self.make(&mut changes, silence, now, None).await
    }

    async fn make(
        &self,
        changes: &mut Changes,
        mut silence: Silence,
        now: Timestamp,
        ended: Option<Silence>,
    ) -> Result<String, SilenceError> {
        let count = self.known.read().order.len();
        if self.limits.silences > 0 && count + 1 > self.limits.silences {
            return Err(SilenceError::TooMany { count, limit: self.limits.silences });
        }
        silence.id = uuid::Uuid::new_v4().to_string();
        silence.starts_at = silence.starts_at.max(now);
        let id = silence.id.clone();
        // Both in one write: either the old one ends and the new one begins, or nothing happens.
        self.save(changes, ended.into_iter().chain([silence]).collect()).await?;
        Ok(id)
    }

    /// Ends a silence. One that has ended already stays as it is.
    ///
    /// # Errors
    /// [`SilenceError::NotFound`] and [`SilenceError::Storage`].
    pub async fn expire(&self, id: &str, now: Timestamp) -> Result<(), SilenceError> {
        let mut changes = self.changes.lock().await;
        let previous = self.get(id).ok_or(SilenceError::NotFound)?;
        match previous_ended(&previous, now) {
            Some(ended) => self.save(&mut changes, vec![ended]).await,
            None => Ok(()),
        }
    }

    async fn save(&self, changes: &mut Changes, silences: Vec<Silence>) -> Result<(), SilenceError> {
        let records: Vec<Record> =
            silences.iter().map(|silence| Record::new(silence, after(silence.ends_at, self.retention))).collect();
        for record in &records {
            let size_bytes = serde_json::to_vec(record).map_or(usize::MAX, |json| json.len());
            let limit_bytes = self.limits.silence_bytes;
            if limit_bytes > 0 && size_bytes > limit_bytes {
                return Err(SilenceError::TooLarge { size_bytes, limit_bytes });
            }
        }
        changes.appended += records.len();
        let writes: Vec<_> = records.iter().map(|record| changes.journal.append(record)).collect();
        for written in writes {
            written.wait().await?;
        }
        let mut known = self.known.write();
        silences.into_iter().for_each(|silence| known.insert(silence));
        Ok(())
    }

    /// The silence with this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<SharedSilence> {
        self.known.read().by_id.get(id).cloned()
    }

    /// All silences, in the order in which they were made.
    #[must_use]
    pub fn all(&self) -> Vec<SharedSilence> {
        self.known.read().in_order().cloned().collect()
    }

    /// The ids of the silences that are in force at `now` for an alert with these labels.
    #[must_use]
    pub fn silencing(&self, labels: &Labels, now: Timestamp) -> Vec<String> {
        let started = Instant::now();
        let known = self.known.read();
        let silencing = known.in_order().filter(|silence| silence.silences(labels, now));
        let ids = silencing.map(|silence| silence.id.clone()).collect();
        self.metrics.queried(known.order.len(), started.elapsed());
        ids
    }

    /// How many silences there are in each state at `now`: active, pending, expired.
    #[must_use]
    pub fn count(&self, now: Timestamp) -> [(State, usize); 3] {
        let mut counts = [(State::Active, 0), (State::Pending, 0), (State::Expired, 0)];
        for silence in self.known.read().by_id.values() {
            let state = silence.state_at(now);
            counts.iter_mut().filter(|(counted, _)| *counted == state).for_each(|(_, count)| *count += 1);
        }
        counts
    }

    /// Forgets silences that ended too long before `now`, and rewrites the file when most of it is dead. Gives the size
    /// of a new file.
    ///
    /// # Errors
    /// [`JournalError`] when the file could not be rewritten; then it is as before.
    pub async fn maintain(&self, now: Timestamp) -> Result<Option<u64>, JournalError> {
        let mut changes = self.changes.lock().await;
        self.forget_expired(now);
        let living = self.all();
        if changes.appended < DEAD_RECORDS_MIN + 2 * living.len() {
            return Ok(None);
        }
        changes.appended = living.len();
        let records: Vec<Record> =
            living.iter().map(|silence| Record::new(silence, after(silence.ends_at, self.retention))).collect();
        let written = changes.journal.rewrite(&records);
        written.wait().await.map(Some)
    }

    fn forget_expired(&self, now: Timestamp) {
        let mut known = self.known.write();
        known.by_id.retain(|_, silence| after(silence.ends_at, self.retention) > now);
        let Known { by_id, order } = &mut *known;
        order.retain(|id| by_id.contains_key(id));
    }

    /// Writes what is queued and ends.
    pub async fn close(&self) {
        self.changes.lock().await.journal.close().await;
    }
}

/// The silence as it is once ended at `now`; `None` if it has ended before.
fn previous_ended(previous: &Silence, now: Timestamp) -> Option<Silence> {
    let starts_at = match previous.state_at(now) {
        State::Expired => return None,
        State::Active => previous.starts_at,
        State::Pending => now,
    };
    Some(Silence { starts_at, ends_at: now, updated_at: now, ..previous.clone() })
}
