//! `drbd`: disks that are mirrored to another host.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};
use metrics_model::family::MetricKind::{self, Counter, Gauge};

use super::{Setup, flag};
use crate::parse::number;
use crate::roots::{ReadError, Roots, read};

const KIBIBYTE: f64 = 1024.0;

/// The kernel's key, metric, help text, kind, unit.
const NUMBERS: [(&str, &str, &str, MetricKind, f64); 12] = [
    ("ns", "node_drbd_network_sent_bytes_total", "Total number of bytes sent via the network.", Counter, KIBIBYTE),
    // The kernel counts these in KiB as well; the original's factor is kept, as rates are compared with its history.
    ("nr", "node_drbd_network_received_bytes_total", "Total number of bytes received via the network.", Counter, 1.0),
    ("dw", "node_drbd_disk_written_bytes_total", "Net data written on local hard disk; in bytes.", Counter, KIBIBYTE),
    ("dr", "node_drbd_disk_read_bytes_total", "Net data read from local hard disk; in bytes.", Counter, KIBIBYTE),
    (
        "al",
        "node_drbd_activitylog_writes_total",
        "Number of updates of the activity log area of the meta data.",
        Counter,
        1.0,
    ),
    ("bm", "node_drbd_bitmap_writes_total", "Number of updates of the bitmap area of the meta data.", Counter, 1.0),
    ("lo", "node_drbd_local_pending", "Number of open requests to the local I/O sub-system.", Gauge, 1.0),
    (
        "pe",
        "node_drbd_remote_pending",
        "Number of requests sent to the peer, but that have not yet been answered by the latter.",
        Gauge,
        1.0,
    ),
    (
        "ua",
        "node_drbd_remote_unacknowledged",
        "Number of requests received by the peer via the network connection, but that have not yet been answered.",
        Gauge,
        1.0,
    ),
    (
        "ap",
        "node_drbd_application_pending",
        "Number of block I/O requests forwarded to DRBD, but not yet answered by DRBD.",
        Gauge,
        1.0,
    ),
    ("ep", "node_drbd_epochs", "Number of Epochs currently on the fly.", Gauge, 1.0),
    ("oos", "node_drbd_out_of_sync_bytes", "Amount of data known to be out of sync; in bytes.", Gauge, KIBIBYTE),
];

/// States of both sides, as `Primary/Secondary`: key, metric, help text, the good state.
const PAIRS: [(&str, &str, &str, &str); 2] = [
    ("ro", "node_drbd_node_role_is_primary", "Whether the role of the node is in the primary state.", "Primary"),
    ("ds", "node_drbd_disk_state_is_up_to_date", "Whether the disk of the node is up to date.", "UpToDate"),
];

struct Drbd {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Drbd { roots: Arc::clone(&setup.roots) }))
}

impl Collector for Drbd {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let text = read(&self.roots.proc("drbd")).map_err(ReadError::or_no_data)?;
        let mut device = "unknown".to_owned();
        for (at, line) in text.lines().enumerate() {
            // The version lines have other pairs.
            for (key, value) in line.split_whitespace().filter_map(|word| word.split_once(':')) {
                if value.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit()) {
                    device = format!("drbd{key}");
                } else if key == "cs" {
                    out.gauge("node_drbd_connected", "Whether DRBD is connected to the peer.")
                        .with(&[("device", &device)], flag(value == "Connected"));
                } else if let Some((_, name, help, kind, unit)) = NUMBERS.iter().find(|(known, ..)| *known == key) {
                    let value: f64 = number(at, value).map_err(|error| error.in_file("drbd"))?;
                    let mut family = if *kind == Counter { out.counter(name, help) } else { out.gauge(name, help) };
                    family.with(&[("device", &device)], value * unit);
                } else if let Some((_, name, help, good)) = PAIRS.iter().find(|(known, ..)| *known == key) {
                    let (local, remote) = value.split_once('/').unwrap_or((value, ""));
                    out.gauge(name, help)
                        .with(&[("device", &device), ("node", "local")], flag(local == *good))
                        .with(&[("device", &device), ("node", "remote")], flag(remote == *good));
                }
            }
        }
        Ok(())
    }
}
