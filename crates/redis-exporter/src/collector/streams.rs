//! Streams, their groups and consumers: the answers to `XINFO STREAM`, `XINFO GROUPS` and `XINFO CONSUMERS`.

use super::Out;
use crate::reply::Reply;

/// Numbers of a stream: key of the answer, metric, help.
const STREAM: &[(&str, &str, &str)] = &[
    ("length", "stream_length", "The number of elements of the stream"),
    ("radix-tree-keys", "stream_radix_tree_keys", "Radix tree keys count\""),
    ("radix-tree-nodes", "stream_radix_tree_nodes", "Radix tree nodes count"),
    ("groups", "stream_groups", "Groups count of stream"),
];

/// Numbers of a group.
const GROUP: &[(&str, &str, &str)] = &[
    ("consumers", "stream_group_consumers", "Consumers count of stream group"),
    ("pending", "stream_group_messages_pending", "Pending number of messages in that stream group"),
    ("entries-read", "stream_group_entries_read", "Total number of entries read from the stream group"),
    ("lag", "stream_group_lag", "The number of messages waiting to be delivered to the stream group's consumers"),
];

/// Adds a stream.
pub fn emit(out: &mut Out<'_>, database: &str, stream: &str, answer: &Reply) {
    let labels = [("db", database), ("stream", stream)];
    for (key, name, help) in STREAM {
        if let Some(value) = answer.get(key).and_then(Reply::number) {
            out.gauge(name, help, &labels, value);
        }
    }
    let id = |key: &str| answer.get(key).and_then(millis);
    // Ids begin with the time; of entries the first part is their id.
    let entry = |key: &str| answer.get(key).map_or(Some(0.0), |entry| entry.list().first().map_or(Some(0.0), millis));
    for (name, help, value) in [
        (
            "stream_last_generated_id",
            "The epoch timestamp (ms) of the latest message on the stream",
            id("last-generated-id"),
        ),
        (
            "stream_max_deleted_entry_id",
            "The epoch timestamp (ms) of last message was deleted from the stream",
            id("max-deleted-entry-id"),
        ),
        ("stream_first_entry_id", "The epoch timestamp (ms) of the first message in the stream", entry("first-entry")),
        ("stream_last_entry_id", "The epoch timestamp (ms) of the last message in the stream", entry("last-entry")),
    ] {
        if let Some(value) = value {
            out.gauge(name, help, &labels, value);
        }
    }
    if let Some(added) = answer.get("entries-added").and_then(Reply::number) {
        let help = "The count of all entries added to the stream during its lifetime";
        out.counter("stream_entries_added_total", help, &labels, added);
    }
}

/// Adds a group.
pub fn emit_group(out: &mut Out<'_>, database: &str, stream: &str, group: &str, answer: &Reply) {
    let labels = [("db", database), ("stream", stream), ("group", group)];
    for (key, name, help) in GROUP {
        if let Some(value) = answer.get(key).and_then(Reply::number) {
            out.gauge(name, help, &labels, value);
        }
    }
    if let Some(id) = answer.get("last-delivered-id").and_then(millis) {
        let help = "The epoch timestamp (ms) of the last delivered message";
        out.gauge("stream_group_last_delivered_id", help, &labels, id);
    }
}

/// Adds a consumer of a group.
pub fn emit_consumer(out: &mut Out<'_>, (database, stream, group): (&str, &str, &str), answer: &Reply) {
    let Some(consumer) = answer.get("name").and_then(Reply::text) else { return };
    let labels = [("db", database), ("stream", stream), ("group", group), ("consumer", &consumer)];
    if let Some(pending) = answer.get("pending").and_then(Reply::number) {
        let help = "Pending number of messages for this specific consumer";
        out.gauge("stream_group_consumer_messages_pending", help, &labels, pending);
    }
    if let Some(idle_ms) = answer.get("idle").and_then(Reply::number) {
        out.gauge("stream_group_consumer_idle_seconds", "Consumer idle time in seconds", &labels, idle_ms / 1e3);
    }
}

/// The time in an id such as `1795393967671-0`.
fn millis(id: &Reply) -> Option<f64> {
    id.text()?.split('-').next()?.parse().ok()
}
