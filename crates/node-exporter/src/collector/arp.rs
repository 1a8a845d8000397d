//! `arp`: neighbours by network device.

use std::collections::BTreeMap;
use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, Filter, Flag, FlagError};

use super::Setup;
use crate::parse::arp;
use crate::parse::netlink::{self, Link, Neighbour};
use crate::roots::{Roots, read};
use crate::sys;

pub(super) const FLAGS: &[Flag] = &[
    Flag::text(
        "collector.arp.device-include",
        "",
        "Regexp of arp devices to include (mutually exclusive to device-exclude).",
    ),
    Flag::text(
        "collector.arp.device-exclude",
        "",
        "Regexp of arp devices to exclude (mutually exclusive to device-include).",
    ),
    Flag::switch("collector.arp.netlink", true, "Use netlink to gather stats instead of /proc/net/arp."),
];

/// Neighbours that need no resolution, such as the broadcast address, which `/proc/net/arp` does not show either.
const STATE_NO_ARP: u16 = 0x40;

struct Arp {
    roots: Arc<Roots>,
    devices: Filter,
    netlink: bool,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    let devices = Filter::from_flags(setup.values, "collector.arp.device-include", "collector.arp.device-exclude")?;
    let netlink = setup.values.on("collector.arp.netlink");
    Ok(Box::new(Arp { roots: Arc::clone(&setup.roots), devices, netlink }))
}

impl Collector for Arp {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let entries = if self.netlink {
            let ask = |request: &[u8]| {
                sys::route_dump(request).map_err(|error| CollectError::failed("ask netlink for neighbours", error))
            };
            let links = ask(&netlink::links_request())?;
            let neighbours = ask(&netlink::neighbours_request())?;
            count(&netlink::links(&links), &netlink::neighbours(&neighbours))
        } else {
            let text = read(&self.roots.proc("net/arp"))?;
            arp::entries(&text).map_err(|error| error.in_file("net/arp"))?
        };
        for (device, entries) in entries.iter().filter(|(device, _)| self.devices.keeps(device)) {
            out.gauge("node_arp_entries", "ARP entries by device").with(&[("device", device)], f64::from(*entries));
        }
        Ok(())
    }
}

fn count(links: &[Link], neighbours: &[Neighbour]) -> BTreeMap<String, u32> {
    let mut entries = BTreeMap::new();
    for neighbour in neighbours.iter().filter(|neighbour| neighbour.state & STATE_NO_ARP == 0) {
        if let Some(link) = links.iter().find(|link| link.index == neighbour.link) {
            *entries.entry(link.name.clone()).or_default() += 1;
        }
    }
    entries
}
