//! Series, chunks, index and retention on RocksDB.

mod bytes;
mod chunk;
mod decimal;
mod head;
mod histogram;
mod index;
mod rocks;
