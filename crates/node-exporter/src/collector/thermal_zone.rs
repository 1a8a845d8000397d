//! `thermal_zone`: temperatures, and how hard cooling devices work.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::Setup;
use crate::roots::{Roots, attribute, number, numbered};

struct ThermalZone {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(ThermalZone { roots: Arc::clone(&setup.roots) }))
}

impl Collector for ThermalZone {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let directory = self.roots.sys("class/thermal");
        for (zone, path) in numbered(&directory, "thermal_zone") {
            // A zone whose sensor is asleep has no temperature, which is not zero degrees.
            let Some(millidegrees) = number::<f64>(&path.join("temp")) else { continue };
            let kind = attribute(&path.join("type")).unwrap_or_default();
            out.gauge("node_thermal_zone_temp", "Zone temperature in Celsius")
                .with(&[("zone", &zone), ("type", &kind)], millidegrees / 1000.0);
        }
        for (device, path) in numbered(&directory, "cooling_device") {
            let state = |name: &str| number::<f64>(&path.join(name));
            let (Some(kind), Some(current), Some(max)) =
                (attribute(&path.join("type")), state("cur_state"), state("max_state"))
            else {
                continue;
            };
            let labels = [("name", device.as_str()), ("type", &kind)];
            out.gauge("node_cooling_device_cur_state", "Current throttle state of the cooling device")
                .with(&labels, current);
            out.gauge("node_cooling_device_max_state", "Maximum throttle state of the cooling device")
                .with(&labels, max);
        }
        Ok(())
    }
}
