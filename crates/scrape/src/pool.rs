//! The targets of one job and their loops.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use discovery::TargetGroup;
use http_client::error_chain;
use metrics_model::Labels;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::ScrapeConfig;
use crate::failure_log::{FailureLog, FailureLogCell};
use crate::fetch::Fetch;
use crate::ingest::Ingest;
use crate::scrape_loop::{Order, OverLimit, ScrapeLoop, Surroundings};
use crate::snapshot::{ActiveTarget, DroppedTarget};
use crate::target::{Target, discovered_labels, populate};

/// The targets of one job.
pub(crate) struct Pool {
    surroundings: Surroundings,
    config: Arc<ScrapeConfig>,
    fetch: Arc<dyn Fetch>,
    /// By identity.
    running: BTreeMap<u64, Running>,
    /// Loops of targets that are gone, which still have their series to end.
    ending: Vec<JoinHandle<Option<Ingest>>>,
    over_limit: OverLimit,
    failure_log: FailureLogCell,
    dropped: Vec<Labels>,
    dropped_count: usize,
    /// The configuration is newer than the loops.
    is_new: bool,
}

struct Running {
    target: Arc<Target>,
    orders: watch::Sender<Order>,
    task: JoinHandle<Option<Ingest>>,
}

/// What groups come to under a configuration.
#[derive(Default)]
struct Found {
    /// By identity: a target that is found twice is scraped once.
    active: HashMap<u64, Target>,
    dropped: Vec<Labels>,
    dropped_count: usize,
    failed: u64,
}

impl Pool {
    /// A pool without targets.
    pub(crate) fn new(surroundings: Surroundings, config: Arc<ScrapeConfig>, fetch: Arc<dyn Fetch>) -> Self {
        Self {
            surroundings,
            config,
            fetch,
            running: BTreeMap::new(),
            ending: Vec::new(),
            over_limit: OverLimit::default(),
            failure_log: FailureLogCell::default(),
            dropped: Vec::new(),
            dropped_count: 0,
            is_new: false,
        }
    }

    /// The configuration.
    pub(crate) fn config(&self) -> &ScrapeConfig {
        &self.config
    }

    /// Takes a new configuration. Loops of targets that stay the same hand over to new ones at the next
    /// [`Pool::sync`], which the caller does at once.
    pub(crate) fn reconfigure(&mut self, config: Arc<ScrapeConfig>, fetch: Arc<dyn Fetch>) {
        self.config = config;
        self.fetch = fetch;
        self.is_new = true;
    }

    /// Where failed scrapes are noted from now on, also by loops that run already.
    pub(crate) fn set_failure_log(&self, log: Option<Arc<dyn FailureLog>>) {
        self.failure_log.set(log);
    }

    /// Scrapes exactly the targets of `groups` from now on.
    pub(crate) fn sync(&mut self, groups: &[TargetGroup]) {
        let found = self.find(groups);
        self.dropped = found.dropped;
        self.dropped_count = found.dropped_count;
        let mut before = std::mem::take(&mut self.running);
        for (identity, target) in found.active {
            let running = match before.remove(&identity) {
                None => self.start(target, None),
                Some(running) if self.is_new => {
                    running.orders.send_replace(Order::HandOver);
                    self.start(target, Some(running))
                }
                Some(running) => {
                    running.target.set_discovered(target.discovered());
                    running
                }
            };
            self.running.insert(identity, running);
        }
        for running in before.into_values() {
            running.orders.send_replace(Order::End);
            self.ending.push(running.task);
        }
        self.is_new = false;
        self.ending.retain(|task| !task.is_finished());
        self.check_limit();
        let (job, metrics) = (self.config.job_name.as_str(), &self.surroundings.metrics);
        let count = i64::try_from(self.running.len()).unwrap_or(i64::MAX);
        metrics.pool_targets.with_label_values(&[job]).set(count);
        let limit = i64::try_from(self.config.limits.targets).unwrap_or(i64::MAX);
        metrics.pool_target_limit.with_label_values(&[job]).set(limit);
        metrics.pool_syncs.with_label_values(&[job]).inc();
        metrics.sync_failed.with_label_values(&[job]).inc_by(found.failed);
    }

