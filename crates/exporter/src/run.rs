//! An exporter from its flags to its end: listeners, landing page, health, and a clean stop.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Html;
use axum::routing::get;
use daemon::options::parse_listen_address;
use daemon::run::chain;
use daemon::web::{Lifecycle, Limits, Listener, WebConfigFile};
use daemon::{StartError, Tasks};

use crate::page::PageOptions;

/// How long a task may take to end.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// The flags that all exporters share, to be flattened into a command line.
#[derive(Debug, Clone, clap::Args)]
pub struct WebOptions {
    /// Addresses on which to expose metrics and web interface. Repeatable for multiple addresses. Examples: `:9100` or
    /// `[::1]:9100`
    #[arg(long = "web.listen-address", value_name = "ADDRESS")]
    pub listen_addresses: Vec<String>,
    /// Path under which to expose metrics.
    #[arg(long = "web.telemetry-path", value_name = "PATH", default_value = "/metrics")]
    pub telemetry_path: String,
    /// Exclude metrics about the exporter itself (promhttp_*, process_*).
    #[arg(long = "web.disable-exporter-metrics", overrides_with = "enable_exporter_metrics")]
    pub disable_exporter_metrics: bool,
    /// The opposite, which the originals' command lines may say; the last one counts.
    #[arg(long = "no-web.disable-exporter-metrics", overrides_with = "disable_exporter_metrics", hide = true)]
    pub enable_exporter_metrics: bool,
    /// Maximum number of parallel scrape requests. Use 0 to disable.
    #[arg(long = "web.max-requests", value_name = "NUMBER", default_value_t = 40)]
    pub requests_max: usize,
    /// Path to configuration file that can enable TLS or authentication.
    #[arg(long = "web.config.file", value_name = "FILE", default_value = "", hide_default_value = true)]
    pub config_file: String,
    /// Use systemd socket activation listeners instead of port listeners (not supported yet).
    #[arg(long = "web.systemd-socket")]
    pub systemd_socket: bool,
}

impl Default for WebOptions {
    fn default() -> Self {
        Self {
            listen_addresses: Vec::new(),
            telemetry_path: "/metrics".to_owned(),
            disable_exporter_metrics: false,
            enable_exporter_metrics: false,
            requests_max: 40,
            config_file: String::new(),
            systemd_socket: false,
        }
    }
}

/// Why the web flags cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebOptionsError {
    /// A flag whose feature is not there: to go on without it would open what the user wants closed.
    #[error("--{flag} is not supported yet")]
    Unsupported {
        /// The flag.
        flag: &'static str,
    },
    /// A bad address.
    #[error("--web.listen-address: {reason}")]
    Address {
        /// What is wrong with it.
        reason: String,
    },
    /// A bad path.
    #[error("--web.telemetry-path: {path:?} is not a path that begins with a slash and has no placeholders")]
    Path {
        /// The path.
        path: String,
    },
}

impl WebOptions {
    /// How the page of metrics behaves.
    #[must_use]
    pub fn page(&self) -> PageOptions {
        PageOptions { requests_max: self.requests_max, own_metrics: !self.disable_exporter_metrics }
    }

    /// Checks the flags, and gives the addresses to listen on.
    fn check(&self, default_address: &str) -> Result<Vec<String>, WebOptionsError> {
        if self.systemd_socket {
            return Err(WebOptionsError::Unsupported { flag: "web.systemd-socket" });
        }
        let path = &self.telemetry_path;
        if !path.starts_with('/') || path.contains(['{', '}']) {
            return Err(WebOptionsError::Path { path: path.clone() });
        }
        let given = self.listen_addresses.iter().map(String::as_str);
        let default = self.listen_addresses.is_empty().then_some(default_address);
        given
            .chain(default)
            .map(|address| parse_listen_address(address).map_err(|reason| WebOptionsError::Address { reason }))
            .collect()
    }
}

/// Who an exporter is.
#[derive(Debug, Clone, Copy)]
pub struct Identity {
    /// As `Node Exporter`.
    pub title: &'static str,
    /// Where it listens when no flag says otherwise, as `:9100`.
    pub default_address: &'static str,
}

/// What an exporter does when it shall read its files again; an error leaves all as it was.
pub type Reload = Arc<dyn Fn() -> Result<(), Box<dyn Error + Send + Sync>> + Send + Sync>;

/// A running exporter.
pub struct Service {
    addresses: Vec<SocketAddr>,
    lifecycle: Lifecycle,
    reload: Option<Reload>,
    tasks: Tasks,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

impl Service {
    /// Serves `pages` beside the landing page and the lifecycle's routes.
    ///
    /// # Errors
    /// [`StartError`] for flags that cannot be used and for addresses that cannot be listened on.
    pub async fn start(identity: Identity, web: &WebOptions, pages: Router) -> Result<Self, StartError> {
        // There is no configuration to reload, so nobody waits for such requests: they are refused as disabled.
        let (lifecycle, _) = Lifecycle::new(identity.title, false);
        Self::start_with(identity, web, pages, lifecycle).await
    }

