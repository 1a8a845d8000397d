//! A small crew of threads for work that may block, and may block for good: a `statfs` on a dead network mount never
//! returns. Used by [`crate::Set`] for collectors and by collectors that ask many slow things at once.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// Work that nobody took for this long means that all workers are stuck in theirs. On a machine whose processors are taken,
/// work waits some tens of milliseconds although nobody is stuck, and a thread more would only need memory.
const PATIENCE: Duration = Duration::from_millis(100);

/// Collectors and system calls need little stack; the default of 2 MiB each would only be reserved for nothing.
const STACK_BYTES: usize = 512 * 1024;

type Job = Box<dyn FnOnce() + Send>;

/// Threads that take jobs in turn. There are as few as the jobs allow: up to `size` in normal times, and one more
/// whenever jobs wait while every worker is stuck, up to `max`. Surplus workers end when the queue is empty, so the
/// number of threads stands still as long as the number of stuck jobs does.
#[derive(Debug)]
pub struct Crew {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    name: &'static str,
    size: usize,
    max: usize,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    queue: VecDeque<Job>,
    workers: usize,
    idle: usize,
    closed: bool,
    /// When a worker last took a job or a job came to an empty queue.
    last_progress: Instant,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("queued", &self.queue.len()).field("workers", &self.workers).finish()
    }
}

impl Crew {
    /// A crew that has no threads until the first job comes. `name` is the threads' name.
    #[must_use]
    pub fn new(name: &'static str, size: usize, max: usize) -> Self {
        let state = State { queue: VecDeque::new(), workers: 0, idle: 0, closed: false, last_progress: Instant::now() };
        let size = size.max(1);
        let shared = Shared { name, size, max: max.max(size), state: Mutex::new(state), changed: Condvar::new() };
        Self { shared: Arc::new(shared) }
    }

    /// Puts a job into the queue.
    pub fn submit(&self, job: impl FnOnce() + Send + 'static) {
        let mut state = self.shared.state.lock();
        // Nothing waited, and yet nobody came back: all are stuck in what they took, so this job need not wait to show it.
        let stuck = state.queue.is_empty() && state.idle == 0 && state.last_progress.elapsed() >= PATIENCE;
        if state.queue.is_empty() {
            state.last_progress = Instant::now();
        }
        state.queue.push_back(Box::new(job));
        if state.idle > 0 {
            self.shared.changed.notify_one();
        } else if state.workers < self.shared.size || (stuck && state.workers < self.shared.max) {
            self.shared.hire(&mut state);
        }
    }

    /// To be called now and then by those who wait for a job: sees to it that a job is taken although all workers are
    /// stuck.
    pub fn help(&self) {
        let mut state = self.shared.state.lock();
        let waiting = !state.queue.is_empty() && state.last_progress.elapsed() >= PATIENCE;
        if waiting && state.workers < self.shared.max {
            state.last_progress = Instant::now();
            self.shared.hire(&mut state);
        }
    }

    /// How often [`Crew::help`] is worth calling.
    #[must_use]
    pub fn help_interval() -> Duration {
        PATIENCE
    }

    /// How many threads there are now.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.shared.state.lock().workers
    }

    /// Ends the crew: jobs that nobody took are dropped, and workers end after the job at hand. Waits for them for at
    /// most `grace`; returns how many are still stuck then (they end with the process).
    pub fn stop(&self, grace: Duration) -> usize {
        let deadline = Instant::now() + grace;
        let mut state = self.shared.state.lock();
        state.closed = true;
        state.queue.clear();
        self.shared.changed.notify_all();
        while state.workers > 0 {
            if self.shared.changed.wait_until(&mut state, deadline).timed_out() {
                break;
            }
        }
        state.workers
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.shared.state.lock().closed = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn hire(self: &Arc<Self>, state: &mut State) {
        let shared = Arc::clone(self);
        let hired =
            thread::Builder::new().name(self.name.to_owned()).stack_size(STACK_BYTES).spawn(move || shared.work());
        match hired {
            // The handle is dropped: a worker may be stuck in the kernel for good, so `stop` waits for the count of
            // workers, with a limit, and never joins.
            Ok(_) => state.workers += 1,
            Err(error) => tracing::warn!(crew = self.name, %error, "cannot start a thread"),
        }
    }

    fn work(&self) {
        let mut state = self.state.lock();
        loop {
            if let Some(job) = state.queue.pop_front() {
                state.last_progress = Instant::now();
                drop(state);
                // A panicking job must not take the worker with it; whoever waits for the job sees that it gave nothing.
                drop(catch_unwind(AssertUnwindSafe(job)));
                state = self.state.lock();
                continue;
            }
            if state.closed || state.workers > self.size {
                break;
            }
            state.idle += 1;
            self.changed.wait(&mut state);
            state.idle -= 1;
        }
        state.workers -= 1;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests;
