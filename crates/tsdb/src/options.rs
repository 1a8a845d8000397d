//! What can be chosen about a store. The defaults suit a server that scrapes every 15 seconds.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use metrics_model::{Clock, SystemClock};

/// Options of a store.
#[derive(Clone)]
pub struct Options {
    /// Samples older than this are deleted, a whole partition at a time. `None` keeps them. Default: 15 days.
    pub retention: Option<Duration>,
    /// When sealed data takes more than so many bytes, the oldest partitions are deleted. Default: no limit.
    pub retention_bytes: Option<u64>,
    /// When sealed data takes more than such a share of the disk, in percent, the oldest partitions are deleted. Default:
    /// no limit.
    pub retention_percentage: Option<f64>,
    /// The width of the windows that samples are sealed in. Default: 30 minutes, 120 samples at 15 seconds.
    pub window: Duration,
    /// How long after the end of a window it is sealed: late scrapes still find it open. Default: 5 minutes.
    pub seal_delay: Duration,
    /// Series that are encoded before they are written when a window is sealed, about: what that takes in memory. With more,
    /// groups are gone through several times, each time for some of their series. Default: 262,144, some 40 MB.
    pub seal_series: usize,
    /// Finished windows are merged into stretches of this length, a multiple of the window. Default: 1 day.
    pub merge_window: Duration,
    /// How much older than the newest sample of the store a sample may be, as long as it is the newest of its series.
    /// `None` takes any. Default: 1 hour, as the original's half a block.
    pub late_limit: Option<Duration>,
    /// How much older than the newest sample of the store a sample may be that is older than the newest of its series.
    /// Default: none, as the original.
    pub out_of_order_window: Duration,
    /// How many exemplars are kept, the newest of all series. Default: none.
    pub exemplars_max: usize,
    /// New series are refused while the store knows so many. `None` takes any number. Default: no limit.
    pub series_max: Option<u64>,
    /// How often the log is synced to disk: what a power cut loses at most. A crash of the process loses nothing.
    /// Default: 100 milliseconds.
    pub sync_interval: Duration,
    /// How often sealing, merging and retention look for work. Default: 1 second.
    pub maintenance_interval: Duration,
    /// Whether the store owns threads for syncing and maintenance. Without, the owner calls [`crate::Db::sync`] and
    /// [`crate::Db::run_maintenance`]. Default: yes.
    pub background: bool,
    /// Memory for decoded blocks of sealed samples. Default: 32 MiB.
    pub block_cache_bytes: usize,
    /// Memory for decompressed blocks of the database below. Default: 8 MiB.
    pub database_cache_bytes: usize,
    /// Rows of the log beyond this are moved from memory to a table. Default: 8 MiB.
    pub log_buffer_bytes: usize,
    /// The log is cut when it is larger than this. Default: 64 MiB.
    pub log_bytes_max: u64,
    /// Where the time comes from. Default: the machine's clock.
    pub clock: Arc<dyn Clock>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            retention: Some(Duration::from_secs(15 * 24 * 3600)),
            retention_bytes: None,
            retention_percentage: None,
            window: Duration::from_secs(30 * 60),
            seal_delay: Duration::from_secs(5 * 60),
            seal_series: 256 << 10,
            merge_window: Duration::from_secs(24 * 3600),
            late_limit: Some(Duration::from_secs(3600)),
            out_of_order_window: Duration::ZERO,
            exemplars_max: 0,
            series_max: None,
            sync_interval: Duration::from_millis(100),
            maintenance_interval: Duration::from_secs(1),
            background: true,
            block_cache_bytes: 32 << 20,
            database_cache_bytes: 8 << 20,
            log_buffer_bytes: 8 << 20,
            log_bytes_max: 64 << 20,
            clock: Arc::new(SystemClock),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("retention", &self.retention)
            .field("retention_bytes", &self.retention_bytes)
            .field("window", &self.window)
            .field("series_max", &self.series_max)
            .finish_non_exhaustive()
    }
}

/// What can be changed while a store is open.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Limits {
    /// As [`Options::retention`].
    pub retention: Option<Duration>,
    /// As [`Options::retention_bytes`].
    pub retention_bytes: Option<u64>,
    /// As [`Options::retention_percentage`].
    pub retention_percentage: Option<f64>,
    /// As [`Options::out_of_order_window`].
    pub out_of_order_window: Duration,
    /// As [`Options::exemplars_max`].
    pub exemplars_max: usize,
}

impl Limits {
    /// Those that a store is opened with.
    pub(crate) fn of(options: &Options) -> Self {
        Self {
            retention: options.retention,
            retention_bytes: options.retention_bytes,
            retention_percentage: options.retention_percentage,
            out_of_order_window: options.out_of_order_window,
            exemplars_max: options.exemplars_max,
        }
    }
}

/// A duration in whole milliseconds.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
