//! `systemd`: units and their states, asked over D-Bus. All questions of a scrape go out together over one connection that
//! stays, under one deadline.

use std::collections::BTreeMap;
use std::path::PathBuf;

use std::time::{Duration, Instant};

use exporter::{Batch, CollectError, Collector, Flag, FlagError, Values};
use metrics_model::pattern::Pattern;
use parking_lot::Mutex;

use self::questions::{Answers, Property, Question, Unit};
use super::Setup;
use crate::sys::bus::{Bus, BusError, Peer};

mod questions;

const INCLUDE: &str = "collector.systemd.unit-include";
const EXCLUDE: &str = "collector.systemd.unit-exclude";
const PRIVATE: &str = "collector.systemd.private";

pub(super) const FLAGS: &[Flag] = &[
    Flag::text(
        INCLUDE,
        ".+",
        "Regexp of systemd units to include. Units must both match include and not match exclude to be included.",
    ),
    Flag::text(
        EXCLUDE,
        r".+\.(automount|device|mount|scope|slice)",
        "Regexp of systemd units to exclude. Units must both match include and not match exclude to be included.",
    ),
    Flag::text("collector.systemd.unit-whitelist", "", "DEPRECATED: Use --collector.systemd.unit-include").hidden(),
    Flag::text("collector.systemd.unit-blacklist", "", "DEPRECATED: Use collector.systemd.unit-exclude").hidden(),
    Flag::switch(
        PRIVATE,
        false,
        "Establish a private, direct connection to systemd without dbus (Strongly discouraged since it requires root. For \
         testing purposes only).",
    )
    .hidden(),
    Flag::switch(
        "collector.systemd.enable-task-metrics",
        false,
        "Enables service unit tasks metrics unit_tasks_current and unit_tasks_max",
    ),
    Flag::switch(
        "collector.systemd.enable-restarts-metrics",
        false,
        "Enables service unit metric service_restart_total",
    ),
    Flag::switch(
        "collector.systemd.enable-start-time-metrics",
        false,
        "Enables service unit metric unit_start_time_seconds",
    ),
];

/// systemd's own socket.
const PRIVATE_SOCKET: &str = "/run/systemd/private";

/// How long systemd may take for all of a scrape's questions.
const ANSWER_TIME: Duration = Duration::from_secs(3);

/// No host has more units of interest; a runaway generator of units shall not become a runaway of series.
const UNITS_MAX: usize = 10_000;

/// Since this version systemd tells its own state and when timers ran.
const VERSION_WITH_STATE: f64 = 212.0;

const STATES: [&str; 5] = ["active", "activating", "deactivating", "inactive", "failed"];

struct Systemd {
    socket: PathBuf,
    peer: Peer,
    include: Pattern,
    exclude: Pattern,
    tasks: bool,
    restarts: bool,
    start_times: bool,
    connection: Mutex<Option<Bus>>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    let values = setup.values;
    let include = values.renamed("collector.systemd.unit-whitelist", INCLUDE)?;
    let exclude = values.renamed("collector.systemd.unit-blacklist", EXCLUDE)?;
    let private = values.on(PRIVATE);
    Ok(Box::new(Systemd {
        socket: if private { PathBuf::from(PRIVATE_SOCKET) } else { setup.system_bus.to_owned() },
        peer: if private { Peer::Service } else { Peer::Bus },
        include: pattern(values, include)?,
        exclude: pattern(values, exclude)?,
        tasks: values.on("collector.systemd.enable-task-metrics"),
        restarts: values.on("collector.systemd.enable-restarts-metrics"),
        start_times: values.on("collector.systemd.enable-start-time-metrics"),
        connection: Mutex::default(),
    }))
}

/// Unlike other filters, these match whole names.
fn pattern(values: &Values, flag: &str) -> Result<Pattern, FlagError> {
    let value = values.text(flag);
    Pattern::new(value).map_err(|source| FlagError::Regex { flag: flag.to_owned(), value: value.to_owned(), source })
}

impl Collector for Systemd {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let deadline = Instant::now() + ANSWER_TIME;
        let mut connection = self.connection.lock();
        // A connection that was kept may have died with a systemd that was updated: then a new one is tried once.
        if let Some(bus) = connection.as_mut()
            && self.ask(bus, deadline, out).is_ok()
        {
            return Ok(());
        }
        *connection = None;
        *out = Batch::new();
        let failed = |error: BusError| CollectError::failed("ask systemd", error);
        let mut bus = Bus::connect(&self.socket, self.peer, deadline).map_err(failed)?;
        self.ask(&mut bus, deadline, out).map_err(failed)?;
        *connection = Some(bus);
        Ok(())
    }
}

