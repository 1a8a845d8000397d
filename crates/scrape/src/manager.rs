//! Runs the pools of all jobs: brings them together with discovery, applies new configurations, shows what they do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use discovery::Groups;
use http_client::{BuildError, Client};
use instrument::Registry;
use metrics_model::Clock;
use parking_lot::Mutex;
use storage::Storage;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::config::{ScrapeConfig, discovery_of};
use crate::failure_log::{FailureLog, FailureLogs, OpenFailureLog};
use crate::fetch::{Fetch, HttpFetch};
use crate::ingest::Ingest;
use crate::metrics::Metrics;
use crate::pool::Pool;
use crate::scrape_loop::Surroundings;
use crate::snapshot::TargetsSnapshot;

/// What a manager needs.
#[derive(Clone)]
pub struct Options {
    /// Where samples go.
    pub storage: Arc<dyn Storage>,
    /// Where their times come from.
    pub clock: Arc<dyn Clock>,
    /// Where its own metrics are made.
    pub registry: Registry,
    /// How it names itself to targets, as `Firewatch/1.0.0`.
    pub user_agent: String,
    /// Any number that differs between servers that scrape the same targets, so that they do so at different times.
    pub offset_seed: u64,
    /// How the logs of failed scrapes are opened.
    pub open_failure_log: OpenFailureLog,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("user_agent", &self.user_agent).finish_non_exhaustive()
    }
}

/// A configuration that cannot be applied. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The HTTP client of a job cannot be built.
    #[error("cannot make requests for job {job:?}")]
    Client {
        /// The job.
        job: String,
        /// The cause.
        #[source]
        source: BuildError,
    },
    /// A log of failed scrapes cannot be opened.
    #[error("cannot open scrape failure log {path:?}")]
    FailureLog {
        /// Its path.
        path: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The HTTP client of a discovery mechanism cannot be built.
    #[error("cannot discover targets")]
    Discovery(#[source] BuildError),
    /// The manager was stopped.
    #[error("scraping has been stopped")]
    Stopped,
}

/// Runs all scraping of a process. Made by [`Manager::start`]; ends with [`Manager::stop`].
pub struct Manager {
    shared: Arc<Shared>,
    /// Gone once stopped.
    discovery: tokio::sync::Mutex<Option<discovery::Manager>>,
    user_agent: String,
    open_failure_log: OpenFailureLog,
    syncing: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for Manager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Manager").field("pools", &self.pools()).finish_non_exhaustive()
    }
}

/// A job that is about to run.
struct Prepared {
    config: Arc<ScrapeConfig>,
    fetch: Arc<dyn Fetch>,
    failure_log: Option<Arc<dyn FailureLog>>,
}

struct Shared {
    surroundings: Surroundings,
    groups: watch::Receiver<Groups>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    pools: BTreeMap<String, Pool>,
    /// Loops of pools that are gone.
    ending: Vec<JoinHandle<Option<Ingest>>>,
    /// Set while a configuration is applied: groups of the new one must not meet pools of the old.
    is_applying: bool,
}

impl Manager {
    /// Starts without jobs; [`Manager::apply`] gives it some. Must run on a tokio runtime.
    #[must_use]
    pub fn start(options: Options) -> Self {
        let discovery_metrics = discovery::Metrics::new(&options.registry);
        let discovery = discovery::Manager::new("scrape", &options.user_agent, discovery_metrics);
        let slots = std::thread::available_parallelism().map_or(INGEST_SLOTS_MIN, |cores| 2 * cores.get());
        let shared = Arc::new(Shared {
            surroundings: Surroundings {
                storage: options.storage,
                clock: options.clock,
                metrics: Metrics::new(&options.registry),
                offset_seed: options.offset_seed,
                ingest_slots: Arc::new(Semaphore::new(slots.max(INGEST_SLOTS_MIN))),
                shutdown: CancellationToken::new(),
            },
            groups: discovery.subscribe(),
            state: Mutex::default(),
        });
        let syncing = tokio::spawn(follow_groups(Arc::clone(&shared)));
        Self {
            shared,
            discovery: tokio::sync::Mutex::new(Some(discovery)),
            user_agent: options.user_agent,
            open_failure_log: options.open_failure_log,
            syncing: Mutex::new(Some(syncing)),
        }
    }

