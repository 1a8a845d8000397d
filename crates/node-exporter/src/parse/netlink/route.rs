//! Routes.

use std::net::IpAddr;

use super::{address, attributes, messages, request, u32_at};

const NEW_ROUTE: u16 = 24;
const GET_ROUTE: u16 = 26;
const BODY_BYTES: usize = 12;
const NEXT_HOP_BYTES: usize = 8;
/// A route to a host or network, in contrast to local addresses, broadcasts and the like.
const TYPE_UNICAST: u8 = 1;

const DESTINATION: u16 = 1;
const LINK: u16 = 4;
const GATEWAY: u16 = 5;
const PRIORITY: u16 = 6;
const PREFERRED_SOURCE: u16 = 7;
const MULTIPATH: u16 = 9;

/// A route to a host or network.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Route {
    /// Who set it.
    pub protocol: u8,
    /// Where to; none for the default route.
    pub destination: Option<IpAddr>,
    /// How many bits name the network.
    pub prefix_bits: u8,
    /// The address to send from.
    pub source: Option<IpAddr>,
    /// The less, the sooner it is taken.
    pub priority: u32,
    /// The ways there.
    pub hops: Vec<Hop>,
}

/// A way that a route takes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hop {
    /// The link's number.
    pub link: u32,
    /// The next router.
    pub gateway: Option<IpAddr>,
    /// Its share, where there are several ways.
    pub weight: Option<u32>,
}

/// The request for all routes.
#[must_use]
pub fn routes_request() -> Vec<u8> {
    request(GET_ROUTE, 0)
}

/// The routes in an answer.
#[must_use]
pub fn routes(answer: &[u8]) -> Vec<Route> {
    let bodies = messages(answer).filter(|(kind, body)| *kind == NEW_ROUTE && body.len() >= BODY_BYTES);
    bodies.filter(|(_, body)| body[7] == TYPE_UNICAST).map(|(_, body)| route(body)).collect()
}

fn route(body: &[u8]) -> Route {
    let family = body[0];
    let mut route = Route { protocol: body[5], prefix_bits: body[1], ..Route::default() };
    let mut hop = Hop::default();
    for (kind, value) in attributes(&body[BODY_BYTES..]) {
        match kind {
            DESTINATION => route.destination = address(family, value),
            PREFERRED_SOURCE => route.source = address(family, value),
            PRIORITY => route.priority = u32_at(value, 0).unwrap_or(0),
            LINK => hop.link = u32_at(value, 0).unwrap_or(0),
            GATEWAY => hop.gateway = address(family, value),
            MULTIPATH => route.hops = hops(family, value),
            _ => {}
        }
    }
    if route.hops.is_empty() {
        route.hops.push(hop);
    }
    route
}

fn hops(family: u8, bytes: &[u8]) -> Vec<Hop> {
    let mut hops = Vec::new();
    let mut rest = bytes;
    while let (Some(length), Some(link)) = (super::u16_at(rest, 0), u32_at(rest, 4)) {
        let length = usize::from(length);
        let Some(more) = rest.get(NEXT_HOP_BYTES..length) else { break };
        let gateway = attributes(more).find(|(kind, _)| *kind == GATEWAY);
        hops.push(Hop {
            link,
            gateway: gateway.and_then(|(_, value)| address(family, value)),
            // The kernel counts from zero.
            weight: Some(u32::from(rest[3]) + 1),
        });
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or(&[]);
    }
    hops
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::netlink::FAMILY_V4;
    use crate::parse::netlink::tests::{attribute, message};

    fn body(kind: u8, prefix_bits: u8, attributes: &[Vec<u8>]) -> Vec<u8> {
        let mut body = vec![FAMILY_V4, prefix_bits, 0, 0, 254, 2, 0, kind, 0, 0, 0, 0];
        body.extend(attributes.concat());
        body
    }

    #[test]
    fn single_and_multiple_ways() {
        let mut hop = vec![16, 0, 0, 4];
        hop.extend_from_slice(&3_u32.to_ne_bytes());
        hop.extend(attribute(GATEWAY, &[10, 0, 0, 254]));
        let answer = [
            message(
                NEW_ROUTE,
                &body(1, 24, &[attribute(DESTINATION, &[10, 0, 0, 0]), attribute(LINK, &2_u32.to_ne_bytes())]),
            ),
            message(NEW_ROUTE, &body(1, 0, &[attribute(MULTIPATH, &hop), attribute(PRIORITY, &7_u32.to_ne_bytes())])),
            message(NEW_ROUTE, &body(2, 32, &[attribute(DESTINATION, &[10, 0, 0, 1])])),
        ]
        .concat();
        let routes = routes(&answer);
        assert_eq!(routes.len(), 2, "the local route is no way to anywhere");
        assert_eq!((routes[0].destination, routes[0].prefix_bits), (Some("10.0.0.0".parse().unwrap()), 24));
        assert_eq!(routes[0].hops, [Hop { link: 2, gateway: None, weight: None }]);
        assert_eq!(routes[1].hops, [Hop { link: 3, gateway: Some("10.0.0.254".parse().unwrap()), weight: Some(5) }]);
        assert_eq!(routes[1].priority, 7);
    }
}
