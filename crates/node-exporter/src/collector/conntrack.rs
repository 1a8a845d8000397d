//! `conntrack`: how full the table of tracked connections is, and what went wrong with it.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::Setup;
use crate::parse::number;
use crate::parse::table::hex_sums;
use crate::roots::{ReadError, Roots, read};

struct Conntrack {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Conntrack { roots: Arc::clone(&setup.roots) }))
}

/// Statistics of the kernel: the column's name, ours, and the help text. The older the kernel, the fewer columns count.
const STATISTICS: [(&str, &str, &str); 8] = [
    ("found", "node_nf_conntrack_stat_found", "Number of searched entries which were successful."),
    ("invalid", "node_nf_conntrack_stat_invalid", "Number of packets seen which can not be tracked."),
    (
        "ignore",
        "node_nf_conntrack_stat_ignore",
        "Number of packets seen which are already connected to a conntrack entry.",
    ),
    ("insert", "node_nf_conntrack_stat_insert", "Number of entries inserted into the list."),
    (
        "insert_failed",
        "node_nf_conntrack_stat_insert_failed",
        "Number of entries for which list insertion was attempted but failed.",
    ),
    ("drop", "node_nf_conntrack_stat_drop", "Number of packets dropped due to conntrack failure."),
    (
        "early_drop",
        "node_nf_conntrack_stat_early_drop",
        "Number of dropped conntrack entries to make room for new ones, if maximum table size was reached.",
    ),
    (
        "search_restart",
        "node_nf_conntrack_stat_search_restart",
        "Number of conntrack table lookups which had to be restarted due to hashtable resizes.",
    ),
];

impl Collector for Conntrack {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let limit = |name: &str| -> Result<f64, CollectError> {
            let text = read(&self.roots.proc("sys/net/netfilter").join(name)).map_err(ReadError::or_no_data)?;
            number(0, text.trim()).map_err(|error| error.in_file(name))
        };
        out.gauge("node_nf_conntrack_entries", "Number of currently allocated flow entries for connection tracking.")
            .value(limit("nf_conntrack_count")?);
        out.gauge("node_nf_conntrack_entries_limit", "Maximum size of connection tracking table.")
            .value(limit("nf_conntrack_max")?);
        let text = read(&self.roots.proc("net/stat/nf_conntrack")).map_err(ReadError::or_no_data)?;
        let sums = hex_sums(&text).map_err(|error| error.in_file("net/stat/nf_conntrack"))?;
        for (column, name, help) in STATISTICS {
            out.gauge(name, help).value(sums.get(column).copied().unwrap_or(0) as f64);
        }
        Ok(())
    }
}
