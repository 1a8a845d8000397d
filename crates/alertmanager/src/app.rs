//! A whole Alertmanager in one value. Touches no signal, global or environment variable: tests run several in a process.

mod reloader;

use std::fs::{File, TryLockError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use daemon::web::{Limits as WebLimits, Listener, WebConfigFile};
use daemon::{StartError, Tasks};
use instrument::Registry;
use metrics_model::Labels;
use metrics_model::family::{MetricFamily, MetricKind, MetricValue};
use tokio::time::{Instant, interval_at};
use tower::ServiceExt as _;

use crate::api::instrument::{Surroundings, surround};
use crate::api::{self, ApiState};
use crate::cluster::{self, AddressError, Cluster, ClusterError, Replicated};
use crate::engine::{CurrentEngine, Engine, Lasting};
use crate::history::{History, Limits as HistoryLimits};
use crate::matcher::Syntax;
use crate::metrics::{
    ApiMetrics, ConfigMetrics, DispatchMetrics, HttpMetrics, MaintenanceMetrics, NotificationMetrics, SilenceMetrics,
};
use crate::nflog::NotificationLog;
use crate::notify::marks::AlertState;
use crate::notify::outbox::{Outbox, OutboxSettings};
use crate::notify::redelivery;
use crate::silence::{Limits, Silences};
use crate::store::AlertStore;
use crate::time::Clock;

pub use reloader::{ReloadError, Reloader};

/// What a daemon is started with: its flags, checked.
#[derive(Debug, Clone)]
pub struct Options {
    /// The configuration file.
    pub config_file: PathBuf,
    /// The folder for what must survive.
    pub storage_path: PathBuf,
    /// How long ended silences and notifications are remembered.
    pub retention: Duration,
    /// How often the files are looked after.
    pub maintenance_interval: Duration,
    /// How notifications wait that could not be delivered.
    pub outbox: OutboxSettings,
    /// How many and how large silences may be.
    pub silence_limits: Limits,
    /// How often resolved alerts are forgotten.
    pub gc_interval: Duration,
    /// The most alerts of one name; zero for no limit.
    pub name_limit: usize,
    /// How long after the start nobody is told anything.
    pub start_delay: Duration,
    /// Where to listen, `HOST:PORT`.
    pub listen_address: String,
    /// TLS and passwords of the listener; empty for none.
    pub web_config_file: String,
    /// Where the daemon is reached from outside; empty for its own host name and port.
    pub external_url: String,
    /// What comes before every path; empty for the path of the external URL.
    pub route_prefix: String,
    /// GETs at a time; zero for the default.
    pub get_concurrency: usize,
    /// How long a request may take; zero for no limit.
    pub timeout: Duration,
    /// How matchers are read.
    pub syntax: Syntax,
    /// The other instances; `None` to stay alone.
    pub cluster: Option<cluster::Options>,
    /// How much history is kept.
    pub history: HistoryLimits,
    /// How much memory alerts may take; zero for no limit.
    pub alert_bytes_max: u64,
}

/// A running daemon.
#[derive(Debug)]
pub struct App {
    address: SocketAddr,
    reloader: Arc<Reloader>,
    engine: Arc<CurrentEngine>,
    silences: Arc<Silences>,
    log: Arc<NotificationLog>,
    cluster: Option<Arc<Cluster>>,
    outbox: Arc<Outbox>,
    history: Arc<History>,
    tasks: Tasks,
    /// Held as long as the folder is used.
    _lock: File,
}

impl App {
    /// Starts everything. On an error nothing keeps running.
    ///
    /// # Errors
    /// [`StartError`] says what could not be done.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let clock = Clock::machine();
        let config = crate::config::load(&options.config_file, options.syntax).map_err(StartError::config)?;
        let lock = lock_folder(&options.storage_path)?;
        let listener = Listener::bind(&options.listen_address, WebLimits::default());
        let listener = listener.await.map_err(|error| StartError::other("listen", error))?;
        let web_config = WebConfigFile::open(&options.web_config_file).await.map_err(StartError::config)?;
        let scheme = web_config.as_ref().map_or("http", |file| file.scheme());
        let listener = listener.with_web_config(web_config);
        let external = external_url(&options.external_url, scheme, listener.address())?;

        let registry = Registry::new();
        instrument::process::add(&registry);
        instrument::process::add_build_info(&registry, "alertmanager", env!("CARGO_PKG_VERSION"));
        crate::metrics::add_never_counted(&registry);
        let history = History::open(&options.storage_path.join("history"), options.history, &registry);
        let history = Arc::new(history.map_err(|error| StartError::other("open the history", error))?);
        let (silences, log) = open_state(&options, &clock, &history, &registry)?;
        let outbox = open_outbox(&options, &clock)?;
        let cluster = join_cluster(&options, &silences, &log, &registry).await?;
        let parts = Parts { clock, lock, listener, registry, external, history, silences, log, outbox, cluster };
        let cluster = parts.cluster.clone();
        match parts.assemble(config, &options) {
            Ok(app) => Ok(app),
            Err(error) => {
                if let Some(cluster) = cluster {
                    cluster.stop().await;
                }
                Err(error)
            }
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Loads the configuration anew and swaps it in; on an error the old one stays whole.
    ///
    /// # Errors
    /// [`ReloadError`]
    pub async fn reload(&self) -> Result<(), ReloadError> {
        self.reloader.reload().await
    }

    /// Its part in a cluster, if it takes part in one.
    #[must_use]
    pub fn cluster(&self) -> Option<&Cluster> {
        self.cluster.as_deref()
    }

    /// Stops everything in reverse order of its start and waits for it.
    pub async fn stop(self) {
        self.tasks.stop(STOP_GRACE).await;
        self.engine.get().dispatcher.stop().await;
        if let Some(cluster) = self.cluster {
            cluster.stop().await;
        }
        self.silences.close().await;
        self.log.close().await;
        self.outbox.close().await;
        self.history.close().await;
    }
}

/// What outlives configurations, opened and listening, before anything runs on it.
struct Parts {
    clock: Clock,
    lock: File,
    listener: Listener,
    registry: Registry,
    external: String,
    history: Arc<History>,
    silences: Arc<Silences>,
    log: Arc<NotificationLog>,
    outbox: Arc<Outbox>,
    cluster: Option<Arc<Cluster>>,
}

impl Parts {
    /// Puts the configuration to work on them.
    fn assemble(self, config: crate::config::Config, options: &Options) -> Result<App, StartError> {
        let prefix = route_prefix(&options.route_prefix, &self.external);
        let lasting = self.lasting(options);
        let start_at = lasting.start_at;
        let store = Arc::new(AlertStore::new(options.name_limit, options.alert_bytes_max, Arc::clone(&self.history)));
        let first = Arc::new(Engine::build(config, &lasting).map_err(StartError::config)?);
        let engine = Arc::new(CurrentEngine::new(Arc::clone(&first)));
        let metrics = ConfigMetrics::new(&self.registry);
        let reloader = Arc::new(Reloader::new(options, lasting, Arc::clone(&store), Arc::clone(&engine), metrics));
        reloader.put_in_force(&first);

        let Self { clock, registry, silences, .. } = &self;
        let state = Arc::new(ApiState {
            store: Arc::clone(&store),
            silences: Arc::clone(silences),
            log: Arc::clone(&self.log),
            history: Arc::clone(&self.history),
            cluster: self.cluster.clone(),
            outbox: Arc::clone(&self.outbox),
            engine: Arc::clone(&engine),
            clock: clock.clone(),
            syntax: options.syntax,
            started: clock.now(),
            metrics: ApiMetrics::new(registry, options.name_limit),
        });
        add_sources(registry, silences, &engine, clock, self.cluster.is_some());
        crate::metrics::outbox::add(registry, &self.outbox, clock);
        let surroundings = Surroundings::new(HttpMetrics::new(registry), options.get_concurrency, options.timeout);
        let router = router(&state, &reloader, registry, &prefix, surroundings);

        let mut tasks = self.background(options, &store, &engine, start_at);
        let Self { lock, listener, silences, log, outbox, cluster, history, .. } = self;
        let address = listener.address();
        tasks.spawn("web", listener.serve(router, tasks.cancellation()));
        tracing::info!(%address, config = %options.config_file.display(), "alertmanager is ready");
        Ok(App { address, reloader, engine, silences, log, outbox, cluster, history, tasks, _lock: lock })
    }

    fn lasting(&self, options: &Options) -> Lasting {
        Lasting {
            silences: Arc::clone(&self.silences),
            log: Arc::clone(&self.log),
            outbox: Arc::clone(&self.outbox),
            history: Arc::clone(&self.history),
            cluster: self.cluster.clone(),
            clock: self.clock.clone(),
            start_at: Instant::now() + options.start_delay,
            external_url: self.external.clone(),
            notification_metrics: Arc::new(NotificationMetrics::new(&self.registry)),
            dispatch_metrics: Arc::new(DispatchMetrics::new(&self.registry)),
        }
    }

    /// Everything that goes on without being asked.
    fn background(
        &self,
        options: &Options,
        store: &Arc<AlertStore>,
        engine: &Arc<CurrentEngine>,
        start_at: Instant,
    ) -> Tasks {
        let mut tasks = Tasks::new();
        let (clock, stop) = (&self.clock, tasks.cancellation());
        tasks.spawn("history", Arc::clone(&self.history).run(stop.clone()));
        let maintenance = Maintenance {
            log: Arc::clone(&self.log),
            silences: Arc::clone(&self.silences),
            history: Arc::clone(&self.history),
            outbox: Arc::clone(&self.outbox),
            clock: clock.clone(),
            of_log: MaintenanceMetrics::of_log(&self.registry),
            of_silences: MaintenanceMetrics::of_silences(&self.registry),
            of_outbox: MaintenanceMetrics::of_outbox(&self.registry),
        };
        tasks.spawn("maintenance", maintenance.run(options.maintenance_interval, stop.clone()));
        tasks.spawn("resolving", note_resolved(Arc::clone(store), clock.clone(), stop.clone()));
        let outbox = Arc::clone(&self.outbox);
        let redelivering = redelivery::run(outbox, Arc::clone(engine), clock.clone(), start_at, stop.clone());
        tasks.spawn("redelivery", redelivering);
        let garbage = collect_garbage(Arc::clone(store), Arc::clone(engine), clock.clone(), options.gc_interval, stop);
        tasks.spawn("garbage collection", garbage);
        tasks
    }
}

/// How long a task may take to end.
const STOP_GRACE: Duration = Duration::from_secs(10);

impl daemon::App for App {
    async fn reload(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        App::reload(self).await.map_err(Into::into)
    }

    /// There is no request for that here.
    async fn quit_requested(&self) {
        std::future::pending().await
    }

    async fn stop(self) {
        App::stop(self).await;
    }
}

/// Makes the folder and keeps other processes out of it.
fn lock_folder(folder: &Path) -> Result<File, StartError> {
    let attempted = || format!("use the storage folder {}", folder.display());
    std::fs::create_dir_all(folder).map_err(|error| StartError::other(attempted(), error))?;
    let file = File::create(folder.join("lock")).map_err(|error| StartError::other(attempted(), error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StartError::other(attempted(), "another process uses it")),
        Err(TryLockError::Error(error)) => Err(StartError::other(attempted(), error)),
    }
}

/// Takes part in a cluster, if the flags say so.
async fn join_cluster(
    options: &Options,
    silences: &Arc<Silences>,
    log: &Arc<NotificationLog>,
    registry: &Registry,
) -> Result<Option<Arc<Cluster>>, StartError> {
    let Some(options) = options.cluster.clone() else {
        cluster::add_unused_metrics(registry);
        return Ok(None);
    };
    let states: Vec<Arc<dyn Replicated>> =
        vec![Arc::clone(silences) as Arc<dyn Replicated>, Arc::clone(log) as Arc<dyn Replicated>];
    let is_alone = options.peers.is_empty();
    let started = Cluster::start(options, states, registry).await;
    if let (true, Err(ClusterError::Address(error @ AddressError::NotPrivate))) = (is_alone, &started) {
        // Nobody was named who would have to reach it; most instances are alone.
        tracing::warn!(%error, "no peers are named: this instance takes part in no cluster");
        cluster::add_unused_metrics(registry);
        return Ok(None);
    }
    let cluster = Arc::new(started.map_err(|error| StartError::other("take part in the cluster", error))?);
    silences.attach(cluster.outgoing());
    log.attach(cluster.outgoing());
    Ok(Some(cluster))
}

fn open_state(
    options: &Options,
    clock: &Clock,
    history: &Arc<History>,
    registry: &Registry,
) -> Result<(Arc<Silences>, Arc<NotificationLog>), StartError> {
    let (now, metrics) = (clock.now(), SilenceMetrics::new(registry));
    let path = |name: &str| options.storage_path.join(name);
    let silences = Silences::open(&path("silences.journal"), options.retention, options.silence_limits, metrics, now)
        .map_err(|error| StartError::other("open the silences", error))?
        .with_history(Arc::clone(history));
    let log = NotificationLog::open(&path("notifications.journal"), options.retention, now)
        .map_err(|error| StartError::other("open the notification log", error))?;
    Ok((Arc::new(silences), Arc::new(log)))
}

fn open_outbox(options: &Options, clock: &Clock) -> Result<Arc<Outbox>, StartError> {
    let path = options.storage_path.join("outbox.journal");
    let outbox = Outbox::open(&path, options.outbox.clone(), clock.now());
    outbox.map(Arc::new).map_err(|error| StartError::other("open the outbox", error))
}

/// The address for links, without a slash at its end.
fn external_url(given: &str, scheme: &str, address: SocketAddr) -> Result<String, StartError> {
    let wrong = |reason: String| StartError::other(format!("use --web.external-url={given}"), reason);
    if given.is_empty() {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let host = Some(host.trim()).filter(|host| !host.is_empty()).unwrap_or("localhost");
        return Ok(format!("{scheme}://{host}:{}", address.port()));
    }
    let url = url::Url::parse(given).map_err(|error| wrong(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong(format!("invalid {:?} scheme, only 'http' and 'https' are supported", url.scheme())));
    }
    Ok(given.trim_end_matches('/').to_owned())
}

/// What comes before every path: empty, or with a slash at its beginning and none at its end.
fn route_prefix(given: &str, external: &str) -> String {
    let from_url = || url::Url::parse(external).map(|url| url.path().to_owned()).unwrap_or_default();
    let prefix = if given.is_empty() { from_url() } else { given.to_owned() };
    match prefix.trim_matches('/') {
        "" => String::new(),
        path => format!("/{path}"),
    }
}

fn router(
    state: &Arc<ApiState>,
    reloader: &Arc<Reloader>,
    registry: &Registry,
    prefix: &str,
    surroundings: Surroundings,
) -> Router {
    let routes = api::routes(state)
        .merge(api::ops::routes(Arc::clone(reloader), registry.clone()))
        .fallback(async || (axum::http::StatusCode::NOT_FOUND, "404 page not found\n"));
    // Outside of the routes, so that a path is found with and without a slash at its end.
    let routes = Router::new()
        .fallback_service(routes.map_request(api::without_slash))
        .layer(axum::middleware::from_fn_with_state(surroundings, surround));
    if prefix.is_empty() {
        return routes;
    }
    let home = format!("{prefix}/");
    let redirect = axum::routing::get(move || {
        let home = home.clone();
        async move { (axum::http::StatusCode::FOUND, [(axum::http::header::LOCATION, home)]) }
    });
    // Nesting takes in the prefix itself, but not the prefix with the slash that a folder has.
    let folder = routes.clone().map_request(|mut request: axum::extract::Request| {
        *request.uri_mut() = axum::http::Uri::from_static("/");
        request
    });
    Router::new().route("/", redirect).route_service(&format!("{prefix}/"), folder).nest(prefix, routes)
}

/// Metrics that are counted when somebody asks.
fn add_sources(
    registry: &Registry,
    silences: &Arc<Silences>,
    engine: &Arc<CurrentEngine>,
    clock: &Clock,
    is_clustered: bool,
) {
    let (silences, engine, clock) = (Arc::clone(silences), Arc::clone(engine), clock.clone());
    registry.source(move || {
        let mut by_state = MetricFamily::new("alertmanager_silences", "How many silences by state.", MetricKind::Gauge);
        for (state, count) in silences.count(clock.now()) {
            let labels = Labels::from_pairs([("state", state.as_str())]);
            by_state.push(labels, MetricValue::Gauge(count as f64));
        }
        let known = silences.all().len() as f64;
        let sizes = [
            ("alertmanager_silences_state_size", "The number of silences in the state map."),
            ("alertmanager_silences_matcher_index_size", "The number of entries in the matcher cache index."),
            ("alertmanager_silences_version_index_size", "The number of entries in the version index."),
        ];
        let sizes = sizes.map(|(name, help)| {
            let mut family = MetricFamily::new(name, help, MetricKind::Gauge);
            family.push(Labels::empty(), MetricValue::Gauge(known));
            family
        });
        let mut alerts = MetricFamily::new("alertmanager_alerts", "How many alerts by state.", MetricKind::Gauge);
        let counts = engine.get().dispatcher.count_alerts();
        for state in AlertState::ALL {
            let count = counts.get(&state).copied().unwrap_or_default();
            alerts.push(Labels::from_pairs([("state", state.as_str())]), MetricValue::Gauge(count as f64));
        }
        let help = "Indicates whether the clustering is enabled or not.";
        let mut cluster = MetricFamily::new("alertmanager_cluster_enabled", help, MetricKind::Gauge);
        cluster.push(Labels::empty(), MetricValue::Gauge(if is_clustered { 1.0 } else { 0.0 }));
        sizes.into_iter().chain([by_state, alerts, cluster]).collect()
    });
}

/// Looks after the files.
struct Maintenance {
    log: Arc<NotificationLog>,
    silences: Arc<Silences>,
    history: Arc<History>,
    outbox: Arc<Outbox>,
    clock: Clock,
    of_log: MaintenanceMetrics,
    of_silences: MaintenanceMetrics,
    of_outbox: MaintenanceMetrics,
}

impl Maintenance {
    async fn run(self, every: Duration, stop: tokio_util::sync::CancellationToken) {
        let mut ticks = interval_at(Instant::now() + every, every.max(Duration::from_millis(1)));
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            let started = Instant::now();
            self.of_log.finished(self.log.maintain(self.clock.now()).await, started.elapsed());
            let started = Instant::now();
            self.of_silences.finished(self.silences.maintain(self.clock.now()).await, started.elapsed());
            self.history.maintain(self.clock.now());
            let started = Instant::now();
            self.of_outbox.finished(self.outbox.maintain(self.clock.now()).await, started.elapsed());
        }
    }
}

/// How often to look which alerts are over without having been reported as such.
const RESOLVED_INTERVAL: Duration = Duration::from_secs(5);

/// Notes alerts in the history that are over because nobody reports them any more.
async fn note_resolved(store: Arc<AlertStore>, clock: Clock, stop: tokio_util::sync::CancellationToken) {
    let mut ticks = interval_at(Instant::now() + RESOLVED_INTERVAL, RESOLVED_INTERVAL);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        store.note_resolved(clock.now());
    }
}

/// Forgets resolved alerts.
async fn collect_garbage(
    store: Arc<AlertStore>,
    engine: Arc<CurrentEngine>,
    clock: Clock,
    every: Duration,
    stop: tokio_util::sync::CancellationToken,
) {
    let mut ticks = interval_at(Instant::now() + every, every.max(Duration::from_millis(1)));
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        let now = clock.now();
        store.collect_garbage(now);
        engine.get().collect_garbage(now);
    }
}
