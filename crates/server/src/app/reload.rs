//! Reloads: load and check everything, then swap. Any error keeps what runs whole.

use std::error::Error;
use std::sync::Arc;

use promql::Engine;
use rules::Settings;
use scrape::Manager as ScrapeManager;

use super::{engine_options, storage_limits};
use crate::cli::Options;
use crate::config::{self, Config, Environment, LoadOptions, RuleFiles};
use crate::memory::Budget;
use crate::notifier::Sections;
use crate::queries::QueryLog;
use crate::web::Web;

type BoxError = Box<dyn Error + Send + Sync>;

/// Brings configurations to everything that runs on them.
pub(super) struct Reloader {
    pub(super) flags: Options,
    pub(super) environment: Environment,
    pub(super) web: Arc<Web>,
    pub(super) scrape: Arc<ScrapeManager>,
    pub(super) sections: Arc<Sections>,
    pub(super) budget: Arc<Budget>,
    /// One reload at a time.
    pub(super) turn: tokio::sync::Mutex<()>,
}

impl Reloader {
    /// Reads the configuration file again and takes it over. On an error the old one stays whole.
    pub(super) async fn reload(&self) -> Result<(), BoxError> {
        let _turn = self.turn.lock().await;
        let outcome = match self.load().await {
            Ok(config) => self.apply(Arc::new(config)).await,
            Err(error) => Err(error),
        };
        if outcome.is_err() {
            self.web.config.failed();
        }
        outcome
    }

    async fn load(&self) -> Result<Config, BoxError> {
        let file = self.flags.config_file.clone();
        let engine = self.web.queries.engine();
        let environment = self.environment;
        let loaded = tokio::task::spawn_blocking(move || {
            config::load(&file, &LoadOptions { engine: &engine, environment, rule_files: RuleFiles::Loaded })
        });
        Ok(loaded.await??)
    }

    /// Takes a checked configuration over: first what can fail, which then has changed nothing.
    pub(super) async fn apply(&self, config: Arc<Config>) -> Result<(), BoxError> {
        let prepared = Sections::prepare(&config.alerting, config.external_labels.clone())?;
        let query_log = QueryLog::open(&config.query_log_file, &self.web.clock)?;
        self.scrape.apply(&config.scrapes).await?;
        self.sections.apply(prepared).await?;
        self.web.queries.audit().log.switch(query_log);
        let engine = Arc::new(Engine::new(engine_options(&self.flags, config.evaluation_interval)));
        self.web.queries.set_engine(Arc::clone(&engine));
        let settings = Settings {
            engine,
            interval: config.evaluation_interval,
            query_offset: config.rule_query_offset,
            external_labels: config.external_labels.clone(),
            external_url: self.web.settings.external_url.clone(),
        };
        self.web.rules.apply(config.groups.clone(), settings).await;
        if let Some(admin) = &self.web.store.admin {
            admin.set_limits(storage_limits(&self.flags, &config.storage));
        }
        self.budget.set_limit(self.flags.memory_limit.or(config.storage.memory_limit));
        let now_ms = self.web.clock.now_ms();
        tracing::info!(
            file = %self.flags.config_file.display(),
            jobs = config.scrapes.len(),
            rule_groups = config.groups.len(),
            "configuration loaded",
        );
        self.web.config.set(config, now_ms);
        Ok(())
    }
}
