//! A whole server: start, reload, stop.
//!
//! Started in this order: configuration, listeners (bound, not yet serving), storage, rules, notifier, scraping, serving.
//! Stopped in reverse. Nothing here touches signals, globals or the environment, so tests run whole servers.

mod reload;
mod url;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use daemon::web::lifecycle::ReloadRequest;
use daemon::web::{Lifecycle, Limits, Listener, WebConfigFile};
use daemon::{StartError, Tasks};
use instrument::Registry;
use metrics_model::duration::format_duration;
use metrics_model::{Clock, SystemClock};
use promql::{Engine, EngineOptions};
use rules::{AlertSink, Manager as RuleManager, ManagerOptions};
use scrape::Manager as ScrapeManager;
use tokio::sync::mpsc;
use tsdb::Limits as StorageLimits;

use crate::cli::Options;
use crate::config::{self, Config, ConfigCell, Environment, LoadOptions, RuleFiles, StorageConfig};
use crate::memory::Budget;
use crate::notifier::{Notifier, NotifierOptions, Sections, USER_AGENT};
use crate::queries::Queries;
use crate::remote::receive::Receiver;
use crate::store::tsdb::StoreOptions;
use crate::store::{self, Store};
use crate::web::consoles::ConsoleFolders;
use crate::web::{Web, WebSettings};

use reload::Reloader;

/// How long parts of the server may take to stop.
const STOP_GRACE: Duration = Duration::from_secs(30);
/// How long a stop may take to send alerts that wait.
const DRAIN: Duration = Duration::from_secs(10);
/// How long samples are kept when neither flags nor configuration say.
const RETENTION: Duration = Duration::from_secs(15 * 24 * 3_600);

/// How many exemplars are kept when the feature is on and the configuration does not say.
const EXEMPLARS_MAX: usize = 100_000;

/// What surrounds a server.
#[derive(Clone)]
pub struct AppOptions {
    /// The flags.
    pub flags: Options,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Where variables in external labels come from.
    pub environment: Environment,
    /// A store to use instead of the one on disk.
    pub store: Option<Store>,
}

impl std::fmt::Debug for AppOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AppOptions").field("flags", &self.flags).finish_non_exhaustive()
    }
}

/// A running server.
pub struct App {
    addresses: Vec<SocketAddr>,
    lifecycle: Lifecycle,
    reloader: Arc<Reloader>,
    notifier: Arc<Notifier>,
    sections: Arc<Sections>,
    rules: Arc<RuleManager>,
    scrape: Arc<ScrapeManager>,
    store: Store,
    /// Listeners and the task that serves reloads over HTTP.
    tasks: Tasks,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

impl App {
    /// Starts a server with the machine's clock and the store on disk.
    ///
    /// # Errors
    /// [`StartError`] says what could not be done, and whether the configuration is to blame.
    pub async fn start(flags: Options) -> Result<Self, StartError> {
        let environment: Environment = |name| std::env::var(name).ok();
        Self::start_with(AppOptions { flags, clock: Arc::new(SystemClock), environment, store: None }).await
    }

