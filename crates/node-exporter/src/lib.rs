//! Metrics of a Linux host, under the names that node_exporter gives them.
//!
//! * [`roots`]: where the host's files are, and how they are read
//! * [`parse`]: from text to values, on every system
//! * [`sys`]: what only system calls tell
//! * [`collector`]: one file for each subject, and the table of all

pub mod collector;
pub mod parse;
pub mod roots;
pub mod sys;
