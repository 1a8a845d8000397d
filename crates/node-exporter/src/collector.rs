//! The collectors: one table with name, default state, flags and constructor. Adding one is adding a file and a line.

use std::sync::Arc;

use exporter::{Collector, Flag, FlagError, Values};
use jiff::tz::TimeZone;

use crate::roots::Roots;

mod arp;
mod bonding;
mod conntrack;
mod cpu;
mod cpufreq;
mod diskstats;
mod dmi;
mod edac;
mod entropy;
mod filefd;
mod filesystem;
mod kernel_hung;
mod loadavg;
mod meminfo;
mod netdev;
mod netstat;
mod os;
mod pressure;
mod schedstat;
mod selinux;
mod sockstat;
mod softnet;
mod stat;
mod thermal_zone;
mod time;
mod udp_queues;
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

macro_rules! entry {
    ($default_on:literal, $default:literal, $name:literal, $flags:expr, $build:path) => {
        Entry {
            name: $name,
            default_on: $default_on,
            switch: Flag::switch(
                concat!("collector.", $name),
                $default_on,
                concat!("Enable the ", $name, " collector (default: ", $default, ")."),
            ),
            flags: $flags,
            build: $build,
        }
    };
}

macro_rules! on {
    ($name:literal, $flags:expr, $build:path) => {
        entry!(true, "enabled", $name, $flags, $build)
    };
}

/// All collectors, by name.
pub const TABLE: &[Entry] = &[
    on!("arp", arp::FLAGS, arp::build),
    on!("bonding", &[], bonding::build),
    on!("conntrack", &[], conntrack::build),
    on!("cpu", cpu::FLAGS, cpu::build),
    on!("cpufreq", &[], cpufreq::build),
    on!("diskstats", diskstats::FLAGS, diskstats::build),
    on!("dmi", &[], dmi::build),
    on!("edac", &[], edac::build),
    on!("entropy", &[], entropy::build),
    on!("filefd", &[], filefd::build),
    on!("filesystem", filesystem::FLAGS, filesystem::build),
    on!("kernel_hung", &[], kernel_hung::build),
    on!("loadavg", &[], loadavg::build),
    on!("meminfo", &[], meminfo::build),
    on!("netdev", netdev::FLAGS, netdev::build),
    on!("netstat", netstat::FLAGS, netstat::build),
    on!("os", &[], os::build),
    on!("pressure", &[], pressure::build),
    on!("schedstat", &[], schedstat::build),
    on!("selinux", &[], selinux::build),
    on!("sockstat", &[], sockstat::build),
    on!("softnet", &[], softnet::build),
    on!("stat", stat::FLAGS, stat::build),
    on!("thermal_zone", &[], thermal_zone::build),
    on!("time", &[], time::build),
    on!("udp_queues", &[], udp_queues::build),
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
pub const NOT_BUILT: &[Absent] = absent!["bcache" "bcachefs" "btrfs" "buddyinfo" "cgroups" "cpu_vulnerabilities" "dmmultipath" "drbd" "drm" "ethtool" "fibrechannel" "hwmon" "infiniband" "interrupts" "ipvs" "ksmd" "lnstat" "logind" "mdadm" "meminfo_numa" "mountstats" "netclass" "network_route" "nfs" "nfsd" "ntp" "nvme" "nvmesubsystem" "pcidevice" "perf" "powersupplyclass" "processes" "qdisc" "rapl" "runit" "slabinfo" "softirqs" "supervisord" "swap" "sysctl" "systemd" "tapestats" "tcpstat" "textfile" "timex" "watchdog" "wifi" "xfrm" "xfs" "zfs" "zoneinfo"];

fn flag(on: bool) -> f64 {
    f64::from(u8::from(on))
}
