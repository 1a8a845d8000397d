//! The functions of the language: their table, and what they compute.
//!
//! * [`table`]: names and signatures
//! * `range`: the shape of functions over windows; `rate`, `over_time`, `regression`, `changes` are those, with
//!   `sliding`, `extended`, `histogram_rate` and `start_times` to help
//! * `math`, [`date`]: functions of single floats
//! * `histogram`, `histogram_sum`, `quantile`: estimates and sums of distributions
//! * `label`, `sort`, `info`: functions that look at labels
//! * `kahan`: sums without rounding errors that add up

pub(crate) mod changes;
pub(crate) mod date;
pub(crate) mod extended;
pub(crate) mod histogram;
pub(crate) mod histogram_rate;
pub(crate) mod histogram_sum;
pub(crate) mod info;
pub(crate) mod kahan;
pub(crate) mod label;
pub(crate) mod math;
pub(crate) mod over_time;
pub(crate) mod quantile;
pub(crate) mod range;
pub(crate) mod rate;
pub(crate) mod regression;
pub(crate) mod sliding;
pub(crate) mod sort;
pub(crate) mod start_times;
pub(crate) mod table;

pub use table::{Function, FunctionId, Variadic};
