//! Systems of which the room on disks is not asked for: samples are refused only when a write fails.

use std::io;
use std::path::Path;

use super::Space;

/// Not known.
#[expect(clippy::unnecessary_wraps, reason = "the same shape as where it is known")]
pub(super) fn space(_path: &Path) -> io::Result<Option<Space>> {
    Ok(None)
}

/// Never called, since the room is not known.
pub(super) fn reserve(_path: &Path, _bytes: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
