//! What the manager shows of its targets: plain values for `/api/v1/targets`, the metadata API and pages.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use metrics_model::Labels;

use crate::metadata::TargetMetadata;

/// Whether a target can be scraped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Health {
    /// Not tried yet.
    #[default]
    Unknown,
    /// The last scrape went well.
    Up,
    /// The last scrape failed.
    Down,
}

impl Health {
    /// As the API has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// All targets at one moment. Pools are in order of their names.
#[derive(Debug, Clone, Default)]
pub struct TargetsSnapshot {
    /// Targets that are scraped, by pool, in order of their addresses.
    pub active: BTreeMap<String, Vec<ActiveTarget>>,
    /// Targets that relabeling dropped, by pool; as many as are kept.
    pub dropped: BTreeMap<String, Vec<DroppedTarget>>,
    /// How many targets relabeling dropped, by pool.
    pub dropped_counts: BTreeMap<String, usize>,
}

/// A target that is scraped.
#[derive(Debug, Clone)]
pub struct ActiveTarget {
    /// Labels before relabeling.
    pub discovered_labels: Labels,
    /// Labels of its samples.
    pub labels: Labels,
    /// The job.
    pub scrape_pool: String,
    /// The address.
    pub scrape_url: String,
    /// Why the last scrape failed, or what was left out of it; or empty.
    pub last_error: String,
    /// When the last scrape began, in milliseconds since the Unix epoch.
    pub last_scrape_ms: Option<i64>,
    /// How long it took.
    pub last_scrape_duration: Duration,
    /// How it went.
    pub health: Health,
    /// Time between two scrapes, as `15s`.
    pub scrape_interval: String,
    /// The longest a scrape may take, as `10s`.
    pub scrape_timeout: String,
    /// What the target says about its metrics.
    pub metadata: Arc<TargetMetadata>,
}

/// A target that relabeling dropped.
#[derive(Debug, Clone)]
pub struct DroppedTarget {
    /// Labels before relabeling.
    pub discovered_labels: Labels,
    /// The job.
    pub scrape_pool: String,
}
