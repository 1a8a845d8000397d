//! RocksDB, and the only place that names it: columns, batches, tables to ingest, checkpoints.
//!
//! Everything that the store keeps is in one RocksDB, so one checkpoint is the whole of it. What the columns hold is
//! said in [`columns`]; the bytes of keys in [`keys`]; how it is opened in [`opened`]; what is done about damage in
//! [`repair`].

pub(crate) mod columns;
pub(crate) mod keys;
mod opened;
mod repair;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) use columns::Column;
use columns::Tuning;
use opened::{Opened, take_in};
use parking_lot::{Mutex, RwLock, RwLockReadGuard};
pub(crate) use repair::DamagedTable;
use repair::Suspicion;
use rocksdb::{ErrorKind, ReadOptions, SstFileWriter, WriteBatch, WriteOptions};

/// What RocksDB could not do.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what}")]
pub(crate) struct RocksError {
    what: String,
    #[source]
    source: rocksdb::Error,
}

impl RocksError {
    fn new(what: impl Into<String>) -> impl FnOnce(rocksdb::Error) -> Self {
        let what = what.into();
        move |source| Self { what, source }
    }

    fn is_corruption(&self) -> bool {
        self.source.kind() == ErrorKind::Corruption
    }

    /// Whether stored bytes failed their checksum, make no sense or are not there: the data is damaged, not the access to
    /// it.
    pub(crate) fn is_damage(&self) -> bool {
        self.is_corruption() || self.source.as_ref().contains("No such file or directory")
    }
}

/// The database of a store.
pub(crate) struct Rocks {
    /// Locked for writing while the database is opened anew, or a column put in the place of another.
    opened: RwLock<Opened>,
    path: PathBuf,
    tuning: Tuning,
    /// Writes go to the log without waiting for the disk; [`Rocks::sync`] waits.
    unsynced: WriteOptions,
    synced: WriteOptions,
    /// Finished tables wait here to be ingested; on the same file system, so that they are moved, not copied.
    table_dir: PathBuf,
    next_table: AtomicU64,
    /// Where damaged tables are kept.
    aside: PathBuf,
    set_aside: AtomicU64,
    suspicion: Mutex<Suspicion>,
    /// Which opening of the database compacts.
    compacting: AtomicU64,
}

impl fmt::Debug for Rocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rocks").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Adds a key with its value to a table.
pub(crate) type PutKey<'a, E> = dyn FnMut(&[u8], &[u8]) -> Result<(), E> + 'a;

/// Changes that happen together or not at all.
pub(crate) struct Batch<'a> {
    rocks: &'a Rocks,
    inner: WriteBatch,
    /// How often the database had been opened when it was begun.
    openings: u64,
    /// Why it has not everything that it was to have.
    torn: Option<rocksdb::Error>,
}

impl Rocks {
    /// Opens or makes the database in `path`. Damaged tables do not keep it closed; they are kept in `aside` when they
    /// are replaced.
    pub(crate) fn open(path: &Path, aside: PathBuf, tuning: Tuning) -> Result<Self, RocksError> {
        let what = || format!("open the database in {}", path.display());
        let opened = Opened::open(path, &tuning).map_err(RocksError::new(what()))?;
        let mut synced = WriteOptions::default();
        synced.set_sync(true);
        Ok(Self {
            opened: RwLock::new(opened),
            path: path.to_owned(),
            tuning,
            unsynced: WriteOptions::default(),
            synced,
            table_dir: path.join("tables"),
            next_table: AtomicU64::new(0),
            aside,
            set_aside: AtomicU64::new(0),
            suspicion: Mutex::default(),
            compacting: AtomicU64::new(0),
        })
    }

