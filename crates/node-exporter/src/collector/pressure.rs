//! `pressure`: how long tasks waited for CPU, memory, I/O and interrupts.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::Setup;
use crate::parse::pressure::{Stall, parse};
use crate::roots::{Roots, read};

/// A kernel that could measure pressure but was not told to.
const NOT_SUPPORTED: i32 = 95;

/// The resources: file, which totals matter, and their metrics. The CPU's `full` is always zero for a whole host, and
/// interrupts have no `some`.
const METRICS: [(&str, Stall, &str, &str); 6] = [
    (
        "cpu",
        Stall::Some,
        "node_pressure_cpu_waiting_seconds_total",
        "Total time in seconds that processes have waited for CPU time",
    ),
    (
        "io",
        Stall::Some,
        "node_pressure_io_waiting_seconds_total",
        "Total time in seconds that processes have waited due to IO congestion",
    ),
    (
        "io",
        Stall::Full,
        "node_pressure_io_stalled_seconds_total",
        "Total time in seconds no process could make progress due to IO congestion",
    ),
    (
        "memory",
        Stall::Some,
        "node_pressure_memory_waiting_seconds_total",
        "Total time in seconds that processes have waited for memory",
    ),
    (
        "memory",
        Stall::Full,
        "node_pressure_memory_stalled_seconds_total",
        "Total time in seconds no process could make progress due to memory congestion",
    ),
    (
        "irq",
        Stall::Full,
        "node_pressure_irq_stalled_seconds_total",
        "Total time in seconds no process could make progress due to IRQ congestion",
    ),
];

struct Pressure {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Pressure { roots: Arc::clone(&setup.roots) }))
}

impl Collector for Pressure {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        for resource in ["cpu", "io", "memory", "irq"] {
            let text = match read(&self.roots.proc("pressure").join(resource)) {
                // Older kernels know fewer resources, or none.
                Err(error) if error.is_missing() => continue,
                Err(error) if error.number() == Some(NOT_SUPPORTED) => {
                    return Err(CollectError::no_data("pressure is switched off in the kernel"));
                }
                other => other?,
            };
            let totals = parse(&text).map_err(|error| error.in_file(resource))?;
            for (_, stall, name, help) in METRICS.iter().filter(|(of, ..)| *of == resource) {
                if let Some(microseconds) = totals.get(*stall) {
                    out.counter(name, help).value(microseconds / 1000.0 / 1000.0);
                }
            }
        }
        if out.is_empty() { Err(CollectError::no_data("pressure is unknown to the kernel")) } else { Ok(()) }
    }
}
