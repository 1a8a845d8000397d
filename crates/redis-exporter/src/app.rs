//! The daemon: `/metrics` asks the configured server, `/scrape?target=` the one that the request names.

use std::collections::BTreeMap;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::http::StatusCode;
use daemon::StartError;
use exporter::page::{Rejection, ScrapeRequest};
use exporter::{Batch, Identity, Page, Service, Source};
use metrics_model::family::{MetricFamily, MetricKind, MetricValue, Summary};
use parking_lot::Mutex;

use crate::cli::Options;
use crate::collector::Out;
use crate::credentials::Credentials;
use crate::probe::{self, Checks, Plan};
use crate::session::SessionError;
use crate::target::{AllowList, Place, Target, TargetError};

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
        let credentials = Credentials::new(&options.user, &options.password, &options.password_file);
        let mut web = options.web.clone();
        web.disable_exporter_metrics |= options.redis_only_metrics;
        let shared = Arc::new(Shared {
            plan: Plan::new(&options, tls).map_err(StartError::config)?,
            credentials: credentials.map_err(StartError::config)?,
            allow: AllowList::new(&options.allow).map_err(StartError::config)?,
            own: Mutex::default(),
            options,
        });
        let metrics = Page::new(Configured(Arc::clone(&shared)), web.page());
        let mut pages = metrics.routes(&web.telemetry_path);
        if !shared.options.disable_scrape_endpoint {
            let mut page = web.page();
            // The exporter's own figures belong to its own page, not to every target's.
            page.own_metrics = false;
            pages = pages.merge(Page::new(Named(Arc::clone(&shared)), page).routes("/scrape"));
        }
        let service = Service::start(IDENTITY, &web, pages).await?;
        Ok(Self { service })
    }

    /// Where it listens.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        self.service.addresses()
    }
}

impl daemon::App for App {
    async fn reload(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }

    async fn quit_requested(&self) {
        self.service.quit_requested().await;
    }

    async fn stop(self) {
        self.service.stop().await;
    }
}

/// What both pages share.
#[derive(Debug)]
struct Shared {
    plan: Plan,
    credentials: Credentials,
    allow: AllowList,
    options: Options,
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
    /// Asks a server, and adds the exporter's figures.
    async fn scrape(&self, plan: &Plan, target: &Target, found: Result<Vec<SocketAddr>, TargetError>) -> Batch {
        let mut batch = Batch::new();
        let start = std::time::Instant::now();
        let login = self.credentials.login(target);
        let outcome = match found {
            Ok(addresses) => probe::run(plan, &target.place, &addresses, &login, &mut batch).await,
            Err(error) => {
                let source = std::io::Error::other(error.to_string());
                let error = Err(SessionError::Connect { place: target.place.to_string(), source });
                probe::report(&mut Out::new(&mut batch, &self.options.namespace), &error);
                error
            }
        };
        if let Err(error) = &outcome {
            tracing::warn!(target = %target.place, %error, "scrape failed");
        }
        self.add_own(&mut batch, start.elapsed().as_secs_f64());
        batch
    }

    fn add_own(&self, batch: &mut Batch, seconds: f64) {
        let mut own = self.own.lock();
        own.scrapes += 1.0;
        own.seconds += seconds;
        let mut out = Out::new(batch, &self.options.namespace);
        out.counter("exporter_scrapes_total", "Current total redis scrapes.", &[], own.scrapes);
        let help = "Errors in requests to the exporter";
        out.counter("target_scrape_request_errors_total", help, &[], own.request_errors);
        let labels = [
            ("build_date", ""),
            ("commit_sha", ""),
            ("golang_version", "none"),
            ("version", env!("CARGO_PKG_VERSION")),
        ];
        out.gauge("exporter_build_info", "redis exporter build_info", &labels, 1.0);
        let (batch, name) = out.raw("exporter_scrape_duration_seconds");
        let mut family = MetricFamily::new(name, "Durations of scrapes by the exporter", MetricKind::Summary);
        let summary = Summary { count: own.scrapes, sum: own.seconds, ..Summary::default() };
        family.push(metrics_model::Labels::empty(), MetricValue::Summary(summary));
        batch.add(family);
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

async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, TargetError> {
    let failed = |reason: String| TargetError::Resolve { host: host.to_owned(), reason };
    let found = tokio::net::lookup_host((host, port)).await.map_err(|error| failed(error.to_string()))?;
    let addresses: Vec<SocketAddr> = found.collect();
    if addresses.is_empty() { Err(failed("the name has no address".to_owned())) } else { Ok(addresses) }
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
        let found = match &target.place {
            Place::Unix { .. } => Ok(Vec::new()),
            Place::Net { host, port, .. } => resolve(host, *port).await,
        };
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
        let own = |name: &str| query.get(name).map(|text| (*text).to_owned());
        let checks = Checks {
            keys: own("check-keys"),
            single_keys: own("check-single-keys"),
            streams: own("check-streams"),
            single_streams: own("check-single-streams"),
            count_keys: own("count-keys"),
        };
        let plan = shared.plan.clone().with(&checks).map_err(|error| shared.reject(StatusCode::BAD_REQUEST, error))?;
        let plan = plan.within(request.patience);
        Ok(shared.scrape(&plan, &target, found).await.families().to_vec())
    }
}
