//! Series, chunks, index and retention on RocksDB.

mod bytes;
mod chunk;
mod db;
mod decimal;
mod error;
mod head;
mod histogram;
mod index;
mod log;
mod maintain;
mod options;
mod query;
mod rocks;
mod sealed;
mod tombstone;

pub use db::Db;
pub use db::stats::{Cardinalities, Cardinality, Stats};
pub use error::{DbError, OpenError};
pub use options::Options;