    /// Makes targets of groups.
    fn find(&self, groups: &[TargetGroup]) -> Found {
        let mut found = Found::default();
        let kept_max = match self.config.limits.dropped_targets_kept {
            0 => usize::MAX,
            limit => usize::try_from(limit).unwrap_or(usize::MAX),
        };
        for group in groups {
            for (index, target) in group.targets.iter().enumerate() {
                let discovered = discovered_labels(&self.config, target, &group.labels);
                match populate(&self.config, &discovered) {
                    Ok(Some(labels)) => {
                        let target = Target::new(&self.config, labels, discovered);
                        found.active.entry(target.identity()).or_insert(target);
                    }
                    Ok(None) => {
                        found.dropped_count += 1;
                        if found.dropped.len() < kept_max {
                            found.dropped.push(discovered);
                        }
                    }
                    Err(error) => {
                        found.failed += 1;
                        let (job, group, error) = (&self.config.job_name, &group.source, error_chain(&error));
                        tracing::error!(job, group, index, error, "creating target failed");
                    }
                }
            }
        }
        found
    }

    /// Starts the loop of a target, after the one before it if there is one.
    fn start(&self, target: Target, before: Option<Running>) -> Running {
        let target = Arc::new(match &before {
            Some(before) => target.succeeding(&before.target),
            None => target,
        });
        let (orders, receiver) = watch::channel(Order::Run);
        let scraping = ScrapeLoop {
            surroundings: self.surroundings.clone(),
            config: Arc::clone(&self.config),
            target: Arc::clone(&target),
            fetch: Arc::clone(&self.fetch),
            over_limit: Arc::clone(&self.over_limit),
            failure_log: self.failure_log.clone(),
            orders: receiver,
        };
        let task = tokio::spawn(async move {
            // Two loops must never write the same series at once.
            let before = match before {
                Some(before) => before.task.await.ok().flatten(),
                None => None,
            };
            scraping.run(before).await
        });
        Running { target, orders, task }
    }

    /// With too many targets all of them fail, so that somebody sees it.
    fn check_limit(&self) {
        let (count, limit) = (self.running.len(), self.config.limits.targets);
        let is_over = limit > 0 && count as u64 > limit;
        if is_over {
            self.surroundings.metrics.pool_exceeded_target_limit.inc();
        }
        *self.over_limit.lock() = is_over.then_some((count, limit));
    }

    /// Orders all loops to end, and gives the tasks that do so.
    pub(crate) fn end(self) -> Vec<JoinHandle<Option<Ingest>>> {
        self.surroundings.metrics.forget_pool(&self.config.job_name);
        let ending = self.running.into_values().map(|running| {
            running.orders.send_replace(Order::End);
            running.task
        });
        ending.chain(self.ending).collect()
    }

    /// The targets that are scraped, in order of their addresses.
    pub(crate) fn active(&self) -> Vec<ActiveTarget> {
        let mut targets: Vec<ActiveTarget> =
            self.running.values().map(|running| shown(&running.target, &self.config.job_name)).collect();
        targets.sort_by(|a, b| a.scrape_url.cmp(&b.scrape_url).then_with(|| a.labels.cmp(&b.labels)));
        targets
    }

    /// The targets that relabeling dropped, as many as are kept.
    pub(crate) fn dropped(&self) -> Vec<DroppedTarget> {
        let shown = |labels: &Labels| DroppedTarget {
            discovered_labels: labels.clone(),
            scrape_pool: self.config.job_name.clone(),
        };
        self.dropped.iter().map(shown).collect()
    }

    /// How many targets relabeling dropped.
    pub(crate) fn dropped_count(&self) -> usize {
        self.dropped_count
    }
}

fn shown(target: &Target, job: &str) -> ActiveTarget {
    let status = target.status();
    ActiveTarget {
        discovered_labels: target.discovered(),
        labels: target.labels().clone(),
        scrape_pool: job.to_owned(),
        scrape_url: target.url_text().to_owned(),
        last_error: status.last_error,
        last_scrape_ms: status.last_scrape_ms,
        last_scrape_duration: status.last_duration,
        health: status.health,
        scrape_interval: target.interval_text().to_owned(),
        scrape_timeout: target.timeout_text().to_owned(),
        metadata: Arc::clone(&target.metadata),
    }
}

#[cfg(test)]
mod tests;
