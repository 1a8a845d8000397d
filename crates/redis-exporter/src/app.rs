//! The daemon: `/metrics` asks the configured server, `/scrape?target=` the one that the request names.

use std::collections::BTreeMap;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use daemon::StartError;
use daemon::run::chain;
use exporter::page::{Rejection, ScrapeRequest};
use exporter::run::Reload;
use exporter::{Batch, Identity, Page, Service, Source, WebOptions};
use metrics_model::family::{MetricFamily, MetricKind, MetricValue, Summary};
use parking_lot::{Mutex, RwLock};

use crate::cli::Options;
use crate::collector::Out;
use crate::credentials::{Credentials, CredentialsError, Login};
use crate::probe::{self, Checks, Plan};
use crate::target::{AllowList, Place, Target, TargetError, resolve};

const IDENTITY: Identity = Identity { title: "Redis Exporter", default_address: ":9121" };

/// A running redis exporter.
#[derive(Debug)]
pub struct App {
    service: Service,
}

impl App {
    /// Reads lists and credentials, and listens.
    ///
    /// # Errors
    /// [`StartError`] for flags and files that cannot be used, and for addresses that cannot be listened on.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let tls = http_client::tls_client_config(&options.tls()).await.map_err(StartError::config)?;
        let mut web = options.web.clone();
        web.disable_exporter_metrics |= options.redis_only_metrics;
        let options = Arc::new(options);
        let allow = AllowList::new(&options.allow).map_err(StartError::config)?;
        let shared = Arc::new(Shared {
            plan: Plan::new(Arc::clone(&options), tls, allow.clone()).map_err(StartError::config)?,
            credentials: RwLock::new(read_credentials(&options).map_err(StartError::config)?),
            allow,
            own: Mutex::default(),
            options,
        });
        let reloaded = Arc::clone(&shared);
        let reload: Reload = Arc::new(move || reloaded.reload());
        let service = Service::start_reloadable(IDENTITY, &web, pages(&shared, &web), reload).await?;
        Ok(Self { service })
    }

    /// Where it listens.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        self.service.addresses()
    }
}

fn read_credentials(options: &Options) -> Result<Credentials, CredentialsError> {
    Credentials::new(&options.user, &options.password, &options.password_file)
}

/// All pages that are the exporter's own.
fn pages(shared: &Arc<Shared>, web: &WebOptions) -> Router {
    let mut pages = Page::new(Configured(Arc::clone(shared)), web.page()).routes(&web.telemetry_path);
    if !shared.options.disable_scrape_endpoint {
        let mut page = web.page();
        // The exporter's own figures belong to its own page, not to every target's.
        page.own_metrics = false;
        pages = pages.merge(Page::new(Named(Arc::clone(shared)), page).routes("/scrape"));
    }
    let (reloaded, cluster) = (Arc::clone(shared), Arc::clone(shared));
    pages
        .route("/health", get(async || "ok"))
        // The frame takes PUT and POST; the original's users also have GET in their scripts.
        .route("/-/reload", get(async move || answer_reload(&reloaded)))
        .route("/discover-cluster-nodes", get(async move || discover(&cluster).await))
}

