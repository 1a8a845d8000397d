//! RocksDB, and the only place that names it: columns, batches, tables to ingest, checkpoints.
//!
//! Everything that the store keeps is in one RocksDB, so one checkpoint is the whole of it. What the columns hold is
//! said in [`columns`]; the bytes of keys in [`keys`].

pub(crate) mod columns;
pub(crate) mod keys;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use columns::Care;
pub(crate) use columns::Column;
use rocksdb::{
    ColumnFamily, ColumnFamilyDescriptor, DB, ErrorKind, IngestExternalFileOptions, ReadOptions, SstFileWriter,
    WriteBatch, WriteOptions,
};

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

/// The open database.
pub(crate) struct Rocks {
    db: DB,
    /// Writes go to the log without waiting for the disk; [`Rocks::sync`] waits.
    unsynced: WriteOptions,
    synced: WriteOptions,
    /// Finished tables wait here to be ingested; on the same file system, so that they are moved, not copied.
    table_dir: PathBuf,
    next_table: AtomicU64,
}

impl fmt::Debug for Rocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rocks").field("path", &self.db.path()).finish_non_exhaustive()
    }
}

/// A table that cannot be read at one of its ends.
#[derive(Debug)]
pub(crate) struct DamagedTable {
    pub(crate) path: PathBuf,
    pub(crate) first: Vec<u8>,
    last: Vec<u8>,
}

/// Adds a key with its value to a table.
pub(crate) type PutKey<'a, E> = dyn FnMut(&[u8], &[u8]) -> Result<(), E> + 'a;

/// Changes that happen together or not at all.
pub(crate) struct Batch<'a> {
    rocks: &'a Rocks,
    inner: WriteBatch,
}

impl Rocks {
    /// Opens or makes the database in `path`. Damaged tables do not keep it closed.
    pub(crate) fn open(path: &Path, tuning: &columns::Tuning) -> Result<Self, RocksError> {
        let what = || format!("open the database in {}", path.display());
        let open = |care| {
            let descriptor =
                |column: Column| ColumnFamilyDescriptor::new(column.name(), columns::options(column, tuning));
            let descriptors = Column::ALL.into_iter().map(descriptor);
            DB::open_cf_descriptors(&columns::database_options(tuning, care), path, descriptors)
                .map_err(RocksError::new(what()))
        };
        let db = match open(Care::Full) {
            Err(error) if error.is_corruption() => {
                tracing::error!(
                    error = error.source.to_string(),
                    "the database is damaged, opening what is left of it"
                );
                open(Care::Salvage)?
            }
            result => result?,
        };
        let mut synced = WriteOptions::default();
        synced.set_sync(true);
        let table_dir = path.join("tables");
        Ok(Self { db, unsynced: WriteOptions::default(), synced, table_dir, next_table: AtomicU64::new(0) })
    }

    fn family(&self, column: Column) -> &ColumnFamily {
        self.db.cf_handle(column.name()).expect("all column families are opened with the database")
    }

    /// The value of `key`.
    pub(crate) fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, RocksError> {
        self.db.get_cf(self.family(column), key).map_err(RocksError::new(format!(
            "read key {} of {}",
            keys::Hex(key),
            column.name()
        )))
    }

    /// Calls `visit` with each key from `from` on, in order, until it answers false.
    pub(crate) fn scan(
        &self,
        column: Column,
        from: &[u8],
        mut visit: impl FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), RocksError> {
        let mut options = ReadOptions::default();
        options.fill_cache(false);
        let mut iterator = self.db.raw_iterator_cf_opt(self.family(column), options);
        iterator.seek(from);
        while let Some((key, value)) = iterator.item() {
            if !visit(key, value) {
                return Ok(());
            }
            iterator.next();
        }
        iterator.status().map_err(RocksError::new(format!("scan {} from {}", column.name(), keys::Hex(from))))
    }

