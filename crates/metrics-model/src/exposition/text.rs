//! The classic text format (`text/plain; version=0.0.4`) and its successor 1.0.0 with names in quotes.

mod reader;
mod strict;
mod writer;

pub use reader::TextReader;
pub use strict::{StrictError, StrictFault, read_families};
pub use writer::{write_families, write_family};

#[cfg(test)]
mod tests;