fn answer_reload(shared: &Shared) -> Response {
    match shared.reload() {
        Ok(()) => "ok".into_response(),
        Err(error) => {
            let text = format!("failed to reload passwords file: {}\n", chain(&*error));
            (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
        }
    }
}

/// The nodes of the configured server's cluster, for the server's discovery over HTTP.
async fn discover(shared: &Shared) -> Response {
    if !shared.options.is_cluster {
        let text = "The discovery endpoint is only available on a redis cluster: it takes --is-cluster\n";
        return (StatusCode::BAD_REQUEST, text).into_response();
    }
    match shared.cluster_targets().await {
        Ok(targets) => Json(serde_json::json!([{ "targets": targets, "labels": {} }])).into_response(),
        Err(error) => {
            let text = format!("Failed to fetch cluster nodes: {}\n", chain(&*error));
            (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
        }
    }
}

impl daemon::App for App {
    async fn reload(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.service.reload().await
    }

    async fn quit_requested(&self) {
        self.service.quit_requested().await;
    }

    async fn stop(self) {
        self.service.stop().await;
    }
}

/// What all pages share.
#[derive(Debug)]
struct Shared {
    plan: Plan,
    credentials: RwLock<Credentials>,
    allow: AllowList,
    options: Arc<Options>,
    own: Mutex<Own>,
}

/// The exporter's figures about its own work.
#[derive(Debug, Default)]
struct Own {
    scrapes: f64,
    seconds: f64,
    request_errors: f64,
}

impl Shared {
    /// Reads the password file again.
    fn reload(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        let credentials = read_credentials(&self.options)?;
        *self.credentials.write() = credentials;
        Ok(())
    }

    fn login(&self, target: &Target) -> Login {
        self.credentials.read().login(target)
    }

    /// Asks a server, and adds the exporter's figures.
    async fn scrape(&self, plan: &Plan, target: &Target, found: Result<Vec<SocketAddr>, TargetError>) -> Batch {
        let mut batch = Batch::new();
        let start = std::time::Instant::now();
        let login = self.login(target);
        if let Err(error) = probe::run(plan, &target.place, found, &login, &mut batch).await {
            tracing::warn!(target = %target.place, %error, "scrape failed");
        }
        self.add_own(&mut batch, start.elapsed().as_secs_f64());
        batch
    }

    /// The addresses of all nodes of the configured server's cluster.
    async fn cluster_targets(&self) -> Result<Vec<String>, Box<dyn Error + Send + Sync>> {
        let target = Target::parse(&self.options.address)?;
        let addresses = configured(&target).await?;
        let nodes = self.plan.cluster_nodes(&target.place, &addresses, &self.login(&target)).await?;
        let tls = matches!(target.place, Place::Net { tls: true, .. });
        let by_hostname = self.options.cluster_discover_hostnames;
        Ok(nodes.iter().map(|node| node.place(tls, by_hostname).to_string()).collect())
    }

    fn add_own(&self, batch: &mut Batch, seconds: f64) {
        let mut own = self.own.lock();
        own.scrapes += 1.0;
        own.seconds += seconds;
        let mut out = Out::new(batch, &self.options.namespace);
        out.counter("exporter_scrapes_total", "Current total redis scrapes.", &[], own.scrapes);
        let help = "Errors in requests to the exporter";
        out.counter("target_scrape_request_errors_total", help, &[], own.request_errors);
        let summary = Summary { count: own.scrapes, sum: own.seconds, ..Summary::default() };
        let durations = vec![(Vec::new(), MetricValue::Summary(summary))];
        let help = "Durations of scrapes by the exporter";
        out.family("exporter_scrape_duration_seconds", help, MetricKind::Summary, durations);
        if self.options.redis_only_metrics {
            return;
        }
        let labels = [
            ("build_date", ""),
            ("commit_sha", ""),
            ("golang_version", "none"),
            ("version", env!("CARGO_PKG_VERSION")),
        ];
        out.gauge("exporter_build_info", "redis exporter build_info", &labels, 1.0);
    }

    fn reject(&self, status: StatusCode, text: impl ToString) -> Rejection {
        self.own.lock().request_errors += 1.0;
        Rejection { status, text: format!("{}\n", text.to_string()) }
    }

    /// The addresses of a target that the allow list lets through. All addresses of a name must be allowed, and only
    /// those are connected to: a name that resolves otherwise the next time gets nowhere.
    async fn allowed(&self, target: &Target) -> Result<Vec<SocketAddr>, TargetError> {
        let refused = || TargetError::Refused { target: target.place.to_string() };
        match &target.place {
            Place::Unix { path } => self.allow.allows_unix(path).then(Vec::new).ok_or_else(refused),
            Place::Net { host, port, .. } => {
                let addresses = resolve(host, *port).await?;
                let all = addresses.iter().all(|address| self.allow.allows(host, address.ip(), *port));
                if all { Ok(addresses) } else { Err(refused()) }
            }
        }
    }
}

/// The addresses of the configured server, which needs no rule.
async fn configured(target: &Target) -> Result<Vec<SocketAddr>, TargetError> {
    match &target.place {
        Place::Unix { .. } => Ok(Vec::new()),
        Place::Net { host, port, .. } => resolve(host, *port).await,
    }
}

/// The page of the configured server.
struct Configured(Arc<Shared>);

impl Source for Configured {
    async fn gather(&self, request: &ScrapeRequest) -> Result<Vec<MetricFamily>, Rejection> {
        let shared = &self.0;
        if shared.options.address.is_empty() {
            let mut batch = Batch::new();
            shared.add_own(&mut batch, 0.0);
            return Ok(batch.families().to_vec());
        }
        let target = Target::parse(&shared.options.address)
            .map_err(|error| shared.reject(StatusCode::INTERNAL_SERVER_ERROR, error))?;
        let found = configured(&target).await;
        let plan = shared.plan.clone().within(request.patience);
        Ok(shared.scrape(&plan, &target, found).await.families().to_vec())
    }
}

/// The page of the server that the request names.
struct Named(Arc<Shared>);

impl Source for Named {
    async fn gather(&self, request: &ScrapeRequest) -> Result<Vec<MetricFamily>, Rejection> {
        let shared = &self.0;
        let query: BTreeMap<&str, &str> =
            request.query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let address = query.get("target").copied().unwrap_or("");
        if address.is_empty() {
            return Err(shared.reject(StatusCode::BAD_REQUEST, "'target' parameter must be specified"));
        }
        let target = Target::parse(address).map_err(|error| shared.reject(StatusCode::BAD_REQUEST, error))?;
        let found = match shared.allowed(&target).await {
            Err(error @ TargetError::Refused { .. }) => return Err(shared.reject(StatusCode::FORBIDDEN, error)),
            found => found,
        };
        // As in the original, an empty parameter leaves the flag's value.
        let own = |name: &str| query.get(name).filter(|text| !text.is_empty()).map(|text| (*text).to_owned());
        let checks = Checks {
            keys: own("check-keys"),
            single_keys: own("check-single-keys"),
            streams: own("check-streams"),
            single_streams: own("check-single-streams"),
            count_keys: own("count-keys"),
            tls_server_name: own("tls-server-name").or_else(|| own("tls_server_name")),
        };
        let plan = shared.plan.clone().with(&checks).map_err(|error| shared.reject(StatusCode::BAD_REQUEST, error))?;
        let plan = plan.within(request.patience);
        Ok(shared.scrape(&plan, &target, found).await.families().to_vec())
    }
}
