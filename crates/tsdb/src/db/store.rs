//! What the parts of an open store share.

use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use storage::TimeRange;

use crate::admission::Admission;
use crate::db::labels;
use crate::db::log_index::LogIndex;
use crate::db::stats::Counters;
use crate::db::view::Views;
use crate::disk::Disk;
use crate::error::DbError;
use crate::exemplars::Exemplars;
use crate::head::Head;
use crate::head::commit::{Outcome, Record};
use crate::head::entry::ExponentHint;
use crate::head::group::{RawSamples, RawValue};
use crate::head::incoming::{Pending, Pool};
use crate::head::slots::{Chain, Newest, Slot};
use crate::index::table::SeriesId;
use crate::maintain::delete::Progress;
use crate::maintain::run::Memory;
use crate::options::{Limits, Options};
use crate::query::together::Ahead;
use crate::rocks::keys::PartitionKey;
use crate::rocks::{Column, Rocks, RocksError};
use crate::sealed::block::SeriesKey;
use crate::sealed::partition::Partition;
use crate::sealed::reader::{SealedReader, read_body};

/// A query takes no more threads than this, however many processors there are: others want to be answered too.
const THREADS_MAX: usize = 8;

/// An open store.
pub(crate) struct Store {
    pub(crate) path: PathBuf,
    pub(crate) options: Options,
    /// What of the options can change.
    pub(crate) limits: ArcSwap<Limits>,
    pub(crate) admission: Admission,
    pub(crate) disk: Disk,
    pub(crate) cleaning: Mutex<Progress>,
    pub(crate) rocks: Arc<Rocks>,
    pub(crate) head: Head,
    pub(crate) exemplars: Exemplars,
    pub(crate) sealed: SealedReader,
    pub(crate) views: Views,
    pub(crate) log: Mutex<LogIndex>,
    /// Held by whoever changes what is sealed or deleted.
    pub(crate) maintenance: Mutex<Memory>,
    /// Partitions that were replaced, and may still be read.
    pub(crate) garbage: Mutex<Vec<(Weak<Partition>, PartitionKey)>>,
    /// The count of samples when it last grew, and when that was.
    pub(crate) last_commits: Mutex<(u64, i64)>,
    pub(crate) counters: Counters,
    pub(crate) is_closed: AtomicBool,
    /// Whether anything was written since the last sync.
    pub(crate) is_unsynced: AtomicBool,
    /// Appenders that may have samples of series they looked up; see `Store::next_epoch`.
    pub(crate) epoch: Mutex<Arc<()>>,
    /// Buffers of appenders.
    pub(crate) pendings: Pool<Pending>,
    /// What queries have decoded ahead.
    pub(crate) ahead: Arc<Ahead>,
    /// Threads that one query may use.
    pub(crate) threads: usize,
    next_mark: AtomicU32,
    /// Locked as long as the store is open.
    _lock: File,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.path).finish_non_exhaustive()
    }
}

/// What a store begins with, besides its options.
pub(crate) struct Parts {
    pub(crate) path: PathBuf,
    pub(crate) lock: File,
    pub(crate) rocks: Arc<Rocks>,
    pub(crate) exemplars: Exemplars,
    pub(crate) sealed: SealedReader,
    pub(crate) head: Head,
    pub(crate) views: Views,
    pub(crate) log: LogIndex,
}

impl Store {
    /// Puts the parts together.
    pub(crate) fn new(parts: Parts, options: Options) -> Self {
        Self {
            disk: Disk::new(&parts.path),
            path: parts.path,
            limits: ArcSwap::from_pointee(Limits::of(&options)),
            admission: Admission::default(),
            cleaning: Mutex::default(),
            options,
            rocks: parts.rocks,
            head: parts.head,
            exemplars: parts.exemplars,
            sealed: parts.sealed,
            views: parts.views,
            log: Mutex::new(parts.log),
            maintenance: Mutex::default(),
            garbage: Mutex::default(),
            last_commits: Mutex::default(),
            counters: Counters::default(),
            is_closed: AtomicBool::new(false),
            is_unsynced: AtomicBool::new(false),
            epoch: Mutex::default(),
            pendings: Pool::default(),
            ahead: Arc::default(),
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(THREADS_MAX),
            next_mark: AtomicU32::new(1),
            _lock: parts.lock,
        }
    }

