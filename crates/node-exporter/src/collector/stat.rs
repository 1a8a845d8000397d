//! `stat`: interrupts, context switches, forks and boot time.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, Flag, FlagError};

use super::Setup;
use crate::parse::stat::{SOFTIRQS, Stat, parse};
use crate::roots::{Roots, read};

pub(super) const FLAGS: &[Flag] = &[Flag::switch("collector.stat.softirq", false, "Export softirq calls per vector")];

struct Counts {
    roots: Arc<Roots>,
    softirqs: bool,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Counts { roots: Arc::clone(&setup.roots), softirqs: setup.values.on("collector.stat.softirq") }))
}

impl Collector for Counts {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let text = read(&self.roots.proc("stat"))?;
        let stat = parse(&text).map_err(|error| error.in_file("stat"))?;
        emit(&stat, self.softirqs, out);
        Ok(())
    }
}

fn emit(stat: &Stat, softirqs: bool, out: &mut Batch) {
    out.counter("node_intr_total", "Total number of interrupts serviced.").value(stat.interrupts);
    out.counter("node_context_switches_total", "Total number of context switches.").value(stat.context_switches);
    out.counter("node_forks_total", "Total number of forks.").value(stat.forks);
    out.gauge("node_boot_time_seconds", "Node boot time, in unixtime.").value(stat.boot_seconds);
    out.gauge("node_procs_running", "Number of processes in runnable state.").value(stat.running);
    out.gauge("node_procs_blocked", "Number of processes blocked waiting for I/O to complete.").value(stat.blocked);
    if softirqs {
        for (vector, calls) in SOFTIRQS.into_iter().zip(stat.softirqs) {
            out.counter("node_softirqs_total", "Number of softirq calls.").with(&[("vector", vector)], calls);
        }
    }
}
