//! Sentinel: the masters that it watches, as INFO and `SENTINEL MASTERS` tell.

use super::Out;
use crate::info::Info;
use crate::reply::Reply;

/// Numbers of the section Sentinel.
const FIELDS: &[(&str, &str)] = &[
    ("sentinel_masters", "The number of masters this sentinel is watching"),
    ("sentinel_tilt", "Sentinel is in TILT mode"),
    ("sentinel_running_scripts", "Number of scripts in execution right now"),
    ("sentinel_scripts_queue_length", "Queue of user scripts to execute"),
    ("sentinel_simulate_failure_flags", "Failures simulations"),
];

/// Settings of a master: key of the answer, metric, help.
const SETTINGS: &[(&str, &str, &str)] = &[
    ("quorum", "sentinel_master_setting_ckquorum", "Show the current ckquorum config for each master"),
    (
        "failover-timeout",
        "sentinel_master_setting_failover_timeout",
        "Show the current failover-timeout config for each master",
    ),
    (
        "parallel-syncs",
        "sentinel_master_setting_parallel_syncs",
        "Show the current parallel-syncs config for each master",
    ),
    (
        "down-after-milliseconds",
        "sentinel_master_setting_down_after_milliseconds",
        "Show the current down-after-milliseconds config for each master",
    ),
    (
        "config-epoch",
        "sentinel_master_config_epoch",
        "The configuration epoch of the master (increments on each failover)",
    ),
];

/// Adds the section Sentinel: its numbers, and `master0:name=…,status=ok,address=…,slaves=2,sentinels=3`.
pub fn emit(out: &mut Out<'_>, info: &Info) {
    for (name, help) in FIELDS {
        if let Some(value) = info.number(name) {
            out.gauge(name, help, &[], value);
        }
    }
    for (number, parts) in info.with_prefix("master") {
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let (Some(name), Some(address)) = (parts.get("name"), parts.get("address")) else { continue };
        let labels = [("master_name", name), ("master_address", address)];
        if let Some(status) = parts.get("status") {
            let labels = [labels[0], labels[1], ("master_status", status)];
            let ok = if status == "ok" { 1.0 } else { 0.0 };
            out.gauge("sentinel_master_status", "Master status on Sentinel", &labels, ok);
        }
        for (part, metric, help) in [
            ("slaves", "sentinel_master_slaves", "The number of slaves of the master"),
            ("sentinels", "sentinel_master_sentinels", "The number of sentinels monitoring this master"),
        ] {
            if let Some(value) = parts.number(part) {
                out.gauge(metric, help, &labels, value);
            }
        }
    }
}

/// The name of each master in the answer to `SENTINEL MASTERS`, and its address.
#[must_use]
pub fn masters(answer: &Reply) -> Vec<(String, String)> {
    let named = answer.list().iter().filter_map(|master| {
        let text = |key| master.get(key).and_then(Reply::text);
        Some((text("name")?, format!("{}:{}", text("ip")?, text("port")?)))
    });
    named.collect()
}

/// Adds what `SENTINEL MASTERS` says.
pub fn emit_masters(out: &mut Out<'_>, answer: &Reply) {
    for (master, (name, address)) in answer.list().iter().zip(masters(answer)) {
        let labels = [("master_name", name.as_str()), ("master_address", address.as_str())];
        for (key, metric, help) in SETTINGS {
            if let Some(value) = master.get(key).and_then(Reply::number) {
                out.gauge(metric, help, &labels, value);
            }
        }
        if let Some(ms) = master.get("last-ok-ping-reply").and_then(Reply::number) {
            let help = "Elapsed time in seconds since the last successful ping reply from the master";
            out.gauge("sentinel_master_last_ok_ping_reply_seconds", help, &labels, ms / 1e3);
        }
    }
}

/// Adds how many of a master's replicas or sentinels are well: those without a flag that says otherwise.
pub fn emit_peers(out: &mut Out<'_>, (name, address): (&str, &str), kind: &str, answer: &Reply) {
    let well = answer.list().iter().filter(|peer| {
        let flags = peer.get("flags").and_then(Reply::text).unwrap_or_default();
        !flags.split(',').any(|flag| matches!(flag, "o_down" | "s_down" | "disconnected" | "master_down"))
    });
    let labels = [("master_name", name), ("master_address", address)];
    let (metric, help, own) = match kind {
        // The asked sentinel is not in its own list.
        "sentinels" => ("sentinel_master_ok_sentinels", "The number of okay sentinels monitoring this master", 1.0),
        _ => ("sentinel_master_ok_slaves", "The number of okay slaves of the master", 0.0),
    };
    out.gauge(metric, help, &labels, well.count() as f64 + own);
}

/// Adds the sentinels that watch a master beside the asked one. Their flags come and go, so this must be asked for.
pub fn emit_peer_info(out: &mut Out<'_>, (name, address): (&str, &str), sentinels: &Reply) {
    for sentinel in sentinels.list() {
        let text = |key| sentinel.get(key).and_then(Reply::text).unwrap_or_default();
        let [peer, ip, port, runid, flags] = ["name", "ip", "port", "runid", "flags"].map(text);
        let labels = [
            ("master_name", name),
            ("master_address", address),
            ("name", &peer),
            ("ip", &ip),
            ("port", &port),
            ("runid", &runid),
            ("flags", &flags),
        ];
        let help = "Other Sentinel peers discovered via SENTINEL SENTINELS (one scrape from one Sentinel)";
        out.gauge("sentinel_peer_info", help, &labels, 1.0);
    }
}

/// Adds the answer to `SENTINEL CONFIG GET *`. Passwords are left out when `redact` says so.
pub fn emit_config(out: &mut Out<'_>, answer: &Reply, redact: bool) {
    for (key, value) in answer.pairs() {
        let Some(value) = value.text().filter(|_| !(redact && key.ends_with("-pass"))) else { continue };
        let labels = [("key", key.as_str()), ("value", &value)];
        out.gauge("sentinel_config_key_value", "Sentinel global config key and value", &labels, 1.0);
        if let Ok(number) = value.parse() {
            let help = "Sentinel global config key and value as metric";
            out.gauge("sentinel_config_value", help, &[("key", &key)], number);
        }
    }
}

/// Adds whether enough sentinels agree, from the answer to `SENTINEL CKQUORUM`.
pub fn emit_quorum(out: &mut Out<'_>, name: &str, answer: Result<String, String>) {
    let (ok, message) = match answer {
        Ok(message) => (1.0, message),
        Err(message) => (0.0, message),
    };
    let labels = [("master_name", name), ("message", message.as_str())];
    out.gauge("sentinel_master_ckquorum_status", "Master ckquorum status", &labels, ok);
}
