//! Updates that are too large or too many for packets: collected for a moment, then sent to every member over a
//! connection.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::link::{Connection, Purpose};
use super::{Kind, Shared, Update};

/// The most bytes that wait. What comes on top is left to the next exchange of whole states.
const WAITING_BYTES_MAX: usize = 32 << 20;

/// A record on the wire.
#[derive(Debug, Serialize, Deserialize)]
struct Sent {
    kind: String,
    record: String,
}

/// The updates that wait.
pub(super) struct Bulk {
    shared: Arc<Shared>,
    waiting: HashMap<(Kind, u64), Vec<u8>>,
    waiting_bytes: usize,
    sending: Option<JoinHandle<()>>,
}

impl Bulk {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, waiting: HashMap::new(), waiting_bytes: 0, sending: None }
    }

    /// Puts an update in line.
    pub(super) fn add(&mut self, update: Update) {
        if self.waiting_bytes + update.record.len() > WAITING_BYTES_MAX {
            self.shared.metrics.oversize_dropped.with_label_values(&[update.kind.as_str()]).inc();
            return;
        }
        self.waiting_bytes += update.record.len();
        if let Some(replaced) = self.waiting.insert((update.kind, update.key), update.record) {
            self.waiting_bytes -= replaced.len();
        }
    }

    /// Sends what waits, unless what was sent before is still on its way.
    pub(super) fn flush(&mut self) {
        if self.waiting.is_empty() || self.sending.as_ref().is_some_and(|sending| !sending.is_finished()) {
            return;
        }
        self.waiting_bytes = 0;
        let updates = std::mem::take(&mut self.waiting);
        self.sending = Some(tokio::spawn(send_to_all(Arc::clone(&self.shared), updates)));
    }

    /// Sends the rest and waits for it.
    pub(super) async fn finish(&mut self) {
        for _ in 0..2 {
            if let Some(sending) = self.sending.take()
                && let Err(error) = sending.await
            {
                tracing::error!(%error, "sending updates failed");
            }
            self.flush();
        }
        if let Some(sending) = self.sending.take() {
            drop(sending.await);
        }
    }
}

async fn send_to_all(shared: Arc<Shared>, updates: HashMap<(Kind, u64), Vec<u8>>) {
    let started = Instant::now();
    let kinds: Vec<&str> = updates.keys().map(|(kind, _)| kind.as_str()).collect();
    let record = |((kind, _), record): (&(Kind, u64), &Vec<u8>)| {
        Some(Sent { kind: kind.as_str().to_owned(), record: String::from_utf8(record.clone()).ok()? })
    };
    let sent: Vec<Sent> = updates.iter().filter_map(record).collect();
    let frame = serde_json::to_vec(&sent).expect("records are texts");
    let members: Vec<_> = shared.view.read().members.iter().map(|member| member.address()).collect();
    let sends = members.iter().map(async |member| {
        let mut connection = shared.links.connect(*member, Purpose::Updates).await?;
        connection.send(&frame).await
    });
    let outcomes = join_all(sends).await;
    let metrics = &shared.metrics;
    for outcome in outcomes {
        metrics.sent_update(frame.len());
        for kind in &kinds {
            metrics.oversize_sent.with_label_values(&[kind]).inc();
            if outcome.is_err() {
                metrics.oversize_failed.with_label_values(&[kind]).inc();
            }
        }
        if let Err(error) = outcome {
            tracing::debug!(%error, "updates not sent; the next exchange brings them");
        }
    }
    for kind in Kind::ALL {
        if kinds.contains(&kind.as_str()) {
            metrics.oversize_duration.with_label_values(&[kind.as_str()]).observe(started.elapsed().as_secs_f64());
        }
    }
}

/// Takes in the updates of a connection.
pub(super) async fn receive(shared: &Shared, mut connection: Connection) -> std::io::Result<()> {
    let frame = connection.receive(2 * WAITING_BYTES_MAX).await?;
    shared.metrics.received_update(frame.len());
    let updates: Vec<Sent> = serde_json::from_slice(&frame)?;
    for update in updates {
        if let Some(kind) = Kind::from_str(&update.kind) {
            shared.merge(kind, update.record.as_bytes());
        }
    }
    Ok(())
}
