//! Owns every spawned task of a daemon: whoever spawns a task here has it cancelled and joined.

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The tasks of a daemon or of a part of one. Tasks watch [`Tasks::cancellation`] and end when it fires.
#[derive(Debug, Default)]
pub struct Tasks {
    cancellation: CancellationToken,
    running: Vec<(&'static str, JoinHandle<()>)>,
}

impl Tasks {
    /// No tasks yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Fires when the tasks shall end.
    #[must_use]
    pub fn cancellation(&self) -> CancellationToken {
        self.cancellation.clone()
    }

    /// Spawns a task under a name for the log.
    pub fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.running.push((name, tokio::spawn(task)));
    }

    /// Cancels all tasks and waits for them, in reverse order of their start; a task that takes longer than `grace` is
    /// aborted, and the log says so.
    pub async fn stop(mut self, grace: Duration) {
        self.cancellation.cancel();
        while let Some((name, mut task)) = self.running.pop() {
            match tokio::time::timeout(grace, &mut task).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(task = name, %error, "task failed"),
                Err(_) => {
                    task.abort();
                    tracing::warn!(task = name, ?grace, "task aborted: it did not end in time");
                }
            }
        }
    }
}