    /// Like [`Rocks::scan`] over the keys that are `prefix` and a number of `N` bytes, stepping over damaged tables and
    /// blocks. Returns how often that was necessary.
    pub(crate) fn scan_numbers<const N: usize>(
        &self,
        column: Column,
        prefix: &[u8],
        mut visit: impl FnMut(u64, &[u8]),
    ) -> Result<u64, RocksError> {
        let mut gaps = 0;
        let (mut next, mut step) = (0_u64, 1_u64);
        loop {
            let from = [prefix, &next.to_be_bytes()[8 - N..]].concat();
            let scanned = self.scan(column, &from, |key, value| {
                let Some(number) = key.strip_prefix(prefix).and_then(keys::number) else {
                    return false;
                };
                visit(number, value);
                (next, step) = (number.saturating_add(1), 1);
                true
            });
            match scanned {
                Err(error) if error.is_damage() => {
                    if step == 1 {
                        gaps += 1;
                        let error = error.source.to_string();
                        tracing::error!(column = column.name(), after = next, error, "damage is stepped over");
                    }
                    // Leaps until past the damage; whatever readable is leapt over is lost with it.
                    next = next.saturating_add(step);
                    step = step.saturating_mul(2);
                    if next >= u64::MAX >> (64 - 8 * N) {
                        return Ok(gaps);
                    }
                }
                result => return result.map(|()| gaps),
            }
        }
    }

    /// The first keys of all tables of a column: known even of a table that cannot be read.
    pub(crate) fn tables(&self, column: Column) -> Result<Vec<Vec<u8>>, RocksError> {
        let files = self.db.live_files().map_err(RocksError::new("list the tables"))?;
        let mine = files.into_iter().filter(|file| file.column_family_name == column.name());
        Ok(mine.filter_map(|file| file.start_key).collect())
    }

    /// The tables of a column that cannot be read at one of their ends, or that `error` names: of tables whose keys are
    /// removed already the ends are not read.
    pub(crate) fn damaged_tables(&self, column: Column, error: &str) -> Result<Vec<DamagedTable>, RocksError> {
        let files = self.db.live_files().map_err(RocksError::new("list the tables"))?;
        let mut damaged = Vec::new();
        for file in files.into_iter().filter(|file| file.column_family_name == column.name()) {
            let (Some(first), Some(last)) = (file.start_key, file.end_key) else { continue };
            let is_damaged = |key: &[u8]| match self.scan(column, key, |_, _| false) {
                Err(error) => error.is_damage(),
                Ok(()) => false,
            };
            if error.contains(&file.name) || is_damaged(&first) || is_damaged(&last) {
                let path = self.db.path().join(file.name.trim_start_matches('/'));
                damaged.push(DamagedTable { path, first, last });
            }
        }
        Ok(damaged)
    }

    /// Takes a damaged table out, keeps its file in `aside`, and puts a new one with `entries`, which are sorted, in its
    /// place.
    pub(crate) fn replace(
        &self,
        column: Column,
        tuning: &columns::Tuning,
        table: &DamagedTable,
        aside: &Path,
        entries: &[(Vec<u8>, Vec<u8>)],
    ) -> Result<(), RocksError> {
        let what = || format!("set {} aside", table.path.display());
        if let Some(name) = table.path.file_name()
            && let Err(error) = std::fs::hard_link(&table.path, aside.join(name))
        {
            // A file that is not there, or a file system without links: nothing is kept, and nothing else is lost.
            tracing::warn!(%error, table = %table.path.display(), "cannot keep a damaged table");
        }
        let family = self.family(column);
        self.db.delete_file_in_range_cf(family, &table.first, &table.last).map_err(RocksError::new(what()))?;
        self.ingest(column, tuning, |error| error, |put| entries.iter().try_for_each(|(key, value)| put(key, value)))?;
        Ok(())
    }

    /// Empties a column of which a table is damaged, and puts `entries`, which are sorted, into it.
    pub(crate) fn rebuild(
        &mut self,
        column: Column,
        tuning: &columns::Tuning,
        entries: &[(Vec<u8>, Vec<u8>)],
    ) -> Result<(), RocksError> {
        let what = || format!("rebuild {}", column.name());
        self.db.drop_cf(column.name()).map_err(RocksError::new(what()))?;
        self.db.create_cf(column.name(), &columns::options(column, tuning)).map_err(RocksError::new(what()))?;
        self.ingest(column, tuning, |error| error, |put| entries.iter().try_for_each(|(key, value)| put(key, value)))?;
        Ok(())
    }

