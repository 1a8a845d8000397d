//! Setting damaged tables aside. A table that cannot be read at its ends keeps the database from taking in a table beside
//! it; so it is moved out of the way, with what can be read of it written anew. The damaged file is kept, in the folder
//! `damaged`, for whoever wants to look into it.

use crate::db::stats::count;
use crate::db::store::Store;
use crate::error::DbError;
use crate::rocks::keys::PartitionKey;
use crate::rocks::{Column, DamagedTable, RocksError};

/// Where damaged tables are kept, in the store's folder.
const ASIDE_DIR: &str = "damaged";

/// Keys with their values.
type Entries = Vec<(Vec<u8>, Vec<u8>)>;

impl Store {
    /// Does `work`; when damage is in its way, once more with the damaged tables set aside.
    pub(crate) fn mended<T>(&self, mut work: impl FnMut() -> Result<T, DbError>) -> Result<T, DbError> {
        match work() {
            Err(error) if error.is_damage() => {
                tracing::error!(%error, "damage is in the way of maintenance");
                if self.set_damaged_aside()? == 0 {
                    return Err(error);
                }
                work()
            }
            result => result,
        }
    }

    /// Sets tables of blocks and times that are damaged at their ends aside. Returns how many.
    fn set_damaged_aside(&self) -> Result<u64, DbError> {
        let failed = DbError::database("set a damaged table aside");
        let dir = self.path.join(ASIDE_DIR);
        let mut done = 0;
        for column in [Column::Blocks, Column::Times] {
            for table in self.rocks.damaged_tables(column).map_err(failed)? {
                std::fs::create_dir_all(&dir).map_err(|source| DbError::File { path: dir.clone(), source })?;
                let left = self.readable(column, &table).map_err(failed)?;
                self.rocks.replace(column, &self.tuning, &table, &dir, &left).map_err(failed)?;
                tracing::error!(
                    table = %table.path.display(),
                    kept = %dir.display(),
                    blocks_left = left.len(),
                    "a damaged table was set aside"
                );
                count(&self.counters.tables_set_aside, 1);
                done += 1;
            }
        }
        Ok(done)
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
