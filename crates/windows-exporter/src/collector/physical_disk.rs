//! `physical_disk`: work of the disks, from performance counters.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, Flag, FlagError};

use super::Setup;
use super::column::{Column, Unit, emit, gauge, query, total};
use super::names::Names;
use crate::source::Source;

pub(super) const FLAGS: &[Flag] = &[
    Flag::text(
        "collector.physical_disk.disk-include",
        ".+",
        "Regexp of disks to include. The disk's number must match include and not match exclude.",
    ),
    Flag::text(
        "collector.physical_disk.disk-exclude",
        "",
        "Regexp of disks to exclude. The disk's number must match include and not match exclude.",
    ),
];

const COLUMNS: &[Column] = &[
    gauge(
        "Current Disk Queue Length",
        Unit::Plain,
        "windows_physical_disk_requests_queued",
        "The number of requests queued to the disk (PhysicalDisk.CurrentDiskQueueLength)",
    ),
    total(
        "Disk Read Bytes/sec",
        Unit::Plain,
        "windows_physical_disk_read_bytes_total",
        "The number of bytes transferred from the disk during read operations (PhysicalDisk.DiskReadBytesPerSec)",
    ),
    total(
        "Disk Reads/sec",
        Unit::Plain,
        "windows_physical_disk_reads_total",
        "The number of read operations on the disk (PhysicalDisk.DiskReadsPerSec)",
    ),
    total(
        "Disk Write Bytes/sec",
        Unit::Plain,
        "windows_physical_disk_write_bytes_total",
        "The number of bytes transferred to the disk during write operations (PhysicalDisk.DiskWriteBytesPerSec)",
    ),
    total(
        "Disk Writes/sec",
        Unit::Plain,
        "windows_physical_disk_writes_total",
        "The number of write operations on the disk (PhysicalDisk.DiskWritesPerSec)",
    ),
    total(
        "% Disk Read Time",
        Unit::HundredNanoseconds,
        "windows_physical_disk_read_seconds_total",
        "Seconds that the disk was busy servicing read requests (PhysicalDisk.PercentDiskReadTime)",
    ),
    total(
        "% Disk Write Time",
        Unit::HundredNanoseconds,
        "windows_physical_disk_write_seconds_total",
        "Seconds that the disk was busy servicing write requests (PhysicalDisk.PercentDiskWriteTime)",
    ),
    total(
        "% Idle Time",
        Unit::HundredNanoseconds,
        "windows_physical_disk_idle_seconds_total",
        "Seconds that the disk was idle (PhysicalDisk.PercentIdleTime)",
    ),
    total(
        "Split IO/Sec",
        Unit::Plain,
        "windows_physical_disk_split_ios_total",
        "The number of I/Os to the disk were split into multiple I/Os (PhysicalDisk.SplitIOPerSec)",
    ),
    total(
        "Avg. Disk sec/Read",
        Unit::Ticks,
        "windows_physical_disk_read_latency_seconds_total",
        "Shows the average time, in seconds, of a read operation from the disk (PhysicalDisk.AvgDiskSecPerRead)",
    ),
    total(
        "Avg. Disk sec/Write",
        Unit::Ticks,
        "windows_physical_disk_write_latency_seconds_total",
        "Shows the average time, in seconds, of a write operation to the disk (PhysicalDisk.AvgDiskSecPerWrite)",
    ),
    total(
        "Avg. Disk sec/Transfer",
        Unit::Ticks,
        "windows_physical_disk_read_write_latency_seconds_total",
        "Shows the time, in seconds, of the average disk transfer (PhysicalDisk.AvgDiskSecPerTransfer)",
    ),
];

struct PhysicalDisk {
    source: Arc<dyn Source>,
    disks: Names,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    let disks = Names::from_flags(
        setup.values,
        "collector.physical_disk.disk-include",
        "collector.physical_disk.disk-exclude",
    )?;
    Ok(Box::new(PhysicalDisk { source: Arc::clone(&setup.source), disks }))
}

impl Collector for PhysicalDisk {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let counters = self.source.counters(&query("PhysicalDisk", true, COLUMNS))?;
        for instance in counters.instances.iter().filter(|instance| instance.name != "_Total") {
            // An instance is a disk's number and the drive letters on it, as `0 C: D:`.
            let number = instance.name.split(' ').next().unwrap_or("");
            if self.disks.keeps(number) {
                emit(out, &counters, instance, COLUMNS, &[("disk", number)]);
            }
        }
        Ok(())
    }
}
