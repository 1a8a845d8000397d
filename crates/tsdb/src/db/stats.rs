//! Figures about the store: counters that only grow, and a picture of what it holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::db::store::Store;
use crate::error::DbError;
use crate::head::commit::Outcome;
use crate::rocks::Column;
use crate::sealed::partition::Partition;

/// Counters since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) appended: AtomicU64,
    pub(crate) out_of_order: AtomicU64,
    pub(crate) out_of_bounds: AtomicU64,
    pub(crate) aside: AtomicU64,
    pub(crate) too_old: AtomicU64,
    pub(crate) duplicates: AtomicU64,
    pub(crate) series_created: AtomicU64,
    pub(crate) series_removed: AtomicU64,
    pub(crate) series_refused: AtomicU64,
    pub(crate) seals: AtomicU64,
    pub(crate) seals_failed: AtomicU64,
    pub(crate) merges: AtomicU64,
    pub(crate) retained_out_time: AtomicU64,
    pub(crate) retained_out_size: AtomicU64,
    pub(crate) records_lost: AtomicU64,
    pub(crate) syncs_failed: AtomicU64,
}

/// Adds to a counter.
pub(crate) fn count(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}

impl Counters {
    pub(crate) fn committed(&self, outcome: Outcome) {
        count(&self.appended, outcome.appended);
        count(&self.aside, outcome.aside);
        count(&self.out_of_order, outcome.out_of_order);
        count(&self.duplicates, outcome.duplicates);
    }
}

/// A label name or value with how many things it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cardinality {
    /// The name, or `name=value`.
    pub name: String,
    /// How many.
    pub count: u64,
}

/// What the store holds and did. Each field says which metric of the original means the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// Known series: `prometheus_tsdb_head_series`.
    pub series: u64,
    /// Groups of series that are committed together.
    pub groups: u64,
    /// Open columns, one for each series in a group: `prometheus_tsdb_head_chunks`.
    pub head_chunks: u64,
    /// Oldest sample in the head: `prometheus_tsdb_head_min_time`.
    pub head_min_ms: Option<i64>,
    /// Newest sample: `prometheus_tsdb_head_max_time`.
    pub head_max_ms: Option<i64>,
    /// Oldest sample of all: `prometheus_tsdb_lowest_timestamp`.
    pub min_ms: Option<i64>,
    /// Samples appended since the start: `prometheus_tsdb_head_samples_appended_total`.
    pub samples_appended: u64,
    /// `prometheus_tsdb_out_of_order_samples_total`.
    pub out_of_order: u64,
    /// `prometheus_tsdb_out_of_bound_samples_total`.
    pub out_of_bounds: u64,
    /// `prometheus_tsdb_head_out_of_order_samples_appended_total`.
    pub out_of_order_appended: u64,
    /// `prometheus_tsdb_too_old_samples_total`.
    pub too_old: u64,
    /// Samples refused for having another value at the time of the newest.
    pub duplicates: u64,
    /// `prometheus_tsdb_head_series_created_total`.
    pub series_created: u64,
    /// `prometheus_tsdb_head_series_removed_total`.
    pub series_removed: u64,
    /// New series refused by a limit.
    pub series_refused: u64,
    /// Partitions: `prometheus_tsdb_blocks_loaded`.
    pub partitions: u64,
    /// Bytes of sealed samples: `prometheus_tsdb_storage_blocks_bytes`.
    pub sealed_bytes: u64,
    /// Sealed samples.
    pub sealed_samples: u64,
    /// Bytes of the log in tables and memory: `prometheus_tsdb_wal_storage_size_bytes`.
    pub log_bytes: u64,
    /// Sealing runs: `prometheus_tsdb_compactions_total`.
    pub seals: u64,
    /// `prometheus_tsdb_compactions_failed_total`.
    pub seals_failed: u64,
    /// Merges of windows.
    pub merges: u64,
    /// Partitions deleted for their age: `prometheus_tsdb_time_retentions_total`.
    pub time_retentions: u64,
    /// Partitions deleted for their size: `prometheus_tsdb_size_retentions_total`.
    pub size_retentions: u64,
    /// Blocks and time columns found damaged and left out.
    pub damaged: u64,
    /// Damaged tables that were set aside.
    pub tables_set_aside: u64,
    /// Log records found damaged and left out: `prometheus_tsdb_wal_corruptions_total`.
    pub records_lost: u64,
    /// `prometheus_tsdb_wal_writes_failed_total`.
    pub syncs_failed: u64,
    /// Whether samples are refused because the disk is full.
    pub is_disk_full: bool,
    /// Bytes left on the disk, where the system tells.
    pub disk_free_bytes: Option<u64>,
    /// Deletions not cleaned yet.
    pub tombstones: u64,
    /// Exemplars.
    pub exemplars: ExemplarStats,
    /// Bytes that rows take in memory.
    pub row_bytes: u64,
    /// Bytes that labels take in memory, postings aside.
    pub label_bytes: u64,
}

/// Figures about exemplars.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExemplarStats {
    /// Taken since the start: `prometheus_tsdb_exemplar_exemplars_appended_total`.
    pub appended: u64,
    /// Refused since the start: `prometheus_tsdb_exemplar_out_of_order_exemplars_total`.
    pub out_of_order: u64,
    /// `prometheus_tsdb_exemplar_exemplars_in_storage`.
    pub stored: u64,
    /// Series that have any: `prometheus_tsdb_exemplar_series_with_exemplars_in_storage`.
    pub series: u64,
    /// Time of the one that came first: `prometheus_tsdb_exemplar_last_exemplars_timestamp_seconds`.
    pub oldest_ms: Option<i64>,
    /// How many are kept: `prometheus_tsdb_exemplar_max_exemplars`.
    pub limit: u64,
}

