//! `os`: name, version and age of the system; under the names of old versions also what moved to `memory` and `system`.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::{LEGACY, Setup};
use crate::source::{Memory, Source, System};

/// What Windows itself reports as the most processes there can be.
pub(super) const PROCESSES_MAX: f64 = u32::MAX as f64;

struct Os {
    source: Arc<dyn Source>,
    legacy: bool,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Os { source: Arc::clone(&setup.source), legacy: setup.values.on(LEGACY) }))
}

impl Collector for Os {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        if self.legacy
            && let Ok(memory) = self.source.memory()
        {
            legacy_memory(out, &memory);
        }
        let system = self.source.system()?;
        emit(out, &system);
        if self.legacy {
            out.gauge("windows_os_time", "OperatingSystem.LocalDateTime").value(system.now.trunc());
        }
        Ok(())
    }
}

fn emit(out: &mut Batch, system: &System) {
    let (major, minor, build) = (system.major.to_string(), system.minor.to_string(), system.build.to_string());
    let labels = [
        ("product", system.product.as_str()),
        ("version", &format!("{major}.{minor}.{build}")),
        ("major_version", &major),
        ("minor_version", &minor),
        ("build_number", &build),
        ("revision", &system.revision),
        ("installation_type", &system.installation_type),
    ];
    out.gauge(
        "windows_os_info",
        r#"Contains full product name & version in labels. Note that the "major_version" for Windows 11 is \"10\"; a build number greater than 22000 represents Windows 11."#,
    )
    .with(&labels, 1.0);
    out.gauge(
        "windows_os_hostname",
        "Labelled system hostname information as provided by ComputerSystem.DNSHostName and ComputerSystem.Domain",
    )
    .with(&[("hostname", &system.hostname), ("domain", &system.domain), ("fqdn", &system.fqdn)], 1.0);
    if system.installed_at > 0.0 {
        out.gauge("windows_os_install_time_timestamp_seconds", "Unix timestamp of OS installation time")
            .value(system.installed_at);
    }
}

fn legacy_memory(out: &mut Batch, memory: &Memory) {
    for (name, help, value) in [
        ("windows_os_physical_memory_free_bytes", "OperatingSystem.FreePhysicalMemory", memory.physical_free),
        ("windows_os_visible_memory_bytes", "OperatingSystem.TotalVisibleMemorySize", memory.physical_total),
        ("windows_os_virtual_memory_bytes", "OperatingSystem.TotalVirtualMemorySize", memory.commit_limit),
        (
            "windows_os_virtual_memory_free_bytes",
            "OperatingSystem.FreeVirtualMemory",
            memory.commit_limit - memory.committed,
        ),
        ("windows_os_process_memory_limit_bytes", "OperatingSystem.MaxProcessMemorySize", memory.process_limit),
        ("windows_os_processes", "OperatingSystem.NumberOfProcesses", memory.processes),
        ("windows_os_processes_limit", "OperatingSystem.MaxNumberOfProcesses", PROCESSES_MAX),
    ] {
        out.gauge(name, help).value(value);
    }
}