    /// An empty batch.
    pub(crate) fn batch(&self) -> Batch<'_> {
        Batch { rocks: self, inner: WriteBatch::default() }
    }

    /// Waits until everything written so far is on the disk.
    pub(crate) fn sync(&self) -> Result<(), RocksError> {
        self.db.flush_wal(true).map_err(RocksError::new("sync the log"))
    }

    /// Writes one table of `column` and makes it part of the database. `fill` is handed the way to add a key; keys grow.
    /// Returns the size of the table in bytes; a table without keys is not written. `failed` turns what goes wrong here
    /// into the caller's error.
    pub(crate) fn ingest<E>(
        &self,
        column: Column,
        tuning: &columns::Tuning,
        failed: impl Fn(RocksError) -> E,
        fill: impl FnOnce(&mut PutKey<'_, E>) -> Result<(), E>,
    ) -> Result<u64, E> {
        let name = format!("{}-{}.sst", column.name(), self.next_table.fetch_add(1, Ordering::Relaxed));
        let path = self.table_dir.join(name);
        let what = || format!("write table {}", path.display());
        let options = columns::options(column, tuning);
        let mut writer = SstFileWriter::create(&options);
        let step = |result: Result<(), rocksdb::Error>| result.map_err(|error| failed(RocksError::new(what())(error)));
        step(writer.open(&path))?;
        let mut keys = 0_u64;
        fill(&mut |key, value| {
            keys += 1;
            step(writer.put(key, value))
        })?;
        if keys == 0 {
            return Ok(0);
        }
        step(writer.finish())?;
        let size = writer.file_size();
        let mut ingest = IngestExternalFileOptions::default();
        ingest.set_move_files(true);
        step(self.db.ingest_external_file_cf_opts(self.family(column), &ingest, vec![&path]))?;
        Ok(size)
    }

    /// Writes what is in memory of `column` to a table: it then does not depend on the log any more.
    pub(crate) fn flush(&self, column: Column) -> Result<(), RocksError> {
        self.db.flush_cf(self.family(column)).map_err(RocksError::new(format!("write out {}", column.name())))
    }

    /// Writes the tables of `column` anew, so that what was removed takes no room any more. Removing whole tables passes
    /// over those that were written out last.
    pub(crate) fn compact(&self, column: Column) {
        self.db.compact_range_cf(self.family(column), None::<&[u8]>, None::<&[u8]>);
    }

    /// Removes all keys from `from` up to, but not with, `to`; whole tables are deleted at once.
    pub(crate) fn remove_range(&self, column: Column, from: &[u8], to: &[u8]) -> Result<(), RocksError> {
        let what = || format!("remove keys {} to {} of {}", keys::Hex(from), keys::Hex(to), column.name());
        let family = self.family(column);
        self.db.delete_file_in_range_cf(family, from, to).map_err(RocksError::new(what()))?;
        let mut options = ReadOptions::default();
        options.set_iterate_upper_bound(to);
        let mut rest = self.db.raw_iterator_cf_opt(family, options);
        rest.seek(from);
        if rest.valid() {
            self.db.delete_range_cf_opt(family, from, to, &self.unsynced).map_err(RocksError::new(what()))?;
        }
        Ok(())
    }

    /// Makes a copy in `dir` that can be opened, by linking the tables.
    pub(crate) fn checkpoint(&self, dir: &Path) -> Result<(), RocksError> {
        let what = || format!("make a checkpoint in {}", dir.display());
        let checkpoint = rocksdb::checkpoint::Checkpoint::new(&self.db).map_err(RocksError::new(what()))?;
        checkpoint.create_checkpoint(dir).map_err(RocksError::new(what()))
    }

    /// Bytes of all tables of a column, and of its memory.
    pub(crate) fn sizes(&self, column: Column) -> (u64, u64) {
        let property =
            |name: &str| self.db.property_int_value_cf(self.family(column), name).ok().flatten().unwrap_or_default();
        (property("rocksdb.total-sst-files-size"), property("rocksdb.cur-size-all-mem-tables"))
    }

    /// Ends background work; nothing may be written after that.
    pub(crate) fn stop(&self) {
        self.db.cancel_all_background_work(true);
    }

    /// Where tables are written before they are ingested.
    pub(crate) fn table_dir(&self) -> &Path {
        &self.table_dir
    }
}

impl Batch<'_> {
    /// Sets a key.
    pub(crate) fn put(&mut self, column: Column, key: &[u8], value: &[u8]) {
        self.inner.put_cf(self.rocks.family(column), key, value);
    }

    /// Removes a key.
    pub(crate) fn delete(&mut self, column: Column, key: &[u8]) {
        self.inner.delete_cf(self.rocks.family(column), key);
    }

    /// Writes the batch to the log. A crash of the process loses nothing of it from here on.
    pub(crate) fn write(self) -> Result<(), RocksError> {
        self.rocks.db.write_opt(self.inner, &self.rocks.unsynced).map_err(RocksError::new("write to the log"))
    }

    /// Writes the batch and waits for the disk.
    pub(crate) fn write_synced(self) -> Result<(), RocksError> {
        self.rocks.db.write_opt(self.inner, &self.rocks.synced).map_err(RocksError::new("write to the log"))
    }
}
