//! `/proc/net/ip_vs` and `ip_vs_stats`.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{ParseError, number};

/// A server behind a service.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Backend {
    /// The service's address; empty for a service by firewall mark.
    pub local_address: String,
    /// The service's port.
    pub local_port: String,
    /// The service's firewall mark, or empty.
    pub local_mark: String,
    /// `TCP`, `UDP`, `SCTP` or `FWM`.
    pub protocol: String,
    /// The server's address.
    pub remote_address: String,
    /// The server's port.
    pub remote_port: String,
    /// The server's weight.
    pub weight: f64,
    /// Its active connections.
    pub active: f64,
    /// Its inactive connections.
    pub inactive: f64,
}

/// Connections, packets in and out, bytes in and out.
///
/// # Errors
/// [`ParseError`] when the third line does not have five hexadecimal numbers.
pub fn totals(text: &str) -> Result<[f64; 5], ParseError> {
    const LINE: usize = 2;
    let line = text.lines().nth(LINE).unwrap_or("");
    let mut totals = [0.0; 5];
    let mut words = line.split_whitespace();
    for total in &mut totals {
        let word = words.next().ok_or_else(|| ParseError::at(LINE, "want five numbers", line))?;
        let value = u64::from_str_radix(word, 16);
        *total = value.map_err(|_| ParseError::at(LINE, "not a hexadecimal number", word))? as f64;
    }
    Ok(totals)
}

/// The servers of all services.
///
/// # Errors
/// [`ParseError`] names the line.
pub fn backends(text: &str) -> Result<Vec<Backend>, ParseError> {
    let mut backends = Vec::new();
    let mut service = Backend::default();
    for (at, line) in text.lines().enumerate() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            [protocol @ ("TCP" | "UDP" | "SCTP"), address, ..] => {
                let (local_address, local_port) = address_and_port(at, address)?;
                service = Backend { protocol: protocol.to_owned(), local_address, local_port, ..Backend::default() };
            }
            ["FWM", mark, ..] => {
                let (protocol, local_port) = ("FWM".to_owned(), "0".to_owned());
                service = Backend { protocol, local_port, local_mark: mark.to_owned(), ..Backend::default() };
            }
            // The heading.
            ["->", "RemoteAddress:Port", ..] => {}
            ["->", address, _, weight, active, inactive, ..] => {
                let (remote_address, remote_port) = address_and_port(at, address)?;
                backends.push(Backend {
                    remote_address,
                    remote_port,
                    weight: number(at, weight)?,
                    active: number(at, active)?,
                    inactive: number(at, inactive)?,
                    ..service.clone()
                });
            }
            _ => {}
        }
    }
    Ok(backends)
}

/// `C0A80016:0CEA` or `[2620:0000:…:0001]:0050`.
fn address_and_port(at: usize, text: &str) -> Result<(String, String), ParseError> {
    let bad = || ParseError::at(at, "not an address and a port", text);
    let (address, port) = text.rsplit_once(':').ok_or_else(bad)?;
    let port = u16::from_str_radix(port, 16).map_err(|_| bad())?;
    let address = match address.strip_prefix('[').and_then(|address| address.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().map_err(|_| bad())?.to_string(),
        None => Ipv4Addr::from(u32::from_str_radix(address, 16).map_err(|_| bad())?).to_string(),
    };
    Ok((address, port.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_and_servers() {
        let text = "IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n\
                    \x20 -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n\
                    TCP  C0A80016:0CEA wlc\n  -> C0A85216:0CEA      Tunnel  100    248        2\n\
                    TCP  [2620:0000:0000:0000:0000:0000:0000:0001]:0050 sh\n\
                    \x20 -> [2620:0000:0000:0000:0000:0000:0000:0002]:0050 Route   1 2 3\n\
                    FWM  10001000 wlc\n  -> C0A8321A:0CEA      Route   0      0          1\n";
        let backends = backends(text).unwrap();
        assert_eq!((backends[0].local_address.as_str(), backends[0].local_port.as_str()), ("192.168.0.22", "3306"));
        assert_eq!((backends[0].remote_address.as_str(), backends[0].weight), ("192.168.82.22", 100.0));
        assert_eq!((backends[1].local_address.as_str(), backends[1].remote_port.as_str()), ("2620::1", "80"));
        assert_eq!((backends[2].local_mark.as_str(), backends[2].local_address.as_str()), ("10001000", ""));
        assert_eq!(super::backends("TCP nowhere wlc\n").unwrap_err().line, 1);
    }

    #[test]
    fn totals_are_hexadecimal() {
        let text = "Total Incoming\nConns Packets\n 16AA370 E33656E5 0 51D8C8883AB3 a\n\n";
        assert_eq!(totals(text).unwrap()[4], 10.0);
        assert!(totals("a\nb\n1 2").is_err());
    }
}
