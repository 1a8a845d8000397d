//! The store: opening, closing, and what it offers beyond the storage traits.
//!
//! * [`store`]: what the parts share, and how a commit is written
//! * [`append`]: collecting samples
//! * [`recover`][]: opening
//! * [`replay`]: the log into the head
//! * [`salvage`]: opening what damage has left
//! * [`view`]: what is sealed and deleted as of one moment
//! * [`log_index`]: which log records are still needed
//! * [`labels`]: the bytes of a label set
//! * [`stats`][]: figures

pub(crate) mod append;
pub(crate) mod labels;
pub(crate) mod log_index;
pub(crate) mod recover;
mod replay;
pub(crate) mod salvage;
pub(crate) mod stats;
pub(crate) mod store;
pub(crate) mod view;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use metrics_model::Matcher;
use parking_lot::{Mutex, MutexGuard};
use storage::{Appender, Querier, Queryable, SeriesExemplars, Storage, StorageError, TimeRange};

use crate::admission::Room;
use crate::db::append::DbAppender;
use crate::db::stats::{Cardinalities, PartitionInfo, Stats};
use crate::db::store::Store;
use crate::error::{DbError, OpenError};
use crate::maintain::delete::Cleaning;
use crate::maintain::run::{Background, Memory, chain};
use crate::options::{Limits, Options};
use crate::query::select::DbQuerier;
use crate::rocks::Column;

/// The format of the data folder. A change that older versions cannot read takes the next number.
pub(crate) const FORMAT: u32 = 1;

/// A store of samples on disk.
///
/// It is shared behind an `Arc`. What a commit acknowledged survives the end of the process whatever its kind, and a
/// power cut but for the last [`Options::sync_interval`].
#[derive(Debug)]
pub struct Db {
    pub(crate) store: Arc<Store>,
    background: Mutex<Option<Background>>,
}

impl Db {
    /// Opens the store in the folder `path`, which is made if it is not there.
    ///
    /// # Errors
    /// [`OpenError`] names the folder and what is wrong with it.
    pub fn open(path: &Path, options: Options) -> Result<Self, OpenError> {
        let is_background = options.background;
        let store = Arc::new(recover::open(path, options)?);
        let background = if is_background {
            let thread = Background::start(&store);
            Some(thread.map_err(|source| OpenError::Thread { path: path.to_owned(), source })?)
        } else {
            None
        };
        Ok(Self { store, background: Mutex::new(background) })
    }

    /// Stops background work, and syncs. Appenders and queries are refused from then on. The folder is free for another
    /// process when the last handle is dropped.
    ///
    /// # Errors
    /// [`DbError`] when the last sync failed.
    pub fn close(&self) -> Result<(), DbError> {
        if self.store.is_closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        // Stops its threads.
        drop(self.background.lock().take());
        // Whoever is in a commit or in maintenance finishes first.
        let _maintenance = self.store.maintenance.lock();
        let _gate = self.store.head.gate.write();
        self.store.sync()
    }

    /// Waits until everything committed so far is on the disk.
    ///
    /// # Errors
    /// [`DbError`] when the disk does not take it; what was committed is then still safe against a crash of the process.
    pub fn sync(&self) -> Result<(), DbError> {
        self.store.sync()
    }

    /// One round of sealing, merging, retention and cleaning up, for stores without a thread of their own.
    ///
    /// # Errors
    /// [`DbError`] when a step failed; what was done before it stays done, and the next round goes on.
    pub fn run_maintenance(&self, now_ms: i64) -> Result<(), DbError> {
        self.store.run_maintenance(now_ms)
    }

    /// Seals everything there is, also of windows that are not over.
    ///
    /// # Errors
    /// [`DbError`] when it could not be written; the samples are then where they were.
    pub fn flush(&self) -> Result<(), DbError> {
        let mut memory = self.maintenance()?;
        self.store.mended(|| self.store.seal(i64::MAX))?;
        memory.is_trim_due = !self.store.mended(|| self.store.trim())?;
        Ok(())
    }

    /// Like [`Db::flush`], merges all finished days, and gives back the space of what was sealed and merged: the folder is
    /// then as small as it gets.
    ///
    /// # Errors
    /// [`DbError`] when something could not be written; what was done before it stays done.
    pub fn compact(&self) -> Result<(), DbError> {
        self.flush()?;
        let memory = self.maintenance()?;
        while self.store.mended(|| self.store.merge_finished(&memory))? {}
        self.store.mended(|| self.store.sweep())?;
        let failed = DbError::database("write out what the log covers");
        self.store
            .mended(|| Column::ALL.into_iter().try_for_each(|column| self.store.rocks.flush(column).map_err(failed)))?;
        self.store.rocks.compact(Column::Rows);
        Ok(())
    }

