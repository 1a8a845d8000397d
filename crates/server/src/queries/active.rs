//! The queries that run now, in a file of the data folder, `queries.active`: what it holds when the server starts did not
//! finish when it last ran, so that a query that brings the server down can be told.
//!
//! Each place is a block of fixed size. Blocks are written in place without waiting for the disk: what is written
//! outlives the process.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

/// The name of the file, as the original has it.
const FILE: &str = "queries.active";

/// Bytes of a place. Longer queries are cut.
const PLACE_BYTES: usize = 1_000;

/// Places for queries that run.
#[derive(Debug)]
pub(crate) struct ActiveLog {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: File,
    free: Vec<usize>,
}

/// A query that is in the log until this is dropped.
#[derive(Debug)]
pub(crate) struct ActiveEntry {
    log: Arc<ActiveLog>,
    place: usize,
}

impl ActiveLog {
    /// Opens the log in `folder` for `places` queries. Also gives the queries that the file has from before.
    pub(crate) fn open(folder: &Path, places: usize) -> io::Result<(Arc<Self>, Vec<String>)> {
        let path = folder.join(FILE);
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
        let mut before = Vec::new();
        file.read_to_end(&mut before)?;
        let unfinished = before.chunks(PLACE_BYTES).filter_map(query_of).collect();
        file.set_len(0)?;
        let mut inner = Inner { file, free: (0..places).rev().collect() };
        for place in 0..places {
            inner.write(place, "")?;
        }
        Ok((Arc::new(Self { inner: Mutex::new(inner) }), unfinished))
    }

    /// Puts a query into a free place. `None` when there is none or the file cannot be written: queries run all the same.
    pub(crate) fn enter(self: &Arc<Self>, query: &str, now_ms: i64) -> Option<ActiveEntry> {
        let mut inner = self.inner.lock();
        let place = inner.free.pop()?;
        let entry = entry(query, now_ms / 1000);
        if let Err(error) = inner.write(place, &entry) {
            tracing::warn!(%error, "cannot write to the log of active queries");
        }
        drop(inner);
        Some(ActiveEntry { log: Arc::clone(self), place })
    }
}

impl Inner {
    fn write(&mut self, place: usize, text: &str) -> io::Result<()> {
        let mut block = [b' '; PLACE_BYTES];
        block[..text.len()].copy_from_slice(text.as_bytes());
        block[PLACE_BYTES - 1] = b'\n';
        self.file.seek(SeekFrom::Start((place * PLACE_BYTES) as u64))?;
        self.file.write_all(&block)
    }
}

impl Drop for ActiveEntry {
    fn drop(&mut self) {
        let mut inner = self.log.inner.lock();
        if let Err(error) = inner.write(self.place, "") {
            tracing::warn!(%error, "cannot write to the log of active queries");
        }
        inner.free.push(self.place);
    }
}

/// An entry as JSON, with as much of the query as fits.
fn entry(query: &str, seconds: i64) -> String {
    let mut end = query.len().min(PLACE_BYTES);
    loop {
        while !query.is_char_boundary(end) {
            end -= 1;
        }
        let entry = serde_json::json!({"query": &query[..end], "timestamp_sec": seconds}).to_string();
        // Each round takes away at least what is too much.
        match entry.len().checked_sub(PLACE_BYTES - 1) {
            None | Some(0) => return entry,
            Some(over) => end = end.saturating_sub(over.div_ceil(6).max(1)),
        }
    }
}

/// The query in a block of the file.
fn query_of(block: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(block);
    let entry: serde_json::Value = serde_json::from_str(text.trim()).ok()?;
    entry["query"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    //! What is in the file when a server starts.

    use super::{ActiveLog, FILE, PLACE_BYTES};

    #[test]
    fn unfinished_queries_are_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let (log, unfinished) = ActiveLog::open(folder.path(), 2).expect("a log");
        assert_eq!(unfinished, Vec::<String>::new());
        let first = log.enter("up", 1_000).expect("a place");
        let second = log.enter("sum(up)\n\"\u{e4}\"", 2_000).expect("a place");
        assert!(log.enter("more", 3_000).is_none());
        drop(first);
        let third = log.enter("rate(x[5m])", 4_000).expect("a place");
        // As after a crash: nobody has tidied up.
        std::mem::forget((second, third));
        let (log, unfinished) = ActiveLog::open(folder.path(), 3).expect("a log");
        assert_eq!(unfinished, ["rate(x[5m])", "sum(up)\n\"\u{e4}\""]);
        drop(log.enter("up", 0));
        let (_, unfinished) = ActiveLog::open(folder.path(), 1).expect("a log");
        assert_eq!(unfinished, Vec::<String>::new());
    }

    #[test]
    fn long_queries_are_cut() {
        let folder = tempfile::tempdir().expect("a folder");
        let long = "\u{1}\u{e4}".repeat(2_000);
        let (log, _) = ActiveLog::open(folder.path(), 1).expect("a log");
        std::mem::forget(log.enter(&long, 0));
        let size = std::fs::metadata(folder.path().join(FILE)).expect("a file").len();
        assert_eq!(size, PLACE_BYTES as u64);
        let (_, unfinished) = ActiveLog::open(folder.path(), 1).expect("a log");
        assert!(unfinished[0].len() > 300 && long.starts_with(&unfinished[0]));
    }

    #[test]
    fn garbage_is_no_query() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(FILE), [0xff; 2_500]).expect("a file");
        let (_, unfinished) = ActiveLog::open(folder.path(), 1).expect("a log");
        assert_eq!(unfinished, Vec::<String>::new());
    }
}