    /// As [`Service::start`], for an exporter with files to read again: at SIGHUP, and when a client asks for it.
    ///
    /// # Errors
    /// As [`Service::start`].
    pub async fn start_reloadable(
        identity: Identity,
        web: &WebOptions,
        pages: Router,
        reload: Reload,
    ) -> Result<Self, StartError> {
        let (lifecycle, mut requests) = Lifecycle::reloadable(identity.title);
        let mut service = Self::start_with(identity, web, pages, lifecycle).await?;
        service.reload = Some(Arc::clone(&reload));
        let stop = service.tasks.cancellation();
        service.tasks.spawn("reload", async move {
            while let Some(answer) =
                tokio::select! { request = requests.recv() => request, () = stop.cancelled() => None }
            {
                // A client that went away needs no answer.
                drop(answer.send(reload().map_err(|error| chain(&*error))));
            }
        });
        Ok(service)
    }

    async fn start_with(
        identity: Identity,
        web: &WebOptions,
        pages: Router,
        lifecycle: Lifecycle,
    ) -> Result<Self, StartError> {
        let addresses = web.check(identity.default_address).map_err(StartError::config)?;
        let mut routes = pages.merge(lifecycle.routes()).fallback(not_found);
        if web.telemetry_path != "/" {
            let landing = landing_page(identity.title, &web.telemetry_path);
            routes = routes.route("/", get(async move || Html(landing)));
        }
        let web_config = WebConfigFile::open(&web.config_file).await.map_err(StartError::config)?;
        let mut listeners = Vec::new();
        for address in &addresses {
            let listener = Listener::bind(address, Limits::default()).await;
            let listener = listener.map_err(|error| StartError::other(format!("listen on {address}"), error.source))?;
            listeners.push(listener.with_web_config(web_config.clone()));
        }
        let addresses = listeners.iter().map(Listener::address).collect();
        let mut tasks = Tasks::new();
        for listener in listeners {
            tracing::info!(address = %listener.address(), "listening");
            tasks.spawn("listener", listener.serve(routes.clone(), tasks.cancellation()));
        }
        lifecycle.set_ready(true);
        Ok(Self { addresses, lifecycle, reload: None, tasks })
    }

    /// Where it listens, in order of the flags.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }
}

impl daemon::App for Service {
    async fn reload(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.reload.as_ref().map_or(Ok(()), |reload| reload())
    }

    async fn quit_requested(&self) {
        self.lifecycle.quit_requested().await;
    }

    async fn stop(self) {
        self.tasks.stop(STOP_GRACE).await;
    }
}

async fn not_found() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "404 page not found\n")
}

fn landing_page(title: &str, telemetry_path: &str) -> String {
    let path = telemetry_path.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
    let version = daemon::options::VERSION;
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"UTF-8\"><title>{title}</title></head>\n\
         <body>\n<h1>{title}</h1>\n<p>Firewatch {title}, {version}</p>\n<ul><li><a href=\"{path}\">Metrics</a></li></ul>\n\
         </body>\n</html>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_checked() {
        let check = |change: fn(&mut WebOptions)| {
            let mut options = WebOptions::default();
            change(&mut options);
            options.check(":9100").map_err(|error| error.to_string())
        };
        assert_eq!(check(|_| {}), Ok(vec!["[::]:9100".to_owned()]));
        let two = check(|web| web.listen_addresses = vec!["127.0.0.1:1".into(), "[::1]:2".into()]);
        assert_eq!(two, Ok(vec!["127.0.0.1:1".to_owned(), "[::1]:2".to_owned()]));
        for bad in [
            check(|web| web.systemd_socket = true),
            check(|web| web.telemetry_path = "metrics".into()),
            check(|web| web.telemetry_path = "/{a}".into()),
            check(|web| web.listen_addresses = vec!["nowhere".into()]),
        ] {
            assert!(bad.is_err());
        }
    }

    #[tokio::test]
    async fn a_web_config_that_cannot_be_used_ends_the_start() {
        let identity = Identity { title: "Test Exporter", default_address: "127.0.0.1:0" };
        let web = WebOptions { config_file: "/no/such/web.yml".to_owned(), ..WebOptions::default() };
        let error = Service::start(identity, &web, Router::new()).await.expect_err("there is no such file");
        let text = daemon::run::chain(&error);
        assert!(
            matches!(error, StartError::Config(_)) && text.ends_with("/no/such/web.yml: no such file or directory"),
            "{text}"
        );
    }

    #[test]
    fn the_landing_page_escapes_the_path() {
        assert!(landing_page("Test Exporter", "/a\"><script>").contains("href=\"/a&quot;>&lt;script>\""));
    }
}
