//! Where Alertmanagers are: discovery for all sections of the configuration, and the task that brings what it finds to
//! the notifier.

use std::collections::BTreeMap;
use std::sync::Arc;

use discovery::{Groups, TargetGroup};
use http_client::{BuildError, Client};
use instrument::Registry;
use metrics_model::Labels;
use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{AlertmanagerSet, Notifier, Outgoing, addresses};
use crate::config::{Alerting, AlertmanagerConfig};

/// A section ready to be taken over.
#[derive(Clone)]
struct Section {
    config: AlertmanagerConfig,
    client: Client,
}

/// A checked set of sections: what [`Sections::apply`] takes cannot fail any more, but for the system itself.
pub(crate) struct Prepared {
    sections: Vec<Section>,
    outgoing: Outgoing,
}

/// Follows discovery for the notifier.
pub(crate) struct Sections {
    notifier: Arc<Notifier>,
    discovery: tokio::sync::Mutex<discovery::Manager>,
    current: Arc<Mutex<Vec<Section>>>,
    stop: CancellationToken,
    following: Mutex<Option<JoinHandle<()>>>,
}

/// How the server names itself to others.
pub(crate) const USER_AGENT: &str = concat!("Firewatch/", env!("CARGO_PKG_VERSION"));

impl Sections {
    pub(crate) fn start(notifier: Arc<Notifier>, registry: &Registry) -> Self {
        // A registry of its own: scraping has a discovery of the same names.
        let own = Registry::new();
        registry.include(&own);
        let discovery = discovery::Manager::new("notify", USER_AGENT, discovery::Metrics::new(&own));
        let mut groups = discovery.subscribe();
        let current: Arc<Mutex<Vec<Section>>> = Arc::default();
        let stop = CancellationToken::new();
        let (followed, sections, stopped) = (Arc::clone(&notifier), Arc::clone(&current), stop.clone());
        let following = tokio::spawn(async move {
            let follow = async {
                // An error means that discovery is gone.
                while groups.changed().await.is_ok() {
                    let found: Groups = Arc::clone(&*groups.borrow_and_update());
                    bring(&followed, &sections.lock(), &found);
                }
            };
            stopped.run_until_cancelled(follow).await;
        });
        Self {
            notifier,
            discovery: tokio::sync::Mutex::new(discovery),
            current,
            stop,
            following: Mutex::new(Some(following)),
        }
    }

    /// Makes everything that can fail, and changes nothing.
    ///
    /// # Errors
    /// [`BuildError`] when an HTTP client cannot be built.
    pub(crate) fn prepare(alerting: &Alerting, external_labels: Labels) -> Result<Prepared, BuildError> {
        let mut sections = Vec::with_capacity(alerting.alertmanagers.len());
        for config in &alerting.alertmanagers {
            for http in &config.discovery.http_sd_configs {
                Client::new(&http.group, USER_AGENT)?;
            }
            let client = Client::new(&config.http, USER_AGENT)?;
            sections.push(Section { config: config.clone(), client });
        }
        let outgoing = Outgoing { external_labels, alert_relabel: Arc::clone(&alerting.relabel) };
        Ok(Prepared { sections, outgoing })
    }

    /// Takes a new configuration over.
    ///
    /// # Errors
    /// [`BuildError`] as [`Sections::prepare`], which has tried the same.
    pub(crate) async fn apply(&self, prepared: Prepared) -> Result<(), BuildError> {
        let Prepared { sections, outgoing } = prepared;
        let discoveries: BTreeMap<_, _> =
            sections.iter().map(|section| (section.config.key.clone(), section.config.discovery.clone())).collect();
        let keys: Vec<String> = discoveries.keys().cloned().collect();
        let mut discovery = self.discovery.lock().await;
        *self.current.lock() = sections;
        self.notifier.set_outgoing(outgoing, &keys);
        discovery.apply(&discoveries).await?;
        let found: Groups = Arc::clone(&*discovery.subscribe().borrow());
        bring(&self.notifier, &self.current.lock(), &found);
        Ok(())
    }

    /// Stops looking for Alertmanagers.
    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        let following = self.following.lock().take();
        if let Some(following) = following
            && let Err(error) = following.await
        {
            tracing::error!(%error, "the task that looks for Alertmanagers failed");
        }
    }
}

/// Tells the notifier the addresses of each section.
fn bring(notifier: &Notifier, sections: &[Section], found: &Groups) {
    for Section { config, client } in sections {
        let groups = found.get(&config.key).map_or(&[][..], Vec::as_slice);
        let targets: Vec<Labels> = groups.iter().flat_map(targets).collect();
        let (urls, dropped_urls) = addresses(targets.iter(), &config.targets);
        notifier.set_alertmanagers(AlertmanagerSet {
            key: config.key.clone(),
            client: client.clone(),
            timeout: config.timeout,
            alert_relabel: Arc::clone(&config.alert_relabel),
            urls,
            dropped_urls,
        });
    }
}

/// The label sets of a group's targets; a target's own labels win.
fn targets(group: &TargetGroup) -> impl Iterator<Item = Labels> {
    group.targets.iter().map(|target| {
        let mut labels = group.labels.to_builder();
        for (name, value) in target {
            labels.set(name, value);
        }
        labels.build()
    })
}
