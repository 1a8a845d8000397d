//! Flags of the original beyond those we have: what has no effect here is taken, what would have is refused.

use std::ffi::OsString;

use clap::Command;
use clap::error::{Error, ErrorKind};

/// Whether a flag is followed by a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    Value,
}
use Takes::{Nothing, Value};

/// Flags that tune parts of the original that do not exist here. They change nothing.
const WITHOUT_EFFECT: &[(&str, Takes)] = &[
    ("alertmanager.timeout", Value),
    ("auto-gomaxprocs", Nothing),
    ("auto-gomemlimit", Nothing),
    ("auto-gomemlimit.ratio", Value),
    ("auto-gomemlimit.refresh-interval", Value),
    ("config.auto-reload-interval", Value),
    ("scrape.adjust-timestamps", Nothing),
    ("scrape.discovery-reload-interval", Value),
    ("scrape.timestamp-tolerance", Value),
    ("storage.remote.flush-deadline", Value),
    ("storage.remote.read-concurrent-limit", Value),
    ("storage.remote.read-max-bytes-in-frame", Value),
    ("storage.remote.read-sample-limit", Value),
    ("storage.tsdb.allow-overlapping-blocks", Nothing),
    ("storage.tsdb.allow-overlapping-compaction", Nothing),
    ("storage.tsdb.head-chunks-write-queue-size", Value),
    ("storage.tsdb.max-block-chunk-segment-size", Value),
    ("storage.tsdb.max-block-duration", Value),
    ("storage.tsdb.min-block-duration", Value),
    ("storage.tsdb.no-lockfile", Nothing),
    ("storage.tsdb.samples-per-chunk", Value),
    ("storage.tsdb.wal-compression", Nothing),
    ("storage.tsdb.wal-compression-type", Value),
    ("storage.tsdb.wal-segment-size", Value),
    ("web.local-assets", Value),
    ("web.max-notifications-subscribers", Value),
];

/// Flags whose effect a user would miss.
const REFUSED: &[(&str, &str)] = &[
    ("agent", "agent mode is not supported"),
    ("config.auto-reload", "the configuration is not watched: reload with SIGHUP or /-/reload"),
    ("storage.agent.", "agent mode is not supported"),
    ("storage.tsdb.delay-compact-file.path", "there are no blocks to hand to other programs"),
    ("web.enable-otlp-receiver", "the OTLP receiver is not supported yet"),
    ("web.search.", "the search API is not supported"),
    ("web.user-assets", "the pages come with the program"),
];

/// Boolean flags of ours, which take a `--no-` form.
const BOOLEANS: &[&str] = &[
    "alertmanager.drain-notification-queue-on-shutdown",
    "web.enable-admin-api",
    "web.enable-lifecycle",
    "web.enable-remote-write-receiver",
];

/// The command line in the form our parser takes.
pub(super) fn translate(command: &mut Command, arguments: Vec<OsString>) -> Result<Vec<OsString>, Error> {
    let mut translated = Vec::with_capacity(arguments.len());
    let mut arguments = arguments.into_iter();
    translated.extend(arguments.next());
    while let Some(argument) = arguments.next() {
        let Some(flag) = argument.to_str().and_then(|text| text.strip_prefix("--")) else {
            translated.push(argument);
            continue;
        };
        let (name, has_value) = match flag.split_once('=') {
            Some((name, _)) => (name, true),
            None => (flag, false),
        };
        let plain = name.strip_prefix("no-").unwrap_or(name);
        if let Some((_, reason)) = REFUSED.iter().find(|(refused, _)| is_named(plain, refused)) {
            // Switched off is how it is anyway.
            if plain != name {
                continue;
            }
            return Err(command.error(ErrorKind::UnknownArgument, format!("--{name}: {reason}")));
        }
        if let Some((_, takes)) = WITHOUT_EFFECT.iter().find(|(known, _)| *known == plain) {
            if *takes == Value && !has_value {
                arguments.next();
            }
            continue;
        }
        if plain != name && BOOLEANS.contains(&plain) {
            translated.push(format!("--{plain}=false").into());
        } else {
            translated.push(argument);
        }
    }
    Ok(translated)
}

/// Whether `name` is `flag`, or starts with it when `flag` is a family and ends in a point.
fn is_named(name: &str, flag: &str) -> bool {
    if flag.ends_with('.') { name.starts_with(flag) } else { name == flag }
}
