//! Fields of INFO that are numbers, and one metric with those that are texts.

use super::{Out, number_of};
use crate::fields::{self, Kind};
use crate::info::Info;

/// Texts that `instance_info` shows as labels.
const INSTANCE_LABELS: &[&str] = &[
    "master_replid",
    "maxmemory_policy",
    "os",
    "process_id",
    "redis_build_id",
    "redis_mode",
    "redis_version",
    "role",
    "run_id",
    "tcp_port",
];

/// As before, but only servers that are no Redis have these.
const VALKEY_LABELS: &[&str] = &["valkey_release_stage", "valkey_version"];

/// A field for each thread; the number becomes a label.
const THREAD_TIME: &str = "used_active_time_io_thread_";

/// Adds what INFO says. `now_seconds` is the exporter's clock, for servers that do not tell their own.
pub fn emit(out: &mut Out<'_>, info: &Info, include_system: bool, now_seconds: f64) {
    emit_fields(out, info, include_system);
    instance_info(out, info);
    start_time(out, info, now_seconds);
}

/// Adds the fields that are numbers.
pub fn emit_fields(out: &mut Out<'_>, info: &Info, include_system: bool) {
    for field in info.fields() {
        if let Some(thread) = field.name.strip_prefix(THREAD_TIME) {
            thread_time(out, thread, &field.value);
            continue;
        }
        let known = fields::of(&field.name);
        let system = || fields::SYSTEM_FIELDS.iter().find(|(name, ..)| include_system && *name == field.name);
        // Whatever a server tells of its cluster is shown, under the field's own name.
        let of_cluster = || is_of_cluster(&field.name).then_some((field.name.as_str(), Kind::Gauge));
        let found = known.or_else(|| system().map(|(_, name, kind)| (*name, *kind))).or_else(of_cluster);
        let Some((name, kind)) = found else { continue };
        let Some(value) = number_of(&field.value) else { continue };
        // Forking is told in microseconds, and shown in seconds.
        let (name, value) = match name {
            "latest_fork_usec" => ("latest_fork_seconds", value / 1e6),
            name => (name, value),
        };
        let help = format!("{name} metric");
        match kind {
            Kind::Counter => out.counter(name, &help, &[], value),
            Kind::Gauge => out.gauge(name, &help, &[], value),
        }
    }
}

fn is_of_cluster(field: &str) -> bool {
    let rest = field.strip_prefix("cluster_");
    rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
}

fn thread_time(out: &mut Out<'_>, thread: &str, value: &str) {
    let is_number = !thread.is_empty() && thread.bytes().all(|byte| byte.is_ascii_digit());
    if let (true, Some(seconds)) = (is_number, number_of(value)) {
        let name = "active_time_io_thread_seconds_total";
        out.counter(name, &format!("{name} metric"), &[("thread", thread)], seconds);
    }
}

fn instance_info(out: &mut Out<'_>, info: &Info) {
    let mut labels: Vec<(&str, &str)> =
        INSTANCE_LABELS.iter().map(|label| (*label, info.get(label).unwrap_or(""))).collect();
    labels.extend(VALKEY_LABELS.iter().filter_map(|label| Some((*label, info.get(label)?))));
    if info.get("redis_version").is_some() || info.get("valkey_version").is_some() {
        out.plain_gauge("instance_info", &labels, 1.0);
    }
}

fn start_time(out: &mut Out<'_>, info: &Info, now_seconds: f64) {
    let Some(uptime) = info.number("uptime_in_seconds") else { return };
    let now = info.number("server_time_usec").map_or(now_seconds, |micros| (micros / 1e6).floor());
    let help = "Start time of the Redis instance since unix epoch in seconds.";
    out.gauge("start_time_seconds", help, &[], now - uptime);
}
