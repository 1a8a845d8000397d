//! Who copies whom: replicas of a master, and a replica's link to its master.

use super::Out;
use crate::info::Info;

/// Adds the section Replication.
pub fn emit(out: &mut Out<'_>, info: &Info) {
    for (slave, parts) in info.with_prefix("slave") {
        if slave.is_empty() || !slave.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let part = |name| parts.get(name).unwrap_or("");
        let labels = [("slave_ip", part("ip")), ("slave_port", part("port")), ("slave_state", part("state"))];
        if let Some(offset) = parts.number("offset") {
            out.gauge("connected_slave_offset_bytes", "Offset of connected slave", &labels, offset);
        }
        if let Some(lag) = parts.number("lag") {
            out.gauge("connected_slave_lag_seconds", "Lag of connected slave", &labels, lag);
        }
    }
    if info.get("role") != Some("slave") {
        return;
    }
    masters(out, info);
    let host = info.get("master_host").unwrap_or("");
    let port = info.get("master_port").unwrap_or("");
    let read_only = info.get("slave_read_only").unwrap_or("");
    let labels = [("master_host", host), ("master_port", port), ("read_only", read_only)];
    out.gauge("slave_info", "Information about the Redis slave", &labels, 1.0);
}

/// Adds the links to masters. KeyDB may have several: their fields begin with `master_1_` and so on, where the first
/// one's begin with `master_`.
fn masters(out: &mut Out<'_>, info: &Info) {
    for field in info.fields() {
        let Some(prefix) = field.name.strip_suffix("link_status").filter(|prefix| is_master(prefix)) else { continue };
        let of = |name: &str| format!("{prefix}{name}");
        let host = info.get(&of("host")).unwrap_or("");
        let port = info.get(&of("port")).unwrap_or("");
        let labels = [("master_host", host), ("master_port", port)];
        let up = if field.value == "up" { 1.0 } else { 0.0 };
        out.gauge("master_link_up", "Master link status on Redis slave", &labels, up);
        for (field, name, help) in [
            (of("last_io_seconds_ago"), "master_last_io_seconds_ago", "Master last io seconds ago"),
            (of("sync_in_progress"), "master_sync_in_progress", "Master sync in progress"),
        ] {
            if let Some(value) = info.number(&field) {
                out.gauge(name, help, &labels, value);
            }
        }
        if let Some(offset) = info.number("slave_repl_offset").filter(|_| prefix == "master_") {
            out.gauge("slave_repl_offset", "Slave replication offset", &labels, offset);
        }
    }
}

/// `master_`, or `master_` and a number.
fn is_master(prefix: &str) -> bool {
    let number = prefix.strip_prefix("master_").map(|rest| rest.strip_suffix('_').unwrap_or(rest));
    number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}
