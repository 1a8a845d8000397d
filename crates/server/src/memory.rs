//! The memory budget of the process: one limit, and who gives way when it is near.
//!
//! First new series are refused, then queries of people and dashboards; samples of known series, rules and alerts go on to
//! the end, and so do new series of rules and of the reports on scrapes. What the process takes is measured a few times a
//! second; between two looks, new series are counted against the room there was, so that a target which brings many at
//! once cannot jump the limit.
//!
//! Memory that was freed between memory that is in use stays with the process. New series go there first, so it counts as
//! room for them; or series that are gone would keep new ones out for good.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use instrument::Registry;
use metrics_model::Labels;
use metrics_model::family::{MetricFamily, MetricKind, MetricValue};
use tokio_util::sync::CancellationToken;
use tsdb::Room;

use crate::store::StoreAdmin;

/// The share of the machine or control group that is the limit when none is given.
const DEFAULT_PERCENT: u64 = 80;
/// New series are refused above this share of the limit.
const SERIES_PERCENT: u64 = 85;
/// Queries are refused above this, and new series however much of it is free inside.
const QUERIES_PERCENT: u64 = 96;
/// New series of rules and reports are refused above this.
const VITAL_PERCENT: u64 = 99;
/// Of what is free inside, so much is counted on: not every gap fits.
const FREE_PERCENT: u64 = 75;
/// What a new series takes in all, before the next look: storage, scrape cache, and what is under way.
const SERIES_BYTES: u64 = 2048;
/// How often the process is looked at.
const INTERVAL: Duration = Duration::from_millis(200);

/// The budget.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    /// 0: no limit is known.
    limit_bytes: AtomicU64,
    resident_bytes: AtomicU64,
    free_bytes: AtomicU64,
    is_refusing_queries: AtomicBool,
    is_refusing_series: AtomicBool,
}

impl Budget {
    /// A budget that shows itself in `registry`.
    pub(crate) fn new(limit_bytes: Option<u64>, registry: &Registry) -> Arc<Self> {
        let budget = Arc::new(Self::default());
        budget.set_limit(limit_bytes);
        let shown = Arc::clone(&budget);
        registry.source(move || shown.families());
        budget
    }

    /// Another limit; `None` for the default share of what there is.
    pub(crate) fn set_limit(&self, limit_bytes: Option<u64>) {
        let limit_bytes = limit_bytes.or_else(|| Some(available()? / 100 * DEFAULT_PERCENT));
        self.limit_bytes.store(limit_bytes.unwrap_or(0), Ordering::Relaxed);
    }

    /// Whether queries are refused at the moment.
    pub(crate) fn is_refusing_queries(&self) -> bool {
        self.is_refusing_queries.load(Ordering::Relaxed)
    }

    /// Looks at the process until stopped, and tells the store how many new series may come.
    pub(crate) async fn watch(self: Arc<Self>, admin: Option<Arc<dyn StoreAdmin>>, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let watching = async {
            loop {
                ticks.tick().await;
                if let Some(resident_bytes) = resident() {
                    let room = self.look(resident_bytes, heap_free());
                    if let Some(admin) = &admin {
                        admin.allow_new_series(room);
                    }
                }
            }
        };
        stop.run_until_cancelled(watching).await;
    }

    /// Takes up how much the process has, and how much of it is free, and says how many new series may come.
    fn look(&self, resident_bytes: u64, free_bytes: u64) -> Room {
        let limit_bytes = self.limit_bytes.load(Ordering::Relaxed);
        self.resident_bytes.store(resident_bytes, Ordering::Relaxed);
        self.free_bytes.store(free_bytes, Ordering::Relaxed);
        if limit_bytes == 0 {
            return Room::default();
        }
        let share = |percent: u64| limit_bytes / 100 * percent;
        let refuses_queries = resident_bytes > share(QUERIES_PERCENT);
        if refuses_queries != self.is_refusing_queries.swap(refuses_queries, Ordering::Relaxed) {
            tracing::warn!(resident_bytes, limit_bytes, refuses_queries, "queries at the memory limit");
        }
        let below = |percent: u64, bytes: u64| share(percent).saturating_sub(bytes) / SERIES_BYTES;
        let used_bytes = resident_bytes.saturating_sub(free_bytes / 100 * FREE_PERCENT);
        let allowed = below(SERIES_PERCENT, used_bytes).min(below(QUERIES_PERCENT, resident_bytes));
        let refuses_series = allowed == 0;
        if refuses_series != self.is_refusing_series.swap(refuses_series, Ordering::Relaxed) {
            tracing::warn!(resident_bytes, limit_bytes, refuses_series, "new series at the memory limit");
        }
        let bytes = share(QUERIES_PERCENT).saturating_sub(resident_bytes);
        Room { series: Some(allowed), vital: Some(below(VITAL_PERCENT, resident_bytes)), bytes: Some(bytes) }
    }

