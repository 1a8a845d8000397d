//! The running exporter: collectors made from flags, behind the exporters' common frame.

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use daemon::StartError;
use exporter::set::{MetricText, ReportNames};
use exporter::{Batch, Collected, Identity, Page, Service, Set, Values, WebOptions};
use jiff::tz::TimeZone;

use crate::collector::{Setup, TABLE};
use crate::roots::Roots;

const IDENTITY: Identity = Identity { title: "Node Exporter", default_address: ":9100" };

const REPORT: ReportNames = ReportNames {
    duration: MetricText {
        name: "node_scrape_collector_duration_seconds",
        help: "node_exporter: Duration of a collector scrape.",
    },
    success: MetricText {
        name: "node_scrape_collector_success",
        help: "node_exporter: Whether a collector succeeded.",
    },
    timeout: None,
};

/// How long collectors that are still busy may take when the exporter stops.
const STOP_GRACE: Duration = Duration::from_secs(1);

/// What to run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where and how to serve.
    pub web: WebOptions,
    /// Where the host's files are.
    pub roots: Roots,
    /// The collectors that are on.
    pub enabled: Vec<&'static str>,
    /// The values of the collectors' flags.
    pub values: Values,
    /// The host's time zone.
    pub time_zone: TimeZone,
    /// The socket of the system's message bus.
    pub system_bus: PathBuf,
}

/// A running node exporter.
#[derive(Debug)]
pub struct App {
    service: Service,
    collected: Arc<Collected>,
}

impl App {
    /// Makes the collectors and listens.
    ///
    /// # Errors
    /// [`StartError`] for flags that cannot be used and for addresses that cannot be listened on.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let setup = Setup {
            roots: Arc::new(options.roots),
            values: &options.values,
            enabled: &options.enabled,
            time_zone: &options.time_zone,
            system_bus: &options.system_bus,
        };
        let mut collectors = Vec::new();
        for entry in TABLE.iter().filter(|entry| options.enabled.contains(&entry.name)) {
            collectors.push((entry.name, (entry.build)(&setup).map_err(StartError::config)?));
        }
        tracing::info!(collectors = options.enabled.join(" "), "enabled collectors");
        let deadline = options.values.duration("collector.deadline").map_err(StartError::config)?;
        let known = TABLE.iter().map(|entry| entry.name).collect();
        let collected = Collected::new(Set::new(collectors, deadline, REPORT), known, build_info());
        let collected = Arc::new(collected);
        let page = Page::new(Arc::clone(&collected), options.web.page());
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

/// The labels are the original's; what has no meaning here is empty.
fn build_info() -> Batch {
    let mut out = Batch::new();
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    out.gauge(
        "node_exporter_build_info",
        "A metric with a constant '1' value labeled by version, revision, branch, goversion from which node_exporter \
         was built, and the goos and goarch for the build.",
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
