//! `tcpstat`: TCP connections by state.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::Setup;
use crate::parse::netlink::sockets::{STATES, Sockets, sockets_request};
use crate::parse::netlink::{FAMILY_V4, FAMILY_V6};
use crate::roots::Roots;
use crate::sys::{NetlinkFamily, netlink_dump};

struct TcpStat {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(TcpStat { roots: Arc::clone(&setup.roots) }))
}

impl Collector for TcpStat {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let mut sockets = Sockets::default();
        let mut ask = |family: u8| {
            netlink_dump(NetlinkFamily::SocketDiagnosis, &sockets_request(family), |messages| sockets.add(messages))
                .map_err(|error| CollectError::failed("ask netlink for TCP sockets", error))
        };
        ask(FAMILY_V4)?;
        if self.roots.proc("net/tcp6").exists() {
            ask(FAMILY_V6)?;
        }
        emit(&sockets, out);
        Ok(())
    }
}

/// States that no socket is in are not shown.
fn emit(sockets: &Sockets, out: &mut Batch) {
    let mut show = |state: &str, value: u64| {
        out.gauge("node_tcp_connection_states", "Number of connection states.").with(&[("state", state)], value as f64);
    };
    for (state, count) in STATES.into_iter().zip(sockets.states).filter(|(_, count)| *count > 0) {
        show(state, count);
    }
    if sockets.unknown > 0 {
        show("unknown", sockets.unknown);
    }
    if sockets.total > 0 {
        show("rx_queued_bytes", sockets.receive_queue_bytes);
        show("tx_queued_bytes", sockets.send_queue_bytes);
    }
}
