//! The collectors: one table with name, default state, flags and constructor. Adding one is adding a file and a line.

use std::sync::Arc;

use exporter::{Collector, Flag, FlagError, Values};
use jiff::tz::TimeZone;

use crate::roots::Roots;

mod cpu;
mod diskstats;
mod filesystem;
mod loadavg;
mod meminfo;
mod netdev;
mod stat;
mod time;
mod uname;
mod vmstat;

/// A line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The name, as in `--collector.<name>`.
    pub name: &'static str,
    /// Whether it runs when no flag says otherwise.
    pub default_on: bool,
    /// The flag that switches it on and, with `--no-`, off.
    pub switch: Flag,
    /// Its own flags.
    pub flags: &'static [Flag],
    /// Makes it.
    pub build: Build,
}

/// Makes a collector from the flags.
pub type Build = fn(&Setup<'_>) -> Result<Box<dyn Collector>, FlagError>;

/// What collectors are made from.
#[derive(Debug)]
pub struct Setup<'a> {
    /// Where the host's files are.
    pub roots: Arc<Roots>,
    /// The values of all collectors' flags.
    pub values: &'a Values,
    /// The names of the collectors that are switched on.
    pub enabled: &'a [&'static str],
    /// The host's time zone.
    pub time_zone: &'a TimeZone,
}

macro_rules! on {
    ($name:literal, $flags:expr, $build:path) => {
        Entry {
            name: $name,
            default_on: true,
            switch: Flag::switch(
                concat!("collector.", $name),
                true,
                concat!("Enable the ", $name, " collector (default: enabled)."),
            ),
            flags: $flags,
            build: $build,
        }
    };
}

/// All collectors, by name.
pub const TABLE: &[Entry] = &[
    on!("cpu", cpu::FLAGS, cpu::build),
    on!("diskstats", diskstats::FLAGS, diskstats::build),
    on!("filesystem", filesystem::FLAGS, filesystem::build),
    on!("loadavg", &[], loadavg::build),
    on!("meminfo", &[], meminfo::build),
    on!("netdev", netdev::FLAGS, netdev::build),
    on!("stat", stat::FLAGS, stat::build),
    on!("time", &[], time::build),
    on!("uname", &[], uname::build),
    on!("vmstat", vmstat::FLAGS, vmstat::build),
];

/// A collector that the original has and this exporter does not have yet.
#[derive(Debug, Clone, Copy)]
pub struct Absent {
    /// The name.
    pub name: &'static str,
    /// Its switch, so that command lines which switch it off still work.
    pub switch: Flag,
}

macro_rules! absent {
    ($($name:literal)*) => {
        &[$(Absent {
            name: $name,
            switch: Flag::switch(concat!("collector.", $name), false, "Not there yet.").hidden(),
        }),*]
    };
}

/// The original's collectors for Linux that this exporter does not have yet. To ask for one is an error.
pub const NOT_BUILT: &[Absent] = absent!["arp" "bcache" "bcachefs" "bonding" "btrfs" "buddyinfo" "cgroups" "conntrack" "cpu_vulnerabilities" "cpufreq" "dmi" "dmmultipath" "drbd" "drm" "edac" "entropy" "ethtool" "fibrechannel" "filefd" "hwmon" "infiniband" "interrupts" "ipvs" "kernel_hung" "ksmd" "lnstat" "logind" "mdadm" "meminfo_numa" "mountstats" "netclass" "netstat" "network_route" "nfs" "nfsd" "ntp" "nvme" "nvmesubsystem" "os" "pcidevice" "perf" "powersupplyclass" "pressure" "processes" "qdisc" "rapl" "runit" "schedstat" "selinux" "slabinfo" "sockstat" "softirqs" "softnet" "supervisord" "swap" "sysctl" "systemd" "tapestats" "tcpstat" "textfile" "thermal_zone" "timex" "udp_queues" "watchdog" "wifi" "xfrm" "xfs" "zfs" "zoneinfo"];

fn flag(on: bool) -> f64 {
    f64::from(u8::from(on))
}
