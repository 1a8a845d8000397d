//! `hwmon`: temperatures, voltages, fans and other sensors.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, Filter, Flag, FlagError};

use self::sensor::{Sensor, clean, split};
use super::Setup;
use crate::roots::{ReadError, Roots, attribute, list, read};

mod sensor;

pub(super) const FLAGS: &[Flag] = &[
    Flag::text(
        "collector.hwmon.chip-include",
        "",
        "Regexp of hwmon chip to include (mutually exclusive to device-exclude).",
    ),
    Flag::text(
        "collector.hwmon.chip-exclude",
        "",
        "Regexp of hwmon chip to exclude (mutually exclusive to device-include).",
    ),
    Flag::text(
        "collector.hwmon.sensor-include",
        "",
        "Regexp of hwmon sensor to include (mutually exclusive to sensor-exclude).",
    ),
    Flag::text(
        "collector.hwmon.sensor-exclude",
        "",
        "Regexp of hwmon sensor to exclude (mutually exclusive to sensor-include).",
    ),
];

struct HwMon {
    roots: Arc<Roots>,
    chips: Filter,
    sensors: Filter,
}

/// A directory of `/sys/class/hwmon`.
struct Chip {
    directory: PathBuf,
    /// As derived from its device; several chips of one device share it.
    name: String,
    /// What its `name` file says.
    given_name: String,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    let filter = |include, exclude| Filter::from_flags(setup.values, include, exclude);
    Ok(Box::new(HwMon {
        roots: Arc::clone(&setup.roots),
        chips: filter("collector.hwmon.chip-include", "collector.hwmon.chip-exclude")?,
        sensors: filter("collector.hwmon.sensor-include", "collector.hwmon.sensor-exclude")?,
    }))
}

impl Collector for HwMon {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let directory = self.roots.sys("class/hwmon");
        let names = list(&directory).map_err(ReadError::or_no_data)?;
        let directories = names.iter().map(|name| directory.join(name)).filter(|path| path.is_dir());
        let chips: Vec<Chip> = directories.filter_map(chip).collect();
        let mut failure = Ok(());
        for (chip, label) in chips.iter().zip(labels(&chips)) {
            if self.chips.keeps(&label) {
                // A chip that fails does not hide the others.
                failure = self.collect_chip(chip, &label, out).and(failure);
            }
        }
        failure.map_err(CollectError::from)
    }
}

impl HwMon {
    fn collect_chip(&self, chip: &Chip, label: &str, out: &mut Batch) -> Result<(), ReadError> {
        let mut sensors = BTreeMap::new();
        read_sensors(&chip.directory, &mut sensors)?;
        let device = chip.directory.join("device");
        if device.exists() {
            read_sensors(&device, &mut sensors)?;
        }
        let readable = clean(&chip.given_name);
        if !readable.is_empty() {
            out.gauge("node_hwmon_chip_names", "Annotation metric for human-readable chip names")
                .with(&[("chip", label), ("chip_name", &readable)], 1.0);
        }
        for (name, sensor) in &sensors {
            if self.sensors.keeps(&format!("{label};{name}")) {
                sensor.emit(label, name, out);
            }
        }
        Ok(())
    }
}

fn read_sensors(directory: &Path, sensors: &mut BTreeMap<String, Sensor>) -> Result<(), ReadError> {
    for file in list(directory)? {
        if let Some((kind, number, property)) = split(&file) {
            // Broken drivers fail for single sensors.
            if let Ok(value) = read(&directory.join(&file)) {
                let sensor = sensors.entry(format!("{kind}{number}")).or_insert_with(|| Sensor::new(kind));
                sensor.set(property, value.trim_matches('\n'));
            }
        }
    }
    Ok(())
}

fn chip(directory: PathBuf) -> Option<Chip> {
    let given_name = attribute(&directory.join("name")).unwrap_or_default();
    let name = device_name(&directory)
        .or_else(|| Some(clean(&given_name)))
        .filter(|name| !name.is_empty())
        .or_else(|| Some(clean(fs::canonicalize(&directory).ok()?.file_name()?.to_str()?)))
        .filter(|name| !name.is_empty())?;
    Some(Chip { directory, name, given_name })
}

/// The numbers of chips depend on the order in which drivers were loaded; the path of the device is stable.
fn device_name(directory: &Path) -> Option<String> {
    let device = fs::canonicalize(directory.join("device")).ok()?;
    let part = |path: Option<&Path>| Some(clean(path?.file_name()?.to_str()?)).filter(|name| !name.is_empty());
    let name = part(Some(&device))?;
    Some(part(device.parent()).map_or(name.clone(), |bus| format!("{bus}_{name}")))
}

/// The chips' labels: their names, made unique by what they call themselves or, failing that, by their numbers.
fn labels(chips: &[Chip]) -> Vec<String> {
    let mut names: HashMap<&str, u32> = HashMap::new();
    let mut given: HashMap<(&str, &str), u32> = HashMap::new();
    for chip in chips {
        *names.entry(&chip.name).or_default() += 1;
        *given.entry((&chip.name, &chip.given_name)).or_default() += 1;
    }
    let label = |chip: &Chip| {
        if names[chip.name.as_str()] == 1 {
            return chip.name.clone();
        }
        let mut suffix = clean(&chip.given_name);
        if suffix.is_empty() || given[&(chip.name.as_str(), chip.given_name.as_str())] > 1 {
            suffix = clean(&chip.directory.file_name().unwrap_or_default().to_string_lossy());
        }
        format!("{}_{suffix}", chip.name)
    };
    chips.iter().map(label).collect()
}
