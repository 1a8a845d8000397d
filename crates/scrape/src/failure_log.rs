//! Scrapes that failed, one by one, for `scrape_failure_log_file`. The caller says how such a log is kept.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::config::ScrapeConfig;

/// Takes note of scrapes that failed.
pub trait FailureLog: Send + Sync {
    /// A scrape of the target at `url` failed with `error`. Called on a blocking thread.
    fn failed(&self, job: &str, url: &str, error: &str);
}

/// Opens the log at a path. Called for each configuration that is applied, so that a file that was moved away is made
/// anew.
pub type OpenFailureLog = Arc<dyn Fn(&Path) -> io::Result<Arc<dyn FailureLog>> + Send + Sync>;

/// The log of a pool as its loops see it: each configuration brings another, and loops that stay the same use that too.
#[derive(Clone, Default)]
pub(crate) struct FailureLogCell(Arc<Mutex<Option<Arc<dyn FailureLog>>>>);

impl FailureLogCell {
    pub(crate) fn set(&self, log: Option<Arc<dyn FailureLog>>) {
        *self.0.lock() = log;
    }

    pub(crate) fn failed(&self, job: &str, url: &str, error: &str) {
        // Not locked while the file is written.
        let log = self.0.lock().clone();
        if let Some(log) = log {
            log.failed(job, url, error);
        }
    }
}

/// The logs that a configuration names, by path.
#[derive(Default)]
pub(crate) struct FailureLogs(BTreeMap<String, Arc<dyn FailureLog>>);

impl FailureLogs {
    /// Opens them all; the error comes with the path.
    pub(crate) fn open(configs: &[ScrapeConfig], open: &OpenFailureLog) -> Result<Self, (String, io::Error)> {
        let mut logs = BTreeMap::new();
        for path in configs.iter().map(|config| &config.fields().scrape_failure_log_file) {
            if !path.is_empty() && !logs.contains_key(path) {
                let log = open(Path::new(path)).map_err(|error| (path.clone(), error))?;
                logs.insert(path.clone(), log);
            }
        }
        Ok(Self(logs))
    }

    /// The log of a job, if it has one.
    pub(crate) fn of(&self, config: &ScrapeConfig) -> Option<Arc<dyn FailureLog>> {
        self.0.get(&config.fields().scrape_failure_log_file).cloned()
    }
}
