//! `cpu`: seconds by mode, throttling, isolation, and on request what `/proc/cpuinfo` says.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, Flag, FlagError};
use parking_lot::Mutex;
use regex::Regex;

use super::{Setup, flag};
use crate::parse::cpuinfo::{self, CpuInfo};
use crate::parse::stat::{IDLE, MODES, OWN_MODES};
use crate::parse::{cpulist, stat};
use crate::roots::{Roots, number, numbered, read, read_if_there};

pub(super) const FLAGS: &[Flag] = &[
    Flag::switch("collector.cpu.guest", true, "Enables metric node_cpu_guest_seconds_total"),
    Flag::switch("collector.cpu.info", false, "Enables metric cpu_info"),
    Flag::text(
        "collector.cpu.info.flags-include",
        "",
        "Filter the `flags` field in cpuInfo with a value that must be a regular expression",
    ),
    Flag::text(
        "collector.cpu.info.bugs-include",
        "",
        "Filter the `bugs` field in cpuInfo with a value that must be a regular expression",
    ),
];

/// When idle time falls by more than this, the CPU was taken out and put back, and its counters start anew. A smaller
/// step back is the kernel's inaccuracy, and the counter stands still until time has caught up.
const JUMP_BACK_SECONDS: f64 = 3.0;

type Seconds = [f64; MODES.len()];

struct Cpu {
    roots: Arc<Roots>,
    guest: bool,
    info: bool,
    frequency: bool,
    flags: Option<Regex>,
    bugs: Option<Regex>,
    /// What was shown last: counters must not fall.
    shown: Mutex<BTreeMap<u32, Seconds>>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    let flags = setup.values.regex("collector.cpu.info.flags-include")?;
    let bugs = setup.values.regex("collector.cpu.info.bugs-include")?;
    Ok(Box::new(Cpu {
        roots: Arc::clone(&setup.roots),
        guest: setup.values.on("collector.cpu.guest"),
        // Whoever filters the information wants it.
        info: setup.values.on("collector.cpu.info") || flags.is_some() || bugs.is_some(),
        frequency: setup.enabled.contains(&"cpufreq"),
        flags,
        bugs,
        shown: Mutex::default(),
    }))
}

impl Collector for Cpu {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        if self.info {
            let text = read(&self.roots.proc("cpuinfo"))?;
            self.emit_info(&cpuinfo::parse(&text).map_err(|error| error.in_file("cpuinfo"))?, out);
        }
        let text = read(&self.roots.proc("stat"))?;
        let stat = stat::parse(&text).map_err(|error| error.in_file("stat"))?;
        let mut shown = self.shown.lock();
        never_fall(&mut shown, &stat.cpus);
        emit_seconds(&shown, self.guest, out);
        drop(shown);
        let cpus = self.roots.sys("devices/system/cpu");
        if let Some(isolated) = read_if_there(&cpus.join("isolated"))? {
            let isolated = cpulist::parse(&isolated).map_err(|error| error.in_file("isolated"))?;
            emit_isolated(&isolated, out);
        }
        emit_throttles(&read_throttles(&cpus), out);
        emit_online(&cpus, out);
        Ok(())
    }
}

/// Brings what was shown up to date with what the kernel says now.
fn never_fall(shown: &mut BTreeMap<u32, Seconds>, now: &[(u32, Seconds)]) {
    for (cpu, seconds) in now {
        let shown = shown.entry(*cpu).or_default();
        if shown[IDLE] - seconds[IDLE] >= JUMP_BACK_SECONDS {
            *shown = Seconds::default();
        }
        for (shown, now) in shown.iter_mut().zip(seconds) {
            *shown = shown.max(*now);
        }
    }
    shown.retain(|cpu, _| now.iter().any(|(online, _)| online == cpu));
}

fn emit_seconds(cpus: &BTreeMap<u32, Seconds>, guest: bool, out: &mut Batch) {
    for (cpu, seconds) in cpus {
        let cpu = cpu.to_string();
        let mut counter = out.counter("node_cpu_seconds_total", "Seconds the CPUs spent in each mode.");
        for (mode, seconds) in MODES.into_iter().zip(seconds).take(OWN_MODES) {
            counter.with(&[("cpu", &cpu), ("mode", mode)], *seconds);
        }
        if guest {
            out.counter("node_cpu_guest_seconds_total", "Seconds the CPUs spent in guests (VMs) for each mode.")
                .with(&[("cpu", &cpu), ("mode", "user")], seconds[OWN_MODES])
                .with(&[("cpu", &cpu), ("mode", "nice")], seconds[OWN_MODES + 1]);
        }
    }
}

fn emit_isolated(cpus: &[u32], out: &mut Batch) {
    for cpu in cpus {
        out.gauge(
            "node_cpu_isolated",
            "Whether each core is isolated, information from /sys/devices/system/cpu/isolated.",
        )
        .with(&[("cpu", &cpu.to_string())], 1.0);
    }
}

