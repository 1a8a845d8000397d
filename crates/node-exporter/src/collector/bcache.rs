//! `bcache`: caches in front of disks.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, Flag, FlagError};
use metrics_model::family::MetricKind::{self, Counter, Gauge};

use super::Setup;
use crate::parse::size;
use crate::roots::{Roots, attribute, list_if_there, numbered, read};

const PRIORITY_STATS: &str = "collector.bcache.priorityStats";

pub(super) const FLAGS: &[Flag] = &[Flag::switch(PRIORITY_STATS, false, "Expose expensive priority stats.")];

/// File, metric, help text, kind, factor.
type Row = (&'static str, &'static str, &'static str, MetricKind, f64);

/// Of the cache set.
const SET: [Row; 10] = [
    (
        "average_key_size",
        "node_bcache_average_key_size_sectors",
        "Average data per key in the btree (sectors).",
        Gauge,
        1.0,
    ),
    (
        "btree_cache_size",
        "node_bcache_btree_cache_size_bytes",
        "Amount of memory currently used by the btree cache.",
        Gauge,
        1.0,
    ),
    (
        "cache_available_percent",
        "node_bcache_cache_available_percent",
        "Percentage of cache device without dirty data, usable for writeback (may contain clean cached data).",
        Gauge,
        1.0,
    ),
    ("congested", "node_bcache_congested", "Congestion.", Gauge, 1.0),
    (
        "root_usage_percent",
        "node_bcache_root_usage_percent",
        "Percentage of the root btree node in use (tree depth increases if too high).",
        Gauge,
        1.0,
    ),
    ("tree_depth", "node_bcache_tree_depth", "Depth of the btree.", Gauge, 1.0),
    (
        "internal/active_journal_entries",
        "node_bcache_active_journal_entries",
        "Number of journal entries that are newer than the index.",
        Gauge,
        1.0,
    ),
    ("internal/btree_nodes", "node_bcache_btree_nodes", "Total nodes in the btree.", Gauge, 1.0),
    (
        "internal/btree_read_average_duration_us",
        "node_bcache_btree_read_average_duration_seconds",
        "Average btree read duration.",
        Gauge,
        1e-9,
    ),
    (
        "internal/cache_read_races",
        "node_bcache_cache_read_races_total",
        "Counts instances where while data was being read from the cache, the bucket was reused and invalidated - i.e. \
         where the pointer was stale after the read completed.",
        Counter,
        1.0,
    ),
];

/// Of a backing device.
const BACKING: [Row; 7] = [
    (
        "dirty_data",
        "node_bcache_dirty_data_bytes",
        "Amount of dirty data for this backing device in the cache.",
        Gauge,
        1.0,
    ),
    (
        "stats_total/bypassed",
        "node_bcache_bypassed_bytes_total",
        "Amount of IO (both reads and writes) that has bypassed the cache.",
        Counter,
        1.0,
    ),
    (
        "stats_total/cache_hits",
        "node_bcache_cache_hits_total",
        "Hits counted per individual IO as bcache sees them.",
        Counter,
        1.0,
    ),
    (
        "stats_total/cache_misses",
        "node_bcache_cache_misses_total",
        "Misses counted per individual IO as bcache sees them.",
        Counter,
        1.0,
    ),
    (
        "stats_total/cache_bypass_hits",
        "node_bcache_cache_bypass_hits_total",
        "Hits for IO intended to skip the cache.",
        Counter,
        1.0,
    ),
    (
        "stats_total/cache_bypass_misses",
        "node_bcache_cache_bypass_misses_total",
        "Misses for IO intended to skip the cache.",
        Counter,
        1.0,
    ),
    (
        "stats_total/cache_miss_collisions",
        "node_bcache_cache_miss_collisions_total",
        "Instances where data insertion from cache miss raced with write (data already present).",
        Counter,
        1.0,
    ),
];

/// Of a backing device's `writeback_rate_debug`: word, metric, help text.
const WRITEBACK: [(&str, &str, &str); 5] = [
    (
        "target",
        "node_bcache_dirty_target_bytes",
        "Current dirty data target threshold for this backing device in bytes.",
    ),
    ("rate", "node_bcache_writeback_rate", "Current writeback rate for this backing device in bytes."),
    (
        "proportional",
        "node_bcache_writeback_rate_proportional_term",
        "Current result of proportional controller, part of writeback rate",
    ),
    (
        "integral",
        "node_bcache_writeback_rate_integral_term",
        "Current result of integral controller, part of writeback rate",
    ),
    ("change", "node_bcache_writeback_change", "Last writeback rate change step for this backing device."),
];

/// Of a cache device.
const CACHE: [Row; 3] = [
    (
        "io_errors",
        "node_bcache_io_errors",
        "Number of errors that have occurred, decayed by io_error_halflife.",
        Gauge,
        1.0,
    ),
    (
        "metadata_written",
        "node_bcache_metadata_written_bytes_total",
        "Sum of all non data writes (btree writes and all other metadata).",
        Counter,
        1.0,
    ),
    ("written", "node_bcache_written_bytes_total", "Sum of all data that has been written to the cache.", Counter, 1.0),
];

/// Of a cache device's `priority_stats`: word, metric, help text.
const PRIORITY: [(&str, &str, &str); 2] = [
    (
        "Unused",
        "node_bcache_priority_stats_unused_percent",
        "The percentage of the cache that doesn't contain any data.",
    ),
    ("Metadata", "node_bcache_priority_stats_metadata_percent", "Bcache's metadata overhead."),
];

struct Bcache {
    roots: Arc<Roots>,
    priority_stats: bool,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    let priority_stats = setup.values.on(PRIORITY_STATS);
    Ok(Box::new(Bcache { roots: Arc::clone(&setup.roots), priority_stats }))
}

impl Collector for Bcache {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let directory = self.roots.sys("fs/bcache");
        for uuid in list_if_there(&directory).iter().filter(|entry| entry.contains('-')) {
            let path = directory.join(uuid);
            emit_files(&SET, &path, &[("uuid", uuid)], out);
            for (number, path) in numbered(&path, "bdev") {
                let labels = [("uuid", uuid.as_str()), ("backing_device", &format!("bdev{number}"))];
                emit_files(&BACKING, &path, &labels, out);
                emit_readaheads(&path, &labels, out);
                let text = read(&path.join("writeback_rate_debug"))?;
                emit_words(&WRITEBACK, &words(&text), &labels, out);
            }
            for (number, path) in numbered(&path, "cache") {
                let labels = [("uuid", uuid.as_str()), ("cache_device", &format!("cache{number}"))];
                emit_files(&CACHE, &path, &labels, out);
                if self.priority_stats {
                    let text = read(&path.join("priority_stats"))?;
                    emit_words(&PRIORITY, &words(&text), &labels, out);
                }
            }
        }
        Ok(())
    }
}