    /// Hides samples in `range` of the series that satisfy all `matchers`, for queries that begin after this returns.
    /// What is written later is not affected.
    ///
    /// # Errors
    /// [`DbError`] when the deletion could not be written; nothing is deleted then.
    pub fn delete_series(&self, matchers: &[Matcher], range: TimeRange) -> Result<(), DbError> {
        let _maintenance = self.maintenance()?;
        self.store.mended(|| self.store.delete(matchers, range))?;
        self.store.mended(|| self.store.delete_exemplars(matchers, range))
    }

    /// Frees the disk of deleted samples. Where the process ends in the middle of it, the next one goes on.
    ///
    /// # Errors
    /// [`DbError`] when a partition could not be written anew; those done before it stay done.
    pub fn clean_tombstones(&self) -> Result<(), DbError> {
        let mut maintenance = self.maintenance()?;
        self.store.mended(|| self.store.begin_cleaning())?;
        self.store.clean(&mut maintenance)?;
        self.store.mended(|| self.store.sweep())
    }

    /// Checks the lists, labels and log on the disk, and writes anew from memory what is damaged; maintenance does so each
    /// hour. Returns how many damaged tables were set aside.
    ///
    /// # Errors
    /// [`DbError`] when something could not be read or written, for other reasons than damage.
    pub fn scrub(&self) -> Result<u64, DbError> {
        let _maintenance = self.maintenance()?;
        self.store.scrub()
    }

    /// How far cleaning is.
    #[must_use]
    pub fn cleaning(&self) -> Cleaning {
        let deletions = self.store.views.now().tombstones.len() as u64;
        Cleaning { deletions, ..self.store.cleaning.lock().cleaning }
    }

    /// Changes what can be changed while the store is open.
    pub fn set_limits(&self, limits: Limits) {
        self.store.limits.store(Arc::new(limits));
        if let Err(error) = self.store.exemplars.resize(limits.exemplars_max) {
            // They are out of memory, and go from the disk with the next start.
            tracing::error!(error = chain(&error), "cannot remove exemplars");
        }
    }

    /// How many new series may come in from now on. Samples of known series are always taken.
    pub fn allow_new_series(&self, room: Room) {
        self.store.admission.allow(room);
    }

    /// Makes a copy of the store in the folder `dir`, which must not exist: a store that can be opened. Tables are
    /// linked, not copied, if it is on the same file system.
    ///
    /// # Errors
    /// [`DbError`] when the folder cannot be made or written.
    pub fn snapshot(&self, dir: &Path) -> Result<(), DbError> {
        let _maintenance = self.maintenance()?;
        std::fs::create_dir(dir).map_err(|source| DbError::File { path: dir.to_owned(), source })?;
        self.store.rocks.checkpoint(&dir.join(recover::DATABASE_DIR)).map_err(DbError::database("make a snapshot"))
    }

    /// Keeps maintenance, and what else changes partitions, out while it is held.
    pub(crate) fn maintenance(&self) -> Result<MutexGuard<'_, Memory>, DbError> {
        let guard = self.store.maintenance.lock();
        if self.store.is_closed() { Err(DbError::Closed) } else { Ok(guard) }
    }

    /// What the store holds and did.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.store.stats()
    }

    /// The stretches of sealed samples, in order of time.
    ///
    /// # Errors
    /// [`DbError`] when what is in them cannot be read.
    pub fn partitions(&self) -> Result<Vec<PartitionInfo>, DbError> {
        self.store.partitions()
    }

    /// The labels that make the most series, `limit` of each kind.
    #[must_use]
    pub fn cardinalities(&self, limit: usize) -> Cardinalities {
        self.store.cardinalities(limit)
    }
}

impl Drop for Db {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::error!(%error, path = %self.store.path.display(), "cannot sync the store on closing");
        }
        self.store.rocks.stop();
    }
}

impl Storage for Db {
    fn appender(&self) -> Box<dyn Appender + '_> {
        Box::new(DbAppender::new(&self.store))
    }

    fn exemplars(&self, selectors: &[&[Matcher]], range: TimeRange) -> Result<Vec<SeriesExemplars>, StorageError> {
        if self.store.is_closed() {
            return Err(StorageError::Closed);
        }
        Ok(self.store.select_exemplars(selectors, range))
    }
}

impl Queryable for Db {
    fn querier(&self, range: TimeRange) -> Result<Box<dyn Querier + '_>, StorageError> {
        if self.store.is_closed() {
            return Err(StorageError::Closed);
        }
        Ok(Box::new(DbQuerier::new(&self.store, range)))
    }
}
