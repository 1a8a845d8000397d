//! Calls, time and failures of each command, and errors by their kind: the sections Commandstats and Errorstats.

use std::collections::BTreeMap;

use super::Out;
use crate::info::Info;

/// Calls and time of a command.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// Calls.
    pub calls: f64,
    /// Microseconds in all calls together.
    pub micros: f64,
}

/// What Commandstats says, by command.
#[must_use]
pub fn usage(info: &Info) -> BTreeMap<String, Usage> {
    let commands = info.with_prefix("cmdstat_").filter_map(|(command, parts)| {
        Some((command.to_owned(), Usage { calls: parts.number("calls")?, micros: parts.number("usec")? }))
    });
    commands.collect()
}

/// Adds both sections.
pub fn emit(out: &mut Out<'_>, info: &Info) {
    for (command, parts) in info.with_prefix("cmdstat_") {
        let (Some(calls), Some(micros)) = (parts.number("calls"), parts.number("usec")) else { continue };
        let labels = [("cmd", command)];
        out.counter("commands_total", "Total number of calls per command", &labels, calls);
        let help = "Total amount of time in seconds spent per command";
        out.counter("commands_duration_seconds_total", help, &labels, micros / 1e6);
        if let (Some(rejected), Some(failed)) = (parts.number("rejected_calls"), parts.number("failed_calls")) {
            let help = "Total number of errors within command execution per command";
            out.counter("commands_rejected_calls_total", help, &labels, rejected);
            let help = "Total number of errors prior command execution per command";
            out.counter("commands_failed_calls_total", help, &labels, failed);
        }
    }
    for (error, parts) in info.with_prefix("errorstat_") {
        if let Some(count) = parts.number("count") {
            out.counter("errors_total", "Total number of errors per error type", &[("err", error)], count);
        }
    }
}
