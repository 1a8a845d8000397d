//! `ksmd`: the kernel's merging of equal pages.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};
use metrics_model::family::MetricKind::{self, Counter, Gauge};

use super::Setup;
use crate::roots::{Roots, number};

/// File, metric, help text, kind, factor.
const METRICS: [(&str, &str, &str, MetricKind, f64); 10] = [
    ("full_scans", "node_ksmd_full_scans_total", "How many times all mergeable areas have been scanned.", Counter, 1.0),
    (
        "general_profit",
        "node_ksmd_general_profit_bytes",
        "How effective is KSM. ksm_saved_pages * sizeof(page) - (all_rmap_items) * sizeof(rmap_item)",
        Gauge,
        1.0,
    ),
    (
        "merge_across_nodes",
        "node_ksmd_merge_across_nodes",
        "Specifies if pages from different NUMA nodes can be merged.",
        Gauge,
        1.0,
    ),
    ("pages_shared", "node_ksmd_pages_shared", "How many shared pages are being used.", Gauge, 1.0),
    (
        "pages_sharing",
        "node_ksmd_pages_sharing",
        "How many more sites are sharing them i.e. how much saved.",
        Gauge,
        1.0,
    ),
    ("pages_to_scan", "node_ksmd_pages_to_scan", "How many pages to scan before ksmd goes to sleep.", Gauge, 1.0),
    (
        "pages_unshared",
        "node_ksmd_pages_unshared",
        "How many pages unique but repeatedly checked for merging.",
        Gauge,
        1.0,
    ),
    (
        "pages_volatile",
        "node_ksmd_pages_volatile",
        "How many pages changing too fast to be placed in a tree.",
        Gauge,
        1.0,
    ),
    ("run", "node_ksmd_run", "The status of ksmd. stopped = 0, running = 1", Gauge, 1.0),
    (
        "sleep_millisecs",
        "node_ksmd_sleep_seconds",
        "How many seconds ksmd should sleep before next scan.",
        Gauge,
        0.001,
    ),
];

struct Ksmd {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Ksmd { roots: Arc::clone(&setup.roots) }))
}

impl Collector for Ksmd {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let directory = self.roots.sys("kernel/mm/ksm");
        for (file, name, help, kind, factor) in METRICS {
            if let Some(value) = number::<f64>(&directory.join(file)) {
                let mut family = if kind == Counter { out.counter(name, help) } else { out.gauge(name, help) };
                family.value(value * factor);
            }
        }
        Ok(())
    }
}
