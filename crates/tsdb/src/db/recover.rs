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

/// Where in it damaged tables are kept.
const ASIDE_DIR: &str = "damaged";

/// Opens the store in a folder.
pub(crate) fn open(path: &Path, options: Options) -> Result<Store, OpenError> {
    let folder = |path: PathBuf| move |source| OpenError::Folder { path, source };
    std::fs::create_dir_all(path).map_err(folder(path.to_owned()))?;
    let lock = lock(path)?;
    let database_dir = path.join(DATABASE_DIR);
    let tuning = Tuning::new(options.log_buffer_bytes, options.log_bytes_max, options.database_cache_bytes);
    let failed =
        |source: Box<dyn std::error::Error + Send + Sync>| OpenError::Database { path: path.to_owned(), source };
    let aside = path.join(ASIDE_DIR);
    let rocks = Rocks::open(&database_dir, aside, tuning).map_err(|error| failed(Box::new(error)))?;
    clear_tables(rocks.table_dir()).map_err(folder(rocks.table_dir().to_owned()))?;
    let view = read_either(path, &rocks)?
        .or_else(|error| salvage::partitions(&rocks, &options, error))
        .map_err(|error| failed(Box::new(error)))?;
    let Replayed { head, log, records_lost, gaps } = remove_leftovers(&rocks, &view)
        .and_then(|()| replay::run(&rocks, &view))
        .map_err(|error| failed(Box::new(error)))?;
    salvage::numbered(&rocks, gaps).map_err(|error| failed(Box::new(error)))?;
    let exemplars = exemplars::read(&rocks, &head, options.exemplars_max);
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
    let parts = Parts { path, lock, rocks, exemplars, sealed, head, views, log };
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

/// Reads the meta column, or its copy, and writes the one anew that cannot be read.
fn read_either(path: &Path, rocks: &Rocks) -> Result<Result<View, DbError>, OpenError> {
    let failed = |error: DbError| OpenError::Database { path: path.to_owned(), source: Box::new(error) };
    let (format, copied) = (read_format(path, rocks, Column::Meta)?, read_format(path, rocks, Column::MetaCopy)?);
    if matches!((&format, &copied), (Meta::Missing, Meta::Missing)) {
        let mut batch = rocks.batch();
        batch.put(Column::Meta, keys::FORMAT, FORMAT.to_string().as_bytes());
        batch.write_synced().map_err(DbError::database("write the format")).map_err(failed)?;
        return Ok(Ok(View::default()));
    }
    let view = read_view(rocks, Column::Meta, format);
    let copy = read_view(rocks, Column::MetaCopy, copied);
    match (&view, &copy) {
        (Ok(_), Err(error)) if error.is_damage() => {
            tracing::warn!(%error, "the copy of the list of partitions is made anew");
            salvage::copy_meta(rocks, Column::Meta, Column::MetaCopy).map_err(failed)?;
        }
        (Err(error), Ok(_)) if error.is_damage() => {
            tracing::error!(%error, "the list of partitions is damaged, its copy is taken");
            salvage::copy_meta(rocks, Column::MetaCopy, Column::Meta).map_err(failed)?;
            return Ok(copy);
        }
        _ => {}
    }
    Ok(view)
}

/// What a meta column says about its format.
enum Meta {
    Known,
    Missing,
    Damaged(DbError),
}

fn read_format(path: &Path, rocks: &Rocks, column: Column) -> Result<Meta, OpenError> {
    match rocks.get(column, keys::FORMAT) {
        Ok(Some(found)) if found == FORMAT.to_string().as_bytes() => Ok(Meta::Known),
        Ok(Some(found)) => Err(OpenError::Format {
            path: path.to_owned(),
            found: String::from_utf8_lossy(&found).into_owned(),
            known: FORMAT,
        }),
        Ok(None) => Ok(Meta::Missing),
        Err(error) if error.is_damage() => Ok(Meta::Damaged(DbError::database("read the format of the store")(error))),
        Err(error) => Err(OpenError::Database { path: path.to_owned(), source: Box::new(error) }),
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
fn read_view(rocks: &Rocks, column: Column, format: Meta) -> Result<View, DbError> {
    match format {
        Meta::Known => {}
        Meta::Missing => return Err(DbError::Corrupt { what: format!("{} is empty", column.name()) }),
        Meta::Damaged(error) => return Err(error),
    }
    let mut view = View::default();
    let mut damaged: Vec<(&str, DecodeError)> = Vec::new();
    rocks
        .scan(column, &[], |key, value| {
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
