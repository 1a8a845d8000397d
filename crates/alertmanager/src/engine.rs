//! Everything that a configuration makes and that the next one replaces as a whole: routes, receivers, inhibition, groups.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::RwLock;
use tokio::time::Instant;

use crate::alert::Alert;
use crate::cluster::Cluster;
use crate::config::{Config, Integration, Receiver};
use crate::dispatch::Dispatcher;
use crate::history::History;
use crate::inhibit::Inhibitor;
use crate::metrics::{DispatchMetrics, NotificationMetrics};
use crate::nflog::{NotificationLog, ReceiverKey};
use crate::notify::outbox::Outbox;
use crate::notify::pipeline::{Channel, Pipeline};
use crate::silence::Silences;
use crate::store::Observer;
use crate::templates::{LoadError, Templates};
use crate::time::Clock;

/// What outlives configurations.
#[derive(Debug, Clone)]
pub struct Lasting {
    /// The silences.
    pub silences: Arc<Silences>,
    /// What receivers were told.
    pub log: Arc<NotificationLog>,
    /// What receivers are still to be told.
    pub outbox: Arc<Outbox>,
    /// The time.
    pub clock: Clock,
    /// Before this, nobody is told anything.
    pub start_at: Instant,
    /// Where this daemon is reached.
    pub external_url: String,
    /// What happened.
    pub history: Arc<History>,
    /// The other instances, if there may be any.
    pub cluster: Option<Arc<Cluster>>,
    /// Of notifications.
    pub notification_metrics: Arc<NotificationMetrics>,
    /// Of groups.
    pub dispatch_metrics: Arc<DispatchMetrics>,
}

/// A configuration that cannot be put to work although it reads well.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The templates.
    #[error("failed to parse templates")]
    Templates(#[from] LoadError),
    /// A text of an integration that is no template.
    #[error("receiver {receiver}: {kind}_configs[{index}]: a template cannot be parsed")]
    Text {
        /// The receiver's name.
        receiver: String,
        /// The kind of integration.
        kind: &'static str,
        /// Its position.
        index: usize,
        /// Line and reason.
        #[source]
        source: template::TemplateError,
    },
    /// A receiver's fallback.
    #[error("receiver {receiver}: its fallback {fallback:?} is not in the configuration")]
    Fallback {
        /// The receiver's name.
        receiver: String,
        /// The name of what should be another.
        fallback: String,
    },
    /// The HTTP client of an integration.
    #[error("receiver {receiver}: {kind}_configs[{index}].http_config")]
    Client {
        /// The receiver's name.
        receiver: String,
        /// The kind of integration.
        kind: &'static str,
        /// Its position.
        index: usize,
        /// What cannot be used.
        #[source]
        source: http_client::BuildError,
    },
}

/// A configuration at work.
#[derive(Debug)]
pub struct Engine {
    /// The configuration.
    pub config: Arc<Config>,
    /// What notifications say.
    pub templates: Arc<Templates>,
    /// Which alerts are inhibited.
    pub inhibitor: Arc<Inhibitor>,
    /// The groups.
    pub dispatcher: Dispatcher,
}

impl Engine {
    /// Builds everything and starts nothing: an error leaves no trace.
    ///
    /// # Errors
    /// [`EngineError`]
    pub fn build(config: Config, lasting: &Lasting) -> Result<Self, EngineError> {
        let templates = Templates::load(&config.templates, &lasting.external_url, lasting.clock.clone())?;
        let templates = Arc::new(templates);
        check_texts(&config, &templates)?;
        let mut used: HashSet<&str> = config.routes.iter().map(|(_, route)| route.options.receiver.as_str()).collect();
        let fallbacks = fallbacks_of(&config, &lasting.outbox.settings().fallback_receiver)?;
        used.extend(fallbacks.values().map(String::as_str));
        let mut channels = HashMap::new();
        for receiver in &config.receivers {
            // Those that no route uses can be tested all the same.
            channels.insert(receiver.name.clone(), channels_of(receiver, &templates)?);
            if !used.contains(receiver.name.as_str()) {
                tracing::info!(receiver = receiver.name, "receiver is not used by any route");
            }
        }
        let inhibitor = Arc::new(Inhibitor::new(&config.inhibit_rules));
        let pipeline = Pipeline {
            channels,
            inhibitor: Arc::clone(&inhibitor),
            silences: Arc::clone(&lasting.silences),
            time_intervals: config.time_intervals.clone(),
            log: Arc::clone(&lasting.log),
            outbox: Arc::clone(&lasting.outbox),
            fallbacks,
            metrics: Arc::clone(&lasting.notification_metrics),
            clock: lasting.clock.clone(),
            history: Arc::clone(&lasting.history),
            cluster: lasting.cluster.clone(),
        };
        let dispatcher = Dispatcher::new(
            config.routes.clone(),
            pipeline,
            Arc::clone(&templates),
            lasting.clock.clone(),
            Arc::clone(&lasting.dispatch_metrics),
            lasting.start_at,
        );
        Ok(Self { config: Arc::new(config), templates, inhibitor, dispatcher })
    }

