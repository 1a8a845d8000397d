//! The log on disk: every change of a group is appended, and a push is answered once its record is synced.
//!
//! The file is `FWPUSH1\n`, then records: length (u32, little endian), xxh3 of the payload (u64), payload. A record that
//! was cut off by a crash was never acknowledged and is dropped; one whose checksum is wrong is named, the file is copied
//! aside, and the rest is used. The log is rewritten from the groups when it has grown to twice their size.

mod record;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use xxhash_rust::xxh3::xxh3_64;

use crate::group::{Group, GroupKey};

pub use record::Change;
use record::OwnedChange;

const MAGIC: &[u8] = b"FWPUSH1\n";
const FRAME_BYTES: usize = 12;
/// Logs below this size are never rewritten.
const COMPACT_FROM_BYTES: u64 = 1 << 20;

/// Why the log cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PersistError {
    /// The system refused.
    #[error("cannot {attempted} {path}")]
    Io {
        /// What was attempted.
        attempted: &'static str,
        /// On which file.
        path: PathBuf,
        /// The cause; shared, for several pushes may wait for one sync.
        #[source]
        source: Arc<io::Error>,
    },
    /// The file is something else.
    #[error("{path} is not a log of this pushgateway: name another --persistence.file (the file was left as it is)")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
}

/// The open log.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    shared: Arc<Shared>,
    length_bytes: u64,
    /// Size right after the last rewrite.
    compacted_bytes: u64,
    compact_interval: Duration,
    compacted_at: Instant,
    records: u64,
}

/// What waiting pushes share with the log.
#[derive(Debug)]
struct Shared {
    path: PathBuf,
    file: Mutex<Arc<File>>,
    /// Records written so far.
    written: AtomicU64,
    /// Records known to be on disk. Held while syncing: those who wait for it find their record synced along.
    synced: Mutex<u64>,
}

/// A record that was written and may not be on disk yet.
#[derive(Debug)]
#[must_use = "a push is acknowledged only after the wait"]
pub struct Ticket {
    shared: Arc<Shared>,
    record: u64,
}

impl Ticket {
    /// Waits until the record is on disk.
    ///
    /// # Errors
    /// [`PersistError`] when the disk did not take it.
    pub fn wait(self) -> Result<(), PersistError> {
        let mut synced = self.shared.synced.lock();
        if *synced >= self.record {
            return Ok(());
        }
        let written = self.shared.written.load(Ordering::SeqCst);
        let file = Arc::clone(&self.shared.file.lock());
        file.sync_data().map_err(|error| io_error("sync", &self.shared.path, error))?;
        *synced = written;
        Ok(())
    }
}

