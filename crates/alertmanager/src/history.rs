//! What happened: every transition of an alert, every notification, every change of a silence, kept on disk for a time
//! and searchable.
//!
//! Events are appended to files of some megabytes, named by the time of their first event; whole files are dropped when
//! they are too old or all together are too large. Writing is not waited for: the history is for people, and what must
//! not be lost is in the journals. `kill -9` costs at most what happened in the last moment.

mod event;
mod segments;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use instrument::{IntCounter, Registry};
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub use event::{AlertChange, Event, Outcome, SilenceChange, ToldAlert, What};
pub use segments::HistoryError;

use crate::matcher::Matcher;
use segments::Segments;

/// Bytes of events that wait to be written. What comes on top is dropped and counted.
const WAITING_BYTES_MAX: usize = 64 << 20;

/// How long and how much is kept.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Files whose last event is older are dropped (`--history.retention`); zero keeps no history at all.
    pub retention: Duration,
    /// The oldest files are dropped when all are larger than this (`--history.max-size-bytes`).
    pub size_bytes: u64,
}

/// The history.
#[derive(Debug)]
pub struct History {
    /// Complete lines that are not written yet.
    waiting: Mutex<Vec<u8>>,
    /// `None` where no history is kept.
    segments: Option<Mutex<Segments>>,
    wake: Notify,
    dropped: IntCounter,
}

/// Which events are asked for. All conditions must hold.
#[derive(Debug, Default)]
pub struct Search {
    /// On the labels of an alert, of any alert of a notification, or on what a silence's matchers ask for.
    pub matchers: Vec<Matcher>,
    /// `alert`, `notification` or `silence`.
    pub kind: Option<String>,
    /// The receiver's name.
    pub receiver: Option<String>,
    /// What became of it: `firing`, `resolved`, `sent`, `failed`, `created`, …
    pub outcome: Option<String>,
    /// The key of a group.
    pub group_key: Option<String>,
    /// Not before.
    pub start: Option<Timestamp>,
    /// Not after.
    pub end: Option<Timestamp>,
    /// At most so many, the latest.
    pub limit: usize,
}

impl History {
    /// Opens the history in a folder.
    ///
    /// # Errors
    /// [`HistoryError`] when the folder cannot be used.
    pub fn open(folder: &Path, limits: Limits, registry: &Registry) -> Result<Self, HistoryError> {
        let dropped = registry.counter(
            "firewatch_alertmanager_history_events_dropped_total",
            "Events that are missing from the history because they could not be written.",
        );
        let segments = if limits.retention.is_zero() { None } else { Some(Segments::open(folder, limits)?) };
        Ok(Self { waiting: Mutex::default(), segments: segments.map(Mutex::new), wake: Notify::new(), dropped })
    }

    /// A history that forgets everything.
    #[must_use]
    pub fn none() -> Self {
        let dropped = Registry::new().counter("dropped", "Nobody sees this.");
        Self { waiting: Mutex::default(), segments: None, wake: Notify::new(), dropped }
    }

    /// Notes what happened.
    pub fn record(&self, event: &Event) {
        if self.segments.is_none() {
            return;
        }
        let mut line = serde_json::to_vec(event).expect("events are made of texts, numbers and lists");
        line.push(b'\n');
        let mut waiting = self.waiting.lock();
        if waiting.len() + line.len() > WAITING_BYTES_MAX {
            self.dropped.inc();
            return;
        }
        let was_empty = waiting.is_empty();
        waiting.extend_from_slice(&line);
        drop(waiting);
        if was_empty {
            self.wake.notify_one();
        }
    }

    /// The events that `search` asks for, the latest first. Reads files: call it where that may take a while.
    ///
    /// # Errors
    /// [`HistoryError`] when a file cannot be read.
    pub fn search(&self, search: &Search) -> Result<Vec<Event>, HistoryError> {
        let mut found = Vec::new();
        if search.limit > 0 {
            self.visit_backwards(search.start, search.end, |event| {
                if search.wants(&event) {
                    found.push(event);
                }
                found.len() < search.limit
            })?;
        }
        Ok(found)
    }

    /// The alerts that fired at a time, as far as the history goes back. Reads files, as [`History::search`].
    ///
    /// # Errors
    /// [`HistoryError`] when a file cannot be read.
    pub fn firing_at(&self, time: Timestamp) -> Result<Vec<metrics_model::Labels>, HistoryError> {
        let mut decided = std::collections::HashSet::new();
        let mut firing = Vec::new();
        self.visit_backwards(None, Some(time), |event| {
            if let What::Alert { labels, fingerprint, state, .. } = event.what {
                let fires = match state {
                    AlertChange::Firing => true,
                    AlertChange::Resolved => false,
                    // These say nothing about whether it fires.
                    AlertChange::Silenced | AlertChange::Inhibited | AlertChange::Muted | AlertChange::Active => {
                        return true;
                    }
                };
                if decided.insert(fingerprint) && fires {
                    firing.push(metrics_model::Labels::from_pairs(labels));
                }
            }
            true
        })?;
        Ok(firing)
    }

    fn visit_backwards(
        &self,
        start: Option<Timestamp>,
        end: Option<Timestamp>,
        mut visit: impl FnMut(Event) -> bool,
    ) -> Result<(), HistoryError> {
        let Some(segments) = &self.segments else {
            return Ok(());
        };
        // What happened before the question belongs to the answer.
        self.write();
        let files = segments.lock().files_between(start, end);
        for file in files.into_iter().rev() {
            if !segments::visit_backwards(&file, start, end, &mut visit)? {
                break;
            }
        }
        Ok(())
    }

    /// Writes what waits.
    fn write(&self) {
        let Some(segments) = &self.segments else {
            return;
        };
        // Held over the write, so that two writers keep the order.
        let mut segments = segments.lock();
        let lines = std::mem::take(&mut *self.waiting.lock());
        if let Err(error) = segments.append(&lines) {
            let events = lines.iter().filter(|byte| **byte == b'\n').count();
            self.dropped.inc_by(events as u64);
            tracing::error!(%error, events, "events are missing from the history");
        }
    }

    /// Writes events as they come, until `stop` fires.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        while stop.run_until_cancelled(self.wake.notified()).await.is_some() {
            self.write_elsewhere().await;
        }
    }

    /// Writes the rest.
    pub async fn close(self: &Arc<Self>) {
        self.write_elsewhere().await;
    }

    async fn write_elsewhere(self: &Arc<Self>) {
        let history = Arc::clone(self);
        if let Err(error) = tokio::task::spawn_blocking(move || history.write()).await {
            tracing::error!(%error, "writing the history failed");
        }
    }

    /// Drops what is too old at `now`, or too much.
    pub fn maintain(&self, now: Timestamp) {
        if let Some(segments) = &self.segments {
            segments.lock().drop_old(now);
        }
    }
}

impl Search {
    fn wants(&self, event: &Event) -> bool {
        let equals =
            |wanted: &Option<String>, value: Option<&str>| wanted.as_deref().is_none_or(|wanted| value == Some(wanted));
        equals(&self.kind, Some(event.what.kind()))
            && equals(&self.receiver, event.what.receiver())
            && equals(&self.outcome, Some(event.what.outcome()))
            && equals(&self.group_key, event.what.group_key())
            && (self.matchers.is_empty()
                || event.what.label_sets().any(|labels| {
                    self.matchers
                        .iter()
                        .all(|matcher| matcher.matches_filter(labels.get(matcher.name()).map(String::as_str)))
                }))
    }
}

#[cfg(test)]
mod tests;
