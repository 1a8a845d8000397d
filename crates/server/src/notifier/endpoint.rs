//! One Alertmanager: a bounded queue, and a task that sends what waits in batches.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use http_client::{Client, Request, error_chain};
use metrics_model::alert::Alert;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{Metrics, NotifierOptions, wire};

/// How long a batch is tried again before it is dropped: until then the rules have sent its alerts anew.
const RETRY_FOR: Duration = Duration::from_secs(60);
/// The first wait before another try; doubled each time.
const RETRY_AFTER: Duration = Duration::from_millis(500);
const RETRY_AFTER_MAX: Duration = Duration::from_secs(15);
/// The most bytes of an answer that are read, for the log.
const ANSWER_BYTES_MAX: u64 = 4 << 10;

/// A queue and the task that empties it.
pub(super) struct Endpoint {
    queue: Arc<Queue>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

struct Queue {
    url: String,
    waiting: Mutex<VecDeque<Arc<Alert>>>,
    client: Mutex<Option<(Client, Duration)>>,
    changed: Notify,
    capacity: usize,
    batch_max: usize,
    metrics: Metrics,
}

impl Endpoint {
    pub(super) fn start(url: &str, options: &NotifierOptions, metrics: &Metrics) -> Self {
        let queue = Arc::new(Queue {
            url: url.to_owned(),
            waiting: Mutex::default(),
            client: Mutex::default(),
            changed: Notify::new(),
            capacity: options.queue_capacity.max(1),
            batch_max: options.batch_max.max(1),
            metrics: metrics.clone(),
        });
        let stop = CancellationToken::new();
        let task = tokio::spawn(run(Arc::clone(&queue), stop.clone()));
        Self { queue, stop, task }
    }

    pub(super) fn set_client(&self, client: &Client, timeout: Duration) {
        *self.queue.client.lock() = Some((client.clone(), timeout));
    }

    /// Adds alerts; the oldest that wait make room.
    pub(super) fn push(&self, alerts: &[Arc<Alert>]) {
        let queue = &self.queue;
        {
            let mut waiting = queue.waiting.lock();
            waiting.extend(alerts.iter().cloned());
            let over = waiting.len().saturating_sub(queue.capacity);
            if over > 0 {
                waiting.drain(..over);
                queue.drop_alerts(over);
                tracing::warn!(
                    alertmanager = queue.url,
                    alerts = over,
                    "alert notification queue full, dropping alerts"
                );
            }
            queue.show_length(waiting.len());
        }
        queue.changed.notify_one();
    }

    /// Stops without sending what waits.
    pub(super) fn abandon(self) {
        self.stop.cancel();
        self.task.abort();
    }

    /// Sends what waits for at most `drain`, and stops.
    pub(super) async fn stop(self, drain: Option<Duration>) {
        self.stop.cancel();
        let mut task = self.task;
        let grace = drain.unwrap_or(Duration::ZERO);
        if tokio::time::timeout(grace, &mut task).await.is_err() {
            task.abort();
            let left = self.queue.waiting.lock().len();
            if left > 0 {
                self.queue.drop_alerts(left);
                tracing::warn!(alertmanager = self.queue.url, alerts = left, "stopped before all alerts were sent");
            }
        }
    }
}

async fn run(queue: Arc<Queue>, stop: CancellationToken) {
    loop {
        let batch = queue.next_batch();
        if !batch.is_empty() {
            queue.deliver(&batch, &stop).await;
        } else if stop.is_cancelled() {
            return;
        } else {
            tokio::select! {
                () = queue.changed.notified() => {}
                () = stop.cancelled() => {}
            }
        }
    }
}

/// What became of one try.
enum Outcome {
    Sent,
    /// Another try may help.
    Later(String),
    /// The Alertmanager does not want these alerts.
    Never(String),
}

impl Queue {
    fn next_batch(&self) -> Vec<Arc<Alert>> {
        let mut waiting = self.waiting.lock();
        let size = waiting.len().min(self.batch_max);
        let batch = waiting.drain(..size).collect();
        self.show_length(waiting.len());
        batch
    }

    /// Sends one batch, again and again for a while where that may help.
    async fn deliver(&self, batch: &[Arc<Alert>], stop: &CancellationToken) {
        let body = wire::encode(batch.iter().map(|alert| &**alert));
        let started = Instant::now();
        let mut wait = RETRY_AFTER;
        loop {
            let count = batch.len();
            let reason = match self.send(body.clone()).await {
                Outcome::Sent => {
                    self.metrics.sent.with_label_values(&[&self.url]).inc_by(count as u64);
                    return;
                }
                Outcome::Later(reason) if started.elapsed() < RETRY_FOR && !stop.is_cancelled() => {
                    self.metrics.errors.with_label_values(&[&self.url]).inc_by(count as u64);
                    tracing::warn!(alertmanager = self.url, %reason, count, "sending alerts failed, trying again");
                    // A stop ends the wait: there is one last try.
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = stop.cancelled() => {}
                    }
                    wait = (wait * 2).min(RETRY_AFTER_MAX);
                    continue;
                }
                Outcome::Later(reason) | Outcome::Never(reason) => reason,
            };
            self.metrics.errors.with_label_values(&[&self.url]).inc_by(count as u64);
            self.drop_alerts(count);
            tracing::error!(alertmanager = self.url, %reason, count, "sending alerts failed, dropping them");
            return;
        }
    }

    async fn send(&self, body: Vec<u8>) -> Outcome {
        let Some((client, timeout)) = self.client.lock().clone() else {
            return Outcome::Later("not configured yet".to_owned());
        };
        let url = match Url::parse(&self.url) {
            Ok(url) => url,
            Err(error) => return Outcome::Never(error.to_string()),
        };
        let started = Instant::now();
        let request = Request::post(url, "application/json", body).timeout(timeout).body_bytes_max(ANSWER_BYTES_MAX);
        let outcome = match client.open(request).await {
            Ok(head) if head.status().is_success() => Outcome::Sent,
            Ok(head) => {
                let status = head.status();
                let answer = head.read().await.map(|answer| answer.body).unwrap_or_default();
                let reason = format!("bad response status {status}: {}", String::from_utf8_lossy(&answer).trim());
                let may_change = status.is_server_error() || status.as_u16() == 429;
                if may_change { Outcome::Later(reason) } else { Outcome::Never(reason) }
            }
            Err(error) => Outcome::Later(error_chain(&error)),
        };
        self.metrics.latency.with(&[&self.url]).observe_duration(started.elapsed());
        outcome
    }

    fn drop_alerts(&self, count: usize) {
        self.metrics.dropped.with_label_values(&[&self.url]).inc_by(count as u64);
    }

    fn show_length(&self, length: usize) {
        self.metrics.queue_length.with_label_values(&[&self.url]).set(i64::try_from(length).unwrap_or(i64::MAX));
    }
}