/// How often packages and cores, by package and core number, were throttled.
#[derive(Debug, Default, PartialEq)]
struct Throttles {
    packages: BTreeMap<u64, f64>,
    cores: BTreeMap<(u64, u64), f64>,
}

/// The threads of a core and the cores of a package all show the same counts, so each is read once.
fn read_throttles(cpus: &Path) -> Throttles {
    let mut throttles = Throttles::default();
    for (_, cpu) in numbered(cpus, "cpu") {
        let topology = cpu.join("topology");
        let (Some(package), Some(core)) =
            (number(&topology.join("physical_package_id")), number(&topology.join("core_id")))
        else {
            continue;
        };
        if !throttles.cores.contains_key(&(package, core))
            && let Some(count) = number::<f64>(&cpu.join("thermal_throttle/core_throttle_count"))
        {
            throttles.cores.insert((package, core), count);
        }
        if !throttles.packages.contains_key(&package)
            && let Some(count) = number::<f64>(&cpu.join("thermal_throttle/package_throttle_count"))
        {
            throttles.packages.insert(package, count);
        }
    }
    throttles
}

fn emit_throttles(throttles: &Throttles, out: &mut Batch) {
    for (package, count) in &throttles.packages {
        out.counter("node_cpu_package_throttles_total", "Number of times this CPU package has been throttled.")
            .with(&[("package", &package.to_string())], *count);
    }
    for ((package, core), count) in &throttles.cores {
        out.counter("node_cpu_core_throttles_total", "Number of times this CPU core has been throttled.")
            .with(&[("package", &package.to_string()), ("core", &core.to_string())], *count);
    }
}

/// A kernel that cannot take CPUs offline has no `online` file for the first one; then nothing is said.
fn emit_online(cpus: &Path, out: &mut Batch) {
    let cpus = numbered(cpus, "cpu");
    let known = |cpu: &Path| number::<u8>(&cpu.join("online"));
    if cpus.first().is_none_or(|(_, cpu)| known(cpu).is_none()) {
        return;
    }
    for (number, cpu) in cpus {
        out.gauge("node_cpu_online", "CPUs that are online and being scheduled.")
            .with(&[("cpu", &number)], flag(known(&cpu) == Some(1)));
    }
}

impl Cpu {
    fn emit_info(&self, cpus: &[CpuInfo], out: &mut Batch) {
        for cpu in cpus {
            let number = cpu.processor.to_string();
            let place = [("package", cpu.package.as_str()), ("core", &cpu.core), ("cpu", &number)];
            let model = [
                ("vendor", cpu.vendor.as_str()),
                ("family", &cpu.family),
                ("model", &cpu.model),
                ("model_name", &cpu.model_name),
                ("microcode", &cpu.microcode),
                ("stepping", &cpu.stepping),
                ("cachesize", &cpu.cache_size),
            ];
            out.gauge("node_cpu_info", "CPU information from /proc/cpuinfo.").with(&[&place[..], &model].concat(), 1.0);
            if self.frequency {
                out.gauge("node_cpu_frequency_hertz", "CPU frequency in hertz from /proc/cpuinfo.")
                    .with(&place, cpu.mhz * 1e6);
            }
        }
        let Some(first) = cpus.first() else { return };
        let chosen = |filter: &Option<Regex>, word: &str| filter.as_ref().is_some_and(|filter| filter.is_match(word));
        for word in first.flags.iter().filter(|word| chosen(&self.flags, word)) {
            let help = "The `flags` field of CPU information from /proc/cpuinfo taken from the first core.";
            out.gauge("node_cpu_flag_info", help).with(&[("flag", word)], 1.0);
        }
        for word in first.bugs.iter().filter(|word| chosen(&self.bugs, word)) {
            let help = "The `bugs` field of CPU information from /proc/cpuinfo taken from the first core.";
            out.gauge("node_cpu_bug_info", help).with(&[("bug", word)], 1.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(idle: f64, user: f64) -> Seconds {
        let mut seconds = Seconds::default();
        seconds[0] = user;
        seconds[IDLE] = idle;
        seconds
    }

    #[test]
    fn small_steps_back_stand_still_and_large_ones_start_anew() {
        let mut shown = BTreeMap::new();
        never_fall(&mut shown, &[(0, seconds(100.0, 50.0)), (1, seconds(100.0, 50.0))]);
        never_fall(&mut shown, &[(0, seconds(98.0, 51.0)), (1, seconds(97.0, 1.0))]);
        assert_eq!((shown[&0][IDLE], shown[&0][0]), (100.0, 51.0));
        assert_eq!((shown[&1][IDLE], shown[&1][0]), (97.0, 1.0));
    }

    #[test]
    fn cpus_that_went_away_are_forgotten() {
        let mut shown = BTreeMap::new();
        never_fall(&mut shown, &[(0, seconds(1.0, 1.0)), (1, seconds(1.0, 1.0))]);
        never_fall(&mut shown, &[(1, seconds(2.0, 1.0))]);
        assert_eq!(shown.keys().copied().collect::<Vec<_>>(), [1]);
    }
}
