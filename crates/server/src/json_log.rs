//! A file of JSON to which each event adds a line: the logs of queries and of failed scrapes, with the original's keys.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use metrics_model::Clock;
use parking_lot::Mutex;

use crate::time::rfc3339;
use crate::web::api::json::{Fields, Json};

/// An open log. Closed when it is dropped; whoever wants a file anew after it was moved away opens another log.
pub(crate) struct JsonLog {
    path: PathBuf,
    file: Mutex<File>,
    clock: Arc<dyn Clock>,
    is_failing: AtomicBool,
}

impl std::fmt::Debug for JsonLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JsonLog").field("path", &self.path).finish_non_exhaustive()
    }
}

impl JsonLog {
    /// Opens the log at `path`, making the file if need be. What it holds stays.
    pub(crate) fn open(path: &Path, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        Ok(Self { path: path.to_owned(), file: Mutex::new(file), clock, is_failing: AtomicBool::new(false) })
    }

    /// Adds an event with what `fields` writes. Whether it is in the file; that it is not is told once, until it is again.
    pub(crate) fn write(&self, level: &str, message: &str, fields: impl FnOnce(&mut Fields<'_>)) -> bool {
        let mut json = Json::plain();
        json.object(|line| {
            line.string("time", &rfc3339(self.clock.now_ms()));
            line.string("level", level);
            line.string("msg", message);
            fields(line);
        });
        json.raw("\n");
        // In one piece, so that lines of several writers never mix.
        match self.file.lock().write_all(&json.into_bytes()) {
            Ok(()) => {
                self.is_failing.store(false, Ordering::Relaxed);
                true
            }
            Err(error) => {
                if !self.is_failing.swap(true, Ordering::Relaxed) {
                    tracing::error!(file = %self.path.display(), %error, "cannot write to a log");
                }
                false
            }
        }
    }
}

impl scrape::FailureLog for JsonLog {
    fn failed(&self, job: &str, url: &str, error: &str) {
        self.write("ERROR", error, |line| {
            line.string("job_name", job);
            line.string("target", url);
        });
    }
}