    /// Whether the store was closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// A number that tells one open appender from another.
    pub(crate) fn mark(&self) -> u32 {
        self.next_mark.fetch_add(1, Ordering::Relaxed)
    }

    /// Commits samples to the log and the head.
    pub(crate) fn commit(&self, pending: &mut Pending) -> Result<Outcome, RocksError> {
        let outcome = self.head.commit(pending, |record| self.write_record(&record))?;
        self.counters.committed(outcome);
        Ok(outcome)
    }

    fn write_record(&self, record: &Record<'_>) -> Result<(), RocksError> {
        let write = || {
            let mut batch = self.rocks.batch();
            if !record.unlogged.is_empty() {
                let index = self.head.index.read();
                for id in record.unlogged {
                    batch.put(Column::Series, &id.0.to_be_bytes(), &labels::encode(&index.table.labels(*id)));
                }
            }
            batch.put(Column::Rows, &record.number.to_be_bytes(), record.bytes);
            batch.write()
        };
        match write() {
            // Damage had stopped the database, which was opened anew.
            Err(error) if error.is_damage() => write()?,
            result => result?,
        }
        self.is_unsynced.store(true, Ordering::Release);
        self.log.lock().add(record.number, record.newest_ms);
        Ok(())
    }

    /// Waits until everything committed so far is on the disk, unless it is already.
    pub(crate) fn sync(&self) -> Result<(), DbError> {
        if self.is_unsynced.swap(false, Ordering::AcqRel)
            && let Err(error) = self.rocks.sync()
        {
            self.is_unsynced.store(true, Ordering::Release);
            return Err(DbError::database("sync the log")(error));
        }
        Ok(())
    }

    /// The newest sample of a series. After a start that of a series without samples in the log is looked up in the
    /// partitions, once.
    pub(crate) fn newest(&self, id: SeriesId, slot: &Slot) -> Result<Newest, DbError> {
        match slot.newest() {
            Newest::Unknown => {}
            newest => return Ok(newest),
        }
        let found = self.newest_sealed(id, slot)?;
        // Whoever joins a group does so under the same lock, and was here before.
        let _joining = self.head.joining();
        if slot.newest() == Newest::Unknown {
            slot.set_newest(found, Chain { keyframe: 0, hint: ExponentHint::UNKNOWN });
        }
        Ok(slot.newest())
    }

    fn newest_sealed(&self, id: SeriesId, slot: &Slot) -> Result<Newest, DbError> {
        let view = self.views.now();
        let key = SeriesKey::new(slot.metric(), id);
        let mut newest: Option<(i64, RawValue)> = None;
        for partition in view.partitions.iter().rev() {
            let is_older = newest.as_ref().is_some_and(|(at_ms, _)| partition.max_ms <= *at_ms);
            if is_older || !self.sealed.members(partition)?.contains(id.0) {
                continue;
            }
            let mut samples = RawSamples::new();
            self.sealed.with_series(partition, key, |times, series| {
                let Some(last) = times.last().copied() else { return Ok(()) };
                let range = TimeRange { start_ms: last, end_ms: last };
                read_body(times, series.body, range, None, &mut samples)
            })?;
            newest = newest.into_iter().chain(samples).max_by_key(|(at_ms, _)| *at_ms);
        }
        Ok(match newest {
            None => Newest::None,
            Some((at_ms, RawValue::Float(bits))) => Newest::Float { at_ms, bits },
            Some((at_ms, RawValue::Histogram(_))) => Newest::Histogram { at_ms },
        })
    }
}
