//! The exporter on the tree of fixtures that the original is tested with gives the original's page.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use node_exporter::collector::{NOT_BUILT, TABLE};

use testkit::corpus::{close, folder};

use crate::hosted::{Families, families, page_of};
use crate::{TOPIC, ttar};

/// The collectors of the golden page besides those that are on by default anyway.
const ON: &str = "buddyinfo cgroups cpu_vulnerabilities drbd interrupts ksmd lnstat meminfo_numa mountstats \
                  pcidevice processes qdisc slabinfo softirqs sysctl wifi xfrm zoneinfo";

const OFF: &str = "selinux filesystem timex uname";

/// Flags of the golden page that do not depend on where the fixtures are.
const FLAGS: &[&str] = &[
    "--collector.cpu.info",
    "--collector.cpu.info.bugs-include=^(cpu_meltdown|spectre_.*|mds)$",
    "--collector.cpu.info.flags-include=^(aes|avx.?|constant_tsc)$",
    "--collector.arp.device-exclude=nope",
    "--no-collector.arp.netlink",
    "--collector.bcache.priorityStats",
    "--collector.hwmon.chip-include=(applesmc|asus_nb_wmi|coretemp|hwmon4|ieee80211|nct6779)",
    "--collector.netclass.ignore-invalid-speed",
    "--collector.netclass.ignored-devices=(dmz|int)",
    "--collector.netdev.device-include=lo",
    "--collector.qdisc.device-include=(wlan0|eth0)",
    "--collector.stat.softirq",
    "--collector.sysctl.include-info=kernel.seccomp.actions_avail",
    "--collector.sysctl.include=fs.file-nr",
    "--collector.sysctl.include=fs.file-nr:total,current,max",
    "--collector.sysctl.include=kernel.threads-max",
];

/// Families whose values are this machine's or this moment's, and those that have no meaning here.
fn is_compared(family: &str) -> bool {
    let prefixes = ["go_", "process_", "promhttp_"];
    let names = [
        "node_exporter_build_info",
        "node_scrape_collector_duration_seconds",
        "node_textfile_mtime_seconds",
        "node_time_zone_offset_seconds",
        "node_time_seconds",
        "node_network_receive_bytes_total",
        "node_network_receive_packets_total",
        "node_network_transmit_bytes_total",
        "node_network_transmit_packets_total",
    ];
    !prefixes.iter().any(|prefix| family.starts_with(prefix)) && !names.contains(&family)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the folder is made");
    for entry in fs::read_dir(from).expect("the fixtures can be listed") {
        let entry = entry.expect("the fixtures can be listed");
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).expect("the fixture is copied");
        }
    }
}

/// A writable copy of the fixtures with the archives unpacked.
fn fixtures() -> Option<tempfile::TempDir> {
    let source = folder(TOPIC)?.join("fixtures");
    let folder = tempfile::tempdir().expect("a folder");
    copy(&source, folder.path());
    for archive in ["sys.ttar", "udev.ttar"] {
        let text = fs::read_to_string(source.join(archive)).expect("the archive is text");
        ttar::unpack(&text, folder.path());
    }
    Some(folder)
}

fn flags(fixtures: &str) -> Vec<String> {
    let built = |name: &&str| TABLE.iter().any(|entry| entry.name == *name);
    let absent = |flag: &str| {
        let flag = flag.trim_start_matches("--no-").trim_start_matches("--");
        NOT_BUILT.iter().any(|absent| flag.starts_with(&format!("collector.{}.", absent.name)))
    };
    let mut flags: Vec<String> = FLAGS.iter().filter(|flag| !absent(flag)).map(|flag| (*flag).to_owned()).collect();
    flags.extend(ON.split_whitespace().filter(built).map(|name| format!("--collector.{name}")));
    flags.extend(OFF.split_whitespace().map(|name| format!("--no-collector.{name}")));
    for (flag, path) in [
        ("path.rootfs", ""),
        ("path.procfs", "/proc"),
        ("path.sysfs", "/sys"),
        ("path.udev.data", "/udev/data"),
        ("collector.textfile.directory", "/textfile/two_metric_files/"),
        ("collector.qdisc.fixtures", "/qdisc/"),
        ("collector.wifi.fixtures", "/wifi"),
    ] {
        let flag = format!("--{flag}={fixtures}{path}");
        if !absent(&flag) {
            flags.push(flag);
        }
    }
    flags
}

/// The lines to compare, without those about collectors that are not there yet.
fn lines(families: &Families, absent: &[&str]) -> BTreeSet<String> {
    let is_absent = |line: &str| absent.iter().any(|name| line.contains(&format!("{{collector=\"{name}\"}}")));
    families
        .iter()
        .filter(|(name, _)| is_compared(name) && !absent.iter().any(|absent| owns(absent, name)))
        .flat_map(|(_, lines)| lines)
        .filter(|line| !is_absent(line))
        .cloned()
        .collect()
}

/// Whether the family belongs to the collector.
fn owns(collector: &str, family: &str) -> bool {
    let prefixes: &[&str] = match collector {
        "cpufreq" => &["node_cpu_scaling_"],
        "cpu_vulnerabilities" => &["node_cpu_vulnerabilities_"],
        "meminfo_numa" => &["node_memory_numa_"],
        "netclass" => &[
            "node_network_up",
            "node_network_info",
            "node_network_address_assign_type",
            "node_network_carrier",
            "node_network_device_id",
            "node_network_dormant",
            "node_network_flags",
            "node_network_iface_",
            "node_network_mtu_bytes",
            "node_network_name_assign_type",
            "node_network_net_dev_group",
            "node_network_protocol_type",
            "node_network_speed_bytes",
            "node_network_transmit_queue_length",
        ],
        "thermal_zone" => &["node_thermal_zone_", "node_cooling_device_"],
        "conntrack" => &["node_nf_conntrack_"],
        "mdadm" => &["node_md_"],
        "powersupplyclass" => &["node_power_supply_"],
        "tapestats" => &["node_tape_"],
        "udp_queues" => &["node_udp_queues"],
        "processes" => &["node_processes_"],
        "textfile" => &["node_textfile_", "testmetric"],
        _ => return family.strip_prefix("node_").is_some_and(|rest| rest.starts_with(&format!("{collector}_"))),
    };
    prefixes.iter().any(|prefix| family.starts_with(prefix))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_the_fixtures_is_the_originals() {
    let Some(folder) = fixtures() else { return };
    let golden = fs::read_to_string(folder.path().join("e2e-output.txt")).expect("the golden page is there");
    let place = folder.path().to_str().expect("the folder's name is text");
    let page = page_of(&flags(place)).await.replace(place, "collector/fixtures");
    let absent: Vec<&str> = NOT_BUILT.iter().map(|absent| absent.name).collect();
    let (expected, found) = (lines(&families(&golden), &absent), lines(&families(&page), &absent));
    let missing = expected.difference(&found).map(|line| format!("- {line}"));
    let failures: Vec<String> = missing.chain(found.difference(&expected).map(|line| format!("+ {line}"))).collect();
    println!("collectors that are not there yet: {}", absent.join(" "));
    close("lines of the golden page", expected.union(&found).count(), &failures);
}