    /// Receivers that routes use, and their integrations.
    #[must_use]
    pub fn count_receivers(&self) -> (usize, usize) {
        let routes = self.config.routes.iter();
        let used: HashSet<&str> = routes.map(|(_, route)| route.options.receiver.as_str()).collect();
        let receivers = self.config.receivers.iter().filter(|receiver| used.contains(receiver.name.as_str()));
        (used.len(), receivers.map(|receiver| receiver.integrations.len()).sum())
    }

    /// Forgets what is resolved at `now`.
    pub fn collect_garbage(&self, now: Timestamp) {
        self.inhibitor.collect_garbage(now);
    }
}

/// Alerts inhibit before they are told: a batch is known to the inhibitor as a whole before the first group sees it.
impl Observer for Engine {
    fn observe(&self, alerts: &[Arc<Alert>]) {
        alerts.iter().for_each(|alert| self.inhibitor.observe(alert));
        self.dispatcher.dispatch(alerts);
    }
}

/// The label by which a receiver names another that is told when it cannot be. A label, because the original takes any.
const FALLBACK_LABEL: &str = "firewatch_fallback";

/// Who is told in the place of whom.
fn fallbacks_of(config: &Config, default: &str) -> Result<HashMap<String, String>, EngineError> {
    let known: HashSet<&str> = config.receivers.iter().map(|receiver| receiver.name.as_str()).collect();
    let mut fallbacks = HashMap::new();
    for receiver in &config.receivers {
        let fallback = receiver.labels.get(FALLBACK_LABEL).unwrap_or(default);
        if fallback.is_empty() || fallback == receiver.name {
            continue;
        }
        let (receiver, fallback) = (receiver.name.clone(), fallback.to_owned());
        if !known.contains(fallback.as_str()) {
            return Err(EngineError::Fallback { receiver, fallback });
        }
        fallbacks.insert(receiver, fallback);
    }
    Ok(fallbacks)
}

fn channels_of(receiver: &Receiver, templates: &Arc<Templates>) -> Result<Vec<Channel>, EngineError> {
    let channel = |integration: &Integration| {
        let key = ReceiverKey {
            receiver: receiver.name.clone(),
            integration: integration.kind.to_owned(),
            index: integration.index,
        };
        let (receiver, kind, index) = (receiver.name.clone(), integration.kind, integration.index);
        let notifier = integration.settings.notifier(templates).map_err(|source| EngineError::Client {
            receiver,
            kind,
            index,
            source,
        })?;
        Ok(Channel::new(key, integration.settings.send_resolved(), notifier))
    };
    receiver.integrations.iter().map(channel).collect()
}

/// Whether all texts of all integrations, used or not, are templates.
///
/// # Errors
/// [`EngineError::Text`] about the first that is none.
pub(crate) fn check_texts(config: &Config, templates: &Templates) -> Result<(), EngineError> {
    for receiver in &config.receivers {
        for Integration { kind, index, settings } in &receiver.integrations {
            settings
                .texts()
                .into_iter()
                .try_for_each(|text| templates.check(text))
                .map_err(|source| EngineError::Text { receiver: receiver.name.clone(), kind, index: *index, source })?;
        }
    }
    Ok(())
}

/// The engine of the configuration in force.
#[derive(Debug)]
pub struct CurrentEngine {
    engine: RwLock<Arc<Engine>>,
}

impl CurrentEngine {
    /// Begins with an engine.
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        Self { engine: RwLock::new(engine) }
    }

    /// The engine.
    #[must_use]
    pub fn get(&self) -> Arc<Engine> {
        Arc::clone(&self.engine.read())
    }

    /// Puts another one in its place.
    pub fn set(&self, engine: Arc<Engine>) {
        *self.engine.write() = engine;
    }
}
