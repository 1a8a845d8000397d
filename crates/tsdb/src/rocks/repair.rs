//! Damage: reading around it, setting tables aside that have it, and opening the database anew that was stopped by it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rocksdb::LiveFile;
use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::Xxh3;

use crate::rocks::columns::Column;
use crate::rocks::{Batch, PutKey, Rocks, RocksError, keys};

/// A database that is stopped again so soon is not opened again: something else is wrong with it.
const REOPEN_INTERVAL: Duration = Duration::from_secs(5);

/// A key that is no number and comes after all that are.
const BELOW: &[u8] = &[u8::MAX; 9];

/// What is known of damage that was not mended yet.
#[derive(Debug, Default)]
pub(crate) struct Suspicion {
    /// What the database said; names of tables are in it.
    errors: Vec<String>,
    reopened: Option<Instant>,
    /// Hashes of the files of tables that were read.
    hashes: FxHashMap<String, u64>,
}

/// A table that cannot be read at one of its ends, or in which damage was found.
#[derive(Debug)]
pub(crate) struct DamagedTable {
    pub(crate) path: PathBuf,
    pub(crate) first: Vec<u8>,
    last: Vec<u8>,
}

/// The hash of a file.
fn hash(path: &Path) -> std::io::Result<u64> {
    let (mut file, mut hasher) = (File::open(path)?, Xxh3::new());
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.digest()),
            count => hasher.update(&buffer[..count]),
        }
    }
}

impl Rocks {
    /// Like [`Rocks::scan`] over the keys that are `prefix` and a number of `N` bytes, stepping over damaged blocks.
    /// Returns how often that was necessary.
    pub(crate) fn scan_numbers<const N: usize>(
        &self,
        column: Column,
        prefix: &[u8],
        mut visit: impl FnMut(u64, &[u8]),
    ) -> Result<u64, RocksError> {
        let max = u64::MAX >> (64 - 8 * N);
        let mut gaps = 0;
        let mut next = 0_u64;
        loop {
            let scanned = self.scan_from::<N>(column, prefix, next, |number, value| {
                visit(number, value);
                next = number.saturating_add(1);
            });
            match scanned {
                Err(error) if error.is_damage() => {
                    gaps += 1;
                    self.report(column, next, &error);
                    match self.readable_after::<N>(column, prefix, next, max)? {
                        Some(readable) => next = readable,
                        None => return Ok(gaps),
                    }
                }
                result => return result.map(|()| gaps),
            }
        }
    }

    /// All keys from `from` on of a column of which the keys are numbers of `N` bytes. Where damage keeps whoever goes
    /// through them from going on (one table that cannot be opened does), each number is looked up, which only fails in
    /// the damaged table. Returns how many stretches are missing.
    pub(crate) fn scan_column<const N: usize>(
        &self,
        column: Column,
        from: u64,
        mut visit: impl FnMut(u64, &[u8]),
    ) -> Result<u64, RocksError> {
        let mut next = from;
        let scanned = self.scan_from::<N>(column, &[], next, |number, value| {
            visit(number, value);
            next = number.saturating_add(1);
        });
        match scanned {
            Err(error) if error.is_damage() => self.report(column, next, &error),
            result => return result.map(|()| 0),
        }
        // With nothing but three tables of level 0 the database looks into each, whatever its keys; a table below ends that.
        self.ingest(column, |error| error, |put| put(BELOW, &[]))?;
        // Of tables the first and last keys are known.
        self.flush(column)?;
        let tables = self.live_files(column)?;
        let numbers = |table: &LiveFile| {
            let first = table.start_key.as_deref().and_then(keys::number);
            first.zip(table.end_key.as_deref().and_then(keys::number))
        };
        let mut ranges: Vec<(u64, u64)> = tables.iter().filter_map(numbers).collect();
        ranges.sort_unstable();
        let (mut gaps, mut is_gap) = (0, false);
        for (first, last) in ranges {
            for number in first.max(next)..=last {
                match self.get(column, &number.to_be_bytes()[8 - N..]) {
                    Ok(None) => {}
                    Ok(Some(value)) => {
                        visit(number, &value);
                        is_gap = false;
                    }
                    Err(error) if error.is_damage() => {
                        if !is_gap {
                            gaps += 1;
                            self.report(column, number, &error);
                        }
                        is_gap = true;
                    }
                    Err(error) => return Err(error),
                }
            }
            next = next.max(last.saturating_add(1));
        }
        // What stopped the first reading is damage, also where no number is missing.
        Ok(gaps.max(1))
    }

    fn scan_from<const N: usize>(
        &self,
        column: Column,
        prefix: &[u8],
        from: u64,
        mut visit: impl FnMut(u64, &[u8]),
    ) -> Result<(), RocksError> {
        let from = [prefix, &from.to_be_bytes()[8 - N..]].concat();
        self.scan(column, &from, |key, value| {
            let Some(number) = key.strip_prefix(prefix).and_then(keys::number) else {
                return false;
            };
            visit(number, value);
            true
        })
    }

