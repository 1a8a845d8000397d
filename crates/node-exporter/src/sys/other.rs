//! Systems that this exporter is not for: it builds and parses there, so that its parsers are tested everywhere, but it
//! has nothing to ask them.

use std::io;
use std::path::Path;

use super::{NetlinkFamily, Space, Uname};

/// Nothing is known.
#[must_use]
pub fn uname() -> Uname {
    Uname::default()
}

/// The size that most systems have.
#[must_use]
pub fn page_bytes() -> f64 {
    4096.0
}

/// # Errors
/// Always: it is not supported.
pub fn space(_path: &Path) -> io::Result<Space> {
    Err(io::ErrorKind::Unsupported.into())
}

/// # Errors
/// Always: it is not supported.
pub fn netlink_dump(_family: NetlinkFamily, _request: &[u8], _each: impl FnMut(&[u8])) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
