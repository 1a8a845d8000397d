//! The slow log, and Valkey's command logs.

use super::Out;
use crate::reply::Reply;

/// Adds the answers to `SLOWLOG LEN` and `SLOWLOG GET 1`.
pub fn emit(out: &mut Out<'_>, length: &Reply, newest: &Reply) {
    if let Some(length) = length.number() {
        out.gauge("slowlog_length", "Total slowlog", &[], length);
    }
    let entry = newest.list().first().map(Reply::list).unwrap_or_default();
    let part = |at: usize| entry.get(at).and_then(Reply::number).unwrap_or(0.0);
    out.gauge("slowlog_last_id", "Last id of slowlog", &[], part(0));
    let help = "The amount of time needed for last slow execution, in seconds";
    out.gauge("last_slow_execution_duration_seconds", help, &[], part(2) / 1e6);
}

/// Valkey's logs: the kind as COMMANDLOG knows it, and the metric with its help.
pub const COMMAND_LOGS: &[(&str, &str, &str)] = &[
    ("slow", "commandlog_slow_length", "Total entries in the slow command log"),
    ("large-request", "commandlog_large_request_length", "Total entries in the large-request command log"),
    ("large-reply", "commandlog_large_reply_length", "Total entries in the large-reply command log"),
];

/// Settings of Valkey's logs: key of CONFIG, metric, help.
const COMMAND_LOG_SETTINGS: &[(&str, &str, &str)] = &[
    (
        "commandlog-execution-slower-than",
        "commandlog_execution_slower_than",
        "Execution time threshold in microseconds for the slow command log",
    ),
    (
        "commandlog-slow-execution-max-len",
        "commandlog_slow_execution_max_len",
        "Maximum number of entries retained in the slow command log",
    ),
    (
        "commandlog-request-larger-than",
        "commandlog_request_larger_than",
        "Request size threshold in bytes for the large-request command log",
    ),
    (
        "commandlog-large-request-max-len",
        "commandlog_large_request_max_len",
        "Maximum number of entries retained in the large-request command log",
    ),
    (
        "commandlog-reply-larger-than",
        "commandlog_reply_larger_than",
        "Reply size threshold in bytes for the large-reply command log",
    ),
    (
        "commandlog-large-reply-max-len",
        "commandlog_large_reply_max_len",
        "Maximum number of entries retained in the large-reply command log",
    ),
];

/// Whether the settings show that the server has command logs.
#[must_use]
pub fn has_command_logs(settings: &Reply) -> bool {
    settings.pairs().any(|(key, _)| key.starts_with("commandlog-"))
}

/// Adds the settings of the command logs.
pub fn emit_command_log_settings(out: &mut Out<'_>, settings: &Reply) {
    for (key, name, help) in COMMAND_LOG_SETTINGS {
        if let Some(value) = settings.get(key).and_then(Reply::number) {
            out.gauge(name, help, &[], value);
        }
    }
}
