//! Opening: everything the database has comes back as it was, whatever the end was like.
//!
//! 1. the folder is locked, the database opened, its format checked
//! 2. partitions, seal marks and tombstones are read; tables that no partition speaks of are leftovers of a crash, and go
//! 3. labels are read into the index
//! 4. commits are read in order; what is not sealed is put into the head again
//!
//! A damaged record is named, counted and left out, with the rows that cannot be read without it.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::bytes::DecodeError;
use crate::db::log_index::LogIndex;
use crate::db::salvage::{self, Gaps};
use crate::db::store::{Parts, Store};
use crate::db::view::{View, Views};
use crate::db::{FORMAT, labels};
use crate::error::{DbError, OpenError};
use crate::head::Head;
use crate::head::entry::ExponentHint;
use crate::head::group::{GroupId, RawValue, raw_value};
use crate::head::incoming::Pending;
use crate::head::row::{RowKind, RowView};
use crate::head::seals::SealMarks;
use crate::head::slots::{Chain, Newest, SlotView};
use crate::index::table::SeriesId;
use crate::log::{self, Section};
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
    let replay = remove_leftovers(&rocks, &view)
        .and_then(|()| Replay::run(&rocks, &view))
        .and_then(|replay| salvage::numbered(&mut rocks, &tuning, replay.gaps).map(|()| replay))
        .map_err(|error| failed(Box::new(error)))?;
    let Replay { head, log, records_lost, .. } = replay;
    let rocks = Arc::new(rocks);
    let sealed = SealedReader::new(Arc::clone(&rocks), options.block_cache_bytes);
    for partition in &view.partitions {
        head.saw(partition.max_ms);
        // A series of which the labels are lost keeps its id, or its samples would be another's.
        let members = sealed.members(partition).map_err(|error| failed(Box::new(error)))?;
        members.max().into_iter().for_each(|id| head.index.write().table.skip(SeriesId(id)));
    }
    let parts = Parts { path: path.to_owned(), lock, tuning, rocks, sealed, head, views: Views::new(view), log };
    let store = Store::new(parts, options);
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
            } else if key == keys::FORMAT {
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

/// A group as the log has it.
#[derive(Debug, Default)]
struct LoggedGroup {
    members: Vec<SeriesId>,
    /// The float that each member had last, as bits.
    prev: Vec<u64>,
    is_broken: bool,
}

/// Builds the head again.
struct Replay {
    head: Head,
    log: LogIndex,
    slots: SlotView,
    groups: FxHashMap<GroupId, LoggedGroup>,
    seals: SealMarks,
    records_lost: u64,
    gaps: Gaps,
}

impl Replay {
    fn run(rocks: &Rocks, view: &View) -> Result<Self, DbError> {
        let last_partition =
            view.partitions.iter().map(|partition| partition.key.id.max(partition.clean_through)).max();
        let last_tombstone = view.tombstones.iter().map(|tombstone| tombstone.number).max();
        let head = Head::new(1);
        let sealed = [view.seals.last_commit(), last_partition.unwrap_or(0), last_tombstone.unwrap_or(0)];
        sealed.into_iter().for_each(|number| head.isolation.skip(number));
        let series = read_series(rocks, &head)?;
        let mut replay = Self {
            slots: head.slots.view(),
            head,
            log: LogIndex::default(),
            groups: FxHashMap::default(),
            seals: view.seals.clone(),
            records_lost: 0,
            gaps: Gaps { series, rows: 0 },
        };
        replay.gaps.rows = rocks
            .scan_numbers::<8>(Column::Rows, &[], |number, record| {
                replay.head.isolation.skip(number);
                if let Err(error) = replay.record(number, record) {
                    replay.lose(number, error);
                }
            })
            .map_err(DbError::database("read the log"))?;
        replay.records_lost += replay.gaps.rows;
        // Rows in memory were written anew and build on each other differently from those in the log.
        replay.head.all_groups().iter().for_each(|group| group.writer.lock().request_keyframe());
        replay.log.cut();
        Ok(replay)
    }

    fn lose(&mut self, number: u64, error: DecodeError) {
        self.records_lost += 1;
        tracing::error!(commit = number, %error, "a record of the log is damaged and left out");
    }

    fn record(&mut self, number: u64, record: &[u8]) -> Result<(), DecodeError> {
        let sections = match log::sections(record) {
            Ok(sections) => sections,
            Err(error) => {
                // It is not known which groups it spoke of: all wait for their next keyframe.
                self.groups.values_mut().for_each(|group| group.is_broken = true);
                return Err(error);
            }
        };
        let newest_ms = sections.iter().map(|section| section.at_ms).max().unwrap_or(i64::MIN);
        self.log.add(number, newest_ms);
        let mut pending = Pending::default();
        let mut result = Ok(());
        for section in sections {
            result = result.and(self.section(number, &section, &mut pending));
        }
        if !pending.samples.is_empty() {
            self.head.replay(number, &mut pending);
        }
        result
    }

    fn section(&mut self, number: u64, section: &Section<'_>, pending: &mut Pending) -> Result<(), DecodeError> {
        let group = self.groups.entry(section.group).or_default();
        let row = RowView::parse(section.row)?;
        let is_aside = row.kind() == RowKind::Aside;
        if row.is_keyframe() || (is_aside && section.members_known == 0) {
            *group = LoggedGroup::default();
        }
        if group.is_broken {
            return Err(DecodeError::Invalid("a row before it is missing"));
        }
        group.is_broken = true;
        if group.members.len() != section.members_known {
            return Err(DecodeError::Invalid("a row before it is missing"));
        }
        group.members.extend_from_slice(&section.members_new);
        if let Some(last) = section.members_new.iter().max() {
            self.head.index.write().table.skip(*last);
        }
        group.prev.resize(group.members.len(), 0);
        let is_sealed = self.seals.covers(number, section.at_ms);
        let (slots, head) = (&self.slots, &self.head);
        let LoggedGroup { members, prev, .. } = group;
        row.for_each_from(prev, |ordinal, cell, prev| {
            let value = raw_value(cell, prev)?;
            let id = &members[ordinal];
            let Some(slot) = slots.get(*id).filter(|slot| !slot.is_gone()) else {
                return Ok(());
            };
            if is_sealed && is_aside {
                return Ok(());
            }
            if is_sealed {
                let newest = match value {
                    RawValue::Float(bits) => Newest::Float { at_ms: section.at_ms, bits },
                    RawValue::Histogram(_) => Newest::Histogram { at_ms: section.at_ms },
                };
                slot.set_newest(newest, Chain { keyframe: 0, hint: ExponentHint::UNKNOWN });
                return Ok(());
            }
            if slot.place().is_none() {
                Head::join(&head.group_or_new(section.group), *id, slots);
            }
            pending.push(*id, section.at_ms, value, is_aside);
            Ok(())
        })?;
        group.is_broken = false;
        Ok(())
    }
}

/// Reads the labels of all series into the index. Returns how many damaged stretches were stepped over.
fn read_series(rocks: &Rocks, head: &Head) -> Result<u64, DbError> {
    let mut index = head.index.write();
    rocks
        .scan_numbers::<4>(Column::Series, &[], |number, value| {
            let Ok(id) = u32::try_from(number).map(SeriesId) else {
                return;
            };
            match labels::decode(value) {
                Ok(labels) if index.table.find(&labels).is_none() => head.insert(&mut index, id, &labels, true),
                Ok(_) => index.table.skip(id),
                Err(error) => {
                    index.table.skip(id);
                    tracing::error!(series = id.0, %error, "the labels of a series are damaged and it is left out");
                }
            }
        })
        .map_err(DbError::database("read the labels of series"))
}
