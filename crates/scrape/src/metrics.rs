//! Scraping's own metrics, under the names that the original gives them.

use instrument::{IntCounter, IntCounterVec, IntGaugeVec, Registry, SummaryVec};

/// The metrics of all scraping of a process. Clones share them.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after its metric and has its help text below")]
pub struct Metrics {
    pub pools: IntCounter,
    pub pools_failed: IntCounter,
    pub pool_reloads: IntCounter,
    pub pool_reloads_failed: IntCounter,
    pub pool_exceeded_target_limit: IntCounter,
    pub pool_exceeded_label_limits: IntCounter,
    pub pool_target_limit: IntGaugeVec,
    pub pool_targets: IntGaugeVec,
    pub pool_syncs: IntCounterVec,
    pub sync_failed: IntCounterVec,
    pub exceeded_body_size_limit: IntCounter,
    pub exceeded_sample_limit: IntCounter,
    pub cache_flush_forced: IntCounter,
    pub sample_duplicate: IntCounter,
    pub sample_out_of_order: IntCounter,
    pub sample_out_of_bounds: IntCounter,
    pub exemplar_out_of_order: IntCounter,
    pub interval_length: SummaryVec,
    pub commit_failed: IntCounter,
    pub series_refused: IntCounterVec,
}

const QUANTILES: [f64; 5] = [0.01, 0.05, 0.5, 0.9, 0.99];

impl Metrics {
    /// Makes the metrics in `registry`.
    #[must_use]
    pub fn new(registry: &Registry) -> Self {
        let counter = |name: &str, help: &str| registry.counter(&format!("prometheus_target_{name}"), help);
        let counters =
            |name: &str, help: &str| registry.counters(&format!("prometheus_target_{name}"), help, &["scrape_job"]);
        let gauges =
            |name: &str, help: &str| registry.gauges(&format!("prometheus_target_{name}"), help, &["scrape_job"]);
        Self {
            pools: counter("scrape_pools_total", "Total number of scrape pool creation attempts."),
            pools_failed: counter("scrape_pools_failed_total", "Total number of scrape pool creations that failed."),
            pool_reloads: counter("scrape_pool_reloads_total", "Total number of scrape pool reloads."),
            pool_reloads_failed: counter(
                "scrape_pool_reloads_failed_total",
                "Total number of failed scrape pool reloads.",
            ),
            pool_exceeded_target_limit: counter(
                "scrape_pool_exceeded_target_limit_total",
                "Total number of times scrape pools hit the target limit, during sync or config reload.",
            ),
            pool_exceeded_label_limits: counter(
                "scrape_pool_exceeded_label_limits_total",
                "Total number of times scrape pools hit the label limits, during sync or config reload.",
            ),
            pool_target_limit: gauges(
                "scrape_pool_target_limit",
                "Maximum number of targets allowed in this scrape pool.",
            ),
            pool_targets: gauges("scrape_pool_targets", "Current number of targets in this scrape pool."),
            pool_syncs: counters(
                "scrape_pool_sync_total",
                "Total number of syncs that were executed on a scrape pool.",
            ),
            sync_failed: counters("sync_failed_total", "Total number of target sync failures."),
            exceeded_body_size_limit: counter(
                "scrapes_exceeded_body_size_limit_total",
                "Total number of scrapes that hit the body size limit",
            ),
            exceeded_sample_limit: counter(
                "scrapes_exceeded_sample_limit_total",
                "Total number of scrapes that hit the sample limit and were rejected.",
            ),
            cache_flush_forced: counter(
                "scrapes_cache_flush_forced_total",
                "How many times a scrape cache was flushed due to getting big while scrapes are failing.",
            ),
            sample_duplicate: counter(
                "scrapes_sample_duplicate_timestamp_total",
                "Total number of samples rejected due to duplicate timestamps but different values.",
            ),
            sample_out_of_order: counter(
                "scrapes_sample_out_of_order_total",
                "Total number of samples rejected due to not being out of the expected order.",
            ),
            sample_out_of_bounds: counter(
                "scrapes_sample_out_of_bounds_total",
                "Total number of samples rejected due to timestamp falling outside of the time bounds.",
            ),
            exemplar_out_of_order: counter(
                "scrapes_exemplar_out_of_order_total",
                "Total number of exemplar rejected due to not being out of the expected order.",
            ),
            interval_length: registry.summaries(
                "prometheus_target_interval_length_seconds",
                "Actual intervals between scrapes.",
                &["interval"],
                &QUANTILES,
            ),
            commit_failed: registry
                .counter("firewatch_scrape_commit_failed_total", "Total number of scrapes that could not be stored."),
            series_refused: registry.counters(
                "firewatch_scrape_series_refused_total",
                "Total number of samples of new series that the storage refused.",
                &["scrape_job", "reason"],
            ),
        }
    }

    /// Forgets a pool that is gone.
    pub(crate) fn forget_pool(&self, job: &str) {
        for gauges in [&self.pool_target_limit, &self.pool_targets] {
            // Nothing to remove is fine.
            let _ = gauges.remove_label_values(&[job]);
        }
        for counters in [&self.pool_syncs, &self.sync_failed] {
            let _ = counters.remove_label_values(&[job]);
        }
    }
}