fn value(path: &Path) -> f64 {
    attribute(path).and_then(|text| size::bcache(&text)).unwrap_or(0.0)
}

fn emit_files(rows: &[Row], directory: &Path, labels: &[(&str, &str)], out: &mut Batch) {
    for (file, name, help, kind, factor) in rows {
        let mut family = if *kind == Counter { out.counter(name, help) } else { out.gauge(name, help) };
        family.with(labels, value(&directory.join(file)) * factor);
    }
}

/// Kernels since 5.17 do not count these any more.
fn emit_readaheads(directory: &Path, labels: &[(&str, &str)], out: &mut Batch) {
    let count = value(&directory.join("stats_total/cache_readaheads"));
    if count != 0.0 {
        out.counter("node_bcache_cache_readaheads_total", "Count of times readahead occurred.").with(labels, count);
    }
}

fn emit_words(
    rows: &[(&'static str, &'static str, &'static str)],
    words: &HashMap<&str, f64>,
    labels: &[(&str, &str)],
    out: &mut Batch,
) {
    for (word, name, help) in rows {
        out.gauge(name, help).with(labels, words.get(word).copied().unwrap_or(0.0));
    }
}

/// Lines as `rate: 1.1M/sec` or `Unused: 99%`: the number at the end by the word at the beginning.
fn words(text: &str) -> HashMap<&str, f64> {
    let word = |line: &'_ str| -> Option<f64> {
        let last = line.split_whitespace().next_back()?;
        size::bcache(last.trim_end_matches("/sec").trim_end_matches('%'))
    };
    text.lines().filter_map(|line| Some((line.split_once(':')?.0, word(line)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn numbers_by_word() {
        let words = words("rate:\t\t1.1M/sec\nproportional:\t-429.8M\nUnused:\t\t99%\nno number: here\n");
        assert_eq!((words["rate"], words["Unused"]), (1_150_976.0, 99.0));
        assert!(words["proportional"] < 0.0 && words.len() == 3);
    }
}
