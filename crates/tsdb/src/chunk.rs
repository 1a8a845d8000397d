//! Chunks: sealed columns of samples. Pure functions between slices of numbers and bytes.
//!
//! * [`bits`]: integers of a fixed width
//! * [`ints`]: columns of integers
//! * [`floats`]: columns of floats
//!
//! Everything here is aligned to bytes, so that the block compressor below still sees repeats between neighbours.

pub(crate) mod bits;
pub(crate) mod floats;
pub(crate) mod ints;