    fn families(&self) -> Vec<MetricFamily> {
        let gauge = |name: &str, help: &str, value: f64| {
            let mut family = MetricFamily::new(name, help, MetricKind::Gauge);
            family.push(Labels::empty(), MetricValue::Gauge(value));
            family
        };
        let get = |bytes: &AtomicU64| bytes.load(Ordering::Relaxed) as f64;
        let flag = |flag: &AtomicBool| f64::from(u8::from(flag.load(Ordering::Relaxed)));
        vec![
            gauge("firewatch_memory_limit_bytes", "The memory budget of the process.", get(&self.limit_bytes)),
            gauge("firewatch_memory_used_bytes", "Memory that counts against the budget.", get(&self.resident_bytes)),
            gauge(
                "firewatch_memory_free_bytes",
                "Memory among the used that is free, and that new series fill first.",
                get(&self.free_bytes),
            ),
            gauge(
                "firewatch_memory_refusing_series",
                "Whether new series are refused because the budget is nearly used up.",
                flag(&self.is_refusing_series),
            ),
            gauge(
                "firewatch_memory_refusing_queries",
                "Whether queries are refused because the budget is nearly used up.",
                flag(&self.is_refusing_queries),
            ),
        ]
    }
}

/// Memory of this process, where the system tells.
fn resident() -> Option<u64> {
    kibibytes(&std::fs::read_to_string("/proc/self/status").ok()?, "VmRSS:")
}

/// Memory that the allocator has in pages with memory in use, and could give out.
#[cfg(not(windows))]
fn heap_free() -> u64 {
    use tikv_jemalloc_ctl::{epoch, stats};
    let free = || {
        epoch::advance().ok()?;
        stats::active::read().ok()?.checked_sub(stats::allocated::read().ok()?)
    };
    free().unwrap_or(0) as u64
}

/// The system's allocator does not tell.
#[cfg(windows)]
fn heap_free() -> u64 {
    0
}

/// What this process may take at most: the least of machine, control groups and address space.
fn available() -> Option<u64> {
    let read = |path: &Path| std::fs::read_to_string(path).ok();
    let machine = read(Path::new("/proc/meminfo")).and_then(|text| kibibytes(&text, "MemTotal:"));
    let groups = read(Path::new("/proc/self/cgroup")).unwrap_or_default();
    let groups = group_files(&groups).into_iter().filter_map(|path| read(&path)?.trim().parse::<u64>().ok());
    let limits = read(Path::new("/proc/self/limits")).unwrap_or_default();
    let space = limits.lines().find_map(|line| line.strip_prefix("Max address space")?.split_whitespace().next());
    let space = space.and_then(|text| text.parse::<u64>().ok());
    machine.into_iter().chain(groups).chain(space).min()
}

fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// Where the limits of control groups stand, of either version; a group obeys those above it too.
fn group_files(groups: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next()) else { continue };
        let (root, name) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            controllers if controllers.split(',').any(|controller| controller == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        for group in Path::new(path.trim_start_matches('/')).ancestors() {
            files.push(Path::new(root).join(group).join(name));
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_series_give_way_first() {
        let budget = Budget::default();
        assert_eq!(budget.look(1 << 40, 0), Room::default());
        budget.set_limit(Some(1000 << 20));
        let room = |series: u64, vital: u64, bytes: u64| Room {
            series: Some(series * 512),
            vital: Some(vital * 512),
            bytes: Some(bytes << 20),
        };
        assert_eq!(budget.look(100 << 20, 0), room(850 - 100, 990 - 100, 860));
        assert_eq!(budget.look(850 << 20, 0), room(0, 140, 110));
        assert!(!budget.is_refusing_queries());
        assert_eq!(budget.look(970 << 20, 0), room(0, 20, 0));
        assert!(budget.is_refusing_queries());
        assert_eq!(budget.look(995 << 20, 0), room(0, 0, 0));
        assert_eq!(budget.look(500 << 20, 0), room(350, 490, 460));
        assert!(!budget.is_refusing_queries());
    }

    #[test]
    fn series_that_are_gone_make_room() {
        let budget = Budget::default();
        budget.set_limit(Some(1000 << 20));
        let series = |resident: u64, free: u64| budget.look(resident << 20, free << 20).series.unwrap() / 512;
        assert_eq!(series(900, 0), 0);
        assert_eq!(series(900, 400), 60);
        assert_eq!(series(700, 400), 260);
        // The process itself stays below the limit all the same.
        assert_eq!(series(970, 900), 0);
    }

    #[test]
    fn limits_of_groups_are_looked_for_up_to_the_root() {
        let files = |text| group_files(text).iter().map(|path| path.display().to_string()).collect::<Vec<_>>();
        assert_eq!(
            files("0::/a/b\n"),
            ["/sys/fs/cgroup/a/b/memory.max", "/sys/fs/cgroup/a/memory.max", "/sys/fs/cgroup/memory.max"]
        );
        assert_eq!(
            files("5:cpu,memory:/x\n4:cpu:/y\n"),
            ["/sys/fs/cgroup/memory/x/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        );
        assert!(available().is_none_or(|bytes| bytes > 1 << 20));
    }
}
