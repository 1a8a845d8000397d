//! Reading: the storage traits on head and partitions.
//!
//! * [`runs`]: decoded samples, merged and cut
//! * [`select`]: a consistent view, and the series in it
//! * [`cursor`]: the samples of one series

pub(crate) mod cursor;
pub(crate) mod runs;
pub(crate) mod select;
