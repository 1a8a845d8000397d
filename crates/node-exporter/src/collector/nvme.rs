//! `nvme`: NVMe controllers and their namespaces.

use std::path::Path;
use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::Setup;
use crate::roots::{ReadError, Roots, attribute, list, list_if_there, number};

struct Nvme {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Nvme { roots: Arc::clone(&setup.roots) }))
}

impl Collector for Nvme {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let directory = self.roots.sys("class/nvme");
        for device in list(&directory).map_err(ReadError::or_no_data)? {
            let path = directory.join(&device);
            let text = |file: &str| attribute(&path.join(file)).unwrap_or_default();
            out.gauge("node_nvme_info", "Non-numeric data from /sys/class/nvme/<device>, value is always 1.").with(
                &[
                    ("device", &device),
                    ("firmware_revision", &text("firmware_rev")),
                    ("model", &text("model")),
                    ("serial", &text("serial")),
                    ("state", &text("state")),
                    ("cntlid", &text("cntlid")),
                ],
                1.0,
            );
            for entry in list_if_there(&path) {
                if let Some(namespace) = namespace_number(&entry) {
                    emit_namespace(&device, namespace, &path.join(&entry), out);
                }
            }
        }
        Ok(())
    }
}

/// The 3 of `nvme0n3`.
fn namespace_number(entry: &str) -> Option<&str> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (device, number) = entry.strip_prefix("nvme")?.split_once('n')?;
    (digits(device) && digits(number)).then_some(number)
}

fn emit_namespace(device: &str, namespace: &str, path: &Path, out: &mut Batch) {
    let blocks = |file: &str| number::<f64>(&path.join(file)).unwrap_or(0.0);
    let block_bytes = blocks("queue/logical_block_size");
    let (size, used) = (blocks("size") * block_bytes, blocks("nuse") * block_bytes);
    let state = attribute(&path.join("ana_state")).unwrap_or_else(|| "unknown".to_owned());
    let labels = [("device", device), ("nsid", namespace)];
    out.gauge("node_nvme_namespace_info", "Information about NVMe namespaces. Value is always 1")
        .with(&[labels[0], labels[1], ("ana_state", &state)], 1.0);
    for (name, help, value) in [
        (
            "node_nvme_namespace_capacity_bytes",
            "Capacity of the NVMe namespace in bytes. Computed as namespace_size * namespace_logical_block_size",
            size,
        ),
        (
            "node_nvme_namespace_size_bytes",
            "Size of the NVMe namespace in bytes. Available in /sys/class/nvme/<device>/<namespace>/size",
            size,
        ),
        (
            "node_nvme_namespace_used_bytes",
            "Used space of the NVMe namespace in bytes. Available in /sys/class/nvme/<device>/<namespace>/nuse",
            used,
        ),
        (
            "node_nvme_namespace_logical_block_size_bytes",
            "Logical block size of the NVMe namespace in bytes. Usually 4Kb. Available in \
             /sys/class/nvme/<device>/<namespace>/queue/logical_block_size",
            block_bytes,
        ),
    ] {
        out.gauge(name, help).with(&labels, value);
    }
}

#[cfg(test)]
mod tests {
    use super::namespace_number;

    #[test]
    fn namespaces_are_told_from_other_entries() {
        for (entry, expected) in
            [("nvme0n1", Some("1")), ("nvme10n32", Some("32")), ("nvme0", None), ("hwmon1", None), ("nvme0n1p1", None)]
        {
            assert_eq!(namespace_number(entry), expected, "{entry}");
        }
    }
}
