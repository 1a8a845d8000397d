//! `zoneinfo`: memory zones in detail.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use metrics_model::family::MetricKind::{self, Counter, Gauge};

use super::Setup;
use crate::parse::zoneinfo::{Zone, parse};
use crate::roots::{Roots, read};

/// The kernel's name, metric, help text and kind.
const METRICS: [(&str, &str, &str, MetricKind); 34] = [
    ("nr_free_pages", "node_zoneinfo_nr_free_pages", "Total number of free pages in the zone", Gauge),
    ("min", "node_zoneinfo_min_pages", "Zone watermark pages_min", Gauge),
    ("low", "node_zoneinfo_low_pages", "Zone watermark pages_low", Gauge),
    ("high", "node_zoneinfo_high_pages", "Zone watermark pages_high", Gauge),
    ("scanned", "node_zoneinfo_scanned_pages", "Pages scanned since last reclaim", Gauge),
    ("spanned", "node_zoneinfo_spanned_pages", "Total pages spanned by the zone, including holes", Gauge),
    ("present", "node_zoneinfo_present_pages", "Physical pages existing within the zone", Gauge),
    ("managed", "node_zoneinfo_managed_pages", "Present pages managed by the buddy system", Gauge),
    ("nr_active_anon", "node_zoneinfo_nr_active_anon_pages", "Number of anonymous pages recently more used", Gauge),
    ("nr_inactive_anon", "node_zoneinfo_nr_inactive_anon_pages", "Number of anonymous pages recently less used", Gauge),
    ("nr_isolated_anon", "node_zoneinfo_nr_isolated_anon_pages", "Temporary isolated pages from anon lru", Gauge),
    ("nr_anon_pages", "node_zoneinfo_nr_anon_pages", "Number of anonymous pages currently used by the system", Gauge),
    (
        "nr_anon_transparent_hugepages",
        "node_zoneinfo_nr_anon_transparent_hugepages",
        "Number of anonymous transparent huge pages currently used by the system",
        Gauge,
    ),
    ("nr_active_file", "node_zoneinfo_nr_active_file_pages", "Number of active pages with file-backing", Gauge),
    ("nr_inactive_file", "node_zoneinfo_nr_inactive_file_pages", "Number of inactive pages with file-backing", Gauge),
    ("nr_isolated_file", "node_zoneinfo_nr_isolated_file_pages", "Temporary isolated pages from file lru", Gauge),
    ("nr_file_pages", "node_zoneinfo_nr_file_pages", "Number of file pages", Gauge),
    ("nr_slab_reclaimable", "node_zoneinfo_nr_slab_reclaimable_pages", "Number of reclaimable slab pages", Gauge),
    ("nr_slab_unreclaimable", "node_zoneinfo_nr_slab_unreclaimable_pages", "Number of unreclaimable slab pages", Gauge),
    ("nr_mlock_stack", "node_zoneinfo_nr_mlock_stack_pages", "mlock()ed pages found and moved off LRU", Gauge),
    ("nr_kernel_stack", "node_zoneinfo_nr_kernel_stacks", "Number of kernel stacks", Gauge),
    ("nr_mapped", "node_zoneinfo_nr_mapped_pages", "Number of mapped pages", Gauge),
    ("nr_dirty", "node_zoneinfo_nr_dirty_pages", "Number of dirty pages", Gauge),
    ("nr_writeback", "node_zoneinfo_nr_writeback_pages", "Number of writeback pages", Gauge),
    ("nr_unevictable", "node_zoneinfo_nr_unevictable_pages", "Number of unevictable pages", Gauge),
    ("nr_shmem", "node_zoneinfo_nr_shmem_pages", "Number of shmem pages (included tmpfs/GEM pages)", Gauge),
    ("nr_dirtied", "node_zoneinfo_nr_dirtied_total", "Page dirtyings since bootup", Counter),
    ("nr_written", "node_zoneinfo_nr_written_total", "Page writings since bootup", Counter),
    ("numa_hit", "node_zoneinfo_numa_hit_total", "Allocated in intended node", Counter),
    ("numa_miss", "node_zoneinfo_numa_miss_total", "Allocated in non intended node", Counter),
    ("numa_foreign", "node_zoneinfo_numa_foreign_total", "Was intended here, hit elsewhere", Counter),
    ("numa_interleave", "node_zoneinfo_numa_interleave_total", "Interleaver preferred this zone", Counter),
    ("numa_local", "node_zoneinfo_numa_local_total", "Allocation from local node", Counter),
    ("numa_other", "node_zoneinfo_numa_other_total", "Allocation from other node", Counter),
];

struct ZoneInfo {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(ZoneInfo { roots: Arc::clone(&setup.roots) }))
}

impl Collector for ZoneInfo {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let text = read(&self.roots.proc("zoneinfo"))?;
        for zone in parse(&text) {
            emit(&zone, out);
        }
        Ok(())
    }
}

fn emit(zone: &Zone<'_>, out: &mut Batch) {
    let labels = [("node", zone.node), ("zone", zone.name)];
    for (field, name, help, kind) in METRICS {
        if let Some(value) = zone.fields.get(field) {
            let mut family = if kind == Counter { out.counter(name, help) } else { out.gauge(name, help) };
            family.with(&labels, *value);
        }
    }
    for (place, value) in zone.protection.iter().enumerate() {
        let help = format!("Protection array {place}. field");
        out.gauge(&format!("node_zoneinfo_protection_{place}"), &help).with(&labels, *value);
    }
}
