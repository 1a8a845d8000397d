//! `time`: the host's clock, its time zone and its clock sources.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use exporter::{Batch, CollectError, Collector, FlagError};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Setup;
use crate::roots::{Roots, list_if_there, read};

struct Time {
    roots: Arc<Roots>,
    zone: TimeZone,
}

/// A clock source device: which sources it offers, and which it uses.
struct ClockSource {
    available: String,
    current: String,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Time { roots: Arc::clone(&setup.roots), zone: setup.time_zone.clone() }))
}

impl Collector for Time {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        out.gauge("node_time_seconds", "System time in seconds since epoch (1970).").value(since.as_secs_f64());
        let offset = self.zone.to_offset_info(Timestamp::now());
        out.gauge("node_time_zone_offset_seconds", "System time zone offset in seconds.")
            .with(&[("time_zone", offset.abbreviation())], f64::from(offset.offset().seconds()));
        emit(&self.read()?, out);
        Ok(())
    }
}

impl Time {
    fn read(&self) -> Result<Vec<ClockSource>, CollectError> {
        let directory = self.roots.sys("devices/system/clocksource");
        let mut sources = Vec::new();
        for name in list_if_there(&directory) {
            let is_device = name.strip_prefix("clocksource").is_some_and(|number| number.starts_with(char::is_numeric));
            if is_device {
                let available = read(&directory.join(&name).join("available_clocksource"))?;
                let current = read(&directory.join(&name).join("current_clocksource"))?;
                sources.push(ClockSource { available, current });
            }
        }
        Ok(sources)
    }
}

fn emit(sources: &[ClockSource], out: &mut Batch) {
    for (device, source) in sources.iter().enumerate() {
        let device = device.to_string();
        for available in source.available.split_whitespace() {
            out.gauge(
                "node_time_clocksource_available_info",
                "Available clocksources read from '/sys/devices/system/clocksource'.",
            )
            .with(&[("device", &device), ("clocksource", available)], 1.0);
        }
        out.gauge(
            "node_time_clocksource_current_info",
            "Current clocksource read from '/sys/devices/system/clocksource'.",
        )
        .with(&[("device", &device), ("clocksource", source.current.trim())], 1.0);
    }
}
