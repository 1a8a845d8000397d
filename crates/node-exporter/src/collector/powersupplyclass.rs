//! `powersupplyclass`: batteries and mains.

use std::path::Path;
use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, Filter, Flag, FlagError};

use super::Setup;
use crate::roots::{ReadError, Roots, attribute, integer, list};

const IGNORED: &str = "collector.powersupply.ignored-supplies";

pub(super) const FLAGS: &[Flag] =
    &[Flag::text(IGNORED, "^$", "Regexp of power supplies to ignore for powersupplyclass collector.")];

/// Files whose number counts as it is: file and metric.
const PLAIN: &[(&str, &str)] = &[
    ("authentic", "authentic"),
    ("calibrate", "calibrate"),
    ("capacity", "capacity"),
    ("capacity_alert_max", "capacity_alert_max"),
    ("capacity_alert_min", "capacity_alert_min"),
    ("cycle_count", "cyclecount"),
    ("online", "online"),
    ("present", "present"),
    ("time_to_empty_now", "time_to_empty_seconds"),
    ("time_to_full_now", "time_to_full_seconds"),
];

/// Files in millionths of the unit.
const MILLIONTHS: &[(&str, &str)] = &[
    ("current_boot", "current_boot"),
    ("current_max", "current_max"),
    ("current_now", "current_ampere"),
    ("energy_empty", "energy_empty"),
    ("energy_empty_design", "energy_empty_design"),
    ("energy_full", "energy_full"),
    ("energy_full_design", "energy_full_design"),
    ("energy_now", "energy_watthour"),
    ("voltage_boot", "voltage_boot"),
    ("voltage_max", "voltage_max"),
    ("voltage_max_design", "voltage_max_design"),
    ("voltage_min", "voltage_min"),
    ("voltage_min_design", "voltage_min_design"),
    ("voltage_now", "voltage_volt"),
    ("voltage_ocv", "voltage_ocv"),
    ("charge_control_limit", "charge_control_limit"),
    ("charge_control_limit_max", "charge_control_limit_max"),
    ("charge_counter", "charge_counter"),
    ("charge_empty", "charge_empty"),
    ("charge_empty_design", "charge_empty_design"),
    ("charge_full", "charge_full"),
    ("charge_full_design", "charge_full_design"),
    ("charge_now", "charge_ampere"),
    ("charge_term_current", "charge_term_current"),
    ("constant_charge_current", "constant_charge_current"),
    ("constant_charge_current_max", "constant_charge_current_max"),
    ("constant_charge_voltage", "constant_charge_voltage"),
    ("constant_charge_voltage_max", "constant_charge_voltage_max"),
    ("precharge_current", "precharge_current"),
    ("input_current_limit", "input_current_limit"),
    ("power_now", "power_watt"),
];

/// Files in tenths of the unit.
const TENTHS: &[(&str, &str)] = &[
    ("temp", "temp_celsius"),
    ("temp_alert_max", "temp_alert_max_celsius"),
    ("temp_alert_min", "temp_alert_min_celsius"),
    ("temp_ambient", "temp_ambient_celsius"),
    ("temp_ambient_max", "temp_ambient_max_celsius"),
    ("temp_ambient_min", "temp_ambient_min_celsius"),
    ("temp_max", "temp_max_celsius"),
    ("temp_min", "temp_min_celsius"),
];

/// Files that become labels of the same name.
const LABELS: [&str; 11] = [
    "capacity_level",
    "charge_type",
    "health",
    "manufacturer",
    "model_name",
    "serial_number",
    "status",
    "technology",
    "type",
    "usb_type",
    "scope",
];

struct PowerSupplies {
    roots: Arc<Roots>,
    supplies: Filter,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    let supplies = Filter::excluding(setup.values.regex(IGNORED)?);
    Ok(Box::new(PowerSupplies { roots: Arc::clone(&setup.roots), supplies }))
}

impl Collector for PowerSupplies {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let directory = self.roots.sys("class/power_supply");
        let supplies = list(&directory).map_err(ReadError::or_no_data)?;
        for supply in supplies.iter().filter(|supply| self.supplies.keeps(supply)) {
            emit(supply, &directory.join(supply), out);
        }
        Ok(())
    }
}

fn emit(supply: &str, path: &Path, out: &mut Batch) {
    for (files, divisor) in [(PLAIN, 1.0), (MILLIONTHS, 1e6), (TENTHS, 10.0)] {
        for (file, metric) in files {
            if let Some(value) = integer(&path.join(file)) {
                let help = format!("{metric} value of /sys/class/power_supply/<power_supply>.");
                out.gauge(&format!("node_power_supply_{metric}"), &help)
                    .with(&[("power_supply", supply)], value as f64 / divisor);
            }
        }
    }
    let texts = LABELS.map(|file| attribute(&path.join(file)).unwrap_or_default());
    let mut labels = vec![("power_supply", supply)];
    labels.extend(
        LABELS.into_iter().zip(&texts).filter(|(_, text)| !text.is_empty()).map(|(l, text)| (l, text.as_str())),
    );
    out.gauge("node_power_supply_info", "info of /sys/class/power_supply/<power_supply>.").with(&labels, 1.0);
}
