//! `nfsd`: what this host does as a server of NFS.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};
use metrics_model::family::MetricKind::{self, Counter, Gauge};

use super::Setup;
use crate::parse::nfs::{V2, V3, V4_SERVER, counts, lines};
use crate::roots::{ReadError, Roots, read};

/// Line, place in it, metric, help text, kind.
const METRICS: [(&str, usize, &str, &str, MetricKind); 11] = [
    (
        "rc",
        0,
        "node_nfsd_reply_cache_hits_total",
        "Total number of NFSd Reply Cache hits (client lost server response).",
        Counter,
    ),
    (
        "rc",
        1,
        "node_nfsd_reply_cache_misses_total",
        "Total number of NFSd Reply Cache an operation that requires caching (idempotent).",
        Counter,
    ),
    (
        "rc",
        2,
        "node_nfsd_reply_cache_nocache_total",
        "Total number of NFSd Reply Cache non-idempotent operations (rename/delete/…).",
        Counter,
    ),
    ("fh", 0, "node_nfsd_file_handles_stale_total", "Total number of NFSd stale file handles", Counter),
    ("io", 0, "node_nfsd_disk_bytes_read_total", "Total NFSd bytes read.", Counter),
    ("io", 1, "node_nfsd_disk_bytes_written_total", "Total NFSd bytes written.", Counter),
    ("th", 0, "node_nfsd_server_threads", "Total number of NFSd kernel threads that are running.", Gauge),
    ("ra", 0, "node_nfsd_read_ahead_cache_size_blocks", "How large the read ahead cache is in blocks.", Gauge),
    (
        "ra",
        11,
        "node_nfsd_read_ahead_cache_not_found_total",
        "Total number of NFSd read ahead cache not found.",
        Counter,
    ),
    ("net", 3, "node_nfsd_connections_total", "Total number of NFSd TCP connections.", Counter),
    ("rpc", 0, "node_nfsd_server_rpcs_total", "Total number of NFSd RPCs.", Counter),
];

/// Calls that ask for nothing, and numbers that are no requests or that the original leaves out.
const NOT_SHOWN: [&str; 6] = ["Null", "Op0Unused", "Op1Unused", "Op2Future", "PutPubFH", "PutRootFH"];

struct Nfsd {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Nfsd { roots: Arc::clone(&setup.roots) }))
}

impl Collector for Nfsd {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let text = read(&self.roots.proc("net/rpc/nfsd")).map_err(ReadError::or_no_data)?;
        let lines = lines(&text).map_err(|error| error.in_file("net/rpc/nfsd"))?;
        let figure =
            |line: &str, place: usize| lines.get(line).and_then(|line| line.get(place)).copied().unwrap_or(0.0);
        for (line, place, name, help, kind) in METRICS {
            let mut family = if kind == Counter { out.counter(name, help) } else { out.gauge(name, help) };
            family.value(figure(line, place));
        }
        out.counter("node_nfsd_packets_total", "Total NFSd network packets (sent+received) by protocol type.")
            .with(&[("proto", "udp")], figure("net", 1))
            .with(&[("proto", "tcp")], figure("net", 2));
        out.counter("node_nfsd_rpc_errors_total", "Total number of NFSd RPC errors by error type.")
            .with(&[("error", "fmt")], figure("rpc", 2))
            .with(&[("error", "auth")], figure("rpc", 3))
            .with(&[("error", "cInt")], figure("rpc", 4));
        let mut requests =
            out.counter("node_nfsd_requests_total", "Total number NFSd Requests by method and protocol.");
        for (version, line, names) in [("2", "proc2", &V2[..]), ("3", "proc3", &V3), ("4", "proc4ops", &V4_SERVER)] {
            for (method, count) in counts(lines.get(line), names).filter(|(method, _)| !NOT_SHOWN.contains(method)) {
                requests.with(&[("proto", version), ("method", method)], count);
            }
        }
        requests.with(&[("proto", "4"), ("method", "WdelegGetattr")], figure("wdeleg_getattr", 0));
        Ok(())
    }
}
