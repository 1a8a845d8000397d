//! An append-only file of records that survive `kill -9` and power loss once they are acknowledged.
//!
//! One record a line: 16 hexadecimal digits (XXH3 of the rest), a space, a JSON object. A later record replaces an
//! earlier one with the same identity; what identity means is up to the owner, who reads all records at start and writes
//! the living ones anew when too much of the file is dead. Records that arrive together are synced together.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use xxhash_rust::xxh3::xxh3_64;

/// A journal that cannot be read or written.
#[derive(Debug, Clone, thiserror::Error)]
#[error("cannot {attempted} {path}: {reason}")]
pub struct JournalError {
    attempted: &'static str,
    path: String,
    reason: String,
}

impl JournalError {
    fn new(attempted: &'static str, path: &Path, error: impl ToString) -> Self {
        Self { attempted, path: path.display().to_string(), reason: error.to_string() }
    }
}

/// What was found in the file at start.
#[derive(Debug)]
pub struct Found<T> {
    /// The records, oldest first.
    pub records: Vec<T>,
    /// Lines that could not be read: cut off in the middle of writing, or damaged later.
    pub damaged: usize,
}

/// Writes to the file. Every append waits until its record is on disk.
#[derive(Debug)]
pub struct Journal {
    /// Both are taken out when the journal is closed.
    open: Mutex<Option<(mpsc::UnboundedSender<Command>, JoinHandle<()>)>>,
}

#[derive(Debug)]
struct Command {
    /// Complete lines.
    lines: Vec<u8>,
    /// Whether they replace everything that is there.
    replaces: bool,
    done: oneshot::Sender<Result<u64, JournalError>>,
}

/// A record on its way to the disk.
#[derive(Debug)]
pub struct Written {
    done: oneshot::Receiver<Result<u64, JournalError>>,
}

impl Written {
    /// Waits until the record is on disk. Gives the size of the file.
    ///
    /// # Errors
    /// [`JournalError`] when it could not be written; then it is not there.
    pub async fn wait(self) -> Result<u64, JournalError> {
        let stopped = |_| JournalError::new("write to", Path::new("the journal"), "the writer has stopped");
        self.done.await.map_err(stopped)?
    }
}

impl Journal {
    /// Opens the file, making it if it is not there, and reads all records. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`JournalError`] when the file cannot be read or written. Damaged lines are no error: they are counted.
    pub fn open<T: DeserializeOwned>(path: &Path) -> Result<(Self, Found<T>), JournalError> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(JournalError::new("read", path, error)),
        };
        // A line without an end was being written when the process died; nobody was told that it is there.
        let complete = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let open = || -> io::Result<File> {
            let file = OpenOptions::new().create(true).append(true).open(path)?;
            if complete < bytes.len() {
                file.set_len(complete as u64)?;
            }
            sync_folder(path)?;
            Ok(file)
        };
        let file = open().map_err(|error| JournalError::new("open", path, error))?;
        let found = decode(&bytes, complete);
        let (commands, queue) = mpsc::unbounded_channel();
        let file = JournalFile { path: path.to_owned(), file, size_bytes: complete as u64 };
        let writer = tokio::spawn(write(file, queue));
        Ok((Self { open: Mutex::new(Some((commands, writer))) }, found))
    }

    /// Queues a record. Records are written in the order in which this is called.
    #[must_use = "the record is on disk only once the result was awaited"]
    pub fn append<T: Serialize>(&self, record: &T) -> Written {
        self.send(encode(record), false)
    }

    /// Queues the replacement of everything in the file by `records`, in one step: after a crash either all of the old
    /// or all of the new is there.
    #[must_use = "the records are on disk only once the result was awaited"]
    pub fn rewrite<'a, T: Serialize + 'a>(&self, records: impl IntoIterator<Item = &'a T>) -> Written {
        self.send(records.into_iter().flat_map(encode).collect(), true)
    }

    fn send(&self, lines: Vec<u8>, replaces: bool) -> Written {
        let (done, receiver) = oneshot::channel();
        if let Some((commands, _)) = &*self.open.lock() {
            // When the writer has stopped, dropping `done` tells whoever waits.
            drop(commands.send(Command { lines, replaces, done }));
        }
        Written { done: receiver }
    }

    /// Writes what is queued and ends. What is appended afterwards fails.
    pub async fn close(&self) {
        let open = self.open.lock().take();
        if let Some((commands, writer)) = open {
            drop(commands);
            if let Err(error) = writer.await {
                tracing::error!(%error, "journal writer failed");
            }
        }
    }
}

