//! The database while it is open, and which column family holds which column.
//!
//! A column that is written anew gets a family of its own: `series`, then `series-1`, and so on. The new one is filled
//! first and the old one dropped then, so of two that a crash leaves the older is whole and the newer is not wanted.

use std::borrow::Cow;
use std::path::Path;

use rocksdb::{ColumnFamily, ColumnFamilyDescriptor, DB, ErrorKind, IngestExternalFileOptions};

use crate::rocks::columns::{self, Care, Column, Tuning};

/// The open database.
pub(crate) struct Opened {
    /// Why it is not open, where opening it anew has failed. Nothing only while that is done.
    db: Option<Result<DB, rocksdb::Error>>,
    /// How often each column was written anew.
    generations: [u32; Column::ALL.len()],
    /// How often it was opened since the start.
    pub(crate) openings: u64,
}

/// The family of a generation of a column.
fn family_name(column: Column, generation: u32) -> Cow<'static, str> {
    // Asked at each read and write; columns that were never written anew need no text of their own.
    if generation == 0 { column.name().into() } else { format!("{}-{generation}", column.name()).into() }
}

/// The column and generation of a family.
fn parse(family: &str) -> Option<(Column, u32)> {
    Column::ALL.into_iter().find_map(|column| {
        let rest = family.strip_prefix(column.name())?;
        let generation = if rest.is_empty() { 0 } else { rest.strip_prefix('-')?.parse().ok()? };
        Some((column, generation))
    })
}

/// Moves a finished table into a family.
pub(crate) fn take_in(db: &DB, family: &ColumnFamily, table: &Path) -> Result<(), rocksdb::Error> {
    let mut options = IngestExternalFileOptions::default();
    options.set_move_files(true);
    db.ingest_external_file_cf_opts(family, &options, vec![table])
}

impl Opened {
    /// Opens or makes the database in `path`. Damaged tables do not keep it closed. Nothing is compacted until
    /// [`Opened::compact_by_itself`]: a compaction that comes upon damage stops all writing.
    pub(crate) fn open(path: &Path, tuning: &Tuning) -> Result<Self, rocksdb::Error> {
        match Self::open_with(path, tuning, Care::Full) {
            Err(error) if error.kind() == ErrorKind::Corruption => {
                tracing::error!(%error, "the database is damaged, opening what is left of it");
                Self::open_with(path, tuning, Care::Salvage)
            }
            result => result,
        }
    }

    fn open_with(path: &Path, tuning: &Tuning, care: Care) -> Result<Self, rocksdb::Error> {
        let options = columns::database_options(tuning, care);
        let families = if path.join("CURRENT").exists() { DB::list_cf(&options, path)? } else { Vec::new() };
        let mut found: Vec<(Column, u32)> = families.iter().filter_map(|name| parse(name)).collect();
        found.sort_by_key(|(column, generation)| (*column as usize, *generation));
        let (mut wanted, mut unfinished) = (Vec::new(), Vec::new());
        for column in Column::ALL {
            let mut of_column = found.iter().filter(|(other, _)| *other == column).map(|(_, generation)| *generation);
            wanted.push((column, of_column.next().unwrap_or(0)));
            unfinished.extend(of_column.map(|generation| (column, generation)));
        }
        let descriptor = |(column, generation): &(Column, u32)| {
            ColumnFamilyDescriptor::new(family_name(*column, *generation), columns::options(*column, tuning))
        };
        let descriptors = wanted.iter().chain(&unfinished).map(descriptor);
        let mut db = DB::open_cf_descriptors(&options, path, descriptors)?;
        for (column, generation) in unfinished {
            db.drop_cf(&family_name(column, generation))?;
        }
        let mut generations = [0; Column::ALL.len()];
        wanted.into_iter().for_each(|(column, generation)| generations[column as usize] = generation);
        Ok(Self { db: Some(Ok(db)), generations, openings: 1 })
    }

    /// The database.
    pub(crate) fn db(&self) -> Result<&DB, rocksdb::Error> {
        self.db.as_ref().expect("nobody sees it while it is opened anew").as_ref().map_err(Clone::clone)
    }

    /// The database with the family of a column.
    pub(crate) fn family(&self, column: Column) -> Result<(&DB, &ColumnFamily), rocksdb::Error> {
        let db = self.db()?;
        let family = db.cf_handle(&self.name(column)).expect("all column families are opened with the database");
        Ok((db, family))
    }

    /// The name of a column's family.
    pub(crate) fn name(&self, column: Column) -> Cow<'static, str> {
        family_name(column, self.generations[column as usize])
    }

    /// Lets the database compact what it holds.
    pub(crate) fn compact_by_itself(&self) -> Result<(), rocksdb::Error> {
        for column in Column::ALL.into_iter().filter(|column| column.is_compacted()) {
            let (db, family) = self.family(column)?;
            db.set_options_cf(family, &[("disable_auto_compactions", "false")])?;
        }
        Ok(())
    }

    /// Closes the database and opens it again; what had stopped it is forgotten.
    pub(crate) fn reopen(&mut self, path: &Path, tuning: &Tuning) -> Result<(), rocksdb::Error> {
        self.close();
        // The old one must be gone before a new one can lock the folder.
        self.db = None;
        let openings = self.openings + 1;
        match Self::open(path, tuning) {
            Ok(opened) => *self = Self { openings, ..opened },
            Err(error) => {
                self.openings = openings;
                self.db = Some(Err(error.clone()));
                return Err(error);
            }
        }
        Ok(())
    }

    /// Puts a family that holds `table` in the place of a column's.
    pub(crate) fn exchange(
        &mut self,
        column: Column,
        tuning: &Tuning,
        table: Option<&Path>,
    ) -> Result<(), rocksdb::Error> {
        let (before, generation) = (self.name(column), self.generations[column as usize] + 1);
        let after = family_name(column, generation);
        let db = self.db.as_mut().expect("nobody sees it while it is opened anew").as_mut();
        let db = db.map_err(|error| error.clone())?;
        db.create_cf(&after, &columns::options(column, tuning))?;
        if let Some(table) = table {
            let family = db.cf_handle(&after).expect("the family was made just now");
            take_in(db, family, table)?;
        }
        db.drop_cf(&before)?;
        self.generations[column as usize] = generation;
        Ok(())
    }

    /// Ends background work; nothing may be written after that.
    pub(crate) fn close(&self) {
        if let Ok(db) = self.db() {
            db.cancel_all_background_work(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_tell_their_column() {
        for column in Column::ALL {
            for generation in [0, 1, 17] {
                assert_eq!(parse(&family_name(column, generation)), Some((column, generation)));
            }
        }
        assert_eq!(parse("default"), None);
        assert_eq!(parse("rows-x"), None);
    }
}
