//! Room on a disk, as Unix tells it.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use super::Space;

/// The room of the file system that `path` is on.
pub(super) fn space(path: &Path) -> io::Result<Option<Space>> {
    let stat = rustix::fs::statvfs(path)?;
    let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
    Ok(Some(Space { total_bytes: bytes(stat.f_blocks), free_bytes: bytes(stat.f_bavail) }))
}

/// Makes a file that takes so much room.
pub(super) fn reserve(path: &Path, bytes: u64) -> io::Result<()> {
    const STEP: usize = 1 << 20;
    let mut file = File::create(path)?;
    if rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, bytes).is_ok() {
        return Ok(());
    }
    // Not every file system can set room aside. Not all zeros, which some do not keep.
    let step = vec![0xa5; STEP];
    for _ in 0..bytes.div_ceil(STEP as u64) {
        file.write_all(&step)?;
    }
    file.sync_data()
}
