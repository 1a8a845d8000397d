//! `nfs`: what this host does as a client of NFS.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::Setup;
use crate::parse::nfs::{V2, V3, V4_CLIENT, counts, lines};
use crate::roots::{ReadError, Roots, read};

struct Nfs {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Nfs { roots: Arc::clone(&setup.roots) }))
}

impl Collector for Nfs {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let text = read(&self.roots.proc("net/rpc/nfs")).map_err(ReadError::or_no_data)?;
        let lines = lines(&text).map_err(|error| error.in_file("net/rpc/nfs"))?;
        let figure =
            |line: &str, place: usize| lines.get(line).and_then(|line| line.get(place)).copied().unwrap_or(0.0);
        out.counter("node_nfs_packets_total", "Total NFSd network packets (sent+received) by protocol type.")
            .with(&[("protocol", "udp")], figure("net", 1))
            .with(&[("protocol", "tcp")], figure("net", 2));
        for (place, line, name, help) in [
            (3, "net", "node_nfs_connections_total", "Total number of NFSd TCP connections."),
            (0, "rpc", "node_nfs_rpcs_total", "Total number of RPCs performed."),
            (1, "rpc", "node_nfs_rpc_retransmissions_total", "Number of RPC transmissions performed."),
            (
                2,
                "rpc",
                "node_nfs_rpc_authentication_refreshes_total",
                "Number of RPC authentication refreshes performed.",
            ),
        ] {
            out.counter(name, help).value(figure(line, place));
        }
        for (version, line, names) in [("2", "proc2", &V2[..]), ("3", "proc3", &V3), ("4", "proc4", &V4_CLIENT)] {
            for (method, count) in counts(lines.get(line), names) {
                out.counter("node_nfs_requests_total", "Number of NFS procedures invoked.")
                    .with(&[("proto", version), ("method", method)], count);
            }
        }
        Ok(())
    }
}
