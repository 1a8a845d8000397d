//! Parsers of host files: plain functions over text, compiled and tested on every system.

use std::str::FromStr;

use exporter::CollectError;

pub mod arp;
pub mod bcachefs;
pub mod cpuinfo;
pub mod cpulist;
pub mod dbus;
pub mod diskstats;
pub mod interrupts;
pub mod ipvs;
pub mod keyed;
pub mod kstat;
pub mod loadavg;
pub mod mdstat;
pub mod meminfo;
pub mod mountinfo;
pub mod netdev;
pub mod netlink;
pub mod netstat;
pub mod nfs;
pub mod os_release;
pub mod pressure;
pub mod size;
pub mod sockstat;
pub mod softnet;
pub mod stat;
pub mod table;
pub mod udev;
pub mod zoneinfo;

/// Why a text could not be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}: {text:?}")]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub reason: &'static str,
    /// The text at fault.
    pub text: String,
}

impl ParseError {
    /// An error at a line, counted from 0 as iterators do.
    pub fn at(line: usize, reason: &'static str, text: impl Into<String>) -> Self {
        Self { line: line + 1, reason, text: text.into() }
    }

    /// As the failure of a collector to parse `file`.
    #[must_use]
    pub fn in_file(self, file: &str) -> CollectError {
        CollectError::failed(format!("parse {file}"), self)
    }
}

/// A number at a line counted from 0.
///
/// # Errors
/// [`ParseError`] when it is not a number of this type.
pub fn number<T: FromStr>(line: usize, text: &str) -> Result<T, ParseError> {
    text.parse().map_err(|_| ParseError::at(line, "not a number", text))
}
