//! Sealed samples: partitions of time, made of blocks and time columns that never change.
//!
//! * [`presence`], [`block`], [`times`]: the bytes of blocks and time columns
//! * [`partition`]: what is known of a partition, and its record
//! * [`writer`]: series to tables
//! * [`reader`]: tables to samples, through a cache

pub(crate) mod block;
pub(crate) mod partition;
pub(crate) mod presence;
pub(crate) mod reader;
pub(crate) mod times;
pub(crate) mod writer;
