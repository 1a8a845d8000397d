//! The daemon: opens the log, serves HTTP, drops groups whose time is over, stops cleanly.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use daemon::web::{Lifecycle, Limits, Listener, WebConfigFile};
use daemon::{StartError, Tasks};
use instrument::Registry;
use metrics_model::{Clock as _, SystemClock};

use crate::api::{self, Gateway};
use crate::cli::Options;
use crate::persist::Log;
use crate::store::{Store, StoreOptions};

/// How often groups whose time is over are dropped and the log's size is looked at. They are hidden at once anyway.
const SWEEP: Duration = Duration::from_secs(10);
const STOP_GRACE: Duration = Duration::from_secs(10);

/// A running pushgateway.
#[derive(Debug)]
pub struct App {
    address: SocketAddr,
    lifecycle: Lifecycle,
    tasks: Tasks,
}

impl App {
    /// Opens the log, binds the port and serves.
    ///
    /// # Errors
    /// [`StartError`] when the log or the port cannot be had.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let web_config = WebConfigFile::open(&options.web_config_file).await.map_err(StartError::config)?;
        let (store, persisted) = open_store(&options).await?;
        let listener = Listener::bind(&options.listen_address, Limits::default())
            .await
            .map_err(|error| StartError::other("serve HTTP", error))?
            .with_web_config(web_config);
        let address = listener.address();
        let registry = Registry::new();
        instrument::process::add(&registry);
        instrument::process::add_build_info(&registry, "pushgateway", env!("CARGO_PKG_VERSION"));
        let (lifecycle, mut reloads) = Lifecycle::new("Firewatch Pushgateway", options.enable_lifecycle);
        let metrics = api::Metrics::new(&registry);
        store.reserve(registry.gather().into_iter().map(|family| (family.name, family.kind)));
        let gateway = Arc::new(Gateway {
            store: Arc::clone(&store),
            registry,
            metrics,
            started_ms: SystemClock.now_ms(),
            options,
        });
        let router = api::routes(&gateway, &lifecycle);

        let mut tasks = Tasks::new();
        let stop = tasks.cancellation();
        tasks.spawn("http", listener.serve(router, stop.clone()));
        tasks.spawn("sweep", sweep(store, stop.clone()));
        tasks.spawn("reload", async move {
            // There is no configuration file; the request is answered so that its client does not wait.
            while let Some(request) =
                tokio::select! { request = reloads.recv() => request, () = stop.cancelled() => None }
            {
                drop(request.send(Err("the pushgateway has no configuration to reload".to_owned())));
            }
        });
        lifecycle.set_ready(true);
        tracing::info!(%address, groups = persisted, "pushgateway started");
        Ok(Self { address, lifecycle, tasks })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl daemon::App for App {
    async fn reload(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Ok(())
    }

    async fn quit_requested(&self) {
        self.lifecycle.quit_requested().await;
    }

    async fn stop(self) {
        self.tasks.stop(STOP_GRACE).await;
    }
}

/// The store with what the log has, and how many groups that are.
async fn open_store(options: &Options) -> Result<(Arc<Store>, usize), StartError> {
    let path = PathBuf::from(&options.persistence_file);
    let interval = options.persistence_interval;
    let opened = tokio::task::spawn_blocking(move || {
        if path.as_os_str().is_empty() {
            return Ok((None, BTreeMap::new()));
        }
        Log::open(&path, interval).map(|(log, groups)| (Some(log), groups))
    });
    let opened = opened.await.map_err(|error| StartError::other("open the log", error))?;
    let (log, groups) = opened.map_err(|error| StartError::other("open the log", error))?;
    let count = groups.len();
    let store = StoreOptions {
        check_consistency: !options.disable_consistency_check,
        labels_max: options.labels_max,
        metrics_max: options.total_metrics_max,
    };
    Ok((Arc::new(Store::new(store, groups, log)), count))
}

async fn sweep(store: Arc<Store>, stop: tokio_util::sync::CancellationToken) {
    let mut ticks = tokio::time::interval(SWEEP);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stop.cancelled() => return,
        }
        let store = Arc::clone(&store);
        let swept = tokio::task::spawn_blocking(move || {
            let gone = store.expire(api::now_ns());
            if gone > 0 {
                tracing::info!(groups = gone, "groups went away, their time was over");
            }
            store.compact()
        });
        match swept.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(error = %daemon::run::chain(&error), "cannot rewrite the log"),
            Err(error) => tracing::error!(%error, "sweeping failed"),
        }
    }
}
