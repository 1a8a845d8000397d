//! Metrics of a Linux host, under the names that node_exporter gives them.
//!
//! * [`cli`]: the command line
//! * [`app`]: the running exporter
//! * [`collector`]: one file for each subject, and the table of all
//! * [`parse`]: from text to values, on every system
//! * [`roots`]: where the host's files are, and how they are read
//! * [`sys`]: what only system calls tell

pub mod app;
pub mod cli;
pub mod collector;
pub mod parse;
pub mod roots;
pub mod sys;

pub use app::{App, Options};
