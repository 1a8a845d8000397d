//! `softnet`: how the CPUs kept up with received packets.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::Setup;
use crate::parse::softnet::{Cpu, parse};
use crate::roots::{Roots, read};

struct SoftNet {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(SoftNet { roots: Arc::clone(&setup.roots) }))
}

impl Collector for SoftNet {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let text = read(&self.roots.proc("net/softnet_stat"))?;
        for cpu in parse(&text).map_err(|error| error.in_file("net/softnet_stat"))? {
            emit(&cpu, out);
        }
        Ok(())
    }
}

fn emit(cpu: &Cpu, out: &mut Batch) {
    let number = cpu.number.to_string();
    for (name, help, value) in [
        ("node_softnet_processed_total", "Number of processed packets", cpu.processed),
        ("node_softnet_dropped_total", "Number of dropped packets", cpu.dropped),
        (
            "node_softnet_times_squeezed_total",
            "Number of times processing packets ran out of quota",
            cpu.times_squeezed,
        ),
        (
            "node_softnet_cpu_collision_total",
            "Number of collision occur while obtaining device lock while transmitting",
            cpu.collisions,
        ),
        ("node_softnet_received_rps_total", "Number of times cpu woken up received_rps", cpu.received_rps),
        ("node_softnet_flow_limit_count_total", "Number of times flow limit has been reached", cpu.flow_limit_count),
    ] {
        out.counter(name, help).with(&[("cpu", &number)], f64::from(value));
    }
    out.gauge("node_softnet_backlog_len", "Softnet backlog status")
        .with(&[("cpu", &number)], f64::from(cpu.backlog_len));
}
