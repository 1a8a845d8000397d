//! Room on the disk: before it is full, samples are refused; queries and cleaning go on; with room again, samples are taken
//! again. A reserve file keeps room that nobody else can take, for what frees space: it is made when the disk begins to fill,
//! given up when it is nearly full, and made again later. On a disk with plenty of room there is none.
//!
//! The database below must not meet a full disk in the middle of its own work, so samples stop while there is still room
//! for everything that is under way: see [`Room::new`].

#[cfg(not(unix))]
#[path = "disk/elsewhere.rs"]
mod system;
#[cfg(unix)]
#[path = "disk/unix.rs"]
mod system;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::error::DbError;

const RESERVE_FILE: &str = "reserve";
const MIB: u64 = 1 << 20;

/// How much room a file system has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Space {
    pub(crate) total_bytes: u64,
    /// What an ordinary user may still take.
    pub(crate) free_bytes: u64,
}

/// How much room is needed for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Room {
    /// Bytes of the reserve file.
    reserve_bytes: u64,
    /// With less than this left, samples are refused.
    low_bytes: u64,
    /// With more than this left, they are taken again.
    enough_bytes: u64,
    /// With less than this left, there is a reserve; it goes again when twice as much is left.
    near_bytes: u64,
}

impl Room {
    /// A fiftieth of the disk in reserve and as much left free, within bounds: below, what a memtable and a table in the
    /// making take; above, what nobody wants to lose.
    fn new(total_bytes: u64) -> Self {
        let reserve_bytes = (total_bytes / 50).clamp(4 * MIB, 256 * MIB);
        let low_bytes = reserve_bytes.max(12 * MIB);
        let near_bytes = 16 * reserve_bytes;
        Self { reserve_bytes, low_bytes, enough_bytes: low_bytes + low_bytes / 2, near_bytes }
    }
}

/// Watches over the disk that a store is on.
#[derive(Debug)]
pub(crate) struct Disk {
    path: PathBuf,
    is_full: AtomicBool,
    has_reserve: AtomicBool,
    free_bytes: AtomicU64,
    total_bytes: AtomicU64,
}

impl Disk {
    /// Looks at the disk of the folder `path`.
    pub(crate) fn new(path: &Path) -> Self {
        let disk = Self {
            path: path.to_owned(),
            is_full: AtomicBool::new(false),
            has_reserve: AtomicBool::new(path.join(RESERVE_FILE).is_file()),
            free_bytes: AtomicU64::new(u64::MAX),
            total_bytes: AtomicU64::new(0),
        };
        disk.measure();
        disk
    }

    /// Asks the system for the room there is.
    fn measure(&self) -> Option<Space> {
        match system::space(&self.path) {
            Ok(space) => {
                let space = space?;
                self.free_bytes.store(space.free_bytes, Ordering::Relaxed);
                self.total_bytes.store(space.total_bytes, Ordering::Relaxed);
                Some(space)
            }
            Err(error) => {
                tracing::warn!(%error, path = %self.path.display(), "cannot tell how full the disk is");
                None
            }
        }
    }

    /// Looks at the room, and acts. Called often: what is between two looks must fit into the room that is kept.
    pub(crate) fn check(&self) {
        let Some(space) = self.measure() else { return };
        let room = Room::new(space.total_bytes);
        let was_full = self.is_full.load(Ordering::Relaxed);
        // Room that the reserve gave up is for cleaning, not for samples.
        let lent = if self.has_reserve.load(Ordering::Relaxed) { 0 } else { room.reserve_bytes };
        let limit = if was_full { room.enough_bytes + lent } else { room.low_bytes };
        let is_full = space.free_bytes < limit;
        self.is_full.store(is_full, Ordering::Relaxed);
        let free_bytes = space.free_bytes;
        match (was_full, is_full) {
            (false, true) => {
                tracing::error!(free_bytes, path = %self.path.display(), "the disk is full, samples are refused")
            }
            (true, false) => tracing::info!(free_bytes, "there is room on the disk again, samples are taken"),
            _ => {}
        }
        let is_near = space.free_bytes < room.near_bytes;
        if is_full || (lent == 0 && space.free_bytes >= 2 * room.near_bytes) {
            self.give_up_reserve();
        } else if lent > 0 && is_near && space.free_bytes >= room.enough_bytes + room.reserve_bytes {
            self.make_reserve(room.reserve_bytes);
        }
    }

    /// Why samples are refused, if they are.
    pub(crate) fn refusal(&self) -> Option<DbError> {
        self.is_full
            .load(Ordering::Relaxed)
            .then(|| DbError::DiskFull { path: self.path.clone(), free_bytes: self.free_bytes.load(Ordering::Relaxed) })
    }

    /// Whether samples are refused.
    pub(crate) fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Relaxed)
    }

    /// Bytes left, where the system tells.
    pub(crate) fn free_bytes(&self) -> Option<u64> {
        Some(self.free_bytes.load(Ordering::Relaxed)).filter(|bytes| *bytes != u64::MAX)
    }

    /// Bytes of the whole disk, where the system tells.
    pub(crate) fn total_bytes(&self) -> Option<u64> {
        Some(self.total_bytes.load(Ordering::Relaxed)).filter(|bytes| *bytes > 0)
    }

    fn give_up_reserve(&self) {
        if self.has_reserve.swap(false, Ordering::Relaxed) {
            self.remove_reserve();
        }
    }

    fn remove_reserve(&self) {
        match std::fs::remove_file(self.path.join(RESERVE_FILE)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, path = %self.path.display(), "cannot remove the reserve file");
            }
            _ => {}
        }
    }

    fn make_reserve(&self, bytes: u64) {
        match system::reserve(&self.path.join(RESERVE_FILE), bytes) {
            Ok(()) => self.has_reserve.store(true, Ordering::Relaxed),
            Err(error) => {
                tracing::warn!(%error, path = %self.path.display(), "cannot make the reserve file");
                self.remove_reserve();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_grows_with_the_disk_within_bounds() {
        let small = Room::new(64 * MIB);
        assert_eq!((small.reserve_bytes, small.low_bytes, small.enough_bytes), (4 * MIB, 12 * MIB, 18 * MIB));
        assert_eq!(Room::new(10 << 30).reserve_bytes, (10 << 30) / 50);
        assert_eq!(Room::new(1 << 40).low_bytes, 256 * MIB);
    }

    #[test]
    fn a_disk_with_plenty_of_room_needs_no_reserve() {
        let dir = tempfile::tempdir().expect("a folder");
        let disk = Disk::new(dir.path());
        disk.check();
        let Some(free_bytes) = disk.free_bytes() else {
            return eprintln!("skipped: the system does not tell how full a disk is");
        };
        if free_bytes < 9 << 30 {
            return eprintln!("skipped: the disk is too full");
        }
        assert!(!disk.is_full() && disk.refusal().is_none());
        assert!(!dir.path().join(RESERVE_FILE).exists());
        // One from a time with less room goes.
        disk.make_reserve(4 * MIB);
        assert!(dir.path().join(RESERVE_FILE).metadata().expect("made").len() >= 4 * MIB);
        disk.check();
        assert!(!dir.path().join(RESERVE_FILE).exists());
    }
}
