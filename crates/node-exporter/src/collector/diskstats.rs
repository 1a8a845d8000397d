//! `diskstats`: what block devices did, and what udev knows about them.

use std::collections::HashMap;
use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, Filter, Flag, FlagError};
use metrics_model::family::MetricKind::{self, Counter, Gauge};

use super::Setup;
use crate::parse::diskstats::{Disk, FIGURES, parse};
use crate::parse::udev;
use crate::roots::{Roots, attribute, read};

pub(super) const FLAGS: &[Flag] = &[
    Flag::text(
        "collector.diskstats.device-exclude",
        r"^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$",
        "Regexp of diskstats devices to exclude (mutually exclusive to device-include).",
    ),
    Flag::text(
        "collector.diskstats.device-include",
        "",
        "Regexp of diskstats devices to include (mutually exclusive to device-exclude).",
    ),
    Flag::text("collector.diskstats.ignored-devices", "", "DEPRECATED: Use collector.diskstats.device-exclude")
        .hidden(),
];

/// The kernel counts in sectors of this size whatever the device's own is.
const SECTOR_BYTES: f64 = 512.0;
const MILLISECOND: f64 = 0.001;

/// The figures in the kernel's order: name, help text, kind, and the unit that the kernel counts in.
const METRICS: [(&str, &str, MetricKind, f64); FIGURES] = [
    ("node_disk_reads_completed_total", "The total number of reads completed successfully.", Counter, 1.0),
    ("node_disk_reads_merged_total", "The total number of reads merged.", Counter, 1.0),
    ("node_disk_read_bytes_total", "The total number of bytes read successfully.", Counter, SECTOR_BYTES),
    ("node_disk_read_time_seconds_total", "The total number of seconds spent by all reads.", Counter, MILLISECOND),
    ("node_disk_writes_completed_total", "The total number of writes completed successfully.", Counter, 1.0),
    ("node_disk_writes_merged_total", "The number of writes merged.", Counter, 1.0),
    ("node_disk_written_bytes_total", "The total number of bytes written successfully.", Counter, SECTOR_BYTES),
    (
        "node_disk_write_time_seconds_total",
        "This is the total number of seconds spent by all writes.",
        Counter,
        MILLISECOND,
    ),
    ("node_disk_io_now", "The number of I/Os currently in progress.", Gauge, 1.0),
    ("node_disk_io_time_seconds_total", "Total seconds spent doing I/Os.", Counter, MILLISECOND),
    ("node_disk_io_time_weighted_seconds_total", "The weighted # of seconds spent doing I/Os.", Counter, MILLISECOND),
    ("node_disk_discards_completed_total", "The total number of discards completed successfully.", Counter, 1.0),
    ("node_disk_discards_merged_total", "The total number of discards merged.", Counter, 1.0),
    ("node_disk_discarded_sectors_total", "The total number of sectors discarded successfully.", Counter, 1.0),
    (
        "node_disk_discard_time_seconds_total",
        "This is the total number of seconds spent by all discards.",
        Counter,
        MILLISECOND,
    ),
    ("node_disk_flush_requests_total", "The total number of flush requests completed successfully", Counter, 1.0),
    (
        "node_disk_flush_requests_time_seconds_total",
        "This is the total number of seconds spent by all flush requests.",
        Counter,
        MILLISECOND,
    ),
];

struct DiskStats {
    roots: Arc<Roots>,
    devices: Filter,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    let values = setup.values;
    let (include, exclude) = ("collector.diskstats.device-include", "collector.diskstats.device-exclude");
    let exclude = values.renamed("collector.diskstats.ignored-devices", exclude)?;
    let devices = Filter::from_flags(values, include, exclude)?;
    Ok(Box::new(DiskStats { roots: Arc::clone(&setup.roots), devices }))
}

impl Collector for DiskStats {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let text = read(&self.roots.proc("diskstats"))?;
        let disks = parse(&text).map_err(|error| error.in_file("diskstats"))?;
        for disk in disks.iter().filter(|disk| self.devices.keeps(disk.name)) {
            let udev = read(&self.roots.udev.join(format!("b{}:{}", disk.major, disk.minor))).unwrap_or_default();
            let queue = self.roots.sys("block").join(disk.name).join("queue");
            let rotational = attribute(&queue.join("rotational")).as_deref() == Some("1");
            emit(disk, &udev::properties(&udev), rotational, out);
        }
        Ok(())
    }
}

fn emit(disk: &Disk<'_>, udev: &HashMap<&str, &str>, rotational: bool, out: &mut Batch) {
    let device = ("device", disk.name);
    let property = |name: &str| udev.get(name).copied().unwrap_or("");
    // In this order the text is most likely the one that is printed on the disk.
    let serial = ["SCSI_IDENT_SERIAL", "ID_SERIAL_SHORT", "ID_SERIAL"].into_iter().map(property);
    let serial = serial.into_iter().find(|serial| !serial.is_empty()).unwrap_or("");
    out.gauge("node_disk_info", "Info of /sys/block/<block_device>.").with(
        &[
            device,
            ("major", &disk.major.to_string()),
            ("minor", &disk.minor.to_string()),
            ("path", property("ID_PATH")),
            ("wwn", property("ID_WWN")),
            ("model", property("ID_MODEL")),
            ("serial", serial),
            ("revision", property("ID_REVISION")),
            ("rotational", if rotational { "1" } else { "0" }),
        ],
        1.0,
    );
    for ((name, help, kind, unit), figure) in METRICS.into_iter().zip(&disk.figures) {
        let mut family = if kind == Counter { out.counter(name, help) } else { out.gauge(name, help) };
        family.with(&[device], figure * unit);
    }
    emit_udev(device, property, out);
    if !property("ID_ATA").is_empty() {
        emit_ata(device, udev, out);
    }
}

fn emit_udev<'a>(device: (&'a str, &'a str), property: impl Fn(&str) -> &'a str, out: &mut Batch) {
    if !property("ID_FS_TYPE").is_empty() {
        out.gauge("node_disk_filesystem_info", "Info about disk filesystem.").with(
            &[
                device,
                ("type", property("ID_FS_TYPE")),
                ("usage", property("ID_FS_USAGE")),
                ("uuid", property("ID_FS_UUID")),
                ("version", property("ID_FS_VERSION")),
            ],
            1.0,
        );
    }
    if !property("DM_NAME").is_empty() {
        out.gauge("node_disk_device_mapper_info", "Info about disk device mapper.").with(
            &[
                device,
                ("name", property("DM_NAME")),
                ("uuid", property("DM_UUID")),
                ("vg_name", property("DM_VG_NAME")),
                ("lv_name", property("DM_LV_NAME")),
                ("lv_layer", property("DM_LV_LAYER")),
            ],
            1.0,
        );
    }
}

fn emit_ata(device: (&str, &str), udev: &HashMap<&str, &str>, out: &mut Batch) {
    for (property, name, help) in [
        ("ID_ATA_WRITE_CACHE", "node_disk_ata_write_cache", "ATA disk has a write cache."),
        ("ID_ATA_WRITE_CACHE_ENABLED", "node_disk_ata_write_cache_enabled", "ATA disk has its write cache enabled."),
        ("ID_ATA_ROTATION_RATE_RPM", "node_disk_ata_rotation_rate_rpm", "ATA disk rotation rate in RPMs (0 for SSDs)."),
    ] {
        if let Some(value) = udev.get(property).and_then(|text| text.parse().ok()) {
            out.gauge(name, help).with(&[device], value);
        }
    }
}
