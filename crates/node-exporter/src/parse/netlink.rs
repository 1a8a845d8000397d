//! Messages of the kernel's routing tables (rtnetlink): requests for dumps, and what the answers say about links,
//! neighbours and addresses. Numbers are in the host's byte order.
//!
//! * [`route`]: the entries of the routing tables
//! * [`qdisc`]: the queueing disciplines of the interfaces
//! * [`sockets`]: TCP sockets, of another part of the kernel

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub mod qdisc;
pub mod route;
pub mod sockets;

const HEADER_BYTES: usize = 16;
const TYPE_ERROR: u16 = 2;
const TYPE_DONE: u16 = 3;
const NEW_LINK: u16 = 16;
const GET_LINK: u16 = 18;
const NEW_ADDRESS: u16 = 20;
const GET_ADDRESS: u16 = 22;
const NEW_NEIGHBOUR: u16 = 28;
const GET_NEIGHBOUR: u16 = 30;
/// A request, and one for all there is.
const FLAGS_DUMP: u16 = 0x1 | 0x300;

/// IPv4, as a message names it.
pub const FAMILY_V4: u8 = 2;
/// IPv6, as a message names it.
pub const FAMILY_V6: u8 = 10;

/// Request bodies are an `ifinfomsg`, `ifaddrmsg` or `ndmsg` of zeros after the family; the longest fits all.
const BODY_BYTES: usize = 16;
const LINK_BODY_BYTES: usize = 16;
const ADDRESS_BODY_BYTES: usize = 8;
const NEIGHBOUR_BODY_BYTES: usize = 12;

/// The counters of a link in the order of `struct rtnl_link_stats64`.
pub const LINK_COUNTERS: [&str; 24] = [
    "receive_packets",
    "transmit_packets",
    "receive_bytes",
    "transmit_bytes",
    "receive_errors",
    "transmit_errors",
    "receive_dropped",
    "transmit_dropped",
    "multicast",
    "collisions",
    "receive_length_errors",
    "receive_over_errors",
    "receive_crc_errors",
    "receive_frame_errors",
    "receive_fifo_errors",
    "receive_missed_errors",
    "transmit_aborted_errors",
    "transmit_carrier_errors",
    "transmit_fifo_errors",
    "transmit_heartbeat_errors",
    "transmit_window_errors",
    "receive_compressed",
    "transmit_compressed",
    "receive_nohandler",
];

/// A network link.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Link {
    /// Its number.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Its counters, named by [`LINK_COUNTERS`]; none if the message has none.
    pub counters: Option<[u64; LINK_COUNTERS.len()]>,
    /// Its further names.
    pub alternative_names: Vec<String>,
}

/// A neighbour of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Neighbour {
    /// The link it is on.
    pub link: u32,
    /// Its state, a set of bits.
    pub state: u16,
}

/// An address of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    /// The link it is on.
    pub link: u32,
    /// The address.
    pub address: IpAddr,
    /// How many bits name the network.
    pub prefix_bits: u8,
}

/// The request for all links.
#[must_use]
pub fn links_request() -> Vec<u8> {
    request(GET_LINK, 0)
}

/// The request for all addresses.
#[must_use]
pub fn addresses_request() -> Vec<u8> {
    request(GET_ADDRESS, 0)
}

/// The request for all IPv4 neighbours.
#[must_use]
pub fn neighbours_request() -> Vec<u8> {
    request(GET_NEIGHBOUR, FAMILY_V4)
}

fn request(kind: u16, family: u8) -> Vec<u8> {
    let mut body = [0; BODY_BYTES];
    body[0] = family;
    request_with(kind, &body)
}

