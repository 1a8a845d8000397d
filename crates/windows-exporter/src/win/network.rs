//! Network interfaces, their addresses and traffic.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use windows::Win32::Foundation::{ERROR_BUFFER_OVERFLOW, ERROR_NO_DATA};
use windows::Win32::NetworkManagement::IpHelper::{
    GAA_FLAG_SKIP_DNS_SERVER, GAA_FLAG_SKIP_MULTICAST, GetAdaptersAddresses, GetIfEntry2, IP_ADAPTER_ADDRESSES_LH,
    MIB_IF_ROW2,
};
use windows::Win32::Networking::WinSock::{AF_INET, AF_INET6, AF_UNSPEC, SOCKADDR_IN, SOCKADDR_IN6, SOCKET_ADDRESS};

use super::buffer::{Buffer, text};
use super::failed_with;
use crate::source::{Interface, SourceError, Traffic};

/// Interfaces may come while they are counted; more often than this is not worth asking.
const ATTEMPTS: usize = 5;

pub(super) fn interfaces() -> Result<Vec<Interface>, SourceError> {
    let mut bytes = 16 * 1024_u32;
    let mut code = 0;
    for _ in 0..ATTEMPTS {
        let mut buffer = Buffer::new(bytes as usize);
        let flags = GAA_FLAG_SKIP_MULTICAST | GAA_FLAG_SKIP_DNS_SERVER;
        let first = buffer.as_mut_ptr::<IP_ADAPTER_ADDRESSES_LH>();
        // SAFETY: `bytes` is not more than the buffer's size.
        code = unsafe { GetAdaptersAddresses(u32::from(AF_UNSPEC.0), flags, None, Some(first), &mut bytes) };
        if code == 0 {
            return Ok(list(&buffer));
        }
        if code == ERROR_NO_DATA.0 {
            return Ok(Vec::new());
        }
        if code != ERROR_BUFFER_OVERFLOW.0 {
            break;
        }
    }
    Err(failed_with("list network interfaces", code))
}

fn list(buffer: &Buffer) -> Vec<Interface> {
    let mut interfaces = Vec::new();
    let mut next = buffer.as_ptr::<IP_ADAPTER_ADDRESSES_LH>();
    // SAFETY: Windows has filled the buffer with a list that ends with a null pointer.
    while let Some(adapter) = unsafe { next.as_ref() } {
        // SAFETY: texts of an adapter are in the same buffer and end with a zero; `IfIndex` is what Windows fills.
        let (description, friendly_name, index) =
            unsafe { (text(adapter.Description), text(adapter.FriendlyName), adapter.Anonymous1.Anonymous.IfIndex) };
        let length = (adapter.PhysicalAddressLength as usize).clamp(6, adapter.PhysicalAddress.len());
        let mac: Vec<_> = adapter.PhysicalAddress[..length].iter().map(|byte| format!("{byte:02X}")).collect();
        interfaces.push(Interface {
            description,
            friendly_name,
            mac: mac.join(":"),
            status: adapter.OperStatus.0,
            addresses: addresses(adapter),
            traffic: traffic(index),
        });
        next = adapter.Next;
    }
    interfaces
}

fn addresses(adapter: &IP_ADAPTER_ADDRESSES_LH) -> Vec<String> {
    let mut addresses = Vec::new();
    let mut next = adapter.FirstUnicastAddress;
    // SAFETY: as in `list`, here for the adapter's addresses.
    while let Some(unicast) = unsafe { next.as_ref() } {
        addresses.extend(address(&unicast.Address));
        next = unicast.Next;
    }
    let mut next = adapter.FirstAnycastAddress;
    // SAFETY: as above.
    while let Some(anycast) = unsafe { next.as_ref() } {
        addresses.extend(address(&anycast.Address));
        next = anycast.Next;
    }
    addresses.iter().map(IpAddr::to_string).collect()
}

fn address(address: &SOCKET_ADDRESS) -> Option<IpAddr> {
    let length = usize::try_from(address.iSockaddrLength).ok()?;
    // SAFETY: Windows points to an address of that length; which of the kinds it is, its family says.
    unsafe {
        let family = address.lpSockaddr.as_ref()?.sa_family;
        if family == AF_INET && length >= size_of::<SOCKADDR_IN>() {
            let address = address.lpSockaddr.cast::<SOCKADDR_IN>().read_unaligned();
            Some(Ipv4Addr::from(address.sin_addr.S_un.S_addr.to_ne_bytes()).into())
        } else if family == AF_INET6 && length >= size_of::<SOCKADDR_IN6>() {
            let address = address.lpSockaddr.cast::<SOCKADDR_IN6>().read_unaligned();
            Some(Ipv6Addr::from(address.sin6_addr.u.Byte).into())
        } else {
            None
        }
    }
}

/// Traffic of the interface with this index. Only IPv6 interfaces have none.
fn traffic(index: u32) -> Option<Traffic> {
    let mut row = MIB_IF_ROW2 { InterfaceIndex: index, ..Default::default() };
    // SAFETY: the row says which interface it is for, and Windows fills the rest.
    let code = unsafe { GetIfEntry2(&mut row) };
    code.is_ok().then(|| Traffic {
        bytes_received: row.InOctets as f64,
        bytes_sent: row.OutOctets as f64,
        packets_received: (row.InUcastPkts + row.InNUcastPkts) as f64,
        packets_sent: (row.OutUcastPkts + row.OutNUcastPkts) as f64,
        received_discarded: row.InDiscards as f64,
        received_errors: row.InErrors as f64,
        received_unknown: row.InUnknownProtos as f64,
        outbound_discarded: row.OutDiscards as f64,
        outbound_errors: row.OutErrors as f64,
        output_queue: row.OutQLen as f64,
        bandwidth_bits: row.TransmitLinkSpeed as f64,
    })
}
