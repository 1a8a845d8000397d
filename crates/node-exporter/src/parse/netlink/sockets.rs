//! TCP sockets.

use super::{messages, request_with, u32_at};

const BY_FAMILY: u16 = 20;
const PROTOCOL_TCP: u8 = 6;
/// All states that a connection can be in.
const ALL_STATES: u32 = 0xfff;
const REQUEST_BODY_BYTES: usize = 56;

/// What the kernel calls states 1 to 11.
pub const STATES: [&str; 11] = [
    "established",
    "syn_sent",
    "syn_recv",
    "fin_wait1",
    "fin_wait2",
    "time_wait",
    "close",
    "close_wait",
    "last_ack",
    "listen",
    "closing",
];

/// Sockets by state, and what waits in their queues.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sockets {
    /// How many there are in each of [`STATES`].
    pub states: [u64; STATES.len()],
    /// How many are in a state that has no name here.
    pub unknown: u64,
    /// Bytes received and not read yet.
    pub receive_queue_bytes: u64,
    /// Bytes written and not acknowledged yet.
    pub send_queue_bytes: u64,
    /// How many sockets there are in all.
    pub total: u64,
}

/// The request for all TCP sockets of IPv4 or IPv6.
#[must_use]
pub fn sockets_request(family: u8) -> Vec<u8> {
    let mut body = [0; REQUEST_BODY_BYTES];
    body[0] = family;
    body[1] = PROTOCOL_TCP;
    body[4..8].copy_from_slice(&ALL_STATES.to_ne_bytes());
    request_with(BY_FAMILY, &body)
}

impl Sockets {
    /// Adds the sockets in a part of an answer.
    pub fn add(&mut self, messages_bytes: &[u8]) {
        for (_, body) in messages(messages_bytes).filter(|(kind, _)| *kind == BY_FAMILY) {
            let (Some(state), Some(receive), Some(send)) = (body.get(1), u32_at(body, 56), u32_at(body, 60)) else {
                continue;
            };
            self.total += 1;
            self.receive_queue_bytes += u64::from(receive);
            self.send_queue_bytes += u64::from(send);
            match usize::from(*state).checked_sub(1).and_then(|state| self.states.get_mut(state)) {
                Some(count) => *count += 1,
                None => self.unknown += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::netlink::FAMILY_V4;
    use crate::parse::netlink::tests::message;

    #[test]
    fn sockets_are_counted() {
        let socket = |state: u8, receive: u32, send: u32| {
            let mut body = vec![0; 72];
            body[1] = state;
            body[56..60].copy_from_slice(&receive.to_ne_bytes());
            body[60..64].copy_from_slice(&send.to_ne_bytes());
            message(BY_FAMILY, &body)
        };
        let mut sockets = Sockets::default();
        sockets.add(&[socket(1, 5, 0), socket(10, 0, 7), socket(1, 1, 1), socket(12, 0, 0)].concat());
        assert_eq!((sockets.states[0], sockets.states[9], sockets.unknown), (2, 1, 1));
        assert_eq!((sockets.receive_queue_bytes, sockets.send_queue_bytes, sockets.total), (6, 8, 4));
        assert_eq!(sockets_request(FAMILY_V4).len(), 72);
    }
}
