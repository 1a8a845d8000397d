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
    "valkey_version",
];

/// Adds what INFO says. `now_seconds` is the exporter's clock, for servers that do not tell their own.
pub fn emit(out: &mut Out<'_>, info: &Info, include_system: bool, now_seconds: f64) {
    for field in info.fields() {
        let known = fields::of(&field.name);
        let system = || fields::SYSTEM_FIELDS.iter().find(|(name, ..)| include_system && *name == field.name);
        let Some((name, kind)) = known.or_else(|| system().map(|(_, name, kind)| (*name, *kind))) else { continue };
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
    instance_info(out, info);
    start_time(out, info, now_seconds);
}

fn instance_info(out: &mut Out<'_>, info: &Info) {
    let labels: Vec<(&str, &str)> = INSTANCE_LABELS
        .iter()
        .filter_map(|label| {
            let value = info.get(label);
            // Valkey alone tells this one.
            if *label == "valkey_version" && value.is_none() { None } else { Some((*label, value.unwrap_or(""))) }
        })
        .collect();
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