    /// Starts a server.
    ///
    /// # Errors
    /// [`StartError`] says what could not be done, and whether the configuration is to blame.
    pub async fn start_with(options: AppOptions) -> Result<Self, StartError> {
        let AppOptions { flags, clock, environment, store } = options;
        let started_ms = clock.now_ms();
        let registry = Registry::new();
        let config = load(&flags, environment).await?;
        let web_config = WebConfigFile::open(&flags.web_config_file).await.map_err(StartError::config)?;
        let scheme = web_config.as_ref().map_or("http", |file| file.scheme());
        let listeners = bind(&flags, web_config.as_ref()).await?;
        let addresses: Vec<SocketAddr> = listeners.iter().map(Listener::address).collect();
        let store = match store {
            Some(store) => store,
            None => open_store(&flags, &config, &clock, &registry).await?,
        };
        let external_url = url::external(&flags.external_url, scheme, &addresses)
            .map_err(|error| StartError::other("use --web.external-url", error))?;
        let engine = Arc::new(Engine::new(engine_options(&flags, config.evaluation_interval)));
        let budget = Budget::new(flags.memory_limit.or(config.storage.memory_limit), &registry);
        let notifier = Arc::new(Notifier::new(notifier_options(&flags), &registry));
        let rules = Arc::new(rule_manager(&flags, &clock, &store, &notifier, &registry));
        let sections = Arc::new(Sections::start(Arc::clone(&notifier), &registry));
        let scrape = Arc::new(ScrapeManager::start(scrape::Options {
            storage: Arc::clone(&store.storage),
            clock: Arc::clone(&clock),
            registry: registry.clone(),
            user_agent: USER_AGENT.to_owned(),
            offset_seed: offset_seed(&config),
        }));
        instrument::process::add(&registry);
        instrument::process::add_build_info(&registry, "prometheus", env!("CARGO_PKG_VERSION"));
        let (lifecycle, reloads) = Lifecycle::new("Firewatch Server", flags.lifecycle_enabled);
        let web = Arc::new(Web {
            queries: Queries::new(engine, flags.query_concurrency, Arc::clone(&budget), &registry)
                .with_active_log(&flags.storage_path),
            receiver: flags.remote_write_enabled.then(|| Arc::new(Receiver::new(&registry))),
            config: Arc::new(ConfigCell::new(Arc::new(config.clone()), started_ms, &registry)),
            store: store.clone(),
            rules: Arc::clone(&rules),
            scrape: Arc::downgrade(&scrape),
            notifier: Arc::clone(&notifier),
            clock: Arc::clone(&clock),
            settings: web_settings(&flags, &config, external_url, started_ms),
            registry,
        });
        let reloader = Arc::new(Reloader {
            flags,
            environment,
            web: Arc::clone(&web),
            scrape: Arc::clone(&scrape),
            sections: Arc::clone(&sections),
            budget: Arc::clone(&budget),
            turn: tokio::sync::Mutex::default(),
        });
        let mut app = Self {
            addresses,
            lifecycle: lifecycle.clone(),
            reloader: Arc::clone(&reloader),
            notifier,
            sections,
            rules,
            scrape,
            store,
            tasks: Tasks::new(),
        };
        if let Err(error) = reloader.apply(Arc::new(config)).await {
            app.stop_all().await;
            return Err(StartError::Config(error));
        }
        app.tasks.spawn("memory", budget.watch(app.store.admin.clone(), app.tasks.cancellation()));
        app.serve(listeners, &web, reloads);
        lifecycle.set_ready(true);
        tracing::info!(addresses = ?app.addresses, "server is ready to receive web requests");
        Ok(app)
    }

    /// Where it listens, in the order of the flags.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    fn serve(&mut self, listeners: Vec<Listener>, web: &Arc<Web>, mut reloads: mpsc::Receiver<ReloadRequest>) {
        let router = crate::web::routes(web, &self.lifecycle);
        let stop = self.tasks.cancellation();
        for listener in listeners {
            self.tasks.spawn("listener", listener.serve(router.clone(), stop.clone()));
        }
        let reloader = Arc::clone(&self.reloader);
        self.tasks.spawn("reload", async move {
            let serve = async {
                while let Some(answer) = reloads.recv().await {
                    let outcome = reloader.reload().await.map_err(|error| daemon::run::chain(&*error));
                    // A client that went away does not need to know.
                    drop(answer.send(outcome));
                }
            };
            stop.run_until_cancelled(serve).await;
        });
    }

    /// Stops everything in reverse order of its start.
    async fn stop_all(self) {
        self.lifecycle.set_ready(false);
        self.tasks.stop(STOP_GRACE).await;
        drop(self.reloader);
        let mut scrape = self.scrape;
        // Handlers borrow it for a moment only, and none comes any more.
        let scrape = loop {
            match Arc::try_unwrap(scrape) {
                Ok(scrape) => break scrape,
                Err(shared) => {
                    scrape = shared;
                    tokio::task::yield_now().await;
                }
            }
        };
        scrape.stop().await;
        self.rules.stop().await;
        self.sections.stop().await;
        self.notifier.stop().await;
        if let Some(admin) = self.store.admin {
            match tokio::task::spawn_blocking(move || admin.close()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(error = daemon::run::chain(&*error), "cannot close the storage"),
                Err(error) => tracing::error!(%error, "closing the storage failed"),
            }
        }
    }
}

impl daemon::App for App {
    async fn reload(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        self.reloader.reload().await
    }

    async fn quit_requested(&self) {
        self.lifecycle.quit_requested().await;
    }

    async fn stop(self) {
        self.stop_all().await;
    }
}

/// Reads the configuration on a blocking thread: rule files can be many.
async fn load(flags: &Options, environment: Environment) -> Result<Config, StartError> {
    let file = flags.config_file.clone();
    let options = engine_options(flags, RULES_CHECK_INTERVAL);
    let loaded = tokio::task::spawn_blocking(move || {
        let engine = Engine::new(options);
        config::load(&file, &LoadOptions { engine: &engine, environment, rule_files: RuleFiles::Loaded })
    });
    loaded.await.map_err(|error| StartError::other("load the configuration", error))?.map_err(StartError::config)
}

/// The step of subqueries does not matter when expressions are only checked.
const RULES_CHECK_INTERVAL: Duration = Duration::from_secs(60);

