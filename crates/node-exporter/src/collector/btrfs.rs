//! `btrfs`: how Btrfs file systems use their space and commit. The error counts of devices, which only an `ioctl` tells,
//! are not shown.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::Setup;
use crate::parse::keyed::pairs;
use crate::roots::{Roots, attribute, list_if_there, number, read_if_there};

/// What the kernel counts device sizes in.
const SECTOR_BYTES: f64 = 512.0;
const MILLISECONDS: f64 = 1000.0;

struct Btrfs {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Btrfs { roots: Arc::clone(&setup.roots) }))
}

impl Collector for Btrfs {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let directory = self.roots.sys("fs/btrfs");
        // Beside the file systems there is a directory about the module.
        for entry in list_if_there(&directory).iter().filter(|entry| entry.contains('-')) {
            let path = directory.join(entry);
            let uuid = attribute(&path.join("metadata_uuid")).filter(|uuid| !uuid.is_empty());
            collect_file_system(uuid.as_deref().unwrap_or(entry), &path, out)?;
        }
        Ok(())
    }
}

fn collect_file_system(uuid: &str, path: &Path, out: &mut Batch) -> Result<(), CollectError> {
    let labels = [("uuid", uuid)];
    let label = attribute(&path.join("label")).unwrap_or_default();
    out.gauge("node_btrfs_info", "Filesystem information").with(&[labels[0], ("label", &label)], 1.0);
    out.gauge("node_btrfs_global_rsv_size_bytes", "Size of global reserve.")
        .with(&labels, bytes(&path.join("allocation/global_rsv_size")));
    // Kernels before 6.0 do not count commits.
    let commits = read_if_there(&path.join("commit_stats"))?.unwrap_or_default();
    let commits: HashMap<&str, f64> =
        pairs(&commits).map_err(|error| error.in_file("commit_stats"))?.into_iter().collect();
    emit_commits(uuid, &commits, out);
    let devices = list_if_there(&path.join("devices"));
    for kind in ["data", "metadata", "system"] {
        emit_allocation(uuid, kind, &path.join("allocation").join(kind), devices.len(), out);
    }
    for device in &devices {
        out.gauge("node_btrfs_device_size_bytes", "Size of a device that is part of the filesystem.").with(
            &[labels[0], ("device", device)],
            bytes(&path.join("devices").join(device).join("size")) * SECTOR_BYTES,
        );
    }
    Ok(())
}

fn bytes(path: &Path) -> f64 {
    number(path).unwrap_or(0.0)
}

fn emit_commits(uuid: &str, commits: &HashMap<&str, f64>, out: &mut Batch) {
    let labels = [("uuid", uuid)];
    let count = |name: &str| commits.get(name).copied().unwrap_or(0.0);
    out.counter("node_btrfs_commits_total", "The total number of commits that have occurred.")
        .with(&labels, count("commits"));
    out.gauge("node_btrfs_last_commit_seconds", "Duration of the most recent commit, in seconds.")
        .with(&labels, count("last_commit_ms") / MILLISECONDS);
    out.gauge("node_btrfs_max_commit_seconds", "Duration of the slowest commit, in seconds.")
        .with(&labels, count("max_commit_ms") / MILLISECONDS);
    out.counter("node_btrfs_commit_seconds_total", "Sum of the duration of all commits, in seconds.")
        .with(&labels, count("total_commit_ms") / MILLISECONDS);
}

fn emit_allocation(uuid: &str, kind: &str, path: &Path, devices: usize, out: &mut Batch) {
    let labels = [("uuid", uuid), ("block_group_type", kind)];
    out.gauge("node_btrfs_reserved_bytes", "Amount of space reserved for a data type")
        .with(&labels, bytes(&path.join("bytes_reserved")));
    for layout in list_if_there(path).iter().filter(|entry| path.join(entry).is_dir()) {
        let labels = [labels[0], labels[1], ("mode", layout.as_str())];
        let directory = path.join(layout);
        out.gauge("node_btrfs_used_bytes", "Amount of used space by a layout/data type")
            .with(&labels, bytes(&directory.join("used_bytes")));
        out.gauge("node_btrfs_size_bytes", "Amount of space allocated for a layout/data type")
            .with(&labels, bytes(&directory.join("total_bytes")));
        out.gauge("node_btrfs_allocation_ratio", "Data allocation ratio for a layout/data type")
            .with(&labels, ratio(layout, devices as f64));
    }
}

/// How many bytes a layout takes on disk for each byte of data.
fn ratio(layout: &str, devices: f64) -> f64 {
    match layout {
        "single" | "raid0" => 1.0,
        "dup" | "raid1" | "raid10" => 2.0,
        "raid1c3" => 3.0,
        "raid1c4" => 4.0,
        "raid5" => devices / (devices - 1.0),
        "raid6" => devices / (devices - 2.0),
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::ratio;

    #[test]
    fn ratios() {
        for (layout, expected) in [("single", 1.0), ("raid1", 2.0), ("raid5", 4.0 / 3.0), ("raid6", 2.0), ("new", 0.0)]
        {
            assert_eq!(ratio(layout, 4.0), expected, "{layout}");
        }
    }
}