impl Log {
    /// Opens or makes the log at `path` and gives the groups that it holds.
    ///
    /// # Errors
    /// [`PersistError`] names the file.
    pub fn open(path: &Path, compact_interval: Duration) -> Result<(Self, BTreeMap<GroupKey, Group>), PersistError> {
        let io = |attempted| move |error| io_error(attempted, path, error);
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(io("make the folder of"))?;
        }
        let options = || OpenOptions::new().read(true).write(true).create(true).truncate(false).clone();
        let mut file = options().open(path).map_err(io("open"))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io("read"))?;
        if bytes.is_empty() {
            file.write_all(MAGIC).and_then(|()| file.sync_all()).map_err(io("write"))?;
            bytes.extend_from_slice(MAGIC);
        }
        if !bytes.starts_with(MAGIC) {
            return Err(PersistError::Foreign { path: path.to_owned() });
        }
        let replay = replay(&bytes);
        if replay.corrupt > 0 {
            let aside = path.with_extension("corrupt");
            fs::copy(path, &aside).map_err(io("copy aside"))?;
            tracing::error!(path = %path.display(), records = replay.corrupt, copy = %aside.display(), "records with wrong checksums were left out");
        }
        if replay.end < bytes.len() {
            let bytes = bytes.len() - replay.end;
            tracing::warn!(path = %path.display(), bytes, "dropped a record that was never acknowledged");
        }
        let length_bytes = replay.end as u64;
        file.set_len(length_bytes).map_err(io("truncate"))?;
        file.seek(SeekFrom::Start(length_bytes)).map_err(io("seek in"))?;
        let shared = Shared {
            path: path.to_owned(),
            file: Mutex::new(Arc::new(file)),
            written: AtomicU64::new(0),
            synced: Mutex::new(0),
        };
        let log = Self {
            path: path.to_owned(),
            shared: Arc::new(shared),
            length_bytes,
            compacted_bytes: length_bytes,
            compact_interval,
            compacted_at: Instant::now(),
            records: 0,
        };
        Ok((log, replay.groups))
    }

    /// Writes a record. Until its ticket was waited for, a power cut may lose it; a crash of the process does not.
    ///
    /// # Errors
    /// [`PersistError`]; the log is then as before.
    pub fn append(&mut self, change: &Change<'_>) -> Result<Ticket, PersistError> {
        let frame = frame(change);
        let file = Arc::clone(&self.shared.file.lock());
        if let Err(error) = (&*file).write_all(&frame) {
            // Half a record must not stand before the next one.
            let restored =
                file.set_len(self.length_bytes).and_then(|()| (&*file).seek(SeekFrom::Start(self.length_bytes)));
            if let Err(error) = restored {
                tracing::error!(path = %self.path.display(), %error, "cannot cut off a half-written record");
            }
            return Err(io_error("write", &self.path, error));
        }
        self.length_bytes += frame.len() as u64;
        self.records += 1;
        self.shared.written.store(self.records, Ordering::SeqCst);
        Ok(Ticket { shared: Arc::clone(&self.shared), record: self.records })
    }

    /// Rewrites the log from `groups` when it has doubled and the interval is over: a new file beside it, then a rename.
    ///
    /// # Errors
    /// [`PersistError`]; the old file then goes on.
    pub fn compact(&mut self, groups: &BTreeMap<GroupKey, Group>) -> Result<(), PersistError> {
        let grown = self.length_bytes >= COMPACT_FROM_BYTES.max(2 * self.compacted_bytes);
        if !grown || self.compacted_at.elapsed() < self.compact_interval {
            return Ok(());
        }
        let beside = self.path.with_extension("new");
        let io = |attempted| {
            let beside = beside.clone();
            move |error| io_error(attempted, &beside, error)
        };
        let mut bytes = MAGIC.to_vec();
        for (key, group) in groups {
            bytes.extend(frame(&Change::Put { key, group }));
        }
        let mut file = File::create(&beside).map_err(io("make"))?;
        file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(io("write"))?;
        fs::rename(&beside, &self.path).map_err(io("rename"))?;
        // From here on the new file is the log; everything written so far is in it and on disk.
        let mut synced = self.shared.synced.lock();
        *self.shared.file.lock() = Arc::new(file);
        *synced = self.records;
        self.length_bytes = bytes.len() as u64;
        self.compacted_bytes = self.length_bytes;
        self.compacted_at = Instant::now();
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(io("sync the folder of"))
    }
}

fn io_error(attempted: &'static str, path: &Path, source: io::Error) -> PersistError {
    PersistError::Io { attempted, path: path.to_owned(), source: Arc::new(source) }
}

fn frame(change: &Change<'_>) -> Vec<u8> {
    let payload = change.encode();
    let mut frame = Vec::with_capacity(FRAME_BYTES + payload.len());
    let length = u32::try_from(payload.len()).expect("a group fits the limits of pushes, far below 4 GiB");
    frame.extend_from_slice(&length.to_le_bytes());
    frame.extend_from_slice(&xxh3_64(&payload).to_le_bytes());
    frame.extend_from_slice(&payload);
    frame
}

/// What a log holds.
struct Replay {
    groups: BTreeMap<GroupKey, Group>,
    /// Where the last whole record ends.
    end: usize,
    corrupt: usize,
}

fn replay(bytes: &[u8]) -> Replay {
    let mut replay = Replay { groups: BTreeMap::new(), end: MAGIC.len(), corrupt: 0 };
    while let Some((head, rest)) = bytes.get(replay.end..).and_then(|rest| rest.split_at_checked(FRAME_BYTES)) {
        let (length, checksum) = head.split_at(4);
        let length = u32::from_le_bytes(length.try_into().expect("split at four bytes"));
        let checksum = u64::from_le_bytes(checksum.try_into().expect("eight of twelve bytes remain"));
        let Some(payload) = usize::try_from(length).ok().and_then(|length| rest.get(..length)) else { break };
        let change = if xxh3_64(payload) == checksum { OwnedChange::decode(payload) } else { None };
        match change {
            Some(OwnedChange::Put { key, group }) => {
                replay.groups.insert(key, group);
            }
            Some(OwnedChange::Delete { key }) => {
                replay.groups.remove(&key);
            }
            Some(OwnedChange::Wipe) => replay.groups.clear(),
            None => replay.corrupt += 1,
        }
        replay.end += FRAME_BYTES + payload.len();
    }
    replay
}

#[cfg(test)]
mod tests;
