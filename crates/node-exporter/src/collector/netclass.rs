//! `netclass`: what the kernel says about network devices, apart from their traffic.

use std::path::Path;
use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, Filter, Flag, FlagError};
use metrics_model::family::MetricKind::{self, Counter, Gauge};

use super::{Setup, flag};
use crate::roots::{ReadError, Roots, attribute, integer, list};

const NETLINK: &str = "collector.netclass.netlink";

pub(super) const FLAGS: &[Flag] = &[
    Flag::text("collector.netclass.ignored-devices", "^$", "Regexp of net devices to ignore for netclass collector."),
    Flag::switch(
        "collector.netclass.ignore-invalid-speed",
        false,
        "Ignore devices where the speed is invalid. This will be the default behavior in 2.x.",
    ),
    Flag::switch(NETLINK, false, "Use netlink to gather stats instead of /sys/class/net (not supported yet).").hidden(),
    Flag::switch("collector.netclass_rtnl.with-stats", false, "Tunes --collector.netclass.netlink, and nothing else.")
        .hidden(),
];

/// Whole numbers: file, property in the metric's name, kind.
const PROPERTIES: [(&str, &str, MetricKind); 16] = [
    ("addr_assign_type", "address_assign_type", Gauge),
    ("carrier", "carrier", Gauge),
    ("carrier_changes", "carrier_changes_total", Counter),
    ("carrier_up_count", "carrier_up_changes_total", Counter),
    ("carrier_down_count", "carrier_down_changes_total", Counter),
    ("dev_id", "device_id", Gauge),
    ("dormant", "dormant", Gauge),
    ("flags", "flags", Gauge),
    ("ifindex", "iface_id", Gauge),
    ("iflink", "iface_link", Gauge),
    ("link_mode", "iface_link_mode", Gauge),
    ("mtu", "mtu_bytes", Gauge),
    ("name_assign_type", "name_assign_type", Gauge),
    ("netdev_group", "net_dev_group", Gauge),
    ("tx_queue_len", "transmit_queue_length", Gauge),
    ("type", "protocol_type", Gauge),
];

/// The bit of `flags` for a device that the administrator has switched on.
const FLAG_UP: i64 = 1;

struct NetClass {
    roots: Arc<Roots>,
    devices: Filter,
    ignore_invalid_speed: bool,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    if setup.values.on(NETLINK) {
        return Err(FlagError::Unsupported { flag: NETLINK.to_owned() });
    }
    Ok(Box::new(NetClass {
        roots: Arc::clone(&setup.roots),
        devices: Filter::excluding(setup.values.regex("collector.netclass.ignored-devices")?),
        ignore_invalid_speed: setup.values.on("collector.netclass.ignore-invalid-speed"),
    }))
}

impl Collector for NetClass {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let directory = self.roots.sys("class/net");
        let devices = match list(&directory) {
            Err(error) if error.is_forbidden() => return Err(CollectError::no_data(error.path.display().to_string())),
            other => other.map_err(ReadError::or_no_data)?,
        };
        for device in devices.iter().filter(|device| self.devices.keeps(device)) {
            let path = directory.join(device);
            // Beside the devices there are files, such as the list of bonds.
            if path.is_dir() {
                self.emit(device, &path, out);
            }
        }
        Ok(())
    }
}

impl NetClass {
    fn emit(&self, device: &str, path: &Path, out: &mut Batch) {
        let text = |file: &str| attribute(&path.join(file)).unwrap_or_default();
        let number = |file: &str| integer(&path.join(file));
        let labels = [("device", device)];
        let state = text("operstate");
        out.gauge("node_network_up", "Value is 1 if operstate is 'up', 0 otherwise.")
            .with(&labels, flag(state == "up"));
        let admin_state = match number("flags") {
            None => "unknown",
            Some(flags) if flags & FLAG_UP != 0 => "up",
            Some(_) => "down",
        };
        out.gauge("node_network_info", "Non-numeric data from /sys/class/net/<iface>, value is always 1.").with(
            &[
                ("device", device),
                ("address", &text("address")),
                ("broadcast", &text("broadcast")),
                ("duplex", &text("duplex")),
                ("operstate", &state),
                ("adminstate", admin_state),
                ("ifalias", &text("ifalias")),
            ],
            1.0,
        );
        // Not every device has every property, and some can only be read while it is up.
        let mut property = |name: &str, kind: MetricKind, value: i64| {
            let (metric, help) = (format!("node_network_{name}"), format!("Network device property: {name}"));
            let mut family = if kind == Counter { out.counter(&metric, &help) } else { out.gauge(&metric, &help) };
            family.with(&labels, value as f64);
        };
        for (file, name, kind) in PROPERTIES {
            if let Some(value) = number(file) {
                property(name, kind, value);
            }
        }
        // A device that does not know its speed says -1 Mbit/s.
        if let Some(speed) = number("speed").filter(|speed| *speed >= 0 || !self.ignore_invalid_speed) {
            property("speed_bytes", Gauge, speed.saturating_mul(1_000_000) / 8);
        }
    }
}
