//! The collectors: one table with name, default state, flags and constructor. Adding one is adding a file and a line.

use std::path::Path;
use std::sync::Arc;

use exporter::{Collector, Flag, FlagError, Values};
use jiff::tz::TimeZone;

use crate::roots::Roots;

mod arp;
mod bcache;
mod bcachefs;
mod bonding;
mod btrfs;
mod buddyinfo;
mod cgroups;
mod conntrack;
mod cpu;
mod cpu_vulnerabilities;
mod cpufreq;
mod diskstats;
mod dmi;
mod dmmultipath;
mod drbd;
mod edac;
mod entropy;
mod fibrechannel;
mod filefd;
mod filesystem;
mod hwmon;
mod infiniband;
mod interrupts;
mod ipvs;
mod kernel_hung;
mod ksmd;
mod lnstat;
mod loadavg;
mod mdadm;
mod meminfo;
mod meminfo_numa;
mod netclass;
mod netdev;
mod netstat;
mod network_route;
mod nfs;
mod nfsd;
mod nvme;
mod nvmesubsystem;
mod os;
mod powersupplyclass;
mod pressure;
mod processes;
mod qdisc;
mod rapl;
mod schedstat;
mod selinux;
mod slabinfo;
mod sockstat;
mod softirqs;
mod softnet;
mod stat;
mod swap;
mod sysctl;
mod systemd;
mod tapestats;
mod tcpstat;
mod textfile;
mod thermal_zone;
mod time;
mod udp_queues;
mod uname;
mod vmstat;
mod watchdog;
mod xfrm;
mod xfs;
mod zfs;
mod zoneinfo;

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
    /// The socket of the system's message bus.
    pub system_bus: &'a Path,
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

macro_rules! off {
    ($name:literal, $flags:expr, $build:path) => {
        entry!(false, "disabled", $name, $flags, $build)
    };
}

/// All collectors, by name.
pub const TABLE: &[Entry] = &[
    on!("arp", arp::FLAGS, arp::build),
    on!("bcache", bcache::FLAGS, bcache::build),
    on!("bcachefs", &[], bcachefs::build),
    on!("bonding", &[], bonding::build),
    on!("btrfs", &[], btrfs::build),
    off!("buddyinfo", &[], buddyinfo::build),
    off!("cgroups", &[], cgroups::build),
    on!("conntrack", &[], conntrack::build),
    on!("cpu", cpu::FLAGS, cpu::build),
    off!("cpu_vulnerabilities", &[], cpu_vulnerabilities::build),
    on!("cpufreq", &[], cpufreq::build),
    on!("diskstats", diskstats::FLAGS, diskstats::build),
    on!("dmi", &[], dmi::build),
    on!("dmmultipath", &[], dmmultipath::build),
    off!("drbd", &[], drbd::build),
    on!("edac", &[], edac::build),
    on!("entropy", &[], entropy::build),
    on!("fibrechannel", &[], fibrechannel::build),
    on!("filefd", &[], filefd::build),
    on!("filesystem", filesystem::FLAGS, filesystem::build),
    on!("hwmon", hwmon::FLAGS, hwmon::build),
    on!("infiniband", infiniband::FLAGS, infiniband::build),
    off!("interrupts", interrupts::FLAGS, interrupts::build),
    on!("ipvs", ipvs::FLAGS, ipvs::build),
    on!("kernel_hung", &[], kernel_hung::build),
    off!("ksmd", &[], ksmd::build),
    off!("lnstat", &[], lnstat::build),
    on!("loadavg", &[], loadavg::build),
    on!("mdadm", &[], mdadm::build),
    on!("meminfo", &[], meminfo::build),
    off!("meminfo_numa", &[], meminfo_numa::build),
    on!("netclass", netclass::FLAGS, netclass::build),
    on!("netdev", netdev::FLAGS, netdev::build),
    on!("netstat", netstat::FLAGS, netstat::build),
    off!("network_route", &[], network_route::build),
    on!("nfs", &[], nfs::build),
    on!("nfsd", &[], nfsd::build),
    on!("nvme", &[], nvme::build),
    off!("nvmesubsystem", &[], nvmesubsystem::build),
    on!("os", &[], os::build),
    on!("powersupplyclass", powersupplyclass::FLAGS, powersupplyclass::build),
    on!("pressure", &[], pressure::build),
    off!("processes", &[], processes::build),
    off!("qdisc", qdisc::FLAGS, qdisc::build),
    on!("rapl", rapl::FLAGS, rapl::build),
    on!("schedstat", &[], schedstat::build),
    on!("selinux", &[], selinux::build),
    off!("slabinfo", slabinfo::FLAGS, slabinfo::build),
    on!("sockstat", &[], sockstat::build),
    off!("softirqs", &[], softirqs::build),
    on!("softnet", &[], softnet::build),
    on!("stat", stat::FLAGS, stat::build),
    off!("swap", &[], swap::build),
    off!("sysctl", sysctl::FLAGS, sysctl::build),
    off!("systemd", systemd::FLAGS, systemd::build),
    on!("tapestats", tapestats::FLAGS, tapestats::build),
    off!("tcpstat", &[], tcpstat::build),
    on!("textfile", textfile::FLAGS, textfile::build),
    on!("thermal_zone", &[], thermal_zone::build),
    on!("time", &[], time::build),
    on!("udp_queues", &[], udp_queues::build),
    on!("uname", &[], uname::build),
    on!("vmstat", vmstat::FLAGS, vmstat::build),
    on!("watchdog", &[], watchdog::build),
    off!("xfrm", &[], xfrm::build),
    on!("xfs", &[], xfs::build),
    on!("zfs", &[], zfs::build),
    off!("zoneinfo", &[], zoneinfo::build),
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
pub const NOT_BUILT: &[Absent] =
    absent!["drm" "ethtool" "logind" "mountstats" "ntp" "pcidevice" "perf" "runit" "supervisord" "timex" "wifi"];

fn flag(on: bool) -> f64 {
    f64::from(u8::from(on))
}

/// A text as part of a metric's name: whatever is not allowed there becomes an underscore, and so does each run of it
/// with the underscores around it.
fn sanitized(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_') {
        name.push_str(rest[..at].trim_end_matches('_'));
        name.push('_');
        rest = rest[at..].trim_start_matches(|letter: char| !letter.is_ascii_alphanumeric());
    }
    name.push_str(rest);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_complete() {
        let names: Vec<_> = TABLE.iter().map(|entry| entry.name).collect();
        assert!(names.is_sorted(), "{names:?}");
        for absent in NOT_BUILT {
            assert!(!names.contains(&absent.name), "{}", absent.name);
        }
    }

    #[test]
    fn names_are_sanitized() {
        for (text, expected) in
            [("package", "package"), ("a-b", "a_b"), ("a_--_b", "a_b"), ("a__b", "a__b"), ("(x)", "_x_")]
        {
            assert_eq!(sanitized(text), expected);
        }
    }
}
