//! `bcachefs`: file systems of that kind.

use std::path::Path;
use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::{Setup, sanitized};
use crate::parse::bcachefs::{io_done, io_errors, since_creation, table};
use crate::parse::size;
use crate::roots::{ReadError, Roots, attribute, list, list_if_there, number, read};

struct BcacheFs {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(BcacheFs { roots: Arc::clone(&setup.roots) }))
}

impl Collector for BcacheFs {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let directory = self.roots.sys("fs/bcachefs");
        for uuid in list(&directory).map_err(ReadError::or_no_data)? {
            let path = directory.join(&uuid);
            if path.is_dir() {
                collect_file_system(&uuid, &path, out);
            }
        }
        if out.is_empty() { Err(CollectError::no_data(directory.display().to_string())) } else { Ok(()) }
    }
}

fn bytes(path: &Path) -> f64 {
    attribute(path).and_then(|text| size::decimal(&text)).unwrap_or(0.0)
}

fn collect_file_system(uuid: &str, path: &Path, out: &mut Batch) {
    let id = ("uuid", uuid);
    out.gauge("node_bcachefs_info", "Filesystem information.").with(&[id], 1.0);
    out.gauge("node_bcachefs_btree_cache_size_bytes", "Btree cache memory usage in bytes.")
        .with(&[id], bytes(&path.join("btree_cache_size")));
    let text = |file: &str| read(&path.join(file)).unwrap_or_default();
    for (algorithm, sizes) in table(&text("compression_stats")) {
        let labels = [id, ("algorithm", algorithm)];
        out.gauge("node_bcachefs_compression_compressed_bytes", "Compressed size by algorithm.")
            .with(&labels, sizes[0]);
        out.gauge("node_bcachefs_compression_uncompressed_bytes", "Uncompressed size by algorithm.")
            .with(&labels, sizes[1]);
    }
    for line in text("errors").lines() {
        let mut words = line.split_whitespace();
        if let (Some(kind), Some(count)) = (words.next(), words.next().and_then(|count| count.parse().ok())) {
            out.counter("node_bcachefs_errors_total", "Error count by error type.")
                .with(&[id, ("error_type", kind)], count);
        }
    }
    for counter in list_if_there(&path.join("counters")) {
        if let Some(count) = since_creation(&text(&format!("counters/{counter}"))) {
            let help = format!("Bcachefs counter {counter} since filesystem creation.");
            out.counter(&format!("node_bcachefs_{}_total", sanitized(&counter)), &help).with(&[id], count);
        }
    }
    for (kind, figures) in table(&text("btree_write_stats")) {
        let labels = [id, ("type", kind)];
        out.counter("node_bcachefs_btree_writes_total", "Number of btree writes by type.").with(&labels, figures[0]);
        out.gauge("node_bcachefs_btree_write_average_size_bytes", "Average btree write size by type.")
            .with(&labels, figures[1]);
    }
    for entry in list_if_there(path) {
        if let Some(device) = entry.strip_prefix("dev-") {
            collect_device(uuid, device, &path.join(&entry), out);
        }
    }
}

fn collect_device(uuid: &str, device: &str, path: &Path, out: &mut Batch) {
    let labels = [("uuid", uuid), ("device", device)];
    let text = |file: &str| attribute(&path.join(file)).unwrap_or_default();
    out.gauge("node_bcachefs_device_info", "Device information.")
        .with(&[labels[0], labels[1], ("label", &text("label")), ("state", &text("state"))], 1.0);
    for (name, help, value) in [
        ("node_bcachefs_device_bucket_size_bytes", "Bucket size in bytes.", bytes(&path.join("bucket_size"))),
        ("node_bcachefs_device_buckets", "Total number of buckets.", number(&path.join("nbuckets")).unwrap_or(0.0)),
        (
            "node_bcachefs_device_durability",
            "Device durability setting.",
            number(&path.join("durability")).unwrap_or(0.0),
        ),
    ] {
        out.gauge(name, help).with(&labels, value);
    }
    for (operation, data_type, count) in io_done(&text("io_done")) {
        out.counter("node_bcachefs_device_io_done_bytes_total", "IO bytes by operation type and data type.")
            .with(&[labels[0], labels[1], ("operation", operation), ("data_type", data_type)], count);
    }
    for (kind, count) in io_errors(&text("io_errors")) {
        out.counter("node_bcachefs_device_io_errors_total", "IO errors by error type.")
            .with(&[labels[0], labels[1], ("type", kind)], count);
    }
}
