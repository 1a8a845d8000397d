//! Addresses: the one under which others reach this instance, and those of its peers.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::{UdpSocket, lookup_host};
use tokio::time::{Instant, sleep};

use super::Options;

/// Why it is not known where others reach this instance.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// The address that was given.
    #[error("--cluster.advertise-address={given}")]
    Given {
        /// The address.
        given: String,
        /// Why it is none.
        #[source]
        source: io::Error,
    },
    /// Nothing was given, and there is nothing to go by.
    #[error("no private address of this machine was found; give one with --cluster.advertise-address")]
    NotPrivate,
}

/// The address to tell others, for one that listens on `bound`.
pub(super) async fn advertised(options: &Options, bound: SocketAddr) -> Result<SocketAddr, AddressError> {
    let given = &options.advertise_address;
    if !given.is_empty() {
        let failed = |source| AddressError::Given { given: given.clone(), source };
        // A port of zero would be the one that the system chose.
        let with_port = if given.contains("]:") || given.matches(':').count() == 1 {
            given.clone()
        } else {
            format!("{given}:{}", bound.port())
        };
        let found = lookup_host(&with_port).await.map_err(failed)?.next();
        let found = found.ok_or_else(|| failed(io::Error::new(io::ErrorKind::NotFound, "no such host")))?;
        return Ok(if found.port() == 0 { SocketAddr::new(found.ip(), bound.port()) } else { found });
    }
    if !bound.ip().is_unspecified() {
        return Ok(bound);
    }
    let peers = resolve(&options.peers).await;
    let address = outgoing_address(&peers).await.filter(|ip| options.allow_public_address || is_private(*ip));
    address.map(|ip| SocketAddr::new(ip, bound.port())).ok_or(AddressError::NotPrivate)
}

/// The address from which this machine would reach the first peer or, without peers, its way out. Nothing is sent.
async fn outgoing_address(peers: &[SocketAddr]) -> Option<IpAddr> {
    // An address set aside for documentation: routed like any other.
    let nowhere = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 9));
    for target in peers.iter().copied().chain([nowhere]) {
        let local: SocketAddr = match target {
            SocketAddr::V4(_) => ([0, 0, 0, 0], 0).into(),
            SocketAddr::V6(_) => ([0_u16; 8], 0).into(),
        };
        let probe = async {
            let socket = UdpSocket::bind(local).await?;
            socket.connect(target).await?;
            socket.local_addr()
        };
        if let Ok(address) = probe.await {
            return Some(address.ip());
        }
    }
    None
}

fn is_private(ip: IpAddr) -> bool {
    match ip {
        // 100.64.0.0/10 is what carriers and some clouds use inside.
        IpAddr::V4(ip) => {
            let [first, second, ..] = ip.octets();
            ip.is_private() || ip.is_loopback() || ip.is_link_local() || (first == 100 && second & 0xc0 == 64)
        }
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

/// The addresses of peers whose names can be looked up now.
pub(super) async fn resolve(peers: &[String]) -> Vec<SocketAddr> {
    let mut found = Vec::new();
    for peer in peers {
        match lookup_host(peer.as_str()).await {
            Ok(addresses) => found.extend(addresses),
            Err(error) => tracing::debug!(peer, %error, "peer's name cannot be looked up"),
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// As [`resolve`], but waits until there is at least one peer other than `own`, or `timeout` has passed.
pub(super) async fn resolve_patiently(peers: &[String], own: SocketAddr, timeout: Duration) -> Vec<SocketAddr> {
    let limit = Instant::now() + timeout;
    loop {
        let mut found = resolve(peers).await;
        found.retain(|address| *address != own);
        if !found.is_empty() || peers.is_empty() || Instant::now() >= limit {
            return found;
        }
        sleep(Duration::from_millis(500).min(timeout)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_known() {
        for (address, expected) in [
            ("10.1.2.3", true),
            ("172.16.0.1", true),
            ("192.168.1.1", true),
            ("127.0.0.1", true),
            ("100.64.1.1", true),
            ("100.128.0.1", false),
            ("8.8.8.8", false),
            ("fd00::1", true),
            ("2001:db8::1", false),
            ("::1", true),
        ] {
            assert_eq!(is_private(address.parse().expect("an address")), expected, "{address}");
        }
    }
}
