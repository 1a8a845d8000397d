//! `check`: configurations, rules, metrics and servers, looked at before somebody relies on them.
//!
//! * `config`, `files`: a configuration and the files it names
//! * `rules`, `lint`: rule files, and what is allowed and most likely not meant
//! * `metrics`: an exposition
//! * `service_discovery`: which targets a job would have
//! * `web_config`: files for TLS and passwords of listeners
//! * `health`: whether a server is up

mod config;
mod files;
mod health;
mod lint;
mod metrics;
mod rules;
mod service_discovery;
mod web_config;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use metrics_model::duration::parse_duration;
use promql::Engine;

use super::Outcome;

#[derive(Debug, Args)]
pub(super) struct CheckOptions {
    /// The server's maximum query lookback duration.
    #[arg(long = "query.lookback-delta", global = true, default_value = "5m", value_name = "DURATION",
          value_parser = |text: &str| parse_duration(text).map_err(|error| error.to_string()))]
    lookback: Duration,
    /// Print extended information related to the cardinality of the metrics.
    #[arg(long, global = true)]
    extended: bool,
    #[command(subcommand)]
    command: CheckCommand,
}

#[derive(Debug, Subcommand)]
enum CheckCommand {
    /// Check if the config files are valid or not.
    Config(config::ConfigOptions),
    /// Check if the rule files are valid or not.
    Rules(rules::RulesOptions),
    /// Pass metrics over stdin to lint them for consistency and correctness.
    Metrics(metrics::MetricsOptions),
    /// Check if the server is healthy.
    Healthy(health::HealthOptions),
    /// Check if the server is ready.
    Ready(health::HealthOptions),
    /// Perform service discovery for the given job name and report the results, including relabeling.
    #[command(name = "service-discovery")]
    ServiceDiscovery(service_discovery::DiscoveryOptions),
    /// Check if the web config files are valid or not.
    #[command(name = "web-config")]
    WebConfig(web_config::WebConfigOptions),
}

pub(super) fn run(options: &CheckOptions, engine: &Engine) -> Outcome {
    match &options.command {
        CheckCommand::Config(config) => config::run(config, options.lookback, engine),
        CheckCommand::Rules(rules) => rules::run(rules, engine),
        CheckCommand::Metrics(metrics) => metrics::run(metrics, options.extended),
        CheckCommand::Healthy(health) => health::run(health, "healthy"),
        CheckCommand::Ready(health) => health::run(health, "ready"),
        CheckCommand::ServiceDiscovery(discovery) => service_discovery::run(discovery, engine),
        CheckCommand::WebConfig(files) => web_config::run(files),
    }
}

/// Whether all files are there. One that is not is told, as a wrong command line.
fn exist(paths: &[PathBuf]) -> bool {
    let missing: Vec<&PathBuf> = paths.iter().filter(|path| !path.exists()).collect();
    for path in &missing {
        eprintln!("firewatch-promtool: error: path '{}' does not exist, try --help", path.display());
    }
    missing.is_empty()
}
