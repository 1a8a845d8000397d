//! `logical_disk`: work of the volumes, from performance counters, and what they are, from the file systems.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, Flag, FlagError};

use super::column::{Column, Unit, emit, gauge, query, total, value};
use super::names::{Names, parts};
use super::{Setup, flag};
use crate::source::{Counters, Instance, Source, Volume};

pub(super) const FLAGS: &[Flag] = &[
    Flag::text(
        "collector.logical_disk.volume-include",
        ".+",
        "Regexp of volumes to include. The volume's name must match include and not match exclude.",
    ),
    Flag::text(
        "collector.logical_disk.volume-exclude",
        "",
        "Regexp of volumes to exclude. The volume's name must match include and not match exclude.",
    ),
    Flag::text(ENABLED, "", "Comma-separated list of the collector's parts to use: metrics."),
];

const ENABLED: &str = "collector.logical_disk.enabled";

const COLUMNS: &[Column] = &[
    gauge(
        "Current Disk Queue Length",
        Unit::Plain,
        "windows_logical_disk_requests_queued",
        "The number of requests queued to the disk (LogicalDisk.CurrentDiskQueueLength)",
    ),
    gauge(
        "Avg. Disk Read Queue Length",
        Unit::HundredNanoseconds,
        "windows_logical_disk_avg_read_requests_queued",
        "Average number of read requests that were queued for the selected disk during the sample interval (LogicalDisk.AvgDiskReadQueueLength)",
    ),
    gauge(
        "Avg. Disk Write Queue Length",
        Unit::HundredNanoseconds,
        "windows_logical_disk_avg_write_requests_queued",
        "Average number of write requests that were queued for the selected disk during the sample interval (LogicalDisk.AvgDiskWriteQueueLength)",
    ),
    total(
        "Disk Read Bytes/sec",
        Unit::Plain,
        "windows_logical_disk_read_bytes_total",
        "The number of bytes transferred from the disk during read operations (LogicalDisk.DiskReadBytesPerSec)",
    ),
    total(
        "Disk Reads/sec",
        Unit::Plain,
        "windows_logical_disk_reads_total",
        "The number of read operations on the disk (LogicalDisk.DiskReadsPerSec)",
    ),
    total(
        "Disk Write Bytes/sec",
        Unit::Plain,
        "windows_logical_disk_write_bytes_total",
        "The number of bytes transferred to the disk during write operations (LogicalDisk.DiskWriteBytesPerSec)",
    ),
    total(
        "Disk Writes/sec",
        Unit::Plain,
        "windows_logical_disk_writes_total",
        "The number of write operations on the disk (LogicalDisk.DiskWritesPerSec)",
    ),
    total(
        "% Disk Read Time",
        Unit::HundredNanoseconds,
        "windows_logical_disk_read_seconds_total",
        "Seconds that the disk was busy servicing read requests (LogicalDisk.PercentDiskReadTime)",
    ),
    total(
        "% Disk Write Time",
        Unit::HundredNanoseconds,
        "windows_logical_disk_write_seconds_total",
        "Seconds that the disk was busy servicing write requests (LogicalDisk.PercentDiskWriteTime)",
    ),
    total(
        "% Idle Time",
        Unit::HundredNanoseconds,
        "windows_logical_disk_idle_seconds_total",
        "Seconds that the disk was idle (LogicalDisk.PercentIdleTime)",
    ),
    total(
        "Split IO/Sec",
        Unit::Plain,
        "windows_logical_disk_split_ios_total",
        "The number of I/Os to the disk were split into multiple I/Os (LogicalDisk.SplitIOPerSec)",
    ),
    total(
        "Avg. Disk sec/Read",
        Unit::Ticks,
        "windows_logical_disk_read_latency_seconds_total",
        "Shows the average time, in seconds, of a read operation from the disk (LogicalDisk.AvgDiskSecPerRead)",
    ),
    total(
        "Avg. Disk sec/Write",
        Unit::Ticks,
        "windows_logical_disk_write_latency_seconds_total",
        "Shows the average time, in seconds, of a write operation to the disk (LogicalDisk.AvgDiskSecPerWrite)",
    ),
    total(
        "Avg. Disk sec/Transfer",
        Unit::Ticks,
        "windows_logical_disk_read_write_latency_seconds_total",
        "Shows the time, in seconds, of the average disk transfer (LogicalDisk.AvgDiskSecPerTransfer)",
    ),
];

