//! What systemd is asked, and its answers.

use std::collections::HashMap;
use std::time::Instant;

use crate::parse::dbus::{Body, Call, DbusError, Value};
use crate::sys::bus::{Bus, BusError};

const DESTINATION: &str = "org.freedesktop.systemd1";
const MANAGER_PATH: &str = "/org/freedesktop/systemd1";
const MANAGER: &str = "org.freedesktop.systemd1.Manager";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// The columns of the list of units, by their types.
const UNIT_COLUMNS: &[u8] = b"ssssssouso";

const MICROSECONDS: f64 = 1e6;

/// A unit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Unit {
    /// As `cron.service`.
    pub(super) name: String,
    /// `loaded`, `not-found` and so on.
    pub(super) load_state: String,
    /// `active`, `failed` and so on.
    pub(super) active_state: String,
    path: String,
}

impl Unit {
    /// What the name ends with, as `service`.
    pub(super) fn kind(&self) -> &str {
        self.name.rsplit_once('.').map_or("", |(_, kind)| kind)
    }
}

/// What systemd says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Manager {
    pub(super) version: String,
    pub(super) virtualization: Option<String>,
    /// As `running`.
    pub(super) state: Option<String>,
    pub(super) units: Vec<Unit>,
}

/// A property of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Property {
    ServiceType,
    MountType,
    Restarts,
    TasksCurrent,
    TasksMax,
    LastTrigger,
    Accepted,
    Connections,
    Refused,
    ActiveSince,
}

/// Property, metric and help text.
type Row = (Property, &'static str, &'static str);

/// When a unit became active.
pub(super) const ACTIVE_SINCE: Row = (
    Property::ActiveSince,
    "node_systemd_unit_start_time_seconds",
    "Start time of the unit since unix epoch in seconds.",
);

/// Properties that are gauges. The original calls the number of refused connections one, too.
pub(super) const GAUGES: [Row; 6] = [
    ACTIVE_SINCE,
    (Property::TasksCurrent, "node_systemd_unit_tasks_current", "Current number of tasks per Systemd unit"),
    (Property::TasksMax, "node_systemd_unit_tasks_max", "Maximum number of tasks per Systemd unit"),
    (Property::LastTrigger, "node_systemd_timer_last_trigger_seconds", "Seconds since epoch of last trigger."),
    (Property::Connections, "node_systemd_socket_current_connections", "Current number of socket connections"),
    (Property::Refused, "node_systemd_socket_refused_connections_total", "Total number of refused socket connections"),
];

/// Properties that are counters.
pub(super) const COUNTERS: [Row; 2] = [
    (Property::Restarts, "node_systemd_service_restart_total", "Service unit count of Restart triggers"),
    (
        Property::Accepted,
        "node_systemd_socket_accepted_connections_total",
        "Total number of accepted socket connections",
    ),
];

impl Property {
    /// The interface and the name.
    fn name(self) -> [&'static str; 2] {
        const SERVICE: &str = "org.freedesktop.systemd1.Service";
        const SOCKET: &str = "org.freedesktop.systemd1.Socket";
        match self {
            Self::ServiceType => [SERVICE, "Type"],
            Self::MountType => ["org.freedesktop.systemd1.Mount", "Type"],
            Self::Restarts => [SERVICE, "NRestarts"],
            Self::TasksCurrent => [SERVICE, "TasksCurrent"],
            Self::TasksMax => [SERVICE, "TasksMax"],
            Self::LastTrigger => ["org.freedesktop.systemd1.Timer", "LastTriggerUSec"],
            Self::Accepted => [SOCKET, "NAccepted"],
            Self::Connections => [SOCKET, "NConnections"],
            Self::Refused => [SOCKET, "NRefused"],
            Self::ActiveSince => ["org.freedesktop.systemd1.Unit", "ActiveEnterTimestamp"],
        }
    }

    /// The number as the metric shows it; none where the largest number stands for "not known" or "no limit".
    fn scale(self, number: u64) -> Option<f64> {
        match self {
            Self::TasksCurrent | Self::TasksMax if number == u64::MAX => None,
            Self::LastTrigger | Self::ActiveSince => Some(number as f64 / MICROSECONDS),
            _ => Some(number as f64),
        }
    }
}

/// A property to ask for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) unit: &'a Unit,
    pub(super) property: Property,
}

/// The answers to questions. What an older systemd does not know is missing.
#[derive(Debug, Default)]
pub(super) struct Answers<'a> {
    values: HashMap<&'a str, HashMap<Property, Value>>,
}

impl Answers<'_> {
    pub(super) fn text(&self, unit: &Unit, property: Property) -> Option<&str> {
        match self.value(unit, property)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn number(&self, unit: &Unit, property: Property) -> Option<f64> {
        match self.value(unit, property)? {
            Value::Number(number) => property.scale(*number),
            _ => None,
        }
    }

    fn value(&self, unit: &Unit, property: Property) -> Option<&Value> {
        self.values.get(unit.name.as_str())?.get(&property)
    }
}

/// Asks for the version, the virtualization, the state and all units.
pub(super) fn ask_manager(bus: &mut Bus, deadline: Instant) -> Result<Manager, BusError> {
    let list =
        Call { destination: DESTINATION, path: MANAGER_PATH, interface: MANAGER, member: "ListUnits", arguments: &[] };
    let (version, virtualization, state) =
        ([MANAGER, "Version"], [MANAGER, "Virtualization"], [MANAGER, "SystemState"]);
    let calls = [get(MANAGER_PATH, &version), get(MANAGER_PATH, &virtualization), get(MANAGER_PATH, &state), list];
    let mut answers = bus.call(&calls, deadline)?.into_iter();
    let mut text = || answers.next().and_then(text_of);
    let (version, virtualization, state) = (text().unwrap_or_default(), text(), text());
    let units = match answers.next() {
        Some(answer) => answer?.rows(UNIT_COLUMNS)?.into_iter().filter_map(unit).collect(),
        None => Vec::new(),
    };
    Ok(Manager { version, virtualization, state, units })
}

fn get<'a>(path: &'a str, arguments: &'a [&'a str; 2]) -> Call<'a> {
    Call { destination: DESTINATION, path, interface: PROPERTIES, member: "Get", arguments }
}

fn text_of(answer: Result<Body, DbusError>) -> Option<String> {
    match answer.ok()?.value().ok()? {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// A row of the list: name, description, load state, active state, sub state, followed unit, path and its job.
fn unit(row: Vec<String>) -> Option<Unit> {
    let mut columns = row.into_iter();
    let name = columns.next()?;
    let load_state = columns.nth(1)?;
    let active_state = columns.next()?;
    let path = columns.nth(2)?;
    Some(Unit { name, load_state, active_state, path })
}

/// Asks for properties of units.
pub(super) fn ask_units<'a>(
    bus: &mut Bus,
    questions: &[Question<'a>],
    deadline: Instant,
) -> Result<Answers<'a>, BusError> {
    let names: Vec<[&str; 2]> = questions.iter().map(|question| question.property.name()).collect();
    let calls: Vec<Call<'_>> =
        questions.iter().zip(&names).map(|(question, name)| get(&question.unit.path, name)).collect();
    let answers = bus.call(&calls, deadline)?;
    let mut values: HashMap<&str, HashMap<Property, Value>> = HashMap::new();
    for (question, answer) in questions.iter().zip(answers) {
        if let Ok(value) = answer.and_then(|body| body.value()) {
            values.entry(&question.unit.name).or_default().insert(question.property, value);
        }
    }
    Ok(Answers { values })
}
