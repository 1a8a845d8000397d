//! The data folder of Prometheus: blocks, chunks of the head and write-ahead log in, blocks out.
//!
//! The formats are those of `tsdb/docs/format` in Prometheus' repository. Readers take any bytes: damage is an error that
//! names the file and the place, never a panic, and nothing is reserved on the word of a damaged length. What is pure is
//! in `chunk`, `index`, `record`, `segment`, `tombstones`; files are opened in `block`, `head` and `wal` alone.
//!
//! * [`block`]: a block as a folder, read or written
//! * [`head`]: what is in no block yet: chunks of the head and the write-ahead log
//! * [`folder`]: what a data folder has
//! * `chunk`, `index`, `segment`, `tombstones`, `meta`, `record`, `wal`: one format each
//! * [`stream`]: series on their way to a server
//! * `bits`, `bytes`: what the formats are spelled with

mod bits;
pub mod block;
mod bytes;
mod chunk;
mod error;
pub mod folder;
pub mod head;
mod index;
mod meta;
mod record;
mod segment;
pub mod stream;
mod tombstones;
mod wal;

pub use block::{Block, BlockWriter, ChunkEntry, ChunkFigures};
pub use error::{DataError, FormatError};
pub use folder::Folder;
pub use head::Head;
pub use meta::{BlockMeta, BlockStats};
