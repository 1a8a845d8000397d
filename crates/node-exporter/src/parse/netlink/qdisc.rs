//! Queueing disciplines: what happens to packets that wait to be sent.

use super::{attributes, messages, request_with, text, u32_at};

const NEW_QDISC: u16 = 36;
const GET_QDISC: u16 = 38;
const BODY_BYTES: usize = 20;
/// The parent of the discipline that a device itself has.
const PARENT_ROOT: u32 = 0xffff_ffff;

const KIND: u16 = 1;
const STATS: u16 = 7;
const STATS_BASIC: u16 = 1;
const STATS_QUEUE: u16 = 3;

/// The discipline of a device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Qdisc {
    /// The link's number.
    pub link: u32,
    /// As `fq_codel`.
    pub kind: String,
    /// Its counters.
    pub counters: Counters,
}

/// What a discipline counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Bytes sent.
    pub bytes: u64,
    /// Packets sent.
    pub packets: u32,
    /// Packets that wait.
    pub queued: u32,
    /// Bytes that wait.
    pub backlog: u32,
    /// Packets dropped.
    pub drops: u32,
    /// Packets put back.
    pub requeues: u32,
    /// Packets over the limit.
    pub overlimits: u32,
}

/// The request for all disciplines.
#[must_use]
pub fn qdiscs_request() -> Vec<u8> {
    request_with(GET_QDISC, &[0; BODY_BYTES])
}

/// The disciplines in an answer that devices themselves have.
#[must_use]
pub fn qdiscs(answer: &[u8]) -> Vec<Qdisc> {
    let mut qdiscs = Vec::new();
    for (_, body) in messages(answer).filter(|(kind, body)| *kind == NEW_QDISC && body.len() >= BODY_BYTES) {
        if u32_at(body, 12) != Some(PARENT_ROOT) {
            continue;
        }
        let mut qdisc = Qdisc { link: u32_at(body, 4).unwrap_or(0), ..Qdisc::default() };
        for (kind, value) in attributes(&body[BODY_BYTES..]) {
            match kind {
                KIND => qdisc.kind = text(value),
                STATS => qdisc.counters = counters(value),
                _ => {}
            }
        }
        qdiscs.push(qdisc);
    }
    qdiscs
}

fn counters(bytes: &[u8]) -> Counters {
    let mut counters = Counters::default();
    for (kind, value) in attributes(bytes) {
        let number = |at: usize| u32_at(value, at).unwrap_or(0);
        match kind {
            STATS_BASIC => {
                let bytes = value.get(..8).and_then(|bytes| bytes.try_into().ok());
                counters.bytes = bytes.map_or(0, u64::from_ne_bytes);
                counters.packets = number(8);
            }
            STATS_QUEUE => {
                counters.queued = number(0);
                counters.backlog = number(4);
                counters.drops = number(8);
                counters.requeues = number(12);
                counters.overlimits = number(16);
            }
            _ => {}
        }
    }
    counters
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::netlink::tests::{attribute, message};

    fn body(link: u32, parent: u32, attributes: &[Vec<u8>]) -> Vec<u8> {
        let numbers = [0, link, 0, parent, 0];
        let mut body: Vec<u8> = numbers.into_iter().flat_map(u32::to_ne_bytes).collect();
        body.extend(attributes.concat());
        body
    }

    #[test]
    fn only_those_of_devices() {
        let basic = [&42_u64.to_ne_bytes()[..], &7_u32.to_ne_bytes()].concat();
        let queue: Vec<u8> = (1..=5_u32).flat_map(u32::to_ne_bytes).collect();
        let stats = [attribute(STATS_BASIC, &basic), attribute(STATS_QUEUE, &queue)].concat();
        let answer = [
            message(NEW_QDISC, &body(2, PARENT_ROOT, &[attribute(KIND, b"fq\0"), attribute(STATS, &stats)])),
            message(NEW_QDISC, &body(2, 1, &[attribute(KIND, b"child\0")])),
        ]
        .concat();
        let counters = Counters { bytes: 42, packets: 7, queued: 1, backlog: 2, drops: 3, requeues: 4, overlimits: 5 };
        assert_eq!(qdiscs(&answer), [Qdisc { link: 2, kind: "fq".into(), counters }]);
    }
}
