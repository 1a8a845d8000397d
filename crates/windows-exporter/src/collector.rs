//! The collectors: one table with name, default state, flags and constructor. Adding one is adding a file and a line.

use std::sync::Arc;

use exporter::{Collector, Flag, FlagError, Values};

use crate::source::Source;

mod column;
mod cpu;
mod cs;
mod logical_disk;
mod memory;
mod names;
mod net;
mod os;
mod pagefile;
mod physical_disk;
mod process;
mod service;
mod system;

/// The switch for metrics under the names of old versions.
pub const LEGACY: &str = "collector.legacy-names";

/// A line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The name.
    pub name: &'static str,
    /// Whether it runs when no flag says otherwise.
    pub default_on: bool,
    /// Its own flags.
    pub flags: &'static [Flag],
    /// Makes it.
    pub build: Build,
}

/// Makes a collector from the flags.
pub type Build = fn(&Setup<'_>) -> Result<Box<dyn Collector>, FlagError>;

/// What collectors are made from.
pub struct Setup<'a> {
    /// The host.
    pub source: Arc<dyn Source>,
    /// The values of all collectors' flags.
    pub values: &'a Values,
}

impl std::fmt::Debug for Setup<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setup").field("values", &self.values).finish_non_exhaustive()
    }
}

const fn on(name: &'static str, flags: &'static [Flag], build: Build) -> Entry {
    Entry { name, default_on: true, flags, build }
}

const fn off(name: &'static str, flags: &'static [Flag], build: Build) -> Entry {
    Entry { name, default_on: false, flags, build }
}

/// All collectors, by name.
pub const TABLE: &[Entry] = &[
    on("cpu", &[], cpu::build),
    on("cs", &[], cs::build),
    on("logical_disk", logical_disk::FLAGS, logical_disk::build),
    on("memory", &[], memory::build),
    on("net", net::FLAGS, net::build),
    on("os", &[], os::build),
    on("pagefile", &[], pagefile::build),
    on("physical_disk", physical_disk::FLAGS, physical_disk::build),
    off("process", process::FLAGS, process::build),
    on("service", service::FLAGS, service::build),
    on("system", &[], system::build),
];

/// The original's collectors that this exporter does not have yet. To ask for one is an error.
pub const NOT_BUILT: &[&str] = &[
    "ad",
    "adcs",
    "adfs",
    "cache",
    "container",
    "cpu_info",
    "dfsr",
    "dhcp",
    "diskdrive",
    "dns",
    "exchange",
    "file",
    "fsrmquota",
    "gpu",
    "hyperv",
    "iis",
    "license",
    "mscluster",
    "msmq",
    "mssql",
    "netframework",
    "nps",
    "performancecounter",
    "printer",
    "remote_fx",
    "scheduled_task",
    "smb",
    "smbclient",
    "smtp",
    "tcp",
    "terminal_services",
    "textfile",
    "time",
    "udp",
    "update",
    "vmware",
];

fn flag(on: bool) -> f64 {
    f64::from(u8::from(on))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_complete() {
        let names: Vec<_> = TABLE.iter().map(|entry| entry.name).collect();
        assert!(names.is_sorted(), "{names:?}");
        assert!(NOT_BUILT.iter().all(|absent| !names.contains(absent)));
    }
}
