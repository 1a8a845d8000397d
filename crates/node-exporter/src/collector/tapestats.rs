//! `tapestats`: what tape drives did.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, Filter, Flag, FlagError};
use metrics_model::family::MetricKind::{self, Counter, Gauge};

use super::Setup;
use crate::roots::{ReadError, Roots, list, number};

const IGNORED: &str = "collector.tapestats.ignored-devices";

pub(super) const FLAGS: &[Flag] = &[Flag::text(IGNORED, "^$", "Regexp of devices to ignore for tapestats.")];

const NANOSECOND: f64 = 1e-9;

/// File, metric, help text, kind, unit.
const METRICS: [(&str, &str, &str, MetricKind, f64); 10] = [
    ("in_flight", "node_tape_io_now", "The number of I/Os currently outstanding to this device.", Gauge, 1.0),
    (
        "io_ns",
        "node_tape_io_time_seconds_total",
        "The amount of time spent waiting for all I/O to complete (including read and write). This includes tape \
         movement commands such as seeking between file or set marks and implicit tape movement such as when rewind on \
         close tape devices are used.",
        Counter,
        NANOSECOND,
    ),
    (
        "other_cnt",
        "node_tape_io_others_total",
        "The number of I/Os issued to the tape drive other than read or write commands. The time taken to complete these \
         commands uses the following calculation \
         io_time_seconds_total-read_time_seconds_total-write_time_seconds_total",
        Counter,
        1.0,
    ),
    ("read_byte_cnt", "node_tape_read_bytes_total", "The number of bytes read from the tape drive.", Counter, 1.0),
    (
        "read_cnt",
        "node_tape_reads_completed_total",
        "The number of read requests issued to the tape drive.",
        Counter,
        1.0,
    ),
    (
        "read_ns",
        "node_tape_read_time_seconds_total",
        "The amount of time spent waiting for read requests to complete.",
        Counter,
        NANOSECOND,
    ),
    (
        "resid_cnt",
        "node_tape_residual_total",
        "The number of times during a read or write we found the residual amount to be non-zero. This should mean that a \
         program is issuing a read larger thean the block size on tape. For write not all data made it to tape.",
        Counter,
        1.0,
    ),
    ("write_byte_cnt", "node_tape_written_bytes_total", "The number of bytes written to the tape drive.", Counter, 1.0),
    (
        "write_cnt",
        "node_tape_writes_completed_total",
        "The number of write requests issued to the tape drive.",
        Counter,
        1.0,
    ),
    (
        "write_ns",
        "node_tape_write_time_seconds_total",
        "The amount of time spent waiting for write requests to complete.",
        Counter,
        NANOSECOND,
    ),
];

struct TapeStats {
    roots: Arc<Roots>,
    devices: Filter,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    let devices = Filter::excluding(setup.values.regex(IGNORED)?);
    Ok(Box::new(TapeStats { roots: Arc::clone(&setup.roots), devices }))
}

/// Each drive has further names for its other modes: only `st0` is the drive itself.
fn is_drive(name: &str) -> bool {
    name.strip_prefix("st").is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

impl Collector for TapeStats {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let directory = self.roots.sys("class/scsi_tape");
        let names = list(&directory).map_err(ReadError::or_no_data)?;
        for device in names.iter().filter(|name| is_drive(name) && self.devices.keeps(name)) {
            let statistics = directory.join(device).join("stats");
            for (file, name, help, kind, unit) in METRICS {
                if let Some(value) = number::<f64>(&statistics.join(file)) {
                    let mut family = if kind == Counter { out.counter(name, help) } else { out.gauge(name, help) };
                    family.with(&[("device", device)], value * unit);
                }
            }
        }
        Ok(())
    }
}
