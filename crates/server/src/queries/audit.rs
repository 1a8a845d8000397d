//! What becomes of queries once they have ended: counted, and written to the query log.

use std::time::Duration;

use instrument::{IntCounter, IntGauge, Registry, SummaryVec};
use promql::{QueryError, QueryOutput, QueryStats, RangeParams};
use rules::{QueryObserver, RuleQuery};

use super::log::{Asked, Ended, Origin, QueryLog};

/// Takes note of queries, whoever asked them.
#[derive(Debug)]
pub(crate) struct Audit {
    pub(crate) log: QueryLog,
    /// Queries that run or wait.
    pub(super) running: IntGauge,
    samples: IntCounter,
    samples_read: IntCounter,
    seconds: SummaryVec,
}

/// How long a query took, outside of what the engine knows itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    /// How long it waited for its place.
    pub(crate) queued: Duration,
    /// How long it ran.
    pub(crate) running: Duration,
}

impl Audit {
    pub(super) fn new(registry: &Registry) -> Self {
        Self {
            log: QueryLog::new(registry),
            running: registry
                .gauge("prometheus_engine_queries", "The current number of queries being executed or waiting."),
            samples: registry.counter(
                "prometheus_engine_query_samples_total",
                "The total number of samples loaded by all queries (full window per step for range-vector).",
            ),
            samples_read: registry.counter(
                "prometheus_engine_query_samples_read_total",
                "The total number of samples read by all queries (only new points per step for range-vector).",
            ),
            seconds: registry.summaries(
                "prometheus_engine_query_duration_seconds",
                "Query timings",
                &["slice"],
                &[0.5, 0.9, 0.99],
            ),
        }
    }

    pub(super) fn queued(&self, queued: Duration) {
        self.seconds.with(&["queue_time"]).observe_duration(queued);
    }

    /// A query has ended.
    pub(crate) fn ended(
        &self,
        asked: &Asked<'_>,
        outcome: Result<&QueryOutput, &QueryError>,
        taken: Taken,
        per_step: bool,
    ) {
        match outcome {
            Ok(output) => {
                self.count(&output.stats);
                let ended = Ended { stats: &output.stats, queued: taken.queued, per_step, error: None };
                self.log.write(asked, ended);
            }
            Err(error) => {
                // What it cost up to there the engine does not tell; how long it took, everybody wants to know.
                let stats = QueryStats { evaluation: taken.running, ..QueryStats::default() };
                self.failed(asked, &stats, taken.queued, &error.to_string());
            }
        }
    }

    /// A query did not get as far as to run.
    pub(crate) fn refused(&self, asked: &Asked<'_>, queued: Duration, error: &str) {
        self.failed(asked, &QueryStats::default(), queued, error);
    }

    fn failed(&self, asked: &Asked<'_>, stats: &QueryStats, queued: Duration, error: &str) {
        self.log.write(asked, Ended { stats, queued, per_step: false, error: Some(error) });
    }

    fn count(&self, stats: &QueryStats) {
        self.samples.inc_by(stats.samples_total);
        self.samples_read.inc_by(stats.samples_read);
        for (slice, taken) in
            [("prepare_time", stats.preparation), ("inner_eval", stats.evaluation), ("result_sort", stats.sorting)]
        {
            self.seconds.with(&[slice]).observe_duration(taken);
        }
    }
}

impl QueryObserver for Audit {
    fn asked(&self, query: &RuleQuery<'_>, outcome: Result<&QueryOutput, &QueryError>) {
        let asked = Asked {
            text: query.text,
            range: RangeParams { start_ms: query.time_ms, end_ms: query.time_ms, step_ms: 0 },
            origin: Origin::Rules { file: &query.group.file, group: &query.group.name },
        };
        self.ended(&asked, outcome, Taken { queued: Duration::ZERO, running: query.taken }, false);
    }
}
