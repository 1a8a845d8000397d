//! Runs the providers of all jobs and shows their present groups through a watch channel.
//!
//! A new configuration keeps the providers that did not change running, with what they know: a reload never makes
//! targets vanish for a moment.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use http_client::{BuildError, Client};

use crate::config::{DiscoveryConfigs, FileConfig, HttpConfig};
use crate::file::FileProvider;
use crate::group::TargetGroup;
use crate::http::HttpProvider;
use crate::metrics::Metrics;
use crate::provider::{Provider, Updates};

/// The present groups of each job.
pub type Groups = Arc<BTreeMap<String, Vec<TargetGroup>>>;

/// Runs providers for one purpose, as scraping. Stop it with [`Manager::stop`].
#[derive(Debug)]
pub struct Manager {
    name: &'static str,
    user_agent: String,
    metrics: Metrics,
    jobs: Arc<Mutex<BTreeMap<String, JobGroups>>>,
    running: Vec<Running>,
    sender: Arc<watch::Sender<Groups>>,
    cancellation: CancellationToken,
}

/// What a job has: its static groups, then one [`Updates`] a provider.
#[derive(Debug, Default)]
struct JobGroups {
    fixed: Vec<TargetGroup>,
    updates: Vec<Updates>,
}

/// A provider's configuration: equal ones are the same provider.
#[derive(Debug, Clone, PartialEq)]
enum Kind {
    File(FileConfig),
    Http(Box<HttpConfig>),
}

#[derive(Debug)]
struct Running {
    job: String,
    kind: Kind,
    updates: Updates,
    cancellation: CancellationToken,
    task: JoinHandle<()>,
}

impl Manager {
    /// A manager without jobs, `name` for its metrics.
    #[must_use]
    pub fn new(name: &'static str, user_agent: &str, metrics: Metrics) -> Self {
        Self {
            name,
            user_agent: user_agent.to_owned(),
            metrics,
            jobs: Arc::default(),
            running: Vec::new(),
            sender: Arc::new(watch::Sender::new(Groups::default())),
            cancellation: CancellationToken::new(),
        }
    }

    /// A receiver of the present groups; marked changed after each change.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Groups> {
        self.sender.subscribe()
    }

    /// Runs exactly these jobs from now on. Providers that stay the same go on, the others stop.
    ///
    /// # Errors
    /// [`BuildError`] when a provider's HTTP client cannot be built; then nothing has changed.
    pub async fn apply(&mut self, configs: &BTreeMap<String, DiscoveryConfigs>) -> Result<(), BuildError> {
        let mut wanted: Vec<(String, Kind, Box<dyn Provider>)> = Vec::new();
        for (job, config) in configs {
            for file in &config.file_sd_configs {
                let provider = FileProvider::new(file.clone(), job, &self.metrics);
                wanted.push((job.clone(), Kind::File(file.clone()), Box::new(provider)));
            }
            for http in &config.http_sd_configs {
                let client = Client::new(&http.group, &self.user_agent)?;
                let provider = HttpProvider::new(http.own.clone(), client, job, &self.metrics);
                wanted.push((job.clone(), Kind::Http(Box::new(http.clone())), Box::new(provider)));
            }
        }
        let mut before = std::mem::take(&mut self.running);
        let mut jobs: BTreeMap<String, JobGroups> = configs
            .iter()
            .map(|(job, config)| (job.clone(), JobGroups { fixed: static_groups(config), updates: Vec::new() }))
            .collect();
        for (job, kind, provider) in wanted {
            let same = before.iter().position(|running| running.job == job && running.kind == kind);
            let running = match same {
                Some(at) => before.swap_remove(at),
                None => self.start(&job, kind, provider),
            };
            if let Some(groups) = jobs.get_mut(&job) {
                groups.updates.push(running.updates.clone());
            }
            self.running.push(running);
        }
        *self.jobs.lock() = jobs;
        publish(self.name, &self.jobs, &self.sender, &self.metrics);
        stop_all(before).await;
        Ok(())
    }

    /// Stops all providers and waits for them.
    pub async fn stop(self) {
        self.cancellation.cancel();
        stop_all(self.running).await;
    }

    fn start(&self, job: &str, kind: Kind, provider: Box<dyn Provider>) -> Running {
        let (name, jobs, sender, metrics) =
            (self.name, Arc::downgrade(&self.jobs), Arc::clone(&self.sender), self.metrics.clone());
        let updates = Updates::new(move || {
            if let Some(jobs) = jobs.upgrade() {
                publish(name, &jobs, &sender, &metrics);
            }
        });
        let cancellation = self.cancellation.child_token();
        let task = tokio::spawn(provider.run(updates.clone(), cancellation.clone()));
        Running { job: job.to_owned(), kind, updates, cancellation, task }
    }
}

fn static_groups(config: &DiscoveryConfigs) -> Vec<TargetGroup> {
    let numbered = config.static_configs.iter().enumerate();
    numbered.map(|(at, group)| group.to_group(format!("static/{at}"), &[])).collect()
}

/// Puts the groups of all providers together and hands them out.
fn publish(name: &str, jobs: &Mutex<BTreeMap<String, JobGroups>>, sender: &watch::Sender<Groups>, metrics: &Metrics) {
    // Held until the groups are out, so that two changes at once cannot overtake each other.
    let jobs = jobs.lock();
    let groups: BTreeMap<String, Vec<TargetGroup>> = jobs
        .iter()
        .map(|(job, groups)| {
            let found = groups.updates.iter().flat_map(Updates::groups);
            (job.clone(), groups.fixed.iter().cloned().chain(found).collect())
        })
        .collect();
    metrics.discovered_targets.reset();
    for (job, groups) in &groups {
        let targets: usize = groups.iter().map(|group| group.targets.len()).sum();
        metrics.discovered_targets.with_label_values(&[name, job]).set(i64::try_from(targets).unwrap_or(i64::MAX));
    }
    sender.send_replace(Arc::new(groups));
}

async fn stop_all(running: Vec<Running>) {
    for provider in &running {
        provider.cancellation.cancel();
    }
    for provider in running {
        if let Err(error) = provider.task.await {
            tracing::error!(job = provider.job, %error, "discovery task failed");
        }
    }
}
