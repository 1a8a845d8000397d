//! `process_*`: what the exporter itself takes of the host, under the names that all Prometheus processes use.

use crate::batch::Batch;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as system;

#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(not(target_os = "linux"))]
use other as system;

/// What one process takes of the host; what the system does not tell is missing.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ProcessUse {
    cpu_seconds: Option<f64>,
    open_files: Option<f64>,
    open_files_max: Option<f64>,
    virtual_bytes: Option<f64>,
    virtual_bytes_max: Option<f64>,
    resident_bytes: Option<f64>,
    start_seconds: Option<f64>,
    received_bytes: Option<f64>,
    sent_bytes: Option<f64>,
}

/// Adds the metrics of this process.
pub fn collect(out: &mut Batch) {
    emit(&system::read(), out);
}

fn emit(usage: &ProcessUse, out: &mut Batch) {
    let counters = [
        ("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", usage.cpu_seconds),
        (
            "process_network_receive_bytes_total",
            "Number of bytes received by the process over the network.",
            usage.received_bytes,
        ),
        (
            "process_network_transmit_bytes_total",
            "Number of bytes sent by the process over the network.",
            usage.sent_bytes,
        ),
    ];
    let gauges = [
        ("process_max_fds", "Maximum number of open file descriptors.", usage.open_files_max),
        ("process_open_fds", "Number of open file descriptors.", usage.open_files),
        ("process_resident_memory_bytes", "Resident memory size in bytes.", usage.resident_bytes),
        ("process_start_time_seconds", "Start time of the process since unix epoch in seconds.", usage.start_seconds),
        ("process_virtual_memory_bytes", "Virtual memory size in bytes.", usage.virtual_bytes),
        (
            "process_virtual_memory_max_bytes",
            "Maximum amount of virtual memory available in bytes.",
            usage.virtual_bytes_max,
        ),
    ];
    for (name, help, value) in counters {
        if let Some(value) = value {
            out.counter(name, help).value(value);
        }
    }
    for (name, help, value) in gauges {
        if let Some(value) = value {
            out.gauge(name, help).value(value);
        }
    }
}
