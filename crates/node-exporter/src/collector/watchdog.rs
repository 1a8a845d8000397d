//! `watchdog`: the timers that restart a machine that hangs.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::Setup;
use crate::roots::{ReadError, Roots, attribute, integer, list};

/// Files with numbers: file, metric, help text.
const NUMBERS: [(&str, &str, &str); 7] = [
    ("bootstatus", "node_watchdog_bootstatus", "Value of /sys/class/watchdog/<watchdog>/bootstatus"),
    ("fw_version", "node_watchdog_fw_version", "Value of /sys/class/watchdog/<watchdog>/fw_version"),
    ("nowayout", "node_watchdog_nowayout", "Value of /sys/class/watchdog/<watchdog>/nowayout"),
    ("timeleft", "node_watchdog_timeleft_seconds", "Value of /sys/class/watchdog/<watchdog>/timeleft"),
    ("timeout", "node_watchdog_timeout_seconds", "Value of /sys/class/watchdog/<watchdog>/timeout"),
    ("pretimeout", "node_watchdog_pretimeout_seconds", "Value of /sys/class/watchdog/<watchdog>/pretimeout"),
    ("access_cs0", "node_watchdog_access_cs0", "Value of /sys/class/watchdog/<watchdog>/access_cs0"),
];

struct Watchdog {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Watchdog { roots: Arc::clone(&setup.roots) }))
}

impl Collector for Watchdog {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let directory = self.roots.sys("class/watchdog");
        for name in list(&directory).map_err(ReadError::or_no_data)? {
            let path = directory.join(&name);
            for (file, metric, help) in NUMBERS {
                if let Some(value) = integer(&path.join(file)) {
                    out.gauge(metric, help).with(&[("name", &name)], value as f64);
                }
            }
            let text = |file: &str| attribute(&path.join(file)).unwrap_or_default();
            out.gauge("node_watchdog_info", "Info of /sys/class/watchdog/<watchdog>").with(
                &[
                    ("name", &name),
                    ("options", &text("options")),
                    ("identity", &text("identity")),
                    ("state", &text("state")),
                    ("status", &text("status")),
                    ("pretimeout_governor", &text("pretimeout_governor")),
                ],
                1.0,
            );
        }
        Ok(())
    }
}
