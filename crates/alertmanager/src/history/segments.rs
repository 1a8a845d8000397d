//! The files of the history: lines of JSON, a new file every few megabytes and at every start.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{Event, Limits};
use crate::time::before;

/// When to begin a new file.
const SEGMENT_BYTES: u64 = 8 << 20;
/// What the files' names end with.
const EXTENSION: &str = "jsonl";

/// The history on disk cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot {attempted} {}", path.display())]
pub struct HistoryError {
    attempted: &'static str,
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl HistoryError {
    fn new(attempted: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self { attempted, path, source }
    }
}

/// One file.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    path: PathBuf,
    /// The time in its name: no event in it is earlier.
    start_ms: i64,
    size_bytes: u64,
}

/// All files, and the one that is written to.
#[derive(Debug)]
pub(super) struct Segments {
    folder: PathBuf,
    limits: Limits,
    /// Oldest first.
    segments: Vec<Segment>,
    /// The last of `segments`, once something was written since the start.
    open: Option<File>,
}

impl Segments {
    /// Looks for files in the folder, making it if it is not there.
    pub(super) fn open(folder: &Path, limits: Limits) -> Result<Self, HistoryError> {
        std::fs::create_dir_all(folder).map_err(HistoryError::new("make the folder", folder))?;
        let mut segments = Vec::new();
        let list = || -> io::Result<Vec<Segment>> {
            for entry in std::fs::read_dir(folder)? {
                let entry = entry?;
                let path = entry.path();
                let start_ms = path.file_stem().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
                if let (Some(start_ms), true) = (start_ms, path.extension().is_some_and(|found| found == EXTENSION)) {
                    segments.push(Segment { size_bytes: entry.metadata()?.len(), path, start_ms });
                }
            }
            Ok(segments)
        };
        let mut segments = list().map_err(HistoryError::new("list", folder))?;
        segments.sort_by_key(|segment| segment.start_ms);
        Ok(Self { folder: folder.to_owned(), limits, segments, open: None })
    }

    /// Appends complete lines.
    pub(super) fn append(&mut self, lines: &[u8]) -> Result<(), HistoryError> {
        if lines.is_empty() {
            return Ok(());
        }
        let is_full = self.segments.last().is_none_or(|segment| segment.size_bytes >= SEGMENT_BYTES);
        if self.open.is_none() || is_full {
            self.begin()?;
        }
        let (Some(file), Some(segment)) = (&mut self.open, self.segments.last_mut()) else {
            return Ok(());
        };
        file.write_all(lines).map_err(HistoryError::new("write to", &segment.path))?;
        segment.size_bytes += lines.len() as u64;
        self.drop_excess();
        Ok(())
    }

    fn begin(&mut self) -> Result<(), HistoryError> {
        // Names must grow even where a clock does not.
        let newest = self.segments.last().map_or(0, |segment| segment.start_ms + 1);
        let start_ms = Timestamp::now().as_millisecond().max(newest);
        let path = self.folder.join(format!("{start_ms:015}.{EXTENSION}"));
        let file = OpenOptions::new().create(true).append(true).open(&path);
        self.open = Some(file.map_err(HistoryError::new("make", &path))?);
        self.segments.push(Segment { path, start_ms, size_bytes: 0 });
        Ok(())
    }

    /// The files that may hold events between two times, oldest first.
    pub(super) fn files_between(&self, start: Option<Timestamp>, end: Option<Timestamp>) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for (at, segment) in self.segments.iter().enumerate() {
            // Events are noted in order, give or take what waited to be written meanwhile.
            let next_ms = self.segments.get(at + 1).map_or(i64::MAX, |next| next.start_ms.saturating_add(SLACK_MS));
            let is_over = start.is_some_and(|start| next_ms < start.as_millisecond());
            let is_to_come = end.is_some_and(|end| segment.start_ms.saturating_sub(SLACK_MS) > end.as_millisecond());
            if !is_over && !is_to_come {
                files.push(segment.path.clone());
            }
        }
        files
    }

    /// Drops files that ended longer ago than is kept.
    pub(super) fn drop_old(&mut self, now: Timestamp) {
        let oldest_ms = before(now, self.limits.retention).as_millisecond();
        while let [first, second, ..] = &self.segments[..]
            && second.start_ms < oldest_ms
        {
            remove(&first.path);
            self.segments.remove(0);
        }
        self.drop_excess();
    }

    fn drop_excess(&mut self) {
        let mut size_bytes: u64 = self.segments.iter().map(|segment| segment.size_bytes).sum();
        while size_bytes > self.limits.size_bytes && self.segments.len() > 1 {
            let oldest = self.segments.remove(0);
            size_bytes -= oldest.size_bytes;
            remove(&oldest.path);
        }
    }
}

/// By how much the time of an event may differ from the place where it is found.
const SLACK_MS: i64 = 60_000;

fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::error!(file = %path.display(), %error, "an old file of the history cannot be removed");
    }
}

/// Shows the events of a file, the last first, until `visit` has enough. Whether it wants more.
pub(super) fn visit_backwards(
    file: &Path,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    visit: &mut impl FnMut(Event) -> bool,
) -> Result<bool, HistoryError> {
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        // It was dropped meanwhile.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(HistoryError::new("read", file)(error)),
    };
    for line in bytes.rsplit(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        // What cannot be read was being written when the process died.
        let Ok(event) = serde_json::from_slice::<Event>(line) else { continue };
        let is_wanted = start.is_none_or(|start| event.time >= start) && end.is_none_or(|end| event.time <= end);
        if is_wanted && !visit(event) {
            return Ok(false);
        }
    }
    Ok(true)
}
