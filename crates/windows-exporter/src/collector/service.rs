//! `service`: the Windows services, their state and start mode.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, Flag, FlagError};

use super::names::Names;
use super::{Setup, flag};
use crate::source::{Service, ServiceConfig, Source};

pub(super) const FLAGS: &[Flag] = &[
    Flag::text(
        "collector.service.include",
        ".+",
        "Regexp of services to include. The service's name (not the display name!) must match include and not match exclude.",
    ),
    Flag::text(
        "collector.service.exclude",
        "",
        "Regexp of services to exclude. The service's name (not the display name!) must match include and not match exclude.",
    ),
    Flag::text(
        START_MODES,
        "",
        "Comma separated list of service start modes to include. Possible values: auto, boot, manual, disabled, system.",
    ),
];

const START_MODES: &str = "collector.service.start-mode-include";

/// `SERVICE_STOPPED` (1) and on.
const STATES: &[&str] =
    &["stopped", "start pending", "stop pending", "running", "continue pending", "pause pending", "paused"];

/// `SERVICE_BOOT_START` (0) and on.
const MODES: &[&str] = &["boot", "system", "auto", "manual", "disabled"];

struct Services {
    source: Arc<dyn Source>,
    names: Names,
    /// None where all are wanted.
    modes: Option<Vec<&'static str>>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    let names = Names::from_flags(setup.values, "collector.service.include", "collector.service.exclude")?;
    let mut modes = Vec::new();
    for word in setup.values.text(START_MODES).split(',').map(str::trim).filter(|word| !word.is_empty()) {
        let mode = MODES.iter().find(|mode| **mode == word);
        modes.push(*mode.ok_or_else(|| FlagError::Word {
            flag: START_MODES.to_owned(),
            value: word.to_owned(),
            known: MODES.join(", "),
        })?);
    }
    let modes = (!modes.is_empty()).then_some(modes);
    Ok(Box::new(Services { source: Arc::clone(&setup.source), names, modes }))
}

impl Collector for Services {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        for service in self.source.services(&|name| self.names.keeps(name))? {
            let mode = service.config.as_ref().and_then(mode);
            let wanted = self.modes.as_ref().is_none_or(|modes| mode.is_some_and(|mode| modes.contains(&mode)));
            if wanted {
                emit(out, &service, mode);
            }
        }
        Ok(())
    }
}

fn mode(config: &ServiceConfig) -> Option<&'static str> {
    MODES.get(usize::try_from(config.start_type).ok()?).copied()
}

fn emit(out: &mut Batch, service: &Service, current_mode: Option<&str>) {
    let name = service.name.as_str();
    if let Some(config) = &service.config {
        let labels = [
            ("name", name),
            ("display_name", &service.display_name),
            ("path_name", &config.path_name),
            ("run_as", &config.run_as),
        ];
        out.gauge("windows_service_info", "A metric with a constant '1' value labeled with service information")
            .with(&labels, 1.0);
    }
    for mode in MODES.iter().filter(|_| current_mode.is_some()) {
        out.gauge("windows_service_start_mode", "The start mode of the service (StartMode)")
            .with(&[("name", name), ("start_mode", mode)], flag(current_mode == Some(mode)));
    }
    for (number, state) in (1..).zip(STATES) {
        out.gauge("windows_service_state", "The state of the service (State)")
            .with(&[("name", name), ("state", state)], flag(service.state == number));
    }
    if let Some(started_at) = service.process_started_at.filter(|_| service.process_id != 0) {
        out.gauge(
            "windows_service_process",
            "Process of started service. The value is the creation time of the process as a unix timestamp.",
        )
        .with(&[("name", name), ("process_id", &service.process_id.to_string())], started_at);
    }
}
