//! `cpufreq`: the CPUs' frequencies and governors.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::{Setup, flag};
use crate::parse::cpulist;
use crate::roots::{Roots, attribute, number, numbered, read};

/// Kernels delay each reading of a frequency by up to 50 ms, so the CPUs of a big machine are read side by side.
const CPUS_PER_THREAD: usize = 8;
const THREADS_MAX: usize = 32;

/// The files with frequencies: file, metric, help text.
const FREQUENCIES: [(&str, &str, &str); 7] = [
    ("cpuinfo_cur_freq", "node_cpu_frequency_hertz", "Current CPU thread frequency in hertz."),
    ("cpuinfo_avg_freq", "node_cpu_frequency_avg_hertz", "Average CPU thread frequency in hertz."),
    ("cpuinfo_min_freq", "node_cpu_frequency_min_hertz", "Minimum CPU thread frequency in hertz."),
    ("cpuinfo_max_freq", "node_cpu_frequency_max_hertz", "Maximum CPU thread frequency in hertz."),
    ("scaling_cur_freq", "node_cpu_scaling_frequency_hertz", "Current scaled CPU thread frequency in hertz."),
    ("scaling_min_freq", "node_cpu_scaling_frequency_min_hertz", "Minimum scaled CPU thread frequency in hertz."),
    ("scaling_max_freq", "node_cpu_scaling_frequency_max_hertz", "Maximum scaled CPU thread frequency in hertz."),
];

struct CpuFreq {
    roots: Arc<Roots>,
}

/// What a CPU's `cpufreq` says.
#[derive(Debug, Default)]
struct Cpu {
    number: String,
    /// In the order of [`FREQUENCIES`]; some files only exist, or can only be read, on some systems.
    kilohertz: [Option<f64>; FREQUENCIES.len()],
    governor: String,
    governors: String,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(CpuFreq { roots: Arc::clone(&setup.roots) }))
}

impl Collector for CpuFreq {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let directory = self.roots.sys("devices/system/cpu");
        let offline = read(&directory.join("offline"))?;
        let offline = cpulist::parse(&offline).map_err(|error| error.in_file("offline"))?;
        let mut cpus = numbered(&directory, "cpu");
        cpus.retain(|(number, _)| number.parse().is_ok_and(|number: u32| !offline.contains(&number)));
        for cpu in read_side_by_side(&cpus) {
            emit(&cpu, out);
        }
        Ok(())
    }
}

fn read_side_by_side(cpus: &[(String, PathBuf)]) -> Vec<Cpu> {
    let chunk = cpus.len().div_ceil(THREADS_MAX).max(CPUS_PER_THREAD);
    if cpus.len() <= chunk {
        return read_all(cpus);
    }
    thread::scope(|scope| {
        let readers: Vec<_> = cpus.chunks(chunk).map(|cpus| scope.spawn(|| read_all(cpus))).collect();
        readers.into_iter().filter_map(|reader| reader.join().ok()).flatten().collect()
    })
}

fn read_all(cpus: &[(String, PathBuf)]) -> Vec<Cpu> {
    cpus.iter().filter_map(|(number, path)| read_cpu(number, &path.join("cpufreq"))).collect()
}

/// A CPU without the directory cannot change its frequency.
fn read_cpu(name: &str, directory: &Path) -> Option<Cpu> {
    if !directory.exists() {
        return None;
    }
    let kilohertz = FREQUENCIES.map(|(file, ..)| number(&directory.join(file)));
    let text = |file: &str| attribute(&directory.join(file)).unwrap_or_default();
    let (governor, governors) = (text("scaling_governor"), text("scaling_available_governors"));
    Some(Cpu { number: name.to_owned(), kilohertz, governor, governors })
}

fn emit(cpu: &Cpu, out: &mut Batch) {
    let labels = ("cpu", cpu.number.as_str());
    for ((_, name, help), kilohertz) in FREQUENCIES.into_iter().zip(cpu.kilohertz) {
        if let Some(kilohertz) = kilohertz {
            out.gauge(name, help).with(&[labels], kilohertz * 1000.0);
        }
    }
    if !cpu.governor.is_empty() {
        for governor in cpu.governors.split(' ') {
            out.gauge("node_cpu_scaling_governor", "Current enabled CPU frequency governor.")
                .with(&[labels, ("governor", governor)], flag(governor == cpu.governor));
        }
    }
}
