//! Reading: the storage traits on head and partitions.
//!
//! * [`select`]: a consistent view, and the series in it
//! * [`names`]: names and values of labels
//! * [`present`]: which series have samples in a range
//! * [`cursor`]: the samples of one series
//! * [`together`], [`decoded`]: many series at once
//! * [`runs`]: decoded samples, merged and cut

pub(crate) mod cursor;
mod decoded;
mod names;
mod present;
pub(crate) mod runs;
pub(crate) mod select;
pub(crate) mod together;
