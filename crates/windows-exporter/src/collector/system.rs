//! `system`: what the kernel does as a whole.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::column::{Column, Unit, add, emit, gauge, query, total};
use super::os::PROCESSES_MAX;
use super::{LEGACY, Setup};
use crate::source::Source;

const COLUMNS: &[Column] = &[
    total(
        "Context Switches/sec",
        Unit::Plain,
        "windows_system_context_switches_total",
        "Total number of context switches (WMI source: PerfOS_System.ContextSwitchesPersec)",
    ),
    total(
        "Exception Dispatches/sec",
        Unit::Plain,
        "windows_system_exception_dispatches_total",
        "Total number of exceptions dispatched (WMI source: PerfOS_System.ExceptionDispatchesPersec)",
    ),
    gauge(
        "Processes",
        Unit::Plain,
        "windows_system_processes",
        "Current number of processes (WMI source: PerfOS_System.Processes)",
    ),
    gauge(
        "Processor Queue Length",
        Unit::Plain,
        "windows_system_processor_queue_length",
        "Length of processor queue (WMI source: PerfOS_System.ProcessorQueueLength)",
    ),
    total(
        "System Calls/sec",
        Unit::Plain,
        "windows_system_system_calls_total",
        "Total number of system calls (WMI source: PerfOS_System.SystemCallsPersec)",
    ),
    gauge(
        "Threads",
        Unit::Plain,
        "windows_system_threads",
        "Current number of threads (WMI source: PerfOS_System.Threads)",
    ),
];

struct SystemCollector {
    source: Arc<dyn Source>,
    legacy: bool,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(SystemCollector { source: Arc::clone(&setup.source), legacy: setup.values.on(LEGACY) }))
}

impl Collector for SystemCollector {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let mut missing = COLUMNS.to_vec();
        match self.source.counters(&query("System", false, COLUMNS)) {
            Ok(counters) => {
                for instance in &counters.instances {
                    emit(out, &counters, instance, COLUMNS, &[]);
                    missing.retain(|column| !instance.values.contains_key(column.counter));
                }
            }
            Err(reason) => tracing::debug!(%reason, "the system's figures come from elsewhere"),
        }
        if let Ok(memory) = self.source.memory() {
            for column in missing {
                match column.counter {
                    "Processes" => add(out, &column, &[], memory.processes),
                    "Threads" => add(out, &column, &[], memory.threads),
                    _ => {}
                }
            }
        }
        out.gauge("windows_system_processes_limit", "Maximum number of processes.").value(PROCESSES_MAX);
        let system = self.source.system()?;
        out.gauge("windows_system_boot_time_timestamp", "Unix timestamp of system boot time").value(system.booted_at);
        if self.legacy {
            for name in ["windows_system_boot_time_timestamp_seconds", "windows_system_system_up_time"] {
                out.gauge(name, "Unix timestamp of system boot time").value(system.booted_at);
            }
        }
        Ok(())
    }
}
