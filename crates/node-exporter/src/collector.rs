//! The collectors: one table with name, default state, flags and constructor. Adding one is adding a file and a line.

use std::sync::Arc;

use exporter::{Collector, Flag, FlagError, Values};
use jiff::tz::TimeZone;

use crate::roots::Roots;

mod arp;
mod bcache;
mod bcachefs;
mod bonding;
mod btrfs;
mod conntrack;
mod cpu;
mod cpufreq;
mod diskstats;
mod dmi;
mod dmmultipath;
mod edac;
mod entropy;
mod fibrechannel;
mod filefd;
mod filesystem;
mod hwmon;
mod infiniband;
mod ipvs;
mod kernel_hung;
mod loadavg;
mod mdadm;
mod meminfo;
mod netclass;
mod netdev;
mod netstat;
mod nfs;
mod nfsd;
mod nvme;
mod os;
mod powersupplyclass;
mod pressure;
mod rapl;
mod schedstat;
mod selinux;
mod sockstat;
mod softnet;
mod stat;
mod tapestats;
mod textfile;
mod thermal_zone;
mod time;
mod udp_queues;
mod uname;
mod vmstat;
mod watchdog;
mod xfs;
mod zfs;

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
    on!("bcache", bcache::FLAGS, bcache::build),
    on!("bcachefs", &[], bcachefs::build),
    on!("bonding", &[], bonding::build),
    on!("btrfs", &[], btrfs::build),
    on!("conntrack", &[], conntrack::build),
    on!("cpu", cpu::FLAGS, cpu::build),
    on!("cpufreq", &[], cpufreq::build),
    on!("diskstats", diskstats::FLAGS, diskstats::build),
    on!("dmi", &[], dmi::build),
    on!("dmmultipath", &[], dmmultipath::build),
    on!("edac", &[], edac::build),
    on!("entropy", &[], entropy::build),
    on!("fibrechannel", &[], fibrechannel::build),
    on!("filefd", &[], filefd::build),
    on!("filesystem", filesystem::FLAGS, filesystem::build),
    on!("hwmon", hwmon::FLAGS, hwmon::build),
    on!("infiniband", infiniband::FLAGS, infiniband::build),
    on!("ipvs", ipvs::FLAGS, ipvs::build),
    on!("kernel_hung", &[], kernel_hung::build),
    on!("loadavg", &[], loadavg::build),
    on!("mdadm", &[], mdadm::build),
    on!("meminfo", &[], meminfo::build),
    on!("netclass", netclass::FLAGS, netclass::build),
    on!("netdev", netdev::FLAGS, netdev::build),
    on!("netstat", netstat::FLAGS, netstat::build),
    on!("nfs", &[], nfs::build),
    on!("nfsd", &[], nfsd::build),
    on!("nvme", &[], nvme::build),
    on!("os", &[], os::build),
    on!("powersupplyclass", powersupplyclass::FLAGS, powersupplyclass::build),
    on!("pressure", &[], pressure::build),
    on!("rapl", rapl::FLAGS, rapl::build),
    on!("schedstat", &[], schedstat::build),
    on!("selinux", &[], selinux::build),
    on!("sockstat", &[], sockstat::build),
    on!("softnet", &[], softnet::build),
    on!("stat", stat::FLAGS, stat::build),
    on!("tapestats", tapestats::FLAGS, tapestats::build),
    on!("textfile", textfile::FLAGS, textfile::build),
    on!("thermal_zone", &[], thermal_zone::build),
    on!("time", &[], time::build),
    on!("udp_queues", &[], udp_queues::build),
    on!("uname", &[], uname::build),
    on!("vmstat", vmstat::FLAGS, vmstat::build),
    on!("watchdog", &[], watchdog::build),
    on!("xfs", &[], xfs::build),
    on!("zfs", &[], zfs::build),
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
pub const NOT_BUILT: &[Absent] = absent!["buddyinfo" "cgroups" "cpu_vulnerabilities" "drbd" "drm" "ethtool" "interrupts" "ksmd" "lnstat" "logind" "meminfo_numa" "mountstats" "network_route" "ntp" "nvmesubsystem" "pcidevice" "perf" "processes" "qdisc" "runit" "slabinfo" "softirqs" "supervisord" "swap" "sysctl" "systemd" "tcpstat" "timex" "wifi" "xfrm" "zoneinfo"];

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
