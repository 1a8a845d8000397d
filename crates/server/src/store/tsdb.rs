//! The engine on disk: opened with what flags and configuration say, its figures under the original's metric names.

mod exemplars;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use instrument::Registry;
use metrics_model::family::{MetricFamily, MetricKind, MetricValue};
use metrics_model::{Clock, Labels, Matcher};
use storage::TimeRange;
use tsdb::{Cardinality, Cleaning, Db, Imported, Limits, OpenError, Room, Stats};

use super::{AdminError, Statistics, Store, StoreAdmin};

/// What flags and configuration decide about the store.
#[derive(Clone)]
pub struct StoreOptions {
    /// The folder.
    pub path: PathBuf,
    /// How long and how much is kept, and how late samples may come.
    pub limits: Limits,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
}

/// Opens the store and shows its figures in `registry`.
///
/// # Errors
/// [`OpenError`] names the folder and what is wrong with it.
pub fn open(options: &StoreOptions, registry: &Registry) -> Result<Store, OpenError> {
    let db_options = tsdb::Options {
        retention: options.limits.retention,
        retention_bytes: options.limits.retention_bytes,
        retention_percentage: options.limits.retention_percentage,
        out_of_order_window: options.limits.out_of_order_window,
        exemplars_max: options.limits.exemplars_max,
        clock: Arc::clone(&options.clock),
        ..tsdb::Options::default()
    };
    let db = Arc::new(Db::open(&options.path, db_options)?);
    let shown = Arc::downgrade(&db);
    registry.source(move || {
        let stats = shown.upgrade().map(|db| db.stats());
        stats.map(|stats| [families(&stats), exemplars::families(&stats.exemplars)].concat()).unwrap_or_default()
    });
    let admin = Admin { db: Arc::clone(&db), snapshots: options.path.join("snapshots") };
    Ok(Store { storage: db, admin: Some(Arc::new(admin)) })
}

struct Admin {
    db: Arc<Db>,
    snapshots: PathBuf,
}

impl StoreAdmin for Admin {
    fn delete_series(&self, matchers: &[Matcher], range: TimeRange) -> Result<(), AdminError> {
        self.db.delete_series(matchers, range).map_err(Into::into)
    }

    fn clean_tombstones(&self) -> Result<(), AdminError> {
        self.db.clean_tombstones().map_err(Into::into)
    }

    fn snapshot(&self, folder: &Path) -> Result<(), AdminError> {
        if let Some(parent) = folder.parent() {
            std::fs::create_dir_all(parent)?;
        }
        self.db.snapshot(folder).map_err(Into::into)
    }

    fn cleaning(&self) -> Cleaning {
        self.db.cleaning()
    }

    fn set_limits(&self, limits: Limits) {
        self.db.set_limits(limits);
    }

    fn allow_new_series(&self, room: Room) {
        self.db.allow_new_series(room);
    }

    fn import(&self, bytes: &[u8]) -> Result<Imported, AdminError> {
        let mut rest = bytes;
        let mut importer = self.db.importer();
        while let Some((labels, samples)) = prometheus_data::stream::take(&mut rest)? {
            importer.add(&labels, &samples)?;
        }
        importer.finish().map_err(Into::into)
    }

    fn flush(&self) -> Result<(), AdminError> {
        self.db.compact().map_err(Into::into)
    }

    fn snapshots_folder(&self) -> PathBuf {
        self.snapshots.clone()
    }

    fn statistics(&self, limit: usize) -> Statistics {
        let stats = self.db.stats();
        let largest = self.db.cardinalities(limit);
        let pairs = |counts: Vec<Cardinality>| counts.into_iter().map(|count| (count.name, count.count)).collect();
        Statistics {
            series: stats.series,
            label_pairs: largest.label_pairs,
            chunks: stats.head_chunks,
            min_time_ms: stats.head_min_ms,
            max_time_ms: stats.head_max_ms,
            series_by_metric: pairs(largest.series_by_metric),
            values_by_label: pairs(largest.values_by_label),
            bytes_by_label: pairs(largest.bytes_by_label),
            series_by_pair: pairs(largest.series_by_pair),
        }
    }

    fn close(&self) -> Result<(), AdminError> {
        self.db.close().map_err(Into::into)
    }
}

fn counter(name: &str, help: &str, value: u64) -> MetricFamily {
    let mut family = MetricFamily::new(name, help, MetricKind::Counter);
    family.push(Labels::empty(), MetricValue::counter(value as f64));
    family
}

fn gauge(name: &str, help: &str, value: f64) -> MetricFamily {
    let mut family = MetricFamily::new(name, help, MetricKind::Gauge);
    family.push(Labels::empty(), MetricValue::Gauge(value));
    family
}