    /// The first number after `damaged` from which on reading goes on; `None` if there is none.
    fn readable_after<const N: usize>(
        &self,
        column: Column,
        prefix: &[u8],
        damaged: u64,
        max: u64,
    ) -> Result<Option<u64>, RocksError> {
        let is_readable = |number: u64| {
            let key = [prefix, &number.to_be_bytes()[8 - N..]].concat();
            match self.scan(column, &key, |_, _| false) {
                Ok(()) => Ok(true),
                Err(error) if error.is_damage() => Ok(false),
                Err(error) => Err(error),
            }
        };
        // Leaps until past the damage, then back to where it ends.
        let (mut low, mut step) = (damaged, 1_u64);
        let mut high = loop {
            let Some(number) = low.checked_add(step).filter(|number| *number <= max) else {
                return Ok(None);
            };
            if is_readable(number)? {
                break number;
            }
            low = number;
            step = step.saturating_mul(2);
        };
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if is_readable(middle)? { high = middle } else { low = middle }
        }
        Ok(Some(high))
    }

    /// Takes the hashes of tables of a column that are new.
    pub(crate) fn note_tables(&self, column: Column) -> Result<(), RocksError> {
        for file in self.live_files(column)? {
            if !self.suspicion.lock().hashes.contains_key(&file.name)
                && let Ok(hash) = hash(&self.path_of(&file.name))
            {
                self.suspicion.lock().hashes.insert(file.name, hash);
            }
        }
        Ok(())
    }

    /// Reads a column, and remembers the damage that shows: blocks have checksums; what else is in a table was read when
    /// it was opened and is not again, so files that are known must be what they were.
    pub(crate) fn check(&self, column: Column) -> Result<(), RocksError> {
        for file in self.live_files(column)? {
            let Some(known) = self.suspicion.lock().hashes.get(&file.name).copied() else { continue };
            if hash(&self.path_of(&file.name)).is_ok_and(|hash| known != hash) {
                self.suspect(format!("{} has changed since it was read", file.name));
            }
        }
        self.note_tables(column)?;
        match self.scan(column, &[], |_, _| true) {
            Err(error) if error.is_damage() => self.report(column, 0, &error),
            result => return result,
        }
        Ok(())
    }

    /// Names damage, and remembers it.
    fn report(&self, column: Column, after: u64, error: &RocksError) {
        let text = error.source.to_string();
        tracing::error!(column = column.name(), after, error = text, "damage is stepped over");
        self.suspect(text);
    }

    /// Remembers what was said about damage.
    pub(crate) fn suspect(&self, error: String) {
        let mut suspicion = self.suspicion.lock();
        if !suspicion.errors.contains(&error) {
            suspicion.errors.push(error);
        }
    }

    /// Whether damage waits for being mended.
    pub(crate) fn is_suspect(&self) -> bool {
        !self.suspicion.lock().errors.is_empty()
    }

    fn live_files(&self, column: Column) -> Result<Vec<LiveFile>, RocksError> {
        let opened = self.opened();
        let files = opened.db().and_then(rocksdb::DB::live_files).map_err(RocksError::new("list the tables"))?;
        let family = opened.name(column);
        Ok(files.into_iter().filter(|file| file.column_family_name == family).collect())
    }

    /// The first keys of all tables of a column: known even of a table that cannot be read.
    pub(crate) fn tables(&self, column: Column) -> Result<Vec<Vec<u8>>, RocksError> {
        Ok(self.live_files(column)?.into_iter().filter_map(|file| file.start_key).collect())
    }

    fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name.trim_start_matches('/'))
    }

    /// The tables of a column that the suspicion names, or that are gone or cut short.
    pub(crate) fn suspects(&self, column: Column) -> Result<Vec<PathBuf>, RocksError> {
        let files = self.live_files(column)?;
        let suspicion = self.suspicion.lock();
        let is_suspect = |file: &LiveFile| {
            let size = std::fs::metadata(self.path_of(&file.name)).map_or(0, |metadata| metadata.len());
            size != file.size as u64 || suspicion.errors.iter().any(|error| error.contains(&file.name))
        };
        Ok(files.iter().filter(|file| is_suspect(file)).map(|file| self.path_of(&file.name)).collect())
    }

    /// The tables of a column of whole tables that cannot be read at one of their ends, or that the suspicion names: of
    /// tables whose keys are removed already the ends are not read.
    pub(crate) fn damaged_tables(&self, column: Column) -> Result<Vec<DamagedTable>, RocksError> {
        let suspects = self.suspects(column)?;
        let mut damaged = Vec::new();
        for file in self.live_files(column)? {
            let path = self.path_of(&file.name);
            let (Some(first), Some(last)) = (file.start_key, file.end_key) else { continue };
            let is_damaged = |key: &[u8]| match self.scan(column, key, |_, _| false) {
                Err(error) => error.is_damage(),
                Ok(()) => false,
            };
            if suspects.contains(&path) || is_damaged(&first) || is_damaged(&last) {
                damaged.push(DamagedTable { path, first, last });
            }
        }
        Ok(damaged)
    }

    /// Keeps the file of a damaged table in the folder for such.
    fn keep(&self, table: &Path) -> Result<(), std::io::Error> {
        std::fs::create_dir_all(&self.aside)?;
        if let Some(name) = table.file_name()
            && let Err(error) = std::fs::hard_link(table, self.aside.join(name))
        {
            // A file that is not there, or a file system without links: nothing is kept, and nothing else is lost.
            tracing::warn!(%error, table = %table.display(), "cannot keep a damaged table");
        }
        tracing::error!(table = %table.display(), kept = %self.aside.display(), "a damaged table is set aside");
        self.set_aside.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Takes a damaged table out, keeps its file, and puts a new one with `entries`, which are sorted, in its place.
    pub(crate) fn replace(
        &self,
        column: Column,
        table: &DamagedTable,
        entries: &[(Vec<u8>, Vec<u8>)],
    ) -> Result<(), RocksError> {
        self.keep(&table.path).unwrap_or_else(|error| self.cannot_keep(&error));
        {
            let opened = self.opened();
            let remove =
                |(db, family): (&rocksdb::DB, _)| db.delete_file_in_range_cf(family, &table.first, &table.last);
            let what = || format!("set {} aside", table.path.display());
            opened.family(column).and_then(remove).map_err(RocksError::new(what()))?;
        }
        self.ingest(column, |error| error, |put| entries.iter().try_for_each(|(key, value)| put(key, value)))?;
        Ok(())
    }

    fn cannot_keep(&self, error: &std::io::Error) {
        tracing::warn!(%error, dir = %self.aside.display(), "cannot make the folder for damaged tables");
    }

    /// Puts what `fill` hands over, in order of the keys, in the place of all that a column has. Its damaged tables are
    /// kept. The caller sees to it that nobody writes to the column meanwhile. A crash leaves the old or the new.
    pub(crate) fn rebuild<E>(
        &self,
        column: Column,
        failed: impl Fn(RocksError) -> E + Copy,
        fill: impl FnOnce(&mut PutKey<'_, E>) -> Result<(), E>,
    ) -> Result<(), E> {
        let table = self.write_table(column, failed, fill)?;
        for suspect in self.suspects(column).map_err(failed)? {
            self.keep(&suspect).unwrap_or_else(|error| self.cannot_keep(&error));
        }
        let table = table.as_ref().map(|(path, _)| path.as_path());
        let what = format!("write {} anew", column.name());
        self.opened.write().exchange(column, &self.tuning, table).map_err(|error| failed(RocksError::new(what)(error)))
    }

    /// Opens the database anew after `error` has stopped it. `openings` is how often it was opened when the error came.
    pub(crate) fn reopen(&self, error: &RocksError, openings: u64) {
        let mut opened = self.opened.write();
        if opened.openings != openings {
            // Another thread was faster.
            return;
        }
        let is_again = {
            let mut suspicion = self.suspicion.lock();
            suspicion.reopened.replace(Instant::now()).is_some_and(|before| before.elapsed() < REOPEN_INTERVAL)
        };
        if is_again && opened.db().is_ok() {
            return;
        }
        tracing::error!(error = error.source.to_string(), "damage has stopped the database, opening it anew");
        if let Err(error) = opened.reopen(&self.path, &self.tuning) {
            tracing::error!(%error, "cannot open the database anew");
        }
    }

    /// Opens the database anew, which does not compact before [`Rocks::settle`].
    pub(crate) fn start_anew(&self) -> Result<(), RocksError> {
        self.opened.write().reopen(&self.path, &self.tuning).map_err(RocksError::new("open the database anew"))
    }

    /// When everything damaged is set aside: the database may compact what it holds, and nothing is suspected any more.
    pub(crate) fn settle(&self) -> Result<(), RocksError> {
        let opened = self.opened();
        {
            let mut suspicion = self.suspicion.lock();
            suspicion.errors.clear();
            suspicion.hashes.retain(|name, _| self.path_of(name).exists());
        }
        if self.compacting.swap(opened.openings, Ordering::AcqRel) == opened.openings {
            return Ok(());
        }
        opened.compact_by_itself().map_err(RocksError::new("switch compactions on"))
    }

    /// How many tables were set aside since the start.
    pub(crate) fn tables_set_aside(&self) -> u64 {
        self.set_aside.load(Ordering::Relaxed)
    }
}

impl Batch<'_> {
    /// Ends a write. Only a database that damage has stopped says at a write that there is damage: it is opened anew, so
    /// that the next one succeeds.
    pub(crate) fn written(rocks: &Rocks, openings: u64, result: Result<(), rocksdb::Error>) -> Result<(), RocksError> {
        let result = result.map_err(RocksError::new("write to the log"));
        if let Err(error) = &result
            && error.is_damage()
        {
            rocks.suspect(error.source.to_string());
            rocks.reopen(error, openings);
        }
        result
    }
}