    /// Runs exactly these jobs from now on. Loops of jobs that stay the same are not touched; loops of targets that stay
    /// the same under a changed job hand over to new ones; the series of targets that are gone end.
    ///
    /// # Errors
    /// [`ApplyError`]; then everything goes on as before.
    pub async fn apply(&self, configs: &[ScrapeConfig]) -> Result<(), ApplyError> {
        let failure_logs = FailureLogs::open(configs, &self.open_failure_log)
            .map_err(|(path, source)| ApplyError::FailureLog { path, source })?;
        let mut jobs = Vec::with_capacity(configs.len());
        for config in configs {
            let client = Client::new(config.http(), &self.user_agent);
            let client = client.map_err(|source| {
                self.shared.surroundings.metrics.pools_failed.inc();
                ApplyError::Client { job: config.job_name.clone(), source }
            })?;
            jobs.push(Prepared {
                config: Arc::new(config.clone()),
                fetch: Arc::new(HttpFetch::new(config, client)),
                failure_log: failure_logs.of(config),
            });
        }
        // One configuration at a time.
        let mut discovery = self.discovery.lock().await;
        let Some(discovery) = discovery.as_mut() else { return Err(ApplyError::Stopped) };
        self.shared.state.lock().is_applying = true;
        let discovered = discovery.apply(&discovery_of(configs)).await.map_err(ApplyError::Discovery);
        let mut state = self.shared.state.lock();
        state.is_applying = false;
        if discovered.is_ok() {
            self.shared.reconfigure(&mut state, jobs);
        }
        self.shared.sync(&mut state);
        discovered
    }

    /// All targets as they are now.
    #[must_use]
    pub fn targets(&self) -> TargetsSnapshot {
        let state = self.shared.state.lock();
        let mut shown = TargetsSnapshot::default();
        for (job, pool) in &state.pools {
            shown.active.insert(job.clone(), pool.active());
            shown.dropped.insert(job.clone(), pool.dropped());
            shown.dropped_counts.insert(job.clone(), pool.dropped_count());
        }
        shown
    }

    /// The names of all jobs, in order.
    #[must_use]
    pub fn pools(&self) -> Vec<String> {
        self.shared.state.lock().pools.keys().cloned().collect()
    }

    /// Stops everything and waits for it. Scrapes on their way into storage are finished, series do not end: the next
    /// start goes on with them.
    pub async fn stop(&self) {
        self.shared.surroundings.shutdown.cancel();
        if let Some(discovery) = self.discovery.lock().await.take() {
            discovery.stop().await;
        }
        let syncing = self.syncing.lock().take();
        if let Some(Err(error)) = join(syncing).await {
            tracing::error!(%error, "the task that follows discovery failed");
        }
        let state = std::mem::take(&mut *self.shared.state.lock());
        let tasks = state.pools.into_values().flat_map(Pool::end).chain(state.ending);
        for task in tasks.collect::<Vec<_>>() {
            if let Err(error) = task.await {
                tracing::error!(%error, "a scrape loop failed");
            }
        }
    }
}

async fn join(task: Option<JoinHandle<()>>) -> Option<Result<(), JoinError>> {
    Some(task?.await)
}

/// Fewer would let one slow commit hold up everything.
const INGEST_SLOTS_MIN: usize = 4;

impl Shared {
    /// Makes, changes and removes pools.
    fn reconfigure(&self, state: &mut State, jobs: Vec<Prepared>) {
        let mut before = std::mem::take(&mut state.pools);
        let metrics = &self.surroundings.metrics;
        for Prepared { config, fetch, failure_log } in jobs {
            let job = config.job_name.clone();
            let known = before.remove(&job);
            if known.as_ref().is_none_or(|pool| *pool.config() != *config) {
                for key in config.unsupported() {
                    tracing::warn!(job, key, "this setting is not supported by Firewatch yet and has no effect");
                }
            }
            let pool = match known {
                None => {
                    metrics.pools.inc();
                    Pool::new(self.surroundings.clone(), config, fetch)
                }
                Some(pool) if *pool.config() == *config => pool,
                Some(mut pool) => {
                    metrics.pool_reloads.inc();
                    pool.reconfigure(config, fetch);
                    pool
                }
            };
            pool.set_failure_log(failure_log);
            state.pools.insert(job, pool);
        }
        for pool in before.into_values() {
            state.ending.extend(pool.end());
        }
        state.ending.retain(|task| !task.is_finished());
    }

    /// As [`Shared::sync`]; while a configuration is applied, that is left to it.
    fn sync_unless_applying(&self) {
        let mut state = self.state.lock();
        if !state.is_applying {
            self.sync(&mut state);
        }
    }

    /// Gives each pool its present groups.
    fn sync(&self, state: &mut State) {
        let groups = Arc::clone(&*self.groups.borrow());
        for (job, pool) in &mut state.pools {
            pool.sync(groups.get(job).map_or(&[], Vec::as_slice));
        }
    }
}

/// How long changes of discovery are gathered before they are looked at.
const SYNC_PAUSE: Duration = Duration::from_millis(200);

/// Syncs the pools after each change of discovery.
async fn follow_groups(shared: Arc<Shared>) {
    let mut groups = shared.groups.clone();
    let following = async {
        // An error means that discovery is gone.
        while groups.changed().await.is_ok() {
            groups.mark_unchanged();
            shared.sync_unless_applying();
            tokio::time::sleep(SYNC_PAUSE).await;
        }
    };
    shared.surroundings.shutdown.run_until_cancelled(following).await;
}
