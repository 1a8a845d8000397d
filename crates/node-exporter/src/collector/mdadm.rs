//! `mdadm`: the state of Linux' software RAID.

use std::path::Path;
use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::{Setup, flag};
use crate::parse::mdstat::{Array, parse};
use crate::roots::{ReadError, Roots, attribute, list_if_there, number, read};

/// States of an array: the label, and the word of the parser.
const STATES: [(&str, &str); 5] = [
    ("active", "active"),
    ("inactive", "inactive"),
    ("recovering", "recovering"),
    ("resync", "resyncing"),
    ("check", "checking"),
];

struct MdAdm {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(MdAdm { roots: Arc::clone(&setup.roots) }))
}

impl Collector for MdAdm {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let text = read(&self.roots.proc("mdstat")).map_err(ReadError::or_no_data)?;
        for array in parse(&text).map_err(|error| error.in_file("mdstat"))? {
            emit(&array, out);
        }
        let block = self.roots.sys("block");
        for device in list_if_there(&block).iter().filter(|name| name.starts_with("md")) {
            let directory = block.join(device).join("md");
            if let Some(level) = attribute(&directory.join("level")) {
                emit_kernel_view(device, &level, &directory, out);
            }
        }
        Ok(())
    }
}

fn emit(array: &Array<'_>, out: &mut Batch) {
    let device = ("device", array.name);
    out.gauge("node_md_disks_required", "Total number of disks of device.").with(&[device], array.disks_total);
    for (state, disks) in [("active", array.disks_active), ("failed", array.disks_failed), ("spare", array.disks_spare)]
    {
        out.gauge("node_md_disks", "Number of active/failed/spare disks of device.")
            .with(&[device, ("state", state)], disks);
    }
    for (label, state) in STATES {
        out.gauge("node_md_state", "Indicates the state of md-device.")
            .with(&[device, ("state", label)], flag(array.state == state));
    }
    out.gauge("node_md_blocks", "Total number of blocks on device.").with(&[device], array.blocks);
    out.gauge("node_md_blocks_synced", "Number of blocks synced on device.").with(&[device], array.blocks_synced);
}

fn emit_kernel_view(device: &str, level: &str, directory: &Path, out: &mut Batch) {
    let labels = [("device", device)];
    // Containers hold arrays, not disks. While an array grows, the number is followed by the former one.
    let has_disks = !matches!(level, "container" | "imsm" | "ddf" | "");
    let disks = attribute(&directory.join("raid_disks")).unwrap_or_default();
    if let Some(disks) = disks.split(' ').next().and_then(|disks| disks.parse().ok()).filter(|_| has_disks) {
        out.gauge("node_md_raid_disks", "Number of raid disks on device.").with(&labels, disks);
    }
    // Only levels with redundancy can be degraded.
    let degraded = number(&directory.join("degraded")).unwrap_or(0.0);
    out.gauge("node_md_degraded", "Number of degraded disks on device.").with(&labels, degraded);
}