fn encode<T: Serialize>(record: &T) -> Vec<u8> {
    let json = serde_json::to_vec(record).expect("records are made of texts, numbers and lists");
    let mut line = format!("{:016x} ", xxh3_64(&json)).into_bytes();
    line.extend_from_slice(&json);
    line.push(b'\n');
    line
}

fn decode<T: DeserializeOwned>(bytes: &[u8], complete: usize) -> Found<T> {
    let mut found = Found { records: Vec::new(), damaged: usize::from(complete < bytes.len()) };
    for line in bytes[..complete].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        match decode_line(line) {
            Some(record) => found.records.push(record),
            None => found.damaged += 1,
        }
    }
    found
}

fn decode_line<T: DeserializeOwned>(line: &[u8]) -> Option<T> {
    let (sum, json) = line.split_at_checked(17)?;
    let sum = std::str::from_utf8(sum).ok()?.strip_suffix(' ')?;
    (u64::from_str_radix(sum, 16).ok()? == xxh3_64(json)).then(|| serde_json::from_slice(json).ok()).flatten()
}

/// The file, as the writer holds it.
#[derive(Debug)]
struct JournalFile {
    path: PathBuf,
    file: File,
    size_bytes: u64,
}

/// Takes commands until the journal is closed. Whatever is queued while one batch is synced makes the next batch.
async fn write(mut file: JournalFile, mut queue: mpsc::UnboundedReceiver<Command>) {
    while let Some(first) = queue.recv().await {
        let mut batch = vec![first];
        while let Ok(next) = queue.try_recv() {
            batch.push(next);
        }
        let blocking = tokio::task::spawn_blocking(move || {
            let written = file.commit(&batch);
            for command in batch {
                // Whoever does not wait any more does not need the answer.
                drop(command.done.send(written.clone()));
            }
            file
        });
        match blocking.await {
            Ok(back) => file = back,
            Err(error) => {
                tracing::error!(%error, "journal writer stopped");
                return;
            }
        }
    }
}

impl JournalFile {
    fn commit(&mut self, batch: &[Command]) -> Result<u64, JournalError> {
        let start = batch.iter().rposition(|command| command.replaces);
        let lines: Vec<u8> = batch[start.unwrap_or(0)..].iter().flat_map(|command| &command.lines).copied().collect();
        let written = if start.is_some() { self.replace(&lines) } else { self.append(&lines) };
        written.map_err(|error| JournalError::new("write to", &self.path, error))?;
        Ok(self.size_bytes)
    }

    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let written = self.file.write_all(lines).and_then(|()| self.file.sync_data());
        if written.is_err() {
            // Half a line must not swallow the next one.
            self.file.set_len(self.size_bytes)?;
        }
        written?;
        self.size_bytes += lines.len() as u64;
        Ok(())
    }

    fn replace(&mut self, lines: &[u8]) -> io::Result<()> {
        let mut name = self.path.clone().into_os_string();
        name.push(".new");
        let new_path = PathBuf::from(name);
        let mut new = File::create(&new_path)?;
        new.write_all(lines)?;
        new.sync_all()?;
        std::fs::rename(&new_path, &self.path)?;
        sync_folder(&self.path)?;
        self.file = OpenOptions::new().append(true).open(&self.path)?;
        self.size_bytes = lines.len() as u64;
        Ok(())
    }
}

/// Makes a new or renamed file's name itself durable.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// Other systems do this by themselves.
#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests;
