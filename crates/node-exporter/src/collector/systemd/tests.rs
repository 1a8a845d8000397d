use std::path::Path;

use jiff::tz::TimeZone;

use super::*;
use crate::parse::dbus::tests::{number_variant, push_text, text_variant};
use crate::roots::Roots;
use crate::sys::bus::tests::stand_in;

/// A systemd of three units.
fn answer(call: &[u8]) -> Result<Vec<u8>, &'static str> {
    let asks = |word: &str| call.windows(word.len()).any(|part| part == word.as_bytes());
    if asks("Hello") {
        return Ok(Vec::new());
    }
    if asks("ListUnits") {
        return Ok(units(&[
            ("a.service", "loaded", "active"),
            ("b.timer", "loaded", "failed"),
            ("c.mount", "loaded", "active"),
        ]));
    }
    for (word, body) in [
        ("Version", text_variant("252.38-1~deb12u1")),
        ("Virtualization", text_variant("")),
        ("SystemState", text_variant("running")),
        ("ActiveEnterTimestamp", number_variant(1_500_000)),
        ("LastTriggerUSec", number_variant(2_000_000)),
        ("NRestarts", number_variant(3)),
        ("TasksCurrent", number_variant(7)),
        ("TasksMax", number_variant(u64::MAX)),
        ("Type", text_variant("notify")),
    ] {
        if asks(word) {
            return Ok(body);
        }
    }
    Err("org.freedesktop.DBus.Error.UnknownProperty")
}

fn units(units: &[(&str, &str, &str)]) -> Vec<u8> {
    let mut rows = Vec::new();
    for (name, load, active) in units {
        rows.resize(rows.len().next_multiple_of(8), 0);
        let path = format!("/{name}");
        for text in [*name, "described", *load, *active, "sub", "", path.as_str()] {
            push_text(&mut rows, text);
        }
        rows.resize(rows.len().next_multiple_of(4), 0);
        rows.extend_from_slice(&0_u32.to_le_bytes());
        push_text(&mut rows, "");
        push_text(&mut rows, "/");
    }
    let mut body = (rows.len() as u32).to_le_bytes().to_vec();
    body.resize(8, 0);
    body.extend_from_slice(&rows);
    body
}

fn collector(socket: &Path) -> Box<dyn Collector> {
    let mut values = Values::defaults(FLAGS);
    for flag in ["collector.systemd.enable-task-metrics", "collector.systemd.enable-restarts-metrics"] {
        values.switch(flag, true);
    }
    values.switch("collector.systemd.enable-start-time-metrics", true);
    let roots = std::sync::Arc::new(Roots::default());
    build(&Setup { roots, values: &values, enabled: &[], time_zone: &TimeZone::UTC, system_bus: socket }).unwrap()
}

fn page(out: &Batch) -> String {
    let mut text = String::new();
    metrics_model::exposition::text::write_families(&mut text, out.families());
    text
}

#[test]
fn units_become_metrics() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("bus");
    let bus = stand_in(&socket, usize::MAX, answer);
    let systemd = collector(&socket);
    for _ in 0..2 {
        let mut out = Batch::new();
        systemd.collect(&mut out).unwrap();
        let page = page(&out);
        for line in [
            "node_systemd_version{version=\"252.38-1~deb12u1\"} 252.38",
            "node_systemd_virtualization_info{virtualization_type=\"none\"} 1",
            "node_systemd_system_running 1",
            "node_systemd_units{state=\"active\"} 2",
            "node_systemd_units{state=\"failed\"} 1",
            "node_systemd_unit_state{name=\"a.service\",state=\"active\",type=\"notify\"} 1",
            "node_systemd_unit_state{name=\"b.timer\",state=\"failed\",type=\"\"} 1",
            "node_systemd_unit_start_time_seconds{name=\"a.service\"} 1.5",
            "node_systemd_unit_start_time_seconds{name=\"b.timer\"} 0",
            "node_systemd_timer_last_trigger_seconds{name=\"b.timer\"} 2",
            "node_systemd_service_restart_total{name=\"a.service\"} 3",
            "node_systemd_unit_tasks_current{name=\"a.service\"} 7",
        ] {
            assert!(page.lines().any(|found| found == line), "{line} is not in\n{page}");
        }
        assert!(!page.contains("c.mount") && !page.contains("tasks_max"), "{page}");
    }
    drop(systemd);
    bus.join().unwrap();
}

#[test]
fn a_bus_that_is_gone_is_connected_to_anew() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("bus");
    let systemd = collector(&socket);
    assert!(systemd.collect(&mut Batch::new()).is_err(), "there is no bus yet");
    // Hello, four questions about systemd and what there is to know of the units: then this bus goes away.
    let first = stand_in(&socket, 5 + 6, answer);
    systemd.collect(&mut Batch::new()).unwrap();
    first.join().unwrap();
    std::fs::remove_file(&socket).unwrap();
    let second = stand_in(&socket, usize::MAX, answer);
    let mut out = Batch::new();
    systemd.collect(&mut out).unwrap();
    assert_eq!(out.families()[0].metrics.len(), 1, "nothing is left of the attempt that failed");
    drop(systemd);
    second.join().unwrap();
}

#[test]
fn version_numbers() {
    for (text, expected) in [
        ("252.38-1~deb12u1", Some(252.38)),
        ("v257", Some(257.0)),
        ("255.", Some(255.0)),
        ("12.345", Some(345.0)),
        ("12", None),
    ] {
        assert_eq!(version_number(text), expected, "{text}");
    }
}
