//! Setting damaged tables aside while the store is open, so that it goes on by itself.
//!
//! Damage is in the way where a table cannot be read at its ends, which keeps the database from taking in a table beside
//! it, and where a compaction comes upon it, which stops all writing until the database is opened anew. What is in the
//! way leaves; its file is kept, in the folder `damaged`, for whoever wants to look into it. In its place comes
//!
//! * blocks and times: what can be read of the table, which is of one partition;
//! * meta, its copy, labels and exemplars: what is in memory, so nothing is lost;
//! * the log: nothing before a seal that is made then, of rows that are in memory, so nothing is lost.

use roaring::RoaringBitmap;

use crate::db::labels;
use crate::db::store::Store;
use crate::db::view::View;
use crate::error::DbError;
use crate::index::table::SeriesId;
use crate::maintain::run::chain;
use crate::rocks::keys::{self, PartitionKey};
use crate::rocks::{Column, DamagedTable, RocksError};
use crate::sealed::writer;

/// Keys with their values.
type Entries = Vec<(Vec<u8>, Vec<u8>)>;

/// Columns that memory can replace. Meta comes first: the others write to it.
const IN_MEMORY: [Column; 5] = [Column::Meta, Column::MetaCopy, Column::Series, Column::Rows, Column::Exemplars];

/// Damage in more tables than this shows up one after the other; the next round goes on.
const TRIES: usize = 4;

impl Store {
    /// Does `work`; when damage is in its way, again with the damaged tables set aside. The caller holds the maintenance
    /// lock.
    pub(crate) fn mended<T>(&self, mut work: impl FnMut() -> Result<T, DbError>) -> Result<T, DbError> {
        for _ in 0..TRIES {
            match work() {
                Err(error) if error.is_damaged_table() => {
                    let text = chain(&error);
                    tracing::error!(error = text, "damage is in the way of maintenance");
                    self.rocks.suspect(text);
                    if self.mend()? == 0 {
                        return Err(error);
                    }
                }
                result => return result,
            }
        }
        work()
    }

    /// Sets damaged tables aside where damage was met since the last time, and lets the database compact again. The
    /// caller holds the maintenance lock. Returns how many there were.
    pub(crate) fn mend(&self) -> Result<u64, DbError> {
        let failed = DbError::database("set a damaged table aside");
        let before = self.rocks.tables_set_aside();
        if self.rocks.is_suspect() {
            // What is done here writes, and the damage may have stopped that.
            self.rocks.start_anew().map_err(failed)?;
            for column in IN_MEMORY {
                if !self.rocks.suspects(column).map_err(failed)?.is_empty() {
                    self.write_anew(column)?;
                }
            }
            for column in [Column::Blocks, Column::Times] {
                for table in self.rocks.damaged_tables(column).map_err(failed)? {
                    let left = self.readable(column, &table).map_err(failed)?;
                    self.rocks.replace(column, &table, &left).map_err(failed)?;
                }
            }
        }
        self.rocks.settle().map_err(failed)?;
        Ok(self.rocks.tables_set_aside() - before)
    }

    /// Reads what only memory could replace, which is read at a start else, and mends it where it is damaged. The caller
    /// holds the maintenance lock.
    pub(crate) fn scrub(&self) -> Result<u64, DbError> {
        let failed = DbError::database("read what the database holds");
        IN_MEMORY.into_iter().try_for_each(|column| self.rocks.check(column)).map_err(failed)?;
        self.mend()
    }

    /// Takes note of what tables hold that are new, so that a scrub tells whether it has changed.
    pub(crate) fn note_tables(&self) -> Result<(), DbError> {
        let failed = DbError::database("read what the database holds");
        IN_MEMORY.into_iter().try_for_each(|column| self.rocks.note_tables(column)).map_err(failed)
    }

    /// Writes a column anew from what is in memory.
    fn write_anew(&self, column: Column) -> Result<(), DbError> {
        let failed = DbError::database("write a damaged column anew");
        match column {
            Column::Meta | Column::MetaCopy => {
                let view = self.views.now();
                for partition in &view.partitions {
                    self.sealed.members(partition)?;
                }
                let entries = meta_entries(&view, self.cleaning.lock().is_due);
                self.rocks.rebuild(column, failed, |put| entries.iter().try_for_each(|(key, value)| put(key, value)))
            }
            Column::Series => {
                // Without commits no label comes to the column that is not in the new table.
                let _gate = self.head.gate.write();
                let ids: RoaringBitmap = self.head.index.read().postings.all().clone();
                self.rocks.rebuild(column, failed, |put| {
                    ids.iter().try_for_each(|id| {
                        let labels = labels::encode(&self.head.index.read().table.labels(SeriesId(id)));
                        put(&id.to_be_bytes(), &labels)
                    })
                })
            }
            Column::Rows => {
                self.seal(i64::MAX)?;
                let _gate = self.head.gate.write();
                let sealed = self.views.now().seals.last_commit();
                self.rocks.rebuild(column, failed, |put| {
                    let mut result = Ok(());
                    let scan = |number: u64, value: &[u8]| {
                        if result.is_ok() {
                            result = put(&number.to_be_bytes(), value);
                        }
                    };
                    self.rocks.scan_column::<8>(column, sealed + 1, scan).map_err(failed)?;
                    result
                })
            }
            Column::Exemplars => self.exemplars.write_anew(),
            Column::Blocks | Column::Times => Ok(()),
        }
    }

    /// What can be read of a table, which is of one partition.
    fn readable(&self, column: Column, table: &DamagedTable) -> Result<Entries, RocksError> {
        let mut left = Entries::new();
        let Some(key) = PartitionKey::of(&table.first) else {
            return Ok(left);
        };
        if column == Column::Times {
            self.rocks.scan_numbers::<4>(column, &key.bytes(), |number, value| {
                left.push((key.times(number as u32).to_vec(), value.to_vec()));
            })?;
            return Ok(left);
        }
        let view = self.views.now();
        let partition = view.partitions.iter().find(|partition| partition.key == key);
        for block in partition.into_iter().flat_map(|partition| &partition.blocks) {
            let key = key.block(block.0);
            match self.rocks.get(column, &key) {
                Ok(value) => left.extend(value.map(|value| (key.to_vec(), value))),
                Err(error) if error.is_damage() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(left)
    }
}

/// What the meta column has of a view of which the members are known, in order of the keys.
pub(crate) fn meta_entries(view: &View, is_cleaning: bool) -> Entries {
    let mut entries = vec![
        (keys::FORMAT.to_vec(), crate::db::FORMAT.to_string().into_bytes()),
        (keys::SEALS.to_vec(), view.seals.encode()),
    ];
    if is_cleaning {
        entries.push((keys::CLEANING.to_vec(), Vec::new()));
    }
    for partition in &view.partitions {
        entries.extend(writer::entries(partition));
    }
    for tombstone in &view.tombstones {
        entries.push((keys::tombstone(tombstone.number).to_vec(), tombstone.encode()));
    }
    entries.sort();
    entries
}
