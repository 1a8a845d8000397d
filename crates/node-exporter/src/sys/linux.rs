//! Linux.

use std::ffi::CStr;
use std::io;
use std::path::Path;

use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with, sockopt};

use super::{NETLINK_TIMEOUT, NetlinkFamily, Space, Uname};
use crate::parse::netlink::{DumpEnd, dump_end};

/// Netlink answers come in datagrams of up to 32 KiB.
const DATAGRAM_BYTES: usize = 64 * 1024;

/// The names of this system.
#[must_use]
pub fn uname() -> Uname {
    let names = rustix::system::uname();
    let text = |name: &CStr| name.to_string_lossy().into_owned();
    Uname {
        system: text(names.sysname()),
        release: text(names.release()),
        version: text(names.version()),
        machine: text(names.machine()),
        node: text(names.nodename()),
        domain: text(names.domainname()),
    }
}

/// The size of a page of memory.
#[must_use]
pub fn page_bytes() -> f64 {
    rustix::param::page_size() as f64
}

/// The space of the file system at `path`. Blocks for as long as the file system does not answer, which may be for good.
///
/// # Errors
/// The system's.
pub fn space(path: &Path) -> io::Result<Space> {
    let found = rustix::fs::statfs(path)?;
    let block_bytes = found.f_bsize as f64;
    Ok(Space {
        size_bytes: found.f_blocks as f64 * block_bytes,
        free_bytes: found.f_bfree as f64 * block_bytes,
        available_bytes: found.f_bavail as f64 * block_bytes,
        files: found.f_files as f64,
        files_free: found.f_ffree as f64,
    })
}

/// Sends a request for a dump to the kernel and hands the answer's messages on, datagram by datagram: a host may have so
/// many sockets that the whole answer would be large.
///
/// # Errors
/// The system's, also when no answer comes in time.
pub fn netlink_dump(family: NetlinkFamily, request: &[u8], mut each: impl FnMut(&[u8])) -> io::Result<()> {
    let protocol = match family {
        NetlinkFamily::Route => None,
        NetlinkFamily::SocketDiagnosis => Some(netlink::SOCK_DIAG),
    };
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, protocol)?;
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Recv, Some(NETLINK_TIMEOUT))?;
    sendto(&socket, request, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
    let mut datagram = vec![0; DATAGRAM_BYTES];
    loop {
        let (received, _) = recv(&socket, &mut datagram[..], RecvFlags::empty())?;
        let messages = &datagram[..received];
        each(messages);
        match dump_end(messages) {
            DumpEnd::NotYet if received > 0 => {}
            DumpEnd::NotYet | DumpEnd::Done => return Ok(()),
            DumpEnd::Error(number) => return Err(io::Error::from_raw_os_error(number)),
        }
    }
}