/// Megabytes free, and megabytes in all as the base.
const SPACE: &str = "% Free Space";
const MEGABYTE: f64 = 1024.0 * 1024.0;

struct LogicalDisk {
    source: Arc<dyn Source>,
    names: Names,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    parts(setup.values, ENABLED, &["metrics"], &["bitlocker_status"])?;
    let names = Names::from_flags(
        setup.values,
        "collector.logical_disk.volume-include",
        "collector.logical_disk.volume-exclude",
    )?;
    Ok(Box::new(LogicalDisk { source: Arc::clone(&setup.source), names }))
}

impl Collector for LogicalDisk {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let mut asked = query("LogicalDisk", true, COLUMNS);
        asked.counters.push(SPACE);
        let counters = self.source.counters(&asked);
        let volumes = self.source.volumes();
        let volumes_known = volumes.as_deref().unwrap_or(&[]);
        for volume in volumes_known.iter().filter(|volume| self.names.keeps(&volume.name)) {
            emit_volume(out, volume);
        }
        if let Ok(counters) = &counters {
            for instance in &counters.instances {
                if instance.name != "_Total" && self.names.keeps(&instance.name) {
                    let volume = volumes_known.iter().find(|volume| volume.name == instance.name);
                    emit_instance(out, counters, instance, volume);
                }
            }
        }
        volumes?;
        counters?;
        Ok(())
    }
}

fn emit_volume(out: &mut Batch, volume: &Volume) {
    let labels = [
        ("disk", volume.disks.as_str()),
        ("type", &volume.kind),
        ("volume", &volume.name),
        ("volume_name", &volume.label),
        ("filesystem", &volume.filesystem),
        ("serial_number", &volume.serial_number),
    ];
    out.gauge("windows_logical_disk_info", "A metric with a constant '1' value labeled with logical disk information")
        .with(&labels, 1.0);
    out.gauge("windows_logical_disk_readonly", "Whether the logical disk is read-only")
        .with(&[("volume", &volume.name)], flag(volume.read_only));
    space(out, &volume.name, volume.free, volume.size);
}

fn emit_instance(out: &mut Batch, counters: &Counters, instance: &Instance, volume: Option<&Volume>) {
    emit(out, counters, instance, COLUMNS, &[("volume", &instance.name)]);
    // The file system knows better: the counter is up to a quarter of an hour old and in whole megabytes.
    let megabytes = |unit| value(counters, instance, SPACE, unit).map(|megabytes| megabytes * MEGABYTE);
    let free = megabytes(Unit::Plain).filter(|_| volume.is_none_or(|volume| volume.free.is_none()));
    let size = megabytes(Unit::Base).filter(|_| volume.is_none_or(|volume| volume.size.is_none()));
    space(out, &instance.name, free, size);
}

fn space(out: &mut Batch, volume: &str, free: Option<f64>, size: Option<f64>) {
    let labels = [("volume", volume)];
    if let Some(free) = free {
        out.gauge(
            "windows_logical_disk_free_bytes",
            "Free space in bytes, updates every 10-15 min (LogicalDisk.PercentFreeSpace)",
        )
        .with(&labels, free);
    }
    if let Some(size) = size {
        out.gauge(
            "windows_logical_disk_size_bytes",
            "Total space in bytes, updates every 10-15 min (LogicalDisk.PercentFreeSpace_Base)",
        )
        .with(&labels, size);
    }
}
