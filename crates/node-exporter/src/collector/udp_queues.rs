//! `udp_queues`: bytes that wait in the queues of UDP sockets.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::Setup;
use crate::parse::ParseError;
use crate::roots::{Roots, read_if_there};

struct UdpQueues {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(UdpQueues { roots: Arc::clone(&setup.roots) }))
}

impl Collector for UdpQueues {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        for (file, ip) in [("net/udp", "v4"), ("net/udp6", "v6")] {
            let Some(text) = read_if_there(&self.roots.proc(file))? else { continue };
            let (sending, receiving) = queues(&text).map_err(|error| error.in_file(file))?;
            out.gauge("node_udp_queues", "Number of allocated memory in the kernel for UDP datagrams in bytes.")
                .with(&[("queue", "tx"), ("ip", ip)], sending as f64)
                .with(&[("queue", "rx"), ("ip", ip)], receiving as f64);
        }
        if out.is_empty() { Err(CollectError::no_data("net/udp, net/udp6")) } else { Ok(()) }
    }
}

/// The sums of the sending and of the receiving queues of all sockets.
fn queues(text: &str) -> Result<(u64, u64), ParseError> {
    let mut sums = (0_u64, 0_u64);
    for (at, line) in text.lines().enumerate().skip(1) {
        let column = line.split_whitespace().nth(4).ok_or_else(|| ParseError::at(at, "too few columns", line))?;
        let hex = |text: &str| {
            u64::from_str_radix(text, 16).map_err(|_| ParseError::at(at, "not a hexadecimal number", text))
        };
        let (sending, receiving) =
            column.split_once(':').ok_or_else(|| ParseError::at(at, "not a pair of queues", column))?;
        sums.0 = sums.0.saturating_add(hex(sending)?);
        sums.1 = sums.1.saturating_add(hex(receiving)?);
    }
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use super::queues;

    #[test]
    fn queues_are_summed() {
        let text = "sl local rem st tx_queue:rx_queue\n0: 0:16 0:0 0A 00000015:00000001 00:0 0\n1: 0:17 0:0 0A 00000001:00000010 00:0 0\n";
        assert_eq!(queues(text), Ok((22, 17)));
        assert!(queues("head\n0: a b c").is_err() && queues("head\n0: a b c 1-2").is_err());
    }
}
