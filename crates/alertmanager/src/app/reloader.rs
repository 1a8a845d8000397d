//! Puts configurations in force: the first one at start, others on request.

use std::path::PathBuf;
use std::sync::Arc;

use config_file::ConfigFileError;

use super::Options;
use crate::engine::{CurrentEngine, Engine, EngineError, Lasting};
use crate::matcher::Syntax;
use crate::metrics::ConfigMetrics;
use crate::store::{AlertStore, Observer};

/// Why a configuration was not put in force.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The file is wrong.
    #[error(transparent)]
    File(#[from] ConfigFileError),
    /// The file is right, but what it names cannot be used.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Swaps configurations, one at a time.
#[derive(Debug)]
pub struct Reloader {
    config_file: PathBuf,
    syntax: Syntax,
    lasting: Lasting,
    store: Arc<AlertStore>,
    engine: Arc<CurrentEngine>,
    metrics: ConfigMetrics,
    one_at_a_time: tokio::sync::Mutex<()>,
}

impl Reloader {
    pub(super) fn new(
        options: &Options,
        lasting: Lasting,
        store: Arc<AlertStore>,
        engine: Arc<CurrentEngine>,
        metrics: ConfigMetrics,
    ) -> Self {
        Self {
            config_file: options.config_file.clone(),
            syntax: options.syntax,
            lasting,
            store,
            engine,
            metrics,
            one_at_a_time: tokio::sync::Mutex::new(()),
        }
    }

    /// Loads the configuration anew and swaps it in. On an error the old one stays whole.
    ///
    /// # Errors
    /// [`ReloadError`]
    pub async fn reload(&self) -> Result<(), ReloadError> {
        let _alone = self.one_at_a_time.lock().await;
        let engine = match self.build() {
            Ok(engine) => Arc::new(engine),
            Err(error) => {
                self.metrics.last_successful.set(0);
                return Err(error);
            }
        };
        // From here on nothing fails. Alerts that come in while the old groups stop are only stored; the new engine
        // hears of all of them when it takes over.
        self.store.remove_observer();
        self.engine.get().dispatcher.stop().await;
        self.put_in_force(&engine);
        Ok(())
    }

    fn build(&self) -> Result<Engine, ReloadError> {
        let config = crate::config::load(&self.config_file, self.syntax)?;
        Ok(Engine::build(config, &self.lasting)?)
    }

    pub(super) fn put_in_force(&self, engine: &Arc<Engine>) {
        self.store.set_observer(Arc::clone(engine) as Arc<dyn Observer>);
        self.engine.set(Arc::clone(engine));
        let (receivers, integrations) = engine.count_receivers();
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.metrics.receivers.set(count(receivers));
        self.metrics.integrations.set(count(integrations));
        self.metrics.inhibition_rules.set(count(engine.config.inhibit_rules.len()));
        self.metrics.last_successful.set(1);
        self.metrics.last_success.set(self.lasting.clock.now().as_millisecond() as f64 / 1000.0);
        // 48 bits, the most that every reader of a floating-point number keeps apart.
        self.metrics.hash.set((engine.config.hash & 0xffff_ffff_ffff) as f64);
    }
}
