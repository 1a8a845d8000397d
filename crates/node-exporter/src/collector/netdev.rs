//! `netdev`: what network devices received and sent.

use std::net::IpAddr;
use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, Filter, Flag, FlagError};

use super::Setup;
use crate::parse::netdev::{self, Counters};
use crate::parse::netlink::{self, Address, LINK_COUNTERS, Link};
use crate::roots::{Roots, attribute, read};
use crate::sys;

pub(super) const FLAGS: &[Flag] = &[
    Flag::text(
        "collector.netdev.device-include",
        "",
        "Regexp of net devices to include (mutually exclusive to device-exclude).",
    ),
    Flag::text(
        "collector.netdev.device-exclude",
        "",
        "Regexp of net devices to exclude (mutually exclusive to device-include).",
    ),
    Flag::text("collector.netdev.device-whitelist", "", "DEPRECATED: Use collector.netdev.device-include").hidden(),
    Flag::text("collector.netdev.device-blacklist", "", "DEPRECATED: Use collector.netdev.device-exclude").hidden(),
    Flag::switch("collector.netdev.address-info", false, "Collect address-info for every device"),
    Flag::switch(
        "collector.netdev.enable-detailed-metrics",
        false,
        "Use (incompatible) metric names that provide more detailed stats on Linux",
    ),
    Flag::switch("collector.netdev.netlink", true, "Use netlink to gather stats instead of /proc/net/dev."),
    Flag::switch("collector.netdev.label-ifalias", false, "Add ifAlias label"),
];

struct NetDev {
    roots: Arc<Roots>,
    devices: Filter,
    addresses: bool,
    detailed: bool,
    netlink: bool,
    aliases: bool,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    let values = setup.values;
    let include = values.renamed("collector.netdev.device-whitelist", "collector.netdev.device-include")?;
    let exclude = values.renamed("collector.netdev.device-blacklist", "collector.netdev.device-exclude")?;
    Ok(Box::new(NetDev {
        roots: Arc::clone(&setup.roots),
        devices: Filter::from_flags(values, include, exclude)?,
        addresses: values.on("collector.netdev.address-info"),
        detailed: values.on("collector.netdev.enable-detailed-metrics"),
        netlink: values.on("collector.netdev.netlink"),
        aliases: values.on("collector.netdev.label-ifalias"),
    }))
}

impl Collector for NetDev {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let mut links = Vec::new();
        if self.netlink || self.addresses {
            let answer = sys::route_dump(&netlink::links_request())
                .map_err(|error| CollectError::failed("ask netlink for links", error))?;
            links = netlink::links(&answer);
        }
        let devices = if self.netlink { by_netlink(&links) } else { self.by_file()? };
        for (device, mut counters) in devices {
            if !self.devices.keeps(&device) {
                continue;
            }
            if !self.detailed {
                sum_up(&mut counters);
            }
            let alias = self
                .aliases
                .then(|| attribute(&self.roots.sys("class/net").join(&device).join("ifalias")).unwrap_or_default());
            emit(&device, alias.as_deref(), &counters, out);
        }
        if self.addresses {
            let answer = sys::route_dump(&netlink::addresses_request())
                .map_err(|error| CollectError::failed("ask netlink for addresses", error))?;
            self.emit_addresses(&links, &netlink::addresses(&answer), out);
        }
        Ok(())
    }
}

impl NetDev {
    fn by_file(&self) -> Result<Vec<(String, Counters)>, CollectError> {
        let text = read(&self.roots.proc("net/dev"))?;
        netdev::parse(&text).map_err(|error| error.in_file("net/dev"))
    }

    fn emit_addresses(&self, links: &[Link], addresses: &[Address], out: &mut Batch) {
        for address in addresses {
            let Some(link) = links.iter().find(|link| link.index == address.link) else { continue };
            if self.devices.keeps(&link.name) {
                out.gauge("node_network_address_info", "node network address by device").with(
                    &[
                        ("device", &link.name),
                        ("address", &address.address.to_string()),
                        ("netmask", &address.prefix_bits.to_string()),
                        ("scope", scope(address.address)),
                    ],
                    1.0,
                );
            }
        }
    }
}

fn by_netlink(links: &[Link]) -> Vec<(String, Counters)> {
    let named = |counters: [u64; LINK_COUNTERS.len()]| LINK_COUNTERS.into_iter().zip(counters).collect();
    links.iter().filter_map(|link| Some((link.name.clone(), named(link.counters?)))).collect()
}

