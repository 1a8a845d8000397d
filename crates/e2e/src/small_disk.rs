//! A file system of a few mebibytes.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A small file system in memory, unmounted when dropped.
#[derive(Debug)]
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None`, with the reason printed, where nothing can be mounted.
    #[must_use]
    pub fn mount(path: &Path, mib: u64) -> Option<Self> {
        std::fs::create_dir_all(path).ok()?;
        let size = format!("size={mib}m");
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "firewatch-test"]).arg(path).output();
        match done {
            Ok(done) if done.status.success() => Some(Self(path.to_owned())),
            done => {
                eprintln!("skipped: cannot mount a small file system: {done:?}");
                None
            }
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(&self.0).status());
    }
}
