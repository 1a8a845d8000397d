//! Admission of queries from people and dashboards: how many run at a time, for how long, and what they cost. Rules have
//! places of their own, so that a heavy dashboard does not silence alerts.

mod active;
mod audit;
mod log;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use instrument::{IntGauge, Registry};
use promql::{CancelToken, Engine, QueryContext, QueryError, QueryOutput};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::memory::Budget;
use crate::web::api::error::ApiError;
use active::{ActiveEntry, ActiveLog};
use audit::{Audit, Taken};
pub(crate) use log::{Asked, HttpOrigin, Origin, QueryLog};

/// Runs queries.
pub(crate) struct Queries {
    engine: ArcSwap<Engine>,
    slots: Arc<Semaphore>,
    budget: Arc<Budget>,
    slots_max: usize,
    active: Option<Arc<ActiveLog>>,
    audit: Arc<Audit>,
}

/// A query that may run, from now until this is dropped.
pub(crate) struct Admitted {
    pub(crate) engine: Arc<Engine>,
    pub(crate) context: QueryContext,
    /// How long it waited for its place.
    pub(crate) queued: Duration,
    started: Instant,
    _slot: OwnedSemaphorePermit,
    _active: Option<ActiveEntry>,
    audit: Arc<Audit>,
}

/// Stops a query when its client is not waiting any more: held by whoever waits.
pub(crate) struct CancelOnDrop(CancelToken);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Queries {
    pub(crate) fn new(engine: Arc<Engine>, concurrency_max: usize, budget: Arc<Budget>, registry: &Registry) -> Self {
        registry
            .gauge("prometheus_engine_queries_concurrent_max", "The max number of concurrent queries.")
            .set(i64::try_from(concurrency_max).unwrap_or(i64::MAX));
        let slots_max = concurrency_max.max(1);
        Self {
            engine: ArcSwap::new(engine),
            slots: Arc::new(Semaphore::new(slots_max)),
            slots_max,
            active: None,
            budget,
            audit: Arc::new(Audit::new(registry)),
        }
    }

    /// What takes note of queries that have ended.
    pub(crate) fn audit(&self) -> &Arc<Audit> {
        &self.audit
    }

    /// Keeps the queries that run in a file of the data folder, where there is one, and tells which of those before did
    /// not finish.
    pub(crate) fn with_active_log(mut self, folder: &Path) -> Self {
        if !folder.is_dir() {
            return self;
        }
        match ActiveLog::open(folder, self.slots_max) {
            Ok((log, unfinished)) => {
                if !unfinished.is_empty() {
                    tracing::warn!(queries = ?unfinished, "these queries did not finish when the server last ran");
                }
                self.active = Some(log);
            }
            Err(error) => tracing::warn!(%error, "cannot keep a log of active queries"),
        }
        self
    }

    pub(crate) fn engine(&self) -> Arc<Engine> {
        self.engine.load_full()
    }

    pub(crate) fn set_engine(&self, engine: Arc<Engine>) {
        self.engine.store(engine);
    }

    /// Waits for a place. `timeout` is the client's; the engine's holds as well.
    pub(crate) async fn admit(
        &self,
        query: &str,
        now_ms: i64,
        timeout: Option<Duration>,
    ) -> Result<(Admitted, CancelOnDrop), ApiError> {
        if self.budget.is_refusing_queries() {
            let text = "the memory limit is near: queries are refused until there is room";
            return Err(ApiError::Unavailable(text.to_owned()));
        }
        let engine = self.engine();
        let started = Instant::now();
        let timeout = timeout.map_or(engine.options().timeout, |timeout| timeout.min(engine.options().timeout));
        self.audit.running.inc();
        let waiting = Waiting(Some(&self.audit.running));
        let slot = tokio::time::timeout(timeout, Arc::clone(&self.slots).acquire_owned())
            .await
            .map_err(|_| ApiError::Timeout("query timed out in query queue".to_owned()))?
            .map_err(|_| ApiError::Unavailable("the server is stopping".to_owned()))?;
        waiting.keep();
        let context = QueryContext { deadline: started.checked_add(timeout), ..QueryContext::default() };
        let cancel = CancelOnDrop(context.cancel.clone());
        let queued = started.elapsed();
        self.audit.queued(queued);
        let active = self.active.as_ref().and_then(|log| log.enter(query, now_ms));
        let (audit, started) = (Arc::clone(&self.audit), Instant::now());
        Ok((Admitted { engine, context, queued, started, _slot: slot, _active: active, audit }, cancel))
    }
}

impl Admitted {
    /// Takes note of how a query ended, and of what it cost.
    pub(crate) fn ended(&self, asked: &Asked<'_>, outcome: Result<&QueryOutput, &QueryError>) {
        let taken = Taken { queued: self.queued, running: self.started.elapsed() };
        self.audit.ended(asked, outcome, taken, self.context.per_step_stats);
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.audit.running.dec();
    }
}

/// Counts a waiting query out again when it gives up before it is admitted.
struct Waiting<'a>(Option<&'a IntGauge>);

impl Waiting<'_> {
    fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(gauge) = self.0 {
            gauge.dec();
        }
    }
}
