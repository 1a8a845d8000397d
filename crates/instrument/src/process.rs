//! What every process says about itself: CPU time, memory, files, start. Read from `/proc/self` where there is one.

use metrics_model::Labels;
use metrics_model::family::{MetricFamily, MetricKind, MetricValue};

use crate::registry::Registry;

/// Clock ticks a second in `/proc`: fixed by Linux' interface to programs, whatever the kernel's own rate is.
const TICKS_PER_SECOND: f64 = 100.0;

/// Adds the `process_*` metrics. Systems without `/proc/self` show none.
pub fn add(registry: &Registry) {
    registry.source(families);
}

/// Adds `<daemon>_build_info`, the constant that says which version runs.
pub fn add_build_info(registry: &Registry, daemon: &str, version: &'static str) {
    let name = format!("{daemon}_build_info");
    let help = format!(
        "A metric with a constant '1' value labeled by version, revision, branch, goversion from which {daemon} was \
         built, and the goos and goarch for the build."
    );
    let labels = Labels::from_pairs([
        ("version", version),
        ("revision", "unknown"),
        ("branch", "unknown"),
        ("goversion", "none"),
        ("goos", std::env::consts::OS),
        ("goarch", std::env::consts::ARCH),
        ("tags", "unknown"),
    ]);
    registry.source(move || {
        let mut family = MetricFamily::new(name.clone(), help.clone(), MetricKind::Gauge);
        family.push(labels.clone(), MetricValue::Gauge(1.0));
        vec![family]
    });
}

/// The numbers of one process, as far as the system tells them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Usage {
    pub(crate) cpu_seconds: Option<f64>,
    /// Since boot.
    pub(crate) start_seconds: Option<f64>,
    pub(crate) virtual_bytes: Option<f64>,
    pub(crate) resident_bytes: Option<f64>,
    pub(crate) open_files: Option<f64>,
    pub(crate) files_max: Option<f64>,
    pub(crate) virtual_bytes_max: Option<f64>,
    pub(crate) boot_seconds: Option<f64>,
    /// Of the process' network name space.
    pub(crate) received_bytes: Option<f64>,
    pub(crate) sent_bytes: Option<f64>,
}

impl Usage {
    /// From the texts of `/proc/self/stat`, `status`, `limits` and `/proc/stat`.
    pub(crate) fn parse(stat: &str, status: &str, limits: &str, system: &str) -> Self {
        // The command name may hold blanks and brackets; fields are counted behind its last bracket, from the third on.
        let fields: Vec<&str> = stat.rsplit_once(") ").map(|(_, rest)| rest.split(' ').collect()).unwrap_or_default();
        let field = |number: usize| fields.get(number - 3).and_then(|text| text.trim().parse::<f64>().ok());
        let kibibytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<f64>().ok().map(|size| size * 1024.0)
        };
        let limit = |name: &str| {
            let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
            match line.split_whitespace().next()? {
                // As the original shows "no limit": the largest 64-bit number.
                "unlimited" => Some(u64::MAX as f64),
                text => text.parse().ok(),
            }
        };
        Self {
            cpu_seconds: field(14).zip(field(15)).map(|(user, system)| (user + system) / TICKS_PER_SECOND),
            start_seconds: field(22).map(|ticks| ticks / TICKS_PER_SECOND),
            virtual_bytes: kibibytes("VmSize:"),
            resident_bytes: kibibytes("VmRSS:"),
            open_files: None,
            files_max: limit("Max open files"),
            virtual_bytes_max: limit("Max address space"),
            boot_seconds: system.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok()),
            received_bytes: None,
            sent_bytes: None,
        }
    }

    /// Adds what `/proc/self/net/netstat` says: a line of names and a line of values that begin alike.
    pub(crate) fn parse_network(&mut self, netstat: &str) {
        let mut lines = netstat.lines().filter_map(|line| line.strip_prefix("IpExt: "));
        let (Some(names), Some(values)) = (lines.next(), lines.next()) else { return };
        for (name, value) in names.split_whitespace().zip(values.split_whitespace()) {
            match name {
                "InOctets" => self.received_bytes = value.parse().ok(),
                "OutOctets" => self.sent_bytes = value.parse().ok(),
                _ => {}
            }
        }
    }

    fn read() -> Self {
        let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let mut usage = Self::parse(
            &text("/proc/self/stat"),
            &text("/proc/self/status"),
            &text("/proc/self/limits"),
            &text("/proc/stat"),
        );
        usage.open_files = std::fs::read_dir("/proc/self/fd").ok().map(|files| files.count() as f64);
        usage.parse_network(&text("/proc/self/net/netstat"));
        usage
    }
}

fn families() -> Vec<MetricFamily> {
    let usage = Usage::read();
    let started = usage.start_seconds.zip(usage.boot_seconds).map(|(start, boot)| start + boot);
    let counter = |name, help, value: Option<f64>| (name, help, MetricKind::Counter, value);
    let gauge = |name, help, value: Option<f64>| (name, help, MetricKind::Gauge, value);
    [
        counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", usage.cpu_seconds),
        counter(
            "process_network_receive_bytes_total",
            "Number of bytes received by the process over the network.",
            usage.received_bytes,
        ),
        counter(
            "process_network_transmit_bytes_total",
            "Number of bytes sent by the process over the network.",
            usage.sent_bytes,
        ),
        gauge("process_max_fds", "Maximum number of open file descriptors.", usage.files_max),
        gauge("process_open_fds", "Number of open file descriptors.", usage.open_files),
        gauge("process_resident_memory_bytes", "Resident memory size in bytes.", usage.resident_bytes),
        gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.", started),
        gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", usage.virtual_bytes),
        gauge(
            "process_virtual_memory_max_bytes",
            "Maximum amount of virtual memory available in bytes.",
            usage.virtual_bytes_max,
        ),
    ]
    .into_iter()
    .filter_map(|(name, help, kind, value)| {
        let value = value?;
        let value = if kind == MetricKind::Counter { MetricValue::counter(value) } else { MetricValue::Gauge(value) };
        let mut family = MetricFamily::new(name, help, kind);
        family.push(Labels::empty(), value);
        Some(family)
    })
    .collect()
}
