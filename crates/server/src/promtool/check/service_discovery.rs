//! `check service-discovery`: which targets a job would have, before and after relabeling.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use discovery::{Manager, TargetGroup};
use instrument::Registry;
use metrics_model::Labels;
use metrics_model::duration::parse_duration;
use promql::Engine;
use scrape::config::ScrapeConfig;
use scrape::target::{discovered_labels, populate};
use serde_json::{Value, json};

use super::exist;
use crate::config::{LoadOptions, RuleFiles, load};
use crate::notifier::USER_AGENT;
use crate::promtool::{Outcome, failed};

/// Once there are targets, others get this long to turn up.
const SETTLE: Duration = Duration::from_millis(500);

#[derive(Debug, Args)]
pub(super) struct DiscoveryOptions {
    /// The time to wait for discovery results.
    #[arg(long, default_value = "30s", value_name = "DURATION",
          value_parser = |text: &str| parse_duration(text).map_err(|error| error.to_string()))]
    timeout: Duration,
    /// The config file.
    #[arg(value_name = "CONFIG-FILE")]
    file: PathBuf,
    /// The job to run service discovery for.
    job: String,
}

pub(super) fn run(options: &DiscoveryOptions, engine: &Engine) -> Outcome {
    if !exist(std::slice::from_ref(&options.file)) {
        return Outcome::Failed;
    }
    let environment = |name: &str| std::env::var(name).ok();
    let config = match load(&options.file, &LoadOptions { engine, environment, rule_files: RuleFiles::Untouched }) {
        Ok(config) => config,
        Err(error) => return failed(format!("cannot load config: {error}")),
    };
    let Some(job) = config.scrapes.iter().find(|scrape| scrape.job_name == options.job) else {
        let known: String = config.scrapes.iter().map(|scrape| format!("\n\t{}", scrape.job_name)).collect();
        return failed(format!("Job {} not found. Select one of:{known}", options.job));
    };
    match discover(job, options.timeout) {
        Ok(groups) => {
            println!("{:#}", shown(job, &groups));
            Outcome::Fine
        }
        Err(error) => failed(error),
    }
}

/// The groups that the job's mechanisms find.
fn discover(job: &ScrapeConfig, timeout: Duration) -> Result<Vec<TargetGroup>, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| format!("cannot start the runtime: {error}"))?;
    runtime.block_on(async {
        let mut manager = Manager::new("check", USER_AGENT, discovery::Metrics::new(&Registry::new()));
        let mut found = manager.subscribe();
        let configs = BTreeMap::from([(job.job_name.clone(), job.discovery().clone())]);
        manager.apply(&configs).await.map_err(|error| http_client::error_chain(&error))?;
        let has_targets = |groups: &discovery::Groups| groups.values().flatten().any(|group| !group.targets.is_empty());
        // Nothing in time is an answer as well: an empty list.
        if tokio::time::timeout(timeout, found.wait_for(has_targets)).await.is_ok() {
            tokio::time::sleep(SETTLE).await;
        }
        let groups = found.borrow().get(&job.job_name).cloned().unwrap_or_default();
        manager.stop().await;
        Ok(groups)
    })
}

/// Each target once: its labels before relabeling, and after it or why there is no target.
fn shown(job: &ScrapeConfig, groups: &[TargetGroup]) -> Value {
    let mut rows: Vec<Value> = Vec::new();
    for group in groups {
        for target in &group.targets {
            let discovered = discovered_labels(job, target, &group.labels);
            let mut row = json!({ "discoveredLabels": pairs(&discovered), "labels": {} });
            match populate(job, &discovered) {
                Ok(Some(labels)) => row["labels"] = pairs(&labels),
                Ok(None) => {}
                Err(error) => row["error"] = daemon::run::chain(&error).into(),
            }
            if !rows.contains(&row) {
                rows.push(row);
            }
        }
    }
    Value::Array(rows)
}

fn pairs(labels: &Labels) -> Value {
    labels.iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect::<serde_json::Map<_, _>>().into()
}
