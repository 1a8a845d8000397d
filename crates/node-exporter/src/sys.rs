//! What only system calls tell, one file for each family of systems.

use std::io;
use std::time::Duration;

pub mod bus;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use linux::{netlink_dump, page_bytes, space, uname};

#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(not(target_os = "linux"))]
pub use other::{netlink_dump, page_bytes, space, uname};

/// A part of the kernel that answers over netlink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetlinkFamily {
    /// Devices, addresses, neighbours, routes and queues.
    Route,
    /// Sockets.
    SocketDiagnosis,
}

/// The whole answer of the kernel's routing tables to a request for a dump.
///
/// # Errors
/// The system's, also when no answer comes in time.
pub fn route_dump(request: &[u8]) -> io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    netlink_dump(NetlinkFamily::Route, request, |messages| answer.extend_from_slice(messages))?;
    Ok(answer)
}

/// How long the kernel may take for an answer about its network; it answers at once.
pub const NETLINK_TIMEOUT: Duration = Duration::from_secs(2);

/// The space of a file system.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Space {
    /// All of it.
    pub size_bytes: f64,
    /// What is not used.
    pub free_bytes: f64,
    /// What users other than root may take of that.
    pub available_bytes: f64,
    /// All inodes.
    pub files: f64,
    /// Inodes that are not used.
    pub files_free: f64,
}

/// The names of the system.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Uname {
    /// As `Linux`.
    pub system: String,
    /// As `6.1.0`.
    pub release: String,
    /// As `#1 SMP PREEMPT_DYNAMIC`.
    pub version: String,
    /// As `x86_64`.
    pub machine: String,
    /// The host's name.
    pub node: String,
    /// The host's NIS domain.
    pub domain: String,
}
