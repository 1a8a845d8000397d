//! `dmmultipath`: disks with several paths to them.

use std::path::Path;
use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::{Setup, flag};
use crate::roots::{ReadError, Roots, attribute, list, list_if_there, number};

/// What the kernel counts sizes in.
const SECTOR_BYTES: f64 = 512.0;

struct DmMultipath {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(DmMultipath { roots: Arc::clone(&setup.roots) }))
}

impl Collector for DmMultipath {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let block = self.roots.sys("block");
        let entries = match list(&block) {
            Err(error) if error.is_forbidden() => return Err(CollectError::no_data(block.display().to_string())),
            other => other.map_err(ReadError::or_no_data)?,
        };
        for entry in entries.iter().filter(|entry| entry.starts_with("dm-")) {
            let uuid = attribute(&block.join(entry).join("dm/uuid")).filter(|uuid| uuid.starts_with("mpath-"));
            if let Some(uuid) = uuid {
                collect_device(&block, entry, &uuid, out);
            }
        }
        Ok(())
    }
}

fn collect_device(block: &Path, entry: &str, uuid: &str, out: &mut Batch) {
    let path = block.join(entry);
    let name = attribute(&path.join("dm/name")).unwrap_or_default();
    let labels = [("device", name.as_str()), ("sysfs_name", entry)];
    out.gauge("node_dmmultipath_device_info", "Non-numeric information about a DM-multipath device.")
        .with(&[labels[0], labels[1], ("uuid", uuid)], 1.0);
    let suspended = number::<u8>(&path.join("dm/suspended")) == Some(1);
    out.gauge(
        "node_dmmultipath_device_active",
        "Whether the multipath device-mapper device is active (1) or suspended (0).",
    )
    .with(&labels, flag(!suspended));
    out.gauge(
        "node_dmmultipath_device_size_bytes",
        "Size of the multipath device in bytes, read from /sys/block/<dm>/size.",
    )
    .with(&labels, number(&path.join("size")).unwrap_or(0.0) * SECTOR_BYTES);
    let (mut active, mut failed) = (0.0, 0.0);
    for disk in list_if_there(&path.join("slaves")) {
        let state = attribute(&block.join(&disk).join("device/state")).unwrap_or_default();
        // The words of SCSI and of NVMe.
        if matches!(state.as_str(), "running" | "live") {
            active += 1.0;
        } else {
            failed += 1.0;
        }
        out.gauge(
            "node_dmmultipath_path_state",
            "Reports the underlying device state for a multipath path, as read from /sys/block/<dev>/device/state.",
        )
        .with(&[labels[0], ("path", &disk), ("state", &state)], 1.0);
    }
    for (name, help, value) in [
        ("node_dmmultipath_device_paths", "Number of paths for a multipath device.", active + failed),
        (
            "node_dmmultipath_device_paths_active",
            "Number of paths in active state (SCSI running or NVMe live) for a multipath device.",
            active,
        ),
        ("node_dmmultipath_device_paths_failed", "Number of paths not in active state for a multipath device.", failed),
    ] {
        out.gauge(name, help).with(&labels, value);
    }
}