fn families(stats: &Stats) -> Vec<MetricFamily> {
    let time = |time_ms: Option<i64>| time_ms.unwrap_or(0) as f64;
    vec![
        gauge("prometheus_tsdb_head_series", "Total number of series in the head block.", stats.series as f64),
        gauge("prometheus_tsdb_head_chunks", "Total number of chunks in the head block.", stats.head_chunks as f64),
        gauge(
            "prometheus_tsdb_head_min_time",
            "Minimum time bound of the head block. The unit is decided by the library consumer.",
            time(stats.head_min_ms),
        ),
        gauge(
            "prometheus_tsdb_head_max_time",
            "Maximum timestamp of the head block. The unit is decided by the library consumer.",
            time(stats.head_max_ms),
        ),
        gauge(
            "prometheus_tsdb_lowest_timestamp",
            "Lowest timestamp value stored in the database. The unit is decided by the library consumer.",
            time(stats.min_ms),
        ),
        appended(stats.samples_appended),
        counter(
            "prometheus_tsdb_out_of_order_samples_total",
            "Total number of out of order samples ingestion failed attempts due to out of order being disabled.",
            stats.out_of_order,
        ),
        counter(
            "prometheus_tsdb_out_of_bound_samples_total",
            "Total number of out of bound samples ingestion failed attempts with out of order support disabled.",
            stats.out_of_bounds,
        ),
        counter(
            "firewatch_storage_duplicate_samples_total",
            "Samples refused for having another value at the time of the newest.",
            stats.duplicates,
        ),
        counter(
            "prometheus_tsdb_head_series_created_total",
            "Total number of series created in the head",
            stats.series_created,
        ),
        counter(
            "prometheus_tsdb_head_series_removed_total",
            "Total number of series removed in the head",
            stats.series_removed,
        ),
        counter("firewatch_storage_series_refused_total", "New series refused by a limit.", stats.series_refused),
        gauge("prometheus_tsdb_blocks_loaded", "Number of currently loaded data blocks", stats.partitions as f64),
        gauge(
            "prometheus_tsdb_storage_blocks_bytes",
            "The number of bytes that are currently used for local storage by all blocks.",
            stats.sealed_bytes as f64,
        ),
        gauge("prometheus_tsdb_wal_storage_size_bytes", "Size of the write log directory.", stats.log_bytes as f64),
        counter(
            "prometheus_tsdb_compactions_total",
            "Total number of compactions that were executed for the partition.",
            stats.seals,
        ),
        counter(
            "prometheus_tsdb_compactions_failed_total",
            "Total number of compactions that failed for the partition.",
            stats.seals_failed,
        ),
        counter(
            "prometheus_tsdb_time_retentions_total",
            "The number of times that blocks were deleted because the maximum time limit was exceeded.",
            stats.time_retentions,
        ),
        counter(
            "prometheus_tsdb_size_retentions_total",
            "The number of times that blocks were deleted because the maximum number of bytes was exceeded.",
            stats.size_retentions,
        ),
        gauge(
            "firewatch_storage_disk_full",
            "Whether samples are refused because the disk is full.",
            f64::from(u8::from(stats.is_disk_full)),
        ),
        gauge(
            "firewatch_storage_disk_free_bytes",
            "Bytes left on the disk that the storage is on.",
            stats.disk_free_bytes.map_or(f64::NAN, |bytes| bytes as f64),
        ),
        gauge(
            "firewatch_storage_tombstones",
            "Deletions of which samples are still on the disk.",
            stats.tombstones as f64,
        ),
        counter(
            "prometheus_tsdb_head_out_of_order_samples_appended_total",
            "Total number of appended out of order samples.",
            stats.out_of_order_appended,
        ),
        counter(
            "prometheus_tsdb_too_old_samples_total",
            "Total number of out of order samples ingestion failed attempts with out of support enabled, but sample outside of time window.",
            stats.too_old,
        ),
        counter(
            "firewatch_storage_tables_set_aside_total",
            "Damaged tables that were moved to the folder 'damaged'.",
            stats.tables_set_aside,
        ),
        counter(
            "firewatch_storage_damaged_blocks_total",
            "Blocks and time columns found damaged and left out.",
            stats.damaged,
        ),
        counter("prometheus_tsdb_wal_corruptions_total", "Total number of WAL corruptions.", stats.records_lost),
        counter(
            "prometheus_tsdb_wal_writes_failed_total",
            "Total number of write log writes that failed.",
            stats.syncs_failed,
        ),
    ]
}

/// The original tells floats and histograms apart; here they are counted together, as floats.
fn appended(samples: u64) -> MetricFamily {
    let mut family = MetricFamily::new(
        "prometheus_tsdb_head_samples_appended_total",
        "Total number of appended samples.",
        MetricKind::Counter,
    );
    family.push(Labels::from_pairs([("type", "float")]), MetricValue::counter(samples as f64));
    family
}