impl Systemd {
    fn ask(&self, bus: &mut Bus, deadline: Instant, out: &mut Batch) -> Result<(), BusError> {
        let manager = questions::ask_manager(bus, deadline)?;
        let version = version_number(&manager.version);
        out.gauge("node_systemd_version", "Detected systemd version")
            .with(&[("version", &manager.version)], version.unwrap_or(0.0));
        let virtualization = match manager.virtualization.as_deref() {
            None => "unknown",
            Some("") => "none",
            Some(kind) => kind,
        };
        out.gauge("node_systemd_virtualization_info", "Detected virtualization technology")
            .with(&[("virtualization_type", virtualization)], 1.0);
        emit_summary(&manager.units, out);
        let with_state = version.is_some_and(|version| version >= VERSION_WITH_STATE);
        if let Some(state) = manager.state.filter(|_| with_state) {
            out.gauge(
                "node_systemd_system_running",
                "Whether the system is operational (see 'systemctl is-system-running')",
            )
            .value(super::flag(state == "running"));
        }
        let units: Vec<Unit> = manager.units.into_iter().filter(|unit| self.wants(unit)).take(UNITS_MAX).collect();
        if units.len() == UNITS_MAX {
            tracing::warn!(units = UNITS_MAX, "too many systemd units, the others are left out");
        }
        let questions: Vec<_> = units.iter().flat_map(|unit| self.questions(unit, with_state)).collect();
        let answers = questions::ask_units(bus, &questions, deadline)?;
        for unit in &units {
            self.emit(unit, &answers, out);
        }
        Ok(())
    }

    fn wants(&self, unit: &Unit) -> bool {
        self.include.is_match(&unit.name) && !self.exclude.is_match(&unit.name) && unit.load_state == "loaded"
    }

    fn questions<'a>(&self, unit: &'a Unit, with_state: bool) -> Vec<Question<'a>> {
        let mut properties = Vec::new();
        match unit.kind() {
            "service" => {
                properties.push(Property::ServiceType);
                if self.restarts {
                    properties.push(Property::Restarts);
                }
                if self.tasks {
                    properties.extend([Property::TasksCurrent, Property::TasksMax]);
                }
            }
            "mount" => properties.push(Property::MountType),
            "timer" if with_state => properties.push(Property::LastTrigger),
            "socket" => properties.extend([Property::Accepted, Property::Connections, Property::Refused]),
            _ => {}
        }
        if self.start_times && unit.active_state == "active" {
            properties.push(Property::ActiveSince);
        }
        properties.into_iter().map(|property| Question { unit, property }).collect()
    }

    fn emit(&self, unit: &Unit, answers: &Answers<'_>, out: &mut Batch) {
        let kind = answers.text(unit, Property::ServiceType).or_else(|| answers.text(unit, Property::MountType));
        for state in STATES {
            let labels = [("name", unit.name.as_str()), ("state", state), ("type", kind.unwrap_or(""))];
            out.gauge("node_systemd_unit_state", "Systemd unit").with(&labels, super::flag(state == unit.active_state));
        }
        for (property, name, help) in questions::GAUGES {
            if let Some(value) = answers.number(unit, property) {
                out.gauge(name, help).with(&[("name", &unit.name)], value);
            }
        }
        for (property, name, help) in questions::COUNTERS {
            if let Some(value) = answers.number(unit, property) {
                out.counter(name, help).with(&[("name", &unit.name)], value);
            }
        }
        if self.start_times && unit.active_state != "active" {
            let (_, name, help) = questions::ACTIVE_SINCE;
            out.gauge(name, help).with(&[("name", &unit.name)], 0.0);
        }
    }
}

fn emit_summary(units: &[Unit], out: &mut Batch) {
    let mut counts: BTreeMap<&str, u32> = STATES.into_iter().map(|state| (state, 0)).collect();
    for unit in units {
        *counts.entry(&unit.active_state).or_default() += 1;
    }
    for (state, count) in counts {
        out.gauge("node_systemd_units", "Summary of systemd unit states").with(&[("state", state)], f64::from(count));
    }
}

/// The number in `252.38-1~deb12u1`: at least three digits, and a fraction if there is one.
fn version_number(text: &str) -> Option<f64> {
    let mut rest = text;
    loop {
        rest = &rest[rest.find(|letter: char| letter.is_ascii_digit())?..];
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits >= 3 {
            let fraction =
                rest[digits..].strip_prefix('.').map_or(0, |rest| rest.bytes().take_while(u8::is_ascii_digit).count());
            let end = if fraction > 0 { digits + 1 + fraction } else { digits };
            return rest[..end].parse().ok();
        }
        rest = &rest[digits..];
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
