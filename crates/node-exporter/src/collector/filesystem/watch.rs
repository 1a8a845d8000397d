//! Asks mounts for their space without ever waiting long: a mount that is slow is answered for by its last answer, one
//! that does not answer at all is put aside until it does.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use exporter::Crew;
use parking_lot::Mutex;

use crate::sys::Space;

/// At most this many mounts can be stuck at a time; further ones are not even asked.
pub(super) const THREADS_MAX: usize = 64;

/// How long one scrape waits for its mounts. Local disks answer in microseconds, a healthy network mount in a few
/// milliseconds; the rest of the page must not wait for the others.
const PATIENCE: Duration = Duration::from_millis(500);

/// The last answer of a slow mount counts up to this age.
const LAST_ANSWER_MAX: Duration = Duration::from_secs(60);

/// A mount that took too long is left alone for a while before it is asked again, longer each time.
const PAUSE: Duration = Duration::from_secs(10);
const PAUSE_MAX: Duration = Duration::from_secs(300);

/// What the original says of a mount that does not answer.
const TIMEOUT: &str = "mountpoint timeout";

/// Asks for the space at a path; may never return.
pub(super) type Ask = Arc<dyn Fn(&Path) -> io::Result<Space> + Send + Sync>;

/// A mount to be asked.
#[derive(Debug, Clone)]
pub(super) struct Question {
    /// What identifies the mount from scrape to scrape.
    pub(super) key: String,
    /// Where to ask.
    pub(super) path: PathBuf,
}

/// The space, or an error as the label `device_error` shows it.
pub(super) type Answer = Result<Space, String>;

/// Remembers the mounts between scrapes.
pub(super) struct Watch {
    crew: Crew,
    timeout: Duration,
    ask: Ask,
    mounts: Mutex<HashMap<String, Arc<Mutex<State>>>>,
}

#[derive(Debug, Default)]
struct State {
    /// Since when the mount has owed an answer.
    asked: Option<Instant>,
    last: Option<(Instant, Answer)>,
    pause: Duration,
    /// Until then the mount is left alone.
    paused_until: Option<Instant>,
}

impl Watch {
    /// Asks with `ask`, on `workers` threads as long as none is stuck; a mount that takes longer than `timeout` is stuck.
    pub(super) fn new(workers: usize, timeout: Duration, ask: Ask) -> Self {
        Self { crew: Crew::new("statfs", workers, THREADS_MAX), timeout, ask, mounts: Mutex::default() }
    }

    /// The answers, in order of the questions.
    pub(super) fn ask(&self, questions: Vec<Question>) -> Vec<Answer> {
        let started = Instant::now();
        let states = self.states(&questions);
        let (answered, answers) = mpsc::channel();
        let mut waiting = 0;
        for (question, state) in questions.into_iter().zip(&states) {
            if state.lock().begin() {
                waiting += 1;
                self.submit(question.path, Arc::clone(state), answered.clone());
            }
        }
        while waiting > 0 && started.elapsed() < PATIENCE {
            match answers.recv_timeout(Crew::help_interval()) {
                Ok(()) => waiting -= 1,
                Err(_) => self.crew.help(),
            }
        }
        states.iter().map(|state| state.lock().verdict(started, self.timeout)).collect()
    }

    /// The states of the mounts in question. Mounts that are gone are forgotten once they owe no answer.
    fn states(&self, questions: &[Question]) -> Vec<Arc<Mutex<State>>> {
        let mut mounts = self.mounts.lock();
        let states: Vec<_> =
            questions.iter().map(|question| Arc::clone(mounts.entry(question.key.clone()).or_default())).collect();
        mounts
            .retain(|key, state| state.lock().asked.is_some() || questions.iter().any(|question| question.key == *key));
        states
    }

    fn submit(&self, path: PathBuf, state: Arc<Mutex<State>>, answered: mpsc::Sender<()>) {
        let (ask, timeout) = (Arc::clone(&self.ask), self.timeout);
        self.crew.submit(move || {
            let answer = ask(&path).map_err(|error| error_text(&error));
            state.lock().end(answer, timeout);
            // Nobody listens any more when the scrape has gone on without this mount.
            let _ = answered.send(());
        });
    }
}

impl State {
    /// Whether the mount shall be asked now.
    fn begin(&mut self) -> bool {
        let now = Instant::now();
        let ask = self.asked.is_none() && self.paused_until.is_none_or(|until| until <= now);
        if ask {
            self.asked = Some(now);
        }
        ask
    }

    fn end(&mut self, answer: Answer, timeout: Duration) {
        let now = Instant::now();
        let took = self.asked.take().map_or(Duration::ZERO, |asked| now - asked);
        self.last = Some((now, answer));
        if took > timeout {
            self.pause = (self.pause * 2).clamp(PAUSE, PAUSE_MAX);
            self.paused_until = Some(now + self.pause);
        } else {
            self.pause = Duration::ZERO;
            self.paused_until = None;
        }
    }

    /// What the mount says in a scrape that began at `started`.
    fn verdict(&self, started: Instant, timeout: Duration) -> Answer {
        let stuck = self.asked.is_some_and(|asked| asked.elapsed() > timeout);
        match &self.last {
            Some((at, answer)) if *at >= started => answer.clone(),
            Some((at, Ok(space))) if !stuck && at.elapsed() <= LAST_ANSWER_MAX => Ok(*space),
            _ => Err(TIMEOUT.to_owned()),
        }
    }
}

/// The system's word for an error, as the original's label has it: `permission denied`.
fn error_text(error: &io::Error) -> String {
    const STALE_HANDLE: i32 = 116;
    if error.raw_os_error() == Some(STALE_HANDLE) {
        return "stale NFS file handle".to_owned();
    }
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests;
