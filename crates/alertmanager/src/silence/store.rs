//! All silences: in memory for the pipeline, in a [`Journal`] for the next start. Changes are on disk before anybody
//! sees them.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use metrics_model::Labels;
use parking_lot::RwLock;
use xxhash_rust::xxh3::xxh3_64;

use super::record::Record;
use super::{SharedSilence, Silence, State};
use crate::cluster::{Kind, Merged, Outgoing, Replicated, Update};
use crate::history::{Event, History, SilenceChange};
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
    /// Whether silences that silence everything are welcome (`--silences.allow-match-all`).
    pub allow_match_all: bool,
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
    /// It would silence everything.
    #[error(
        "invalid silence: it would silence every alert; name the alerts that it is for, or start with \
         --silences.allow-match-all"
    )]
    MatchesAll,
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
    journal: Journal,
    /// Records appended since the file was last rewritten.
    appended: AtomicUsize,
    /// Held from the decision over the write to the change in memory.
    changes: tokio::sync::Mutex<()>,
    known: RwLock<Known>,
    /// Takes changes to the other members of the cluster.
    outgoing: OnceLock<Outgoing>,
    history: Arc<History>,
    metrics: SilenceMetrics,
}

#[derive(Debug, Default)]
struct Known {
    by_id: HashMap<String, SharedSilence>,
    /// Ids in the order in which the silences were made.
    order: Vec<String>,
}

impl Known {
    /// Takes in a silence unless a later version of it is known. Whether it was taken in.
    fn insert(&mut self, silence: Silence) -> bool {
        let id = silence.id.clone();
        match self.by_id.get(&id) {
            Some(present) if present.updated_at >= silence.updated_at => return false,
            Some(_) => {}
            None => self.order.push(id.clone()),
        }
        self.by_id.insert(id, Arc::new(silence));
        true
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
                Ok(silence) => drop(known.insert(silence)),
                Err(error) => {
                    metrics.dropped();
                    tracing::error!(id, %error, "silence dropped: its expression cannot be used");
                }
            }
        }
        let silences = Self {
            retention,
            limits,
            journal,
            appended: AtomicUsize::new(appended),
            changes: tokio::sync::Mutex::default(),
            known: RwLock::new(known),
            outgoing: OnceLock::new(),
            history: Arc::new(History::none()),
            metrics,
        };
        silences.forget_expired(now);
        Ok(silences)
    }

    /// The same silences, whose changes go into a history.
    #[must_use]
    pub fn with_history(self, history: Arc<History>) -> Self {
        Self { history, ..self }
    }

    /// Makes a silence, or changes the one with its id. A change that would rewrite history ends the old silence and
    /// makes a new one. Gives the id of the silence that holds now.
    ///
    /// # Errors
    /// [`SilenceError`]; then nothing changed.
    pub async fn set(&self, mut silence: Silence, now: Timestamp) -> Result<String, SilenceError> {
        silence.check().map_err(SilenceError::Invalid)?;
        if silence.matches_all() && !self.limits.allow_match_all {
            return Err(SilenceError::MatchesAll);
        }
        let _alone = self.changes.lock().await;
        let previous = match silence.id.as_str() {
            "" => None,
            id => Some(self.get(id).ok_or(SilenceError::NotFound)?),
        };
        silence.updated_at = now;
        if let Some(previous) = previous {
            if previous.can_become(&silence, now) {
                let id = silence.id.clone();
                silence.updated_at = later_than(&previous, now);
                self.save(vec![(silence, SilenceChange::Updated)]).await?;
                return Ok(id);
            }
            let ended = previous_ended(&previous, now);
            return self.make(silence, now, ended).await;
        }
        self.make(silence, now, None).await
    }

    async fn make(&self, mut silence: Silence, now: Timestamp, ended: Option<Silence>) -> Result<String, SilenceError> {
        let count = self.known.read().order.len();
        if self.limits.silences > 0 && count + 1 > self.limits.silences {
            return Err(SilenceError::TooMany { count, limit: self.limits.silences });
        }
        silence.id = uuid::Uuid::new_v4().to_string();
        silence.starts_at = silence.starts_at.max(now);
        let id = silence.id.clone();
        // Both in one write: either the old one ends and the new one begins, or nothing happens.
        let ended = ended.map(|silence| (silence, SilenceChange::Expired));
        self.save(ended.into_iter().chain([(silence, SilenceChange::Created)]).collect()).await?;
        Ok(id)
    }

    /// Ends a silence. One that has ended already stays as it is.
    ///
    /// # Errors
    /// [`SilenceError::NotFound`] and [`SilenceError::Storage`].
    pub async fn expire(&self, id: &str, now: Timestamp) -> Result<(), SilenceError> {
        let _alone = self.changes.lock().await;
        let previous = self.get(id).ok_or(SilenceError::NotFound)?;
        match previous_ended(&previous, now) {
            Some(ended) => self.save(vec![(ended, SilenceChange::Expired)]).await,
            None => Ok(()),
        }
    }

    /// Writes silences and then changes them in memory. The caller holds `changes`.
    async fn save(&self, silences: Vec<(Silence, SilenceChange)>) -> Result<(), SilenceError> {
        let records: Vec<Record> = silences.iter().map(|(silence, _)| self.record(silence)).collect();
        for record in &records {
            let size_bytes = serde_json::to_vec(record).map_or(usize::MAX, |json| json.len());
            let limit_bytes = self.limits.silence_bytes;
            if limit_bytes > 0 && size_bytes > limit_bytes {
                return Err(SilenceError::TooLarge { size_bytes, limit_bytes });
            }
        }
        self.appended.fetch_add(records.len(), Ordering::Relaxed);
        let writes: Vec<_> = records.iter().map(|record| self.journal.append(record)).collect();
        for written in writes {
            written.wait().await?;
        }
        for (silence, change) in silences {
            self.history.record(&Event::silence(silence.updated_at, &silence, change, false));
            self.known.write().insert(silence);
        }
        if let Some(outgoing) = self.outgoing.get() {
            for record in &records {
                let json = serde_json::to_vec(record).expect("a record is made of texts and times");
                outgoing.send(Update { kind: Kind::Silence, key: xxh3_64(record.id.as_bytes()), record: json });
            }
        }
        Ok(())
    }

    /// From now on the other members of a cluster hear of changes made here.
    pub fn attach(&self, outgoing: Outgoing) {
        // Silences belong to one cluster for good.
        drop(self.outgoing.set(outgoing));
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
        let _alone = self.changes.lock().await;
        self.forget_expired(now);
        let written = {
            // No record of another member may come between what is read here and what replaces the file.
            let known = self.known.write();
            if self.appended.load(Ordering::Relaxed) < DEAD_RECORDS_MIN + 2 * known.order.len() {
                return Ok(None);
            }
            self.appended.store(known.order.len(), Ordering::Relaxed);
            let records: Vec<Record> = known.in_order().map(|silence| self.record(silence)).collect();
            self.journal.rewrite(&records)
        };
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
        let _alone = self.changes.lock().await;
        self.journal.close().await;
    }

    fn record(&self, silence: &Silence) -> Record {
        Record::new(silence, after(silence.ends_at, self.retention))
    }
}

