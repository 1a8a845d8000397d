//! The running exporter: collectors made from flags, behind the exporters' common frame.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use daemon::StartError;
use exporter::page::{Rejection, ScrapeRequest};
use exporter::set::{MetricText, ReportNames};
use exporter::{Batch, Collected, Identity, Page, Service, Set, Values, WebOptions};
use metrics_model::family::MetricFamily;

use crate::collector::{Setup, TABLE};
use crate::source::Source;

const IDENTITY: Identity = Identity { title: "Windows Exporter", default_address: ":9182" };

const REPORT: ReportNames = ReportNames {
    duration: MetricText {
        name: "windows_exporter_collector_duration_seconds",
        help: "windows_exporter: Duration of a collection.",
    },
    success: MetricText {
        name: "windows_exporter_collector_success",
        help: "windows_exporter: Whether the collector was successful.",
    },
    timeout: Some(MetricText {
        name: "windows_exporter_collector_timeout",
        help: "windows_exporter: Whether the collector timed out.",
    }),
};

/// How long collectors that are still busy may take when the exporter stops.
const STOP_GRACE: Duration = Duration::from_secs(1);

/// What to run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where and how to serve.
    pub web: WebOptions,
    /// The collectors that are on.
    pub enabled: Vec<&'static str>,
    /// The values of the collectors' flags.
    pub values: Values,
}

/// A running Windows exporter.
#[derive(Debug)]
pub struct App {
    service: Service,
    collected: Arc<Collected>,
}

impl App {
    /// Makes the collectors and listens. Nothing is asked of the host before the first scrape.
    ///
    /// # Errors
    /// [`StartError`] for flags that cannot be used and for addresses that cannot be listened on.
    pub async fn start(options: Options, source: Arc<dyn Source>) -> Result<Self, StartError> {
        let setup = Setup { source, values: &options.values };
        let mut collectors = Vec::new();
        for entry in TABLE.iter().filter(|entry| options.enabled.contains(&entry.name)) {
            collectors.push((entry.name, (entry.build)(&setup).map_err(StartError::config)?));
        }
        tracing::info!(collectors = options.enabled.join(" "), "enabled collectors");
        let deadline = options.values.duration("collector.deadline").map_err(StartError::config)?;
        let known = TABLE.iter().map(|entry| entry.name).collect();
        let collected = Arc::new(Collected::new(Set::new(collectors, deadline, REPORT), known, build_info()));
        let page = Page::new(Timed(Arc::clone(&collected)), options.web.page());
        let service = Service::start(IDENTITY, &options.web, page.routes(&options.web.telemetry_path)).await?;
        Ok(Self { service, collected })
    }

    /// Where it listens, in order of the flags.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        self.service.addresses()
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
        self.collected.set().stop(STOP_GRACE);
    }
}

/// Says how long it took to gather everything, as the original does.
struct Timed(Arc<Collected>);

impl exporter::Source for Timed {
    async fn gather(&self, request: &ScrapeRequest) -> Result<Vec<MetricFamily>, Rejection> {
        let started = Instant::now();
        let mut families = self.0.gather(request).await?;
        let mut own = Batch::new();
        own.gauge("windows_exporter_scrape_duration_seconds", "windows_exporter: Total scrape duration.")
            .value(started.elapsed().as_secs_f64());
        families.extend_from_slice(own.families());
        Ok(families)
    }
}

/// The labels are the original's; what has no meaning here is empty.
fn build_info() -> Batch {
    let mut out = Batch::new();
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    out.gauge(
        "windows_exporter_build_info",
        "A metric with a constant '1' value labeled by version, revision, branch, goversion from which \
         windows_exporter was built, and the goos and goarch for the build.",
    )
    .with(
        &[
            ("version", env!("CARGO_PKG_VERSION")),
            ("revision", ""),
            ("branch", ""),
            ("goversion", ""),
            ("goos", std::env::consts::OS),
            ("goarch", architecture),
            ("tags", ""),
        ],
        1.0,
    );
    out
}
