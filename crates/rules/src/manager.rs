//! Which groups run. [`Manager::apply`] takes a new set over: groups that stayed the same run on untouched, others hand
//! their state to their successor, and the series of what is gone end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use metrics_model::{Clock, Labels};
use parking_lot::{Mutex, RwLock};
use promql::Engine;
use storage::Storage;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::GroupConfig;
use crate::group::{Group, key};
use crate::metrics::Metrics;
use crate::observer::QueryObserver;
use crate::restore::RestoreOptions;
use crate::runner;
use crate::sink::AlertSink;

/// What a manager is made with; fixed for its life.
pub struct ManagerOptions {
    /// Where rules read and write.
    pub storage: Arc<dyn Storage>,
    /// Who takes the alerts.
    pub sink: Arc<dyn AlertSink>,
    /// Who learns of the queries, if anybody wants to.
    pub observer: Option<Arc<dyn QueryObserver>>,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// What the groups say about themselves.
    pub metrics: Metrics,
    /// What happens to pending alerts after a restart.
    pub restore: RestoreOptions,
    /// `--rules.alert.resend-delay`: the least time between two messages about the same alert.
    pub resend_delay: Duration,
    /// The most rules that are evaluated at a time.
    pub evaluations_max: usize,
    /// How long a selector of a rule may match nothing before the rule is marked.
    pub unmatched_after: Duration,
}

/// [`ManagerOptions::unmatched_after`] when the flag is not given: longer than targets are away for a restart.
pub const UNMATCHED_AFTER: Duration = Duration::from_secs(15 * 60);

/// [`ManagerOptions::resend_delay`] when the flag is not given.
pub const RESEND_DELAY: Duration = Duration::from_secs(60);

/// What all groups share and a reload changes.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Answers the queries.
    pub engine: Arc<Engine>,
    /// Interval of groups that give none.
    pub interval: Duration,
    /// Query offset of groups that give none.
    pub query_offset: Duration,
    /// Labels that this server adds to everything it sends.
    pub external_labels: Labels,
    /// Where people reach this server, without a slash at the end.
    pub external_url: String,
}

impl Settings {
    /// Whether groups need not notice the change. Engines differ only by flags and the interval, compared here.
    fn is_same(&self, other: &Self) -> bool {
        self.interval == other.interval
            && self.query_offset == other.query_offset
            && self.external_labels == other.external_labels
            && self.external_url == other.external_url
    }
}

/// What all groups share and nothing changes.
pub(crate) struct Shared {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) sink: Arc<dyn AlertSink>,
    pub(crate) observer: Option<Arc<dyn QueryObserver>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Metrics,
    pub(crate) restore: RestoreOptions,
    pub(crate) resend_delay: Duration,
    pub(crate) evaluations: Arc<Semaphore>,
    pub(crate) unmatched_after: Duration,
}

struct Running {
    group: Arc<Group>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// Runs groups of rules.
pub struct Manager {
    shared: Arc<Shared>,
    /// In order of their keys. An asynchronous lock: one change at a time, each waits for groups to end.
    running: tokio::sync::Mutex<BTreeMap<String, Running>>,
    /// What `running` holds, for readers who cannot wait.
    groups: RwLock<Vec<Arc<Group>>>,
    /// Groups that are gone, waiting to end their series.
    farewells: Mutex<Vec<JoinHandle<()>>>,
    stop: CancellationToken,
}

impl std::fmt::Debug for Manager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Manager").field("groups", &self.groups.read()).finish_non_exhaustive()
    }
}

impl Manager {
    /// A manager without groups.
    #[must_use]
    pub fn new(options: ManagerOptions) -> Self {
        let shared = Shared {
            storage: options.storage,
            sink: options.sink,
            observer: options.observer,
            clock: options.clock,
            metrics: options.metrics,
            restore: options.restore,
            resend_delay: options.resend_delay,
            evaluations: Arc::new(Semaphore::new(options.evaluations_max.max(1))),
            unmatched_after: options.unmatched_after,
        };
        Self {
            shared: Arc::new(shared),
            running: tokio::sync::Mutex::default(),
            groups: RwLock::default(),
            farewells: Mutex::default(),
            stop: CancellationToken::new(),
        }
    }

    /// The groups that run, in order of file and name.
    #[must_use]
    pub fn groups(&self) -> Vec<Arc<Group>> {
        self.groups.read().clone()
    }

    /// Runs exactly these groups from now on. The first call after a start restores how long alerts were pending.
    pub async fn apply(&self, groups: Vec<GroupConfig>, settings: Settings) {
        let settings = Arc::new(settings);
        let mut running = self.running.lock().await;
        let mut old = std::mem::take(&mut *running);
        for config in groups {
            let group_key = key(&config);
            let before = old.remove(&group_key);
            let now = match before {
                Some(before) if before.group.config() == &config && before.group.settings().is_same(&settings) => {
                    before
                }
                before => self.start(config, &settings, before).await,
            };
            running.insert(group_key, now);
        }
        *self.groups.write() = running.values().map(|running| Arc::clone(&running.group)).collect();
        for gone in old.into_values() {
            self.end(gone).await;
        }
    }

    /// Stops all groups and waits for them.
    pub async fn stop(&self) {
        self.stop.cancel();
        let mut running = self.running.lock().await;
        for running in running.values() {
            running.stop.cancel();
            running.group.cancel.cancel();
        }
        while let Some((_, running)) = running.pop_first() {
            join(running.task).await;
        }
        let farewells = std::mem::take(&mut *self.farewells.lock());
        for farewell in farewells {
            join(farewell).await;
        }
    }

    async fn start(&self, config: GroupConfig, settings: &Arc<Settings>, before: Option<Running>) -> Running {
        let group = Arc::new(Group::new(config, Arc::clone(settings), Arc::clone(&self.shared)));
        let mut restore = group.alerting_rules().next().is_some();
        if let Some(before) = before {
            let before_group = halt(before).await;
            group.copy_state(&before_group);
            // New rules of a group that ran before this process' first minute have nothing to restore from.
            restore = group.alerting_rules().any(|rule| !rule.is_restored());
        }
        self.shared.metrics.add_group(&group.key(), group.rules().len(), group.interval().as_secs_f64());
        let stop = CancellationToken::new();
        let task = tokio::spawn(runner::run(Arc::clone(&group), stop.clone(), restore));
        Running { group, stop, task }
    }

    /// Stops a group that is gone. Its series end after two intervals: until then, a renamed group can take them over.
    async fn end(&self, gone: Running) {
        let group = halt(gone).await;
        self.shared.metrics.remove_group(&group.key());
        group.vanish();
        let ended_ms = self.shared.clock.now_ms();
        let stop = self.stop.clone();
        let farewell = tokio::spawn(async move {
            let wait = group.interval() * 2;
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => return,
            }
            join(tokio::task::spawn_blocking(move || group.end_vanished(ended_ms))).await;
        });
        let mut farewells = self.farewells.lock();
        farewells.retain(|farewell| !farewell.is_finished());
        farewells.push(farewell);
    }
}

/// Ends a group's loop and waits for it.
async fn halt(running: Running) -> Arc<Group> {
    running.stop.cancel();
    running.group.cancel.cancel();
    join(running.task).await;
    running.group
}

async fn join(task: JoinHandle<()>) {
    if let Err(error) = task.await {
        tracing::error!(%error, "a task of the rules failed");
    }
}
