//! Admission of queries from people and dashboards: how many run at a time, for how long, and what they cost. Rules have
//! places of their own, so that a heavy dashboard does not silence alerts.

mod active;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use instrument::{IntCounter, IntGauge, Registry, SummaryVec};
use promql::{CancelToken, Engine, QueryContext, QueryOutput};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::memory::Budget;
use crate::web::api::error::ApiError;
use active::{ActiveEntry, ActiveLog};

/// Runs queries.
pub(crate) struct Queries {
    engine: ArcSwap<Engine>,
    slots: Arc<Semaphore>,
    budget: Arc<Budget>,
    slots_max: usize,
    active: Option<Arc<ActiveLog>>,
    metrics: Metrics,
}

#[derive(Debug, Clone)]
struct Metrics {
    running: IntGauge,
    samples: IntCounter,
    seconds: SummaryVec,
}

/// A query that may run, from now until this is dropped.
pub(crate) struct Admitted {
    pub(crate) engine: Arc<Engine>,
    pub(crate) context: QueryContext,
    /// How long it waited for its place.
    pub(crate) queued: Duration,
    _slot: OwnedSemaphorePermit,
    _active: Option<ActiveEntry>,
    metrics: Metrics,
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
        let metrics = Metrics {
            running: registry
                .gauge("prometheus_engine_queries", "The current number of queries being executed or waiting."),
            samples: registry
                .counter("prometheus_engine_query_samples_total", "The total number of samples loaded by all queries."),
            seconds: registry.summaries(
                "prometheus_engine_query_duration_seconds",
                "Query timings",
                &["slice"],
                &[0.5, 0.9, 0.99],
            ),
        };
        let slots_max = concurrency_max.max(1);
        Self {
            engine: ArcSwap::new(engine),
            slots: Arc::new(Semaphore::new(slots_max)),
            slots_max,
            active: None,
            budget,
            metrics,
        }
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
        self.metrics.running.inc();
        let waiting = Waiting(Some(&self.metrics.running));
        let slot = tokio::time::timeout(timeout, Arc::clone(&self.slots).acquire_owned())
            .await
            .map_err(|_| ApiError::Timeout("query timed out in query queue".to_owned()))?
            .map_err(|_| ApiError::Unavailable("the server is stopping".to_owned()))?;
        waiting.keep();
        let context = QueryContext { deadline: started.checked_add(timeout), ..QueryContext::default() };
        let cancel = CancelOnDrop(context.cancel.clone());
        let queued = started.elapsed();
        self.metrics.seconds.with(&["queue_time"]).observe_duration(queued);
        let active = self.active.as_ref().and_then(|log| log.enter(query, now_ms));
        let metrics = self.metrics.clone();
        Ok((Admitted { engine, context, queued, _slot: slot, _active: active, metrics }, cancel))
    }
}

impl Admitted {
    /// Takes up what a query cost.
    pub(crate) fn count(&self, output: &QueryOutput) {
        let stats = &output.stats;
        self.metrics.samples.inc_by(stats.samples_total);
        for (slice, taken) in
            [("prepare_time", stats.preparation), ("inner_eval", stats.evaluation), ("result_sort", stats.sorting)]
        {
            self.metrics.seconds.with(&[slice]).observe_duration(taken);
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.metrics.running.dec();
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
