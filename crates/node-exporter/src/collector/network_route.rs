//! `network_route`: the routing table.

use std::collections::BTreeMap;
use std::net::IpAddr;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::Setup;
use crate::parse::netlink::route::{Route, routes, routes_request};
use crate::parse::netlink::{Link, links, links_request};
use crate::sys::route_dump;

struct NetworkRoute;

pub(super) fn build(_setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(NetworkRoute))
}

impl Collector for NetworkRoute {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let ask = |request: &[u8], what: &str| {
            route_dump(request).map_err(|error| CollectError::failed(format!("ask netlink for {what}"), error))
        };
        let links = links(&ask(&links_request(), "links")?);
        emit(&links, &routes(&ask(&routes_request(), "routes")?), out);
        Ok(())
    }
}

fn emit(links: &[Link], routes: &[Route], out: &mut Batch) {
    let address = |address: Option<IpAddr>| address.map(|address| address.to_string()).unwrap_or_default();
    let mut by_device: BTreeMap<&str, u32> = BTreeMap::new();
    for route in routes {
        for hop in &route.hops {
            let device = links.iter().find(|link| link.index == hop.link).map_or("", |link| link.name.as_str());
            *by_device.entry(device).or_default() += 1;
            out.gauge("node_network_route_info", "network routing table information").with(
                &[
                    ("device", device),
                    ("src", &address(route.source)),
                    ("dest", &destination(route)),
                    ("gw", &address(hop.gateway)),
                    ("priority", &route.priority.to_string()),
                    ("proto", protocol(route.protocol)),
                    ("weight", &hop.weight.map(|weight| weight.to_string()).unwrap_or_default()),
                ],
                1.0,
            );
        }
    }
    for (device, count) in by_device {
        out.gauge("node_network_routes", "network routes by interface").with(&[("device", device)], f64::from(count));
    }
}

fn destination(route: &Route) -> String {
    match route.destination {
        Some(address) if route.prefix_bits > 0 => format!("{address}/{}", route.prefix_bits),
        _ => "default".to_owned(),
    }
}

/// Who sets routes, as the kernel's headers number them.
fn protocol(number: u8) -> &'static str {
    match number {
        0 => "unspec",
        1 => "redirect",
        2 => "kernel",
        3 => "boot",
        4 => "static",
        8 => "gated",
        9 => "ra",
        10 => "mrt",
        11 => "zebra",
        12 => "bird",
        13 => "dnrouted",
        14 => "xorp",
        15 => "ntk",
        16 => "dhcp",
        17 => "mrouted",
        42 => "babel",
        186 => "bgp",
        187 => "isis",
        188 => "ospf",
        189 => "rip",
        192 => "eigrp",
        _ => "unknown",
    }
}