fn request_with(kind: u16, body: &[u8]) -> Vec<u8> {
    let length = (HEADER_BYTES + body.len()) as u32;
    let mut bytes = Vec::with_capacity(HEADER_BYTES + body.len());
    bytes.extend_from_slice(&length.to_ne_bytes());
    bytes.extend_from_slice(&kind.to_ne_bytes());
    bytes.extend_from_slice(&FLAGS_DUMP.to_ne_bytes());
    bytes.extend_from_slice(&1_u32.to_ne_bytes());
    bytes.extend_from_slice(&0_u32.to_ne_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// Whether a dump ends with these messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DumpEnd {
    /// More will come.
    NotYet,
    /// This was all.
    Done,
    /// The kernel refused, with this error number.
    Error(i32),
}

/// Looks for the end of a dump in a datagram.
#[must_use]
pub fn dump_end(datagram: &[u8]) -> DumpEnd {
    for (kind, body) in messages(datagram) {
        match kind {
            TYPE_DONE => return DumpEnd::Done,
            TYPE_ERROR => return DumpEnd::Error(u32_at(body, 0).map_or(0, |number| (number as i32).wrapping_neg())),
            _ => {}
        }
    }
    DumpEnd::NotYet
}

/// The links in an answer.
#[must_use]
pub fn links(answer: &[u8]) -> Vec<Link> {
    const NAME: u16 = 3;
    const STATS: u16 = 7;
    const STATS64: u16 = 23;
    const PROPERTIES: u16 = 52;
    const ALTERNATIVE_NAME: u16 = 53;
    let mut links = Vec::new();
    for (_, body) in messages(answer).filter(|(kind, _)| *kind == NEW_LINK) {
        let mut link = Link { index: u32_at(body, 4).unwrap_or(0), ..Link::default() };
        let mut narrow = None;
        for (kind, value) in attributes(body.get(LINK_BODY_BYTES..).unwrap_or(&[])) {
            match kind {
                NAME => link.name = text(value),
                STATS => narrow = Some(counters(value, 4)),
                STATS64 => link.counters = Some(counters(value, 8)),
                PROPERTIES => {
                    let names = attributes(value).filter(|(kind, _)| *kind == ALTERNATIVE_NAME);
                    link.alternative_names = names.map(|(_, value)| text(value)).collect();
                }
                _ => {}
            }
        }
        // Only kernels before 2.6.35 give nothing but the 32-bit counters.
        link.counters = link.counters.or(narrow);
        links.push(link);
    }
    links
}

/// The neighbours in an answer.
#[must_use]
pub fn neighbours(answer: &[u8]) -> Vec<Neighbour> {
    messages(answer)
        .filter(|(kind, body)| *kind == NEW_NEIGHBOUR && body.len() >= NEIGHBOUR_BODY_BYTES)
        .filter_map(|(_, body)| Some(Neighbour { link: u32_at(body, 4)?, state: u16_at(body, 8)? }))
        .collect()
}

/// The addresses in an answer.
#[must_use]
pub fn addresses(answer: &[u8]) -> Vec<Address> {
    const ADDRESS: u16 = 1;
    const LOCAL: u16 = 2;
    let mut addresses = Vec::new();
    for (_, body) in messages(answer).filter(|(kind, _)| *kind == NEW_ADDRESS) {
        let (Some(family), Some(prefix_bits), Some(link)) = (body.first(), body.get(1), u32_at(body, 4)) else {
            continue;
        };
        let attribute = |wanted: u16| {
            let mut all = attributes(body.get(ADDRESS_BODY_BYTES..).unwrap_or(&[]));
            all.find(|(kind, _)| *kind == wanted).and_then(|(_, value)| address(*family, value))
        };
        // On a point-to-point link ADDRESS is the other end.
        if let Some(address) = attribute(LOCAL).or_else(|| attribute(ADDRESS)) {
            addresses.push(Address { link, address, prefix_bits: *prefix_bits });
        }
    }
    addresses
}

fn address(family: u8, bytes: &[u8]) -> Option<IpAddr> {
    match family {
        FAMILY_V4 => Some(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).into()),
        FAMILY_V6 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).into()),
        _ => None,
    }
}

fn counters(bytes: &[u8], width: usize) -> [u64; LINK_COUNTERS.len()] {
    let mut counters = [0; LINK_COUNTERS.len()];
    for (counter, bytes) in counters.iter_mut().zip(bytes.chunks_exact(width)) {
        *counter = match *bytes {
            [a, b, c, d] => u64::from(u32::from_ne_bytes([a, b, c, d])),
            [a, b, c, d, e, f, g, h] => u64::from_ne_bytes([a, b, c, d, e, f, g, h]),
            _ => 0,
        };
    }
    // The 32-bit structure has nothing between "compressed" and "nohandler" either, so one order serves both.
    counters
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

fn messages(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let length = u32_at(rest, 0)? as usize;
        let kind = u16_at(rest, 4)?;
        let body = rest.get(HEADER_BYTES..length)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or(&[]);
        Some((kind, body))
    })
}

fn attributes(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    /// The two highest bits are flags.
    const TYPE_MASK: u16 = 0x3fff;
    const HEADER_BYTES: usize = 4;
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let length = usize::from(u16_at(rest, 0)?);
        let kind = u16_at(rest, 2)? & TYPE_MASK;
        let value = rest.get(HEADER_BYTES..length)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or(&[]);
        Some((kind, value))
    })
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests;