/// From the kernel's detailed counters to those of `/proc/net/dev`, which all dashboards know.
fn sum_up(counters: &mut Counters) {
    const SUMS: [(&str, &str, &[&str]); 10] = [
        ("receive_errs", "receive_errors", &[]),
        ("receive_drop", "receive_dropped", &["receive_missed_errors"]),
        ("receive_fifo", "receive_fifo_errors", &[]),
        (
            "receive_frame",
            "receive_frame_errors",
            &["receive_length_errors", "receive_over_errors", "receive_crc_errors"],
        ),
        ("receive_multicast", "multicast", &[]),
        ("transmit_errs", "transmit_errors", &[]),
        ("transmit_drop", "transmit_dropped", &[]),
        ("transmit_fifo", "transmit_fifo_errors", &[]),
        ("transmit_colls", "collisions", &[]),
        (
            "transmit_carrier",
            "transmit_carrier_errors",
            &["transmit_aborted_errors", "transmit_heartbeat_errors", "transmit_window_errors"],
        ),
    ];
    for (sum, main, parts) in SUMS {
        if let Some(mut total) = counters.remove(main) {
            for part in parts {
                total = total.wrapping_add(counters.remove(part).unwrap_or(0));
            }
            counters.insert(sum, total);
        }
    }
}

fn emit(device: &str, alias: Option<&str>, counters: &Counters, out: &mut Batch) {
    let labels = [("device", device), ("ifalias", alias.unwrap_or(""))];
    let labels = if alias.is_some() { &labels[..] } else { &labels[..1] };
    for (counter, value) in counters {
        let help = format!("Network device statistic {counter}.");
        out.counter(&format!("node_network_{counter}_total"), &help).with(labels, *value as f64);
    }
}

/// How far an address reaches, in the original's words.
fn scope(address: IpAddr) -> &'static str {
    let (link_local, interface_local) = match address {
        IpAddr::V4(address) => {
            (address.is_loopback() || address.is_link_local() || address.octets()[..3] == [224, 0, 0], false)
        }
        IpAddr::V6(address) => {
            let first = address.segments()[0];
            let multicast_scope = (first & 0xff00 == 0xff00).then_some(first & 0x000f);
            (
                address.is_loopback() || first & 0xffc0 == 0xfe80 || multicast_scope == Some(2),
                multicast_scope == Some(1),
            )
        }
    };
    if link_local {
        "link-local"
    } else if interface_local {
        "interface-local"
    } else if address.is_multicast() || address.is_unspecified() || address == IpAddr::V4([255; 4].into()) {
        ""
    } else {
        "global"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detailed_counters_sum_up_to_the_classic_ones() {
        let link = Link { name: "lo".into(), counters: Some(std::array::from_fn(|at| 1 << at)), ..Link::default() };
        let (_, mut counters) = by_netlink(&[link]).remove(0);
        sum_up(&mut counters);
        assert_eq!(counters["receive_drop"], (1 << 6) | (1 << 15));
        assert_eq!(counters["receive_frame"], (1 << 10) | (1 << 11) | (1 << 12) | (1 << 13));
        assert_eq!(counters["transmit_carrier"], (1 << 16) | (1 << 17) | (1 << 19) | (1 << 20));
        assert_eq!(
            counters.keys().copied().collect::<Vec<_>>(),
            [
                "receive_bytes",
                "receive_compressed",
                "receive_drop",
                "receive_errs",
                "receive_fifo",
                "receive_frame",
                "receive_multicast",
                "receive_nohandler",
                "receive_packets",
                "transmit_bytes",
                "transmit_carrier",
                "transmit_colls",
                "transmit_compressed",
                "transmit_drop",
                "transmit_errs",
                "transmit_fifo",
                "transmit_packets",
            ]
        );
    }

    #[test]
    fn scopes() {
        for (address, expected) in [
            ("127.0.0.1", "link-local"),
            ("169.254.1.1", "link-local"),
            ("192.168.0.1", "global"),
            ("::1", "link-local"),
            ("fe80::1", "link-local"),
            ("ff01::1", "interface-local"),
            ("ff02::1", "link-local"),
            ("2001:db8::1", "global"),
            ("0.0.0.0", ""),
        ] {
            assert_eq!(scope(address.parse().unwrap()), expected, "{address}");
        }
    }
}
