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
    let host = info.get("master_host").unwrap_or("");
    let port = info.get("master_port").unwrap_or("");
    let labels = [("master_host", host), ("master_port", port)];
    if let Some(link) = info.get("master_link_status") {
        let up = if link == "up" { 1.0 } else { 0.0 };
        out.gauge("master_link_up", "Master link status on Redis slave", &labels, up);
    }
    for (field, name, help) in [
        ("master_last_io_seconds_ago", "master_last_io_seconds_ago", "Master last io seconds ago"),
        ("slave_repl_offset", "slave_repl_offset", "Slave replication offset"),
        ("master_sync_in_progress", "master_sync_in_progress", "Master sync in progress"),
    ] {
        if let Some(value) = info.number(field) {
            out.gauge(name, help, &labels, value);
        }
    }
    let read_only = info.get("slave_read_only").unwrap_or("");
    let labels = [("master_host", host), ("master_port", port), ("read_only", read_only)];
    out.gauge("slave_info", "Information about the Redis slave", &labels, 1.0);
}