    /// The open database. Whoever has it may ask for it again.
    fn opened(&self) -> RwLockReadGuard<'_, Opened> {
        self.opened.read_recursive()
    }

    /// The value of `key`.
    pub(crate) fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, RocksError> {
        let what = || format!("read key {} of {}", keys::Hex(key), column.name());
        let opened = self.opened();
        let found = opened.family(column).and_then(|(db, family)| db.get_cf(family, key));
        found.map_err(|error| RocksError::new(what())(error))
    }

    /// Calls `visit` with each key from `from` on, in order, until it answers false.
    pub(crate) fn scan(
        &self,
        column: Column,
        from: &[u8],
        mut visit: impl FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), RocksError> {
        let what = || format!("scan {} from {}", column.name(), keys::Hex(from));
        let mut options = ReadOptions::default();
        options.fill_cache(false);
        let opened = self.opened();
        let (db, family) = opened.family(column).map_err(RocksError::new(what()))?;
        let mut iterator = db.raw_iterator_cf_opt(family, options);
        iterator.seek(from);
        while let Some((key, value)) = iterator.item() {
            if !visit(key, value) {
                return Ok(());
            }
            iterator.next();
        }
        iterator.status().map_err(RocksError::new(what()))
    }

    /// An empty batch.
    pub(crate) fn batch(&self) -> Batch<'_> {
        let openings = self.opened().openings;
        Batch { rocks: self, inner: WriteBatch::default(), openings, torn: None }
    }

    /// Waits until everything written so far is on the disk.
    pub(crate) fn sync(&self) -> Result<(), RocksError> {
        self.opened().db().and_then(|db| db.flush_wal(true)).map_err(RocksError::new("sync the log"))
    }

    /// Writes one table of `column` and makes it part of the database. `fill` is handed the way to add a key; keys grow.
    /// Returns the size of the table in bytes; a table without keys is not written. `failed` turns what goes wrong here
    /// into the caller's error.
    pub(crate) fn ingest<E>(
        &self,
        column: Column,
        failed: impl Fn(RocksError) -> E + Copy,
        fill: impl FnOnce(&mut PutKey<'_, E>) -> Result<(), E>,
    ) -> Result<u64, E> {
        let Some((path, size)) = self.write_table(column, failed, fill)? else { return Ok(0) };
        let opened = self.opened();
        let taken = opened.family(column).and_then(|(db, family)| take_in(db, family, &path));
        taken.map_err(|error| failed(RocksError::new(format!("take in table {}", path.display()))(error)))?;
        Ok(size)
    }

    /// Writes a table that waits to be taken in; `None` if it has no keys.
    fn write_table<E>(
        &self,
        column: Column,
        failed: impl Fn(RocksError) -> E + Copy,
        fill: impl FnOnce(&mut PutKey<'_, E>) -> Result<(), E>,
    ) -> Result<Option<(PathBuf, u64)>, E> {
        let name = format!("{}-{}.sst", column.name(), self.next_table.fetch_add(1, Ordering::Relaxed));
        let path = self.table_dir.join(name);
        let what = || format!("write table {}", path.display());
        let options = columns::options(column, &self.tuning);
        let mut writer = SstFileWriter::create(&options);
        let step = |result: Result<(), rocksdb::Error>| result.map_err(|error| failed(RocksError::new(what())(error)));
        step(writer.open(&path))?;
        let mut keys = 0_u64;
        fill(&mut |key, value| {
            keys += 1;
            step(writer.put(key, value))
        })?;
        if keys == 0 {
            return Ok(None);
        }
        step(writer.finish())?;
        let size = writer.file_size();
        Ok(Some((path, size)))
    }

    /// Writes what is in memory of `column` to a table: it then does not depend on the log any more.
    pub(crate) fn flush(&self, column: Column) -> Result<(), RocksError> {
        let opened = self.opened();
        let (openings, flushed) = (opened.openings, opened.family(column).and_then(|(db, family)| db.flush_cf(family)));
        drop(opened);
        let flushed = flushed.map_err(RocksError::new(format!("write out {}", column.name())));
        match flushed {
            // There is nothing in memory that could be damaged: a compaction has stopped the database.
            Err(error) if error.is_damage() => {
                self.suspect(error.source.to_string());
                self.reopen(&error, openings);
                Err(error)
            }
            result => result,
        }
    }

    /// Writes the tables of `column` anew, so that what was removed takes no room any more. Removing whole tables passes
    /// over those that were written out last.
    pub(crate) fn compact(&self, column: Column) {
        if let Ok((db, family)) = self.opened().family(column) {
            db.compact_range_cf(family, None::<&[u8]>, None::<&[u8]>);
        }
    }

    /// Removes all keys from `from` up to, but not with, `to`; whole tables are deleted at once.
    pub(crate) fn remove_range(&self, column: Column, from: &[u8], to: &[u8]) -> Result<(), RocksError> {
        let what = || format!("remove keys {} to {} of {}", keys::Hex(from), keys::Hex(to), column.name());
        let opened = self.opened();
        let (db, family) = opened.family(column).map_err(RocksError::new(what()))?;
        db.delete_file_in_range_cf(family, from, to).map_err(RocksError::new(what()))?;
        let mut options = ReadOptions::default();
        options.set_iterate_upper_bound(to);
        let mut rest = db.raw_iterator_cf_opt(family, options);
        rest.seek(from);
        if rest.valid() {
            db.delete_range_cf_opt(family, from, to, &self.unsynced).map_err(RocksError::new(what()))?;
        }
        Ok(())
    }

    /// Makes a copy in `dir` that can be opened, by linking the tables.
    pub(crate) fn checkpoint(&self, dir: &Path) -> Result<(), RocksError> {
        let what = || format!("make a checkpoint in {}", dir.display());
        let opened = self.opened();
        let checkpoint = opened.db().and_then(rocksdb::checkpoint::Checkpoint::new).map_err(RocksError::new(what()))?;
        checkpoint.create_checkpoint(dir).map_err(RocksError::new(what()))
    }

    /// Bytes of all tables of a column, and of its memory.
    pub(crate) fn sizes(&self, column: Column) -> (u64, u64) {
        let opened = self.opened();
        let property = |name: &str| {
            let found = opened.family(column).and_then(|(db, family)| db.property_int_value_cf(family, name));
            found.ok().flatten().unwrap_or_default()
        };
        (property("rocksdb.total-sst-files-size"), property("rocksdb.cur-size-all-mem-tables"))
    }

    /// Ends background work; nothing may be written after that.
    pub(crate) fn stop(&self) {
        self.opened().close();
    }

    /// Where tables are written before they are ingested.
    pub(crate) fn table_dir(&self) -> &Path {
        &self.table_dir
    }
}

impl Batch<'_> {
    /// Sets a key.
    pub(crate) fn put(&mut self, column: Column, key: &[u8], value: &[u8]) {
        match self.rocks.opened().family(column) {
            Ok((_, family)) => self.inner.put_cf(family, key, value),
            Err(error) => self.torn = Some(error),
        }
        if column == Column::Meta {
            self.put(Column::MetaCopy, key, value);
        }
    }

    /// Removes a key.
    pub(crate) fn delete(&mut self, column: Column, key: &[u8]) {
        match self.rocks.opened().family(column) {
            Ok((_, family)) => self.inner.delete_cf(family, key),
            Err(error) => self.torn = Some(error),
        }
        if column == Column::Meta {
            self.delete(Column::MetaCopy, key);
        }
    }

    /// Writes the batch to the log. A crash of the process loses nothing of it from here on.
    pub(crate) fn write(self) -> Result<(), RocksError> {
        self.write_as(|rocks| &rocks.unsynced)
    }

    /// Writes the batch and waits for the disk.
    pub(crate) fn write_synced(self) -> Result<(), RocksError> {
        self.write_as(|rocks| &rocks.synced)
    }

    fn write_as(self, options: impl FnOnce(&Rocks) -> &WriteOptions) -> Result<(), RocksError> {
        let Self { rocks, inner, openings, torn } = self;
        let result = match torn {
            None => rocks.opened().db().and_then(|db| db.write_opt(inner, options(rocks))),
            Some(error) => Err(error),
        };
        Self::written(rocks, openings, result)
    }
}
