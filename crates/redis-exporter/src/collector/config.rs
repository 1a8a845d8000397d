//! Settings: the few that dashboards need, and all of them where that is asked for.

use super::{Out, number_of};
use crate::reply::Reply;

/// Settings that are always shown when they are numbers.
const ALWAYS: &[&str] = &["io-threads", "maxclients", "maxmemory", "repl-backlog-size"];

/// Settings that hold secrets.
const SECRET: &[&str] = &["requirepass", "masterauth", "tls-key-file-pass", "tls-client-key-file-pass"];

/// The number of databases that the answer to `CONFIG GET *` tells.
#[must_use]
pub fn databases(answer: &Reply) -> Option<u32> {
    answer.get("databases")?.text()?.parse().ok()
}

/// Adds the settings of the answer to `CONFIG GET *`.
pub fn emit(out: &mut Out<'_>, answer: &Reply, include_all: bool, redact: bool) {
    for (key, value) in answer.pairs() {
        let Some(value) = value.text() else { continue };
        if include_all && !(redact && SECRET.contains(&key.as_str())) {
            out.gauge("config_key_value", "Config key and value", &[("key", &key), ("value", &value)], 1.0);
            if let Some(number) = number_of(&value) {
                out.gauge("config_value", "Config key and value as metric", &[("key", &key)], number);
            }
        }
        if key == "client-output-buffer-limit" {
            buffer_limits(out, &value);
        }
        if ALWAYS.contains(&key.as_str())
            && let Ok(number) = value.parse()
        {
            out.plain_gauge(&format!("config_{}", key.replace('-', "_")), &[], number);
        }
    }
}

/// `normal 0 0 0 slave 268435456 67108864 60 pubsub …`: class, hard limit, soft limit, seconds.
fn buffer_limits(out: &mut Out<'_>, value: &str) {
    let words: Vec<&str> = value.split_whitespace().collect();
    for part in words.chunks_exact(4) {
        let class = part[0];
        let bytes = "The configured buffer limits per class";
        for (limit, word) in [("hard", part[1]), ("soft", part[2])] {
            if let Ok(value) = word.parse() {
                let labels = [("class", class), ("limit", limit)];
                out.gauge("config_client_output_buffer_limit_bytes", bytes, &labels, value);
            }
        }
        if let Ok(seconds) = part[3].parse() {
            let help = "How long for buffer limits per class to be exceeded before replicas are dropped";
            let labels = [("class", class), ("limit", "soft")];
            out.gauge("config_client_output_buffer_limit_overcome_seconds", help, &labels, seconds);
        }
    }
}
