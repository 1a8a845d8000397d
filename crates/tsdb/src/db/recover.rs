//! Opening: everything the database has comes back as it was, whatever the end was like.
//!
//! 1. the folder is locked, the database opened, its format checked
//! 2. partitions, seal marks and tombstones are read; tables that no partition speaks of are leftovers of a crash, and go
//! 3. labels are read into the index, and the log into the head: see [`crate::db::replay`]

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::bytes::DecodeError;
use crate::db::FORMAT;
use crate::db::replay::{self, Replayed};
use crate::db::salvage;
use crate::db::store::{Parts, Store};
use crate::db::view::{View, Views};
use crate::error::{DbError, OpenError};
use crate::exemplars::{self, Exemplars};
use crate::head::seals::SealMarks;
use crate::index::table::SeriesId;
use crate::options::Options;
use crate::rocks::columns::Tuning;
use crate::rocks::keys::{self, PartitionKey};
use crate::rocks::{Column, Rocks};
use crate::sealed::partition::Partition;
use crate::sealed::reader::SealedReader;
use crate::sealed::writer;
use crate::tombstone::Tombstone;

/// Where in the store's folder the database is.
pub(crate) const DATABASE_DIR: &str = "database";

/// Opens the store in a folder.
pub(crate) fn open(path: &Path, options: Options) -> Result<Store, OpenError> {
    let folder = |path: PathBuf| move |source| OpenError::Folder { path, source };
    std::fs::create_dir_all(path).map_err(folder(path.to_owned()))?;
    let lock = lock(path)?;
    let database_dir = path.join(DATABASE_DIR);
    let tuning = Tuning::new(options.log_buffer_bytes, options.log_bytes_max, options.database_cache_bytes);
    let failed =
        |source: Box<dyn std::error::Error + Send + Sync>| OpenError::Database { path: path.to_owned(), source };
    let mut rocks = Rocks::open(&database_dir, &tuning).map_err(|error| failed(Box::new(error)))?;
    clear_tables(rocks.table_dir()).map_err(folder(rocks.table_dir().to_owned()))?;
    let view = match check_format(path, &rocks)? {
        Meta::Readable => read_view(&rocks),
        Meta::Damaged => Err(DbError::Corrupt { what: "the format of the store".to_owned() }),
    };
    let view = view
        .or_else(|error| salvage::partitions(&mut rocks, &tuning, &options, error))
        .map_err(|error| failed(Box::new(error)))?;
    let Replayed { head, log, records_lost, gaps } = remove_leftovers(&rocks, &view)
        .and_then(|()| replay::run(&rocks, &view))
        .map_err(|error| failed(Box::new(error)))?;
    salvage::numbered(&mut rocks, &tuning, gaps).map_err(|error| failed(Box::new(error)))?;
    let exemplars = exemplars::read(&mut rocks, &tuning, &head, options.exemplars_max);
    let exemplars = exemplars.map_err(|error| failed(Box::new(error)))?;
    let rocks = Arc::new(rocks);
    let exemplars = Exemplars::new(Arc::clone(&rocks), exemplars);
    let sealed = SealedReader::new(Arc::clone(&rocks), options.block_cache_bytes);
    for partition in &view.partitions {
        head.saw(partition.max_ms);
        // A series of which the labels are lost keeps its id, or its samples would be another's.
        let members = sealed.members(partition).map_err(|error| failed(Box::new(error)))?;
        members.max().into_iter().for_each(|id| head.index.write().table.skip(SeriesId(id)));
    }
    let (path, views) = (path.to_owned(), Views::new(view));
    let parts = Parts { path, lock, tuning, rocks, exemplars, sealed, head, views, log };
    let store = Store::new(parts, options);
    let is_cleaning = store.rocks.get(Column::Meta, keys::CLEANING).is_ok_and(|found| found.is_some());
    store.cleaning.lock().is_due = is_cleaning;
    crate::db::stats::count(&store.counters.records_lost, records_lost);
    Ok(store)
}

