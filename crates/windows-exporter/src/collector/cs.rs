//! `cs`: what dashboards for old versions ask about the computer system. Newer ones find it in `cpu`, `memory` and `os`.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::Setup;
use crate::source::Source;

struct Cs {
    source: Arc<dyn Source>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Cs { source: Arc::clone(&setup.source) }))
}

impl Collector for Cs {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let memory = self.source.memory();
        if let Ok(memory) = &memory {
            out.gauge("windows_cs_physical_memory_bytes", "ComputerSystem.TotalPhysicalMemory")
                .value(memory.physical_total);
        }
        let system = self.source.system()?;
        out.gauge("windows_cs_logical_processors", "ComputerSystem.NumberOfLogicalProcessors")
            .value(f64::from(system.processors));
        out.gauge(
            "windows_cs_hostname",
            "Labelled system hostname information as provided by ComputerSystem.DNSHostName and ComputerSystem.Domain",
        )
        .with(&[("hostname", &system.hostname), ("domain", &system.domain), ("fqdn", &system.fqdn)], 1.0);
        memory?;
        Ok(())
    }
}