/// A stretch of sealed samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionInfo {
    /// Its number: never given twice.
    pub id: u64,
    /// First millisecond of its window.
    pub start_ms: i64,
    /// First millisecond after it.
    pub end_ms: i64,
    /// Time of its first sample.
    pub min_ms: i64,
    /// Time of its last sample.
    pub max_ms: i64,
    /// Samples in it, deleted ones too until they are cleaned away.
    pub samples: u64,
    /// Series in it.
    pub series: u64,
    /// Blocks of some 128 series.
    pub blocks: u64,
    /// Bytes on the disk.
    pub bytes: u64,
}

/// The labels that make the most series, as the original's status page has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cardinalities {
    /// Label pairs of all series.
    pub label_pairs: u64,
    /// Series by metric name.
    pub series_by_metric: Vec<Cardinality>,
    /// Values by label name.
    pub values_by_label: Vec<Cardinality>,
    /// Bytes of values by label name.
    pub bytes_by_label: Vec<Cardinality>,
    /// Series by `name=value`.
    pub series_by_pair: Vec<Cardinality>,
}

impl Store {
    /// The figures now.
    pub(crate) fn stats(&self) -> Stats {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let view = self.views.now();
        let counters = &self.counters;
        let (table_bytes, memory_bytes) = self.rocks.sizes(Column::Rows);
        let mut stats = Stats {
            head_max_ms: self.head.newest_ms(),
            samples_appended: get(&counters.appended),
            out_of_order: get(&counters.out_of_order),
            out_of_bounds: get(&counters.out_of_bounds),
            duplicates: get(&counters.duplicates),
            out_of_order_appended: get(&counters.aside),
            too_old: get(&counters.too_old),
            series_created: get(&counters.series_created),
            series_removed: get(&counters.series_removed),
            series_refused: get(&counters.series_refused),
            partitions: view.partitions.len() as u64,
            sealed_bytes: view.partitions.iter().map(|partition| partition.bytes).sum(),
            sealed_samples: view.partitions.iter().map(|partition| partition.samples).sum(),
            log_bytes: table_bytes + memory_bytes,
            seals: get(&counters.seals),
            seals_failed: get(&counters.seals_failed),
            merges: get(&counters.merges),
            time_retentions: get(&counters.retained_out_time),
            size_retentions: get(&counters.retained_out_size),
            damaged: self.sealed.damages(),
            tables_set_aside: self.rocks.tables_set_aside(),
            records_lost: get(&counters.records_lost),
            syncs_failed: get(&counters.syncs_failed),
            tombstones: view.tombstones.len() as u64,
            is_disk_full: self.disk.is_full(),
            disk_free_bytes: self.disk.free_bytes(),
            min_ms: view.partitions.iter().map(|partition| partition.min_ms).min(),
            exemplars: self.exemplars.stats(),
            ..Stats::default()
        };
        {
            let index = self.head.index.read();
            stats.series = index.table.len() as u64;
            stats.label_bytes = index.table.bytes() as u64;
        }
        for group in self.head.all_groups() {
            let data = group.data.read();
            stats.groups += 1;
            stats.head_chunks += data.members.len() as u64;
            stats.row_bytes += data.memory_bytes() as u64;
            let oldest = data.rows().iter().map(|row| row.at_ms).min();
            stats.head_min_ms = stats.head_min_ms.into_iter().chain(oldest).min();
        }
        stats.min_ms = stats.min_ms.into_iter().chain(stats.head_min_ms).min();
        stats
    }

    /// The partitions there are.
    pub(crate) fn partitions(&self) -> Result<Vec<PartitionInfo>, DbError> {
        let view = self.views.now();
        let info = |partition: &Arc<Partition>| {
            Ok(PartitionInfo {
                id: partition.key.id,
                start_ms: partition.key.start_ms,
                end_ms: partition.end_ms,
                min_ms: partition.min_ms,
                max_ms: partition.max_ms,
                samples: partition.samples,
                series: self.sealed.members(partition)?.len(),
                blocks: partition.blocks.len() as u64,
                bytes: partition.bytes,
            })
        };
        view.partitions.iter().map(info).collect()
    }

    /// The `limit` largest of each kind.
    pub(crate) fn cardinalities(&self, limit: usize) -> Cardinalities {
        let index = self.head.index.read();
        let symbols = &index.table.symbols;
        let mut found = Cardinalities::default();
        for (name, label) in index.postings.labels() {
            let name_text = symbols.text(name);
            let mut bytes = 0;
            for (value, posting) in label.iter() {
                let (text, count) = (symbols.text(value), posting.len());
                bytes += text.len() as u64;
                found.label_pairs += 1;
                if name_text == metrics_model::name::METRIC_NAME {
                    found.series_by_metric.push(Cardinality { name: text.to_owned(), count });
                }
                found.series_by_pair.push(Cardinality { name: format!("{name_text}={text}"), count });
                if found.series_by_pair.len() > 2 * limit + 1000 {
                    keep_largest(&mut found.series_by_pair, limit);
                }
            }
            found.values_by_label.push(Cardinality { name: name_text.to_owned(), count: label.len() as u64 });
            found.bytes_by_label.push(Cardinality { name: name_text.to_owned(), count: bytes });
        }
        for list in [
            &mut found.series_by_metric,
            &mut found.values_by_label,
            &mut found.bytes_by_label,
            &mut found.series_by_pair,
        ] {
            keep_largest(list, limit);
        }
        found
    }
}

/// Sorts by count, largest first, then name, and keeps the first.
fn keep_largest(list: &mut Vec<Cardinality>, limit: usize) {
    list.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    list.truncate(limit);
}