/// Locks the folder for as long as the file is open.
fn lock(path: &Path) -> Result<File, OpenError> {
    let file_path = path.join("lock");
    let file = File::options().create(true).truncate(false).write(true).open(&file_path);
    let file = file.map_err(|source| OpenError::Folder { path: file_path.clone(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(OpenError::Folder { path: file_path, source }),
    }
}

/// Whether the meta column can be read.
enum Meta {
    Readable,
    Damaged,
}

fn check_format(path: &Path, rocks: &Rocks) -> Result<Meta, OpenError> {
    let failed = |error| OpenError::Database { path: path.to_owned(), source: Box::new(error) };
    match rocks.get(Column::Meta, keys::FORMAT) {
        Ok(Some(found)) if found == FORMAT.to_string().as_bytes() => Ok(Meta::Readable),
        Ok(Some(found)) => Err(OpenError::Format {
            path: path.to_owned(),
            found: String::from_utf8_lossy(&found).into_owned(),
            known: FORMAT,
        }),
        Ok(None) => {
            let mut batch = rocks.batch();
            batch.put(Column::Meta, keys::FORMAT, FORMAT.to_string().as_bytes());
            batch.write_synced().map_err(failed).map(|()| Meta::Readable)
        }
        Err(error) if error.is_damage() => Ok(Meta::Damaged),
        Err(error) => Err(failed(error)),
    }
}

/// Removes tables that were never taken in.
fn clear_tables(dir: &Path) -> io::Result<()> {
    std::fs::create_dir_all(dir)?;
    for entry in std::fs::read_dir(dir)? {
        std::fs::remove_file(entry?.path())?;
    }
    Ok(())
}

/// Reads what is sealed and what is deleted.
fn read_view(rocks: &Rocks) -> Result<View, DbError> {
    let mut view = View::default();
    let mut damaged: Vec<(&str, DecodeError)> = Vec::new();
    rocks
        .scan(Column::Meta, &[], |key, value| {
            let kind = key.first().copied().unwrap_or_default();
            if key == keys::SEALS {
                match SealMarks::decode(value) {
                    Ok(seals) => view.seals = seals,
                    Err(error) => damaged.push(("seal marks", error)),
                }
            } else if key == keys::FORMAT || key == keys::CLEANING {
            } else if let (keys::PARTITION, Some(partition)) = (kind, PartitionKey::of(&key[1..])) {
                match Partition::decode(partition, value) {
                    Ok(partition) => view.partitions.push(Arc::new(partition)),
                    Err(error) => damaged.push(("the record of a partition", error)),
                }
            } else if let (keys::TOMBSTONE, Some(number)) = (kind, keys::last_u64(key)) {
                match Tombstone::decode(number, value) {
                    Ok(tombstone) => view.tombstones.push(Arc::new(tombstone)),
                    Err(error) => damaged.push(("a tombstone", error)),
                }
            }
            true
        })
        .map_err(DbError::database("read the partitions"))?;
    // Without one of these, what it spoke of would look like leftovers.
    match damaged.pop() {
        Some((what, error)) => Err(DbError::corrupt(what)(error)),
        None => Ok(view),
    }
}

/// Deletes blocks and time columns that no partition speaks of.
fn remove_leftovers(rocks: &Rocks, view: &View) -> Result<(), DbError> {
    for column in [Column::Blocks, Column::Times] {
        let tables = rocks.tables(column).map_err(DbError::database("look for leftovers"))?;
        for key in tables.iter().filter_map(|first| PartitionKey::of(first)) {
            if view.partitions.iter().all(|partition| partition.key != key) {
                tracing::info!(partition = key.id, column = column.name(), "remove what an unfinished seal left");
                writer::erase(rocks, key)?;
            }
        }
    }
    Ok(())
}
