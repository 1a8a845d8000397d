//! `sockstat`: sockets by protocol and state.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::Setup;
use crate::parse::sockstat::{Protocol, parse};
use crate::roots::{Roots, read_if_there};
use crate::sys;

struct SockStat {
    roots: Arc<Roots>,
}

/// The states that are shown, in the kernel's words.
const STATES: [&str; 6] = ["inuse", "orphan", "tw", "alloc", "mem", "memory"];

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(SockStat { roots: Arc::clone(&setup.roots) }))
}

impl Collector for SockStat {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        for file in ["net/sockstat", "net/sockstat6"] {
            // A kernel without one of the protocols does not have its file.
            if let Some(text) = read_if_there(&self.roots.proc(file))? {
                for protocol in parse(&text).map_err(|error| error.in_file(file))? {
                    emit(&protocol, sys::page_bytes(), out);
                }
            }
        }
        Ok(())
    }
}

fn emit(protocol: &Protocol<'_>, page_bytes: f64, out: &mut Batch) {
    if protocol.name == "sockets" {
        if let Some(used) = protocol.get("used") {
            out.gauge("node_sockstat_sockets_used", "Number of IPv4 sockets in use.").value(used);
        }
        return;
    }
    let name = protocol.name;
    let mut gauge = |state: &str, value: f64| {
        let help = format!("Number of {name} sockets in state {state}.");
        out.gauge(&format!("node_sockstat_{name}_{state}"), &help).value(value);
    };
    for state in STATES {
        if let Some(value) = protocol.get(state) {
            gauge(state, value);
        }
    }
    if let Some(pages) = protocol.get("mem") {
        gauge("mem_bytes", pages * page_bytes);
    }
}
