//! `kernel_hung`: tasks that the kernel found hanging.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::Setup;
use crate::parse::number;
use crate::roots::{ReadError, Roots, read};

struct KernelHung {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(KernelHung { roots: Arc::clone(&setup.roots) }))
}

impl Collector for KernelHung {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let text = read(&self.roots.proc("sys/kernel/hung_task_detect_count")).map_err(ReadError::or_no_data)?;
        let tasks = number(0, text.trim()).map_err(|error| error.in_file("hung_task_detect_count"))?;
        out.counter(
            "node_kernel_hung_tasks_total",
            "Total number of tasks that have been detected as hung since the system booted.",
        )
        .value(tasks);
        Ok(())
    }
}