async fn bind(flags: &Options, web_config: Option<&Arc<WebConfigFile>>) -> Result<Vec<Listener>, StartError> {
    let limits = Limits { connections: flags.connections_max, ..Limits::default() };
    let mut listeners = Vec::with_capacity(flags.listen_addresses.len());
    for address in &flags.listen_addresses {
        let listener = Listener::bind(address, limits.clone()).await;
        let listener = listener.map_err(|error| StartError::other("serve the API", error))?;
        listeners.push(listener.with_web_config(web_config.cloned()));
    }
    Ok(listeners)
}

async fn open_store(
    flags: &Options,
    config: &Config,
    clock: &Arc<dyn Clock>,
    registry: &Registry,
) -> Result<Store, StartError> {
    let limits = storage_limits(flags, &config.storage);
    let options = StoreOptions { path: flags.storage_path.clone(), limits, clock: Arc::clone(clock) };
    let registry = registry.clone();
    let opened = tokio::task::spawn_blocking(move || store::tsdb::open(&options, &registry)).await;
    opened
        .map_err(|error| StartError::other("open the storage", error))?
        .map_err(|error| StartError::other("open the storage", error))
}

/// How long and how much is kept, and how late samples may come: the configuration over the flags, 15 days when neither
/// says.
pub(super) fn storage_limits(flags: &Options, storage: &StorageConfig) -> StorageLimits {
    let time = storage.retention_time.or(flags.retention_time).filter(|time| !time.is_zero());
    let bytes = storage.retention_bytes.or(flags.retention_bytes).filter(|bytes| *bytes > 0);
    let is_limited = bytes.is_some() || storage.retention_percentage.is_some();
    StorageLimits {
        retention: if is_limited { time } else { time.or(Some(RETENTION)) },
        retention_bytes: bytes,
        retention_percentage: storage.retention_percentage,
        out_of_order_window: storage.out_of_order,
        exemplars_max: if flags.enabled.exemplars { storage.exemplars_max.unwrap_or(EXEMPLARS_MAX) } else { 0 },
    }
}

fn engine_options(flags: &Options, evaluation_interval: Duration) -> EngineOptions {
    EngineOptions {
        lookback: flags.lookback,
        timeout: flags.query_timeout,
        samples_max: flags.query_samples,
        memory_bytes_max: usize::try_from(flags.query_memory).unwrap_or(usize::MAX),
        subquery_step: evaluation_interval,
        features: flags.enabled.promql,
        ..EngineOptions::default()
    }
}

fn notifier_options(flags: &Options) -> NotifierOptions {
    NotifierOptions {
        queue_capacity: flags.notification_queue,
        batch_max: flags.notification_batch,
        drain: flags.drain_notifications.then_some(DRAIN),
    }
}

fn rule_manager(
    flags: &Options,
    clock: &Arc<dyn Clock>,
    store: &Store,
    notifier: &Arc<Notifier>,
    registry: &Registry,
) -> RuleManager {
    RuleManager::new(ManagerOptions {
        storage: Arc::clone(&store.storage),
        sink: Arc::clone(notifier) as Arc<dyn AlertSink>,
        clock: Arc::clone(clock),
        metrics: rules::Metrics::new(registry),
        restore: rules::restore::RestoreOptions {
            outage_tolerance: flags.outage_tolerance,
            grace_period: flags.grace_period,
        },
        resend_delay: flags.resend_delay,
        evaluations_max: flags.evaluations_max,
        unmatched_after: flags.rules_unmatched_after,
    })
}

fn web_settings(flags: &Options, config: &Config, external_url: String, started_ms: i64) -> WebSettings {
    let limits = storage_limits(flags, &config.storage);
    let percentage = limits.retention_percentage.map(|percentage| format!("{percentage}% of the disk"));
    let bytes = limits.retention_bytes.map(|bytes| format!("{bytes}B"));
    let kept = [limits.retention.map(format_duration), bytes, percentage];
    let retention = kept.into_iter().flatten().collect::<Vec<_>>().join(" or ");
    WebSettings {
        flags: flags.shown.clone(),
        admin_enabled: flags.admin_enabled,
        remote_write_messages: flags.remote_write_messages.clone(),
        per_step_stats: flags.enabled.per_step_stats,
        route_prefix: url::route_prefix(flags.route_prefix.as_deref(), &external_url),
        external_url,
        page_title: flags.page_title.clone(),
        consoles: ConsoleFolders {
            templates: flags.console_templates.clone(),
            libraries: flags.console_libraries.clone(),
        },
        cors_origin: flags.cors.clone(),
        retention,
        started_ms,
    }
}

/// Servers of a pair have different external labels, and should not scrape at the same moments.
fn offset_seed(config: &Config) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    config.external_labels.hash(&mut hasher);
    hasher.finish()
}