/// Of each silence the latest version holds.
impl Replicated for Silences {
    fn kind(&self) -> Kind {
        Kind::Silence
    }

    fn records(&self) -> Vec<String> {
        let known = self.known.read();
        known.in_order().filter_map(|silence| serde_json::to_string(&self.record(silence)).ok()).collect()
    }

    fn merge(&self, record: &[u8]) -> Result<Merged, serde_json::Error> {
        let record: Record = serde_json::from_slice(record)?;
        let (key, expires_at) = (xxh3_64(record.id.as_bytes()), record.expires_at);
        let id = record.id.clone();
        let silence = match record.into_silence() {
            Ok(silence) => silence,
            Err(error) => {
                tracing::error!(id, %error, "a member's silence is left out: its expression cannot be used");
                return Ok(Merged { key, is_news: false });
            }
        };
        let mut known = self.known.write();
        let change = match known.by_id.get(&id) {
            None => SilenceChange::Created,
            Some(_) if silence.ends_at <= silence.updated_at => SilenceChange::Expired,
            Some(_) => SilenceChange::Updated,
        };
        let is_news = expires_at > Timestamp::now() && known.insert(silence);
        if is_news && let Some(silence) = known.by_id.get(&id) {
            self.history.record(&Event::silence(Timestamp::now(), silence, change, true));
            // Nobody waits for this: the member that sent it has it on disk.
            self.appended.fetch_add(1, Ordering::Relaxed);
            drop(self.journal.append(&self.record(silence)));
        }
        Ok(Merged { key, is_news })
    }
}

/// The silence as it is once ended at `now`; `None` if it has ended before.
fn previous_ended(previous: &Silence, now: Timestamp) -> Option<Silence> {
    let starts_at = match previous.state_at(now) {
        State::Expired => return None,
        State::Active => previous.starts_at,
        State::Pending => now,
    };
    Some(Silence { starts_at, ends_at: now, updated_at: later_than(previous, now), ..previous.clone() })
}

/// When a silence is changed `now`: versions are told apart by this, so it moves on even where a clock does not.
fn later_than(previous: &Silence, now: Timestamp) -> Timestamp {
    now.max(after(previous.updated_at, Duration::from_nanos(1)))
}
