//! Figures about exemplars.

use metrics_model::MetricFamily;
use tsdb::ExemplarStats;

use super::{counter, gauge};

pub(super) fn families(stats: &ExemplarStats) -> Vec<MetricFamily> {
    vec![
        counter(
            "prometheus_tsdb_exemplar_exemplars_appended_total",
            "Total number of appended exemplars.",
            stats.appended,
        ),
        gauge(
            "prometheus_tsdb_exemplar_exemplars_in_storage",
            "Number of exemplars currently in circular storage.",
            stats.stored as f64,
        ),
        gauge(
            "prometheus_tsdb_exemplar_series_with_exemplars_in_storage",
            "Number of series with exemplars currently in circular storage.",
            stats.series as f64,
        ),
        gauge(
            "prometheus_tsdb_exemplar_last_exemplars_timestamp_seconds",
            "The timestamp of the oldest exemplar stored in circular storage. Useful to check for what timerange the \
             current exemplar buffer limit allows. This usually means the last timestampfor all exemplars for a typical \
             setup. This is not true though if one of the series timestamp is in future compared to rest series.",
            stats.oldest_ms.unwrap_or(0) as f64 / 1e3,
        ),
        gauge(
            "prometheus_tsdb_exemplar_max_exemplars",
            "Total number of exemplars the exemplar storage can store, resizeable.",
            stats.limit as f64,
        ),
        counter(
            "prometheus_tsdb_exemplar_out_of_order_exemplars_total",
            "Total number of out of order exemplar ingestion failed attempts.",
            stats.out_of_order,
        ),
    ]
}
