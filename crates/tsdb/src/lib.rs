//! Series, chunks, index and retention on RocksDB.

mod admission;
mod bytes;
mod chunk;
mod db;
mod decimal;
mod disk;
mod error;
mod exemplars;
mod head;
mod histogram;
mod import;
mod index;
mod log;
mod maintain;
mod options;
mod query;
mod rocks;
mod sealed;
mod tombstone;

pub use admission::Room;
pub use db::Db;
pub use db::stats::{Cardinalities, Cardinality, ExemplarStats, PartitionInfo, Stats};
pub use error::{DbError, OpenError};
pub use import::{Imported, Importer};
pub use maintain::delete::Cleaning;
pub use options::{Limits, Options};
