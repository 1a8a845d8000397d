//! The command line: the original's flags with their defaults.
//!
//! Booleans also take the `--no-` form. Flags of the original that have no effect here are taken by name, those whose
//! effect is missing are refused with the reason: see [`compat`].

mod compat;
mod features;
mod sizes;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser};
use daemon::logging::LogOptions;
use metrics_model::duration::parse_duration;
use regex::Regex;

pub use features::{EnabledFeatures, parse_features};
pub use sizes::parse_size;

/// The flags of `firewatch-server`.
#[derive(Debug, Clone, Parser)]
#[command(name = "firewatch-server", display_name = "firewatch-server,", version = daemon::options::VERSION)]
#[command(about = "The Firewatch monitoring server", max_term_width = 100)]
pub struct Options {
    /// Configuration file path.
    #[arg(long = "config.file", default_value = "prometheus.yml", value_name = "FILE")]
    pub config_file: PathBuf,
    /// Address to listen on for UI, API, and telemetry. Can be repeated.
    #[arg(long = "web.listen-address", default_value = "0.0.0.0:9090", value_name = "HOST:PORT",
          value_parser = daemon::options::parse_listen_address)]
    pub listen_addresses: Vec<String>,
    /// Path to configuration file that can enable TLS or authentication.
    #[arg(long = "web.config.file", default_value = "", hide_default_value = true, value_name = "FILE")]
    pub web_config_file: String,
    /// Maximum duration before timing out read of the request, and closing idle connections.
    #[arg(long = "web.read-timeout", default_value = "5m", value_parser = duration, value_name = "DURATION")]
    pub read_timeout: Duration,
    /// Maximum number of simultaneous connections of each listener.
    #[arg(long = "web.max-connections", default_value_t = 512, value_name = "NUMBER")]
    pub connections_max: usize,
    /// The URL under which the server is reachable from outside. If it has a path, all endpoints are served below it.
    #[arg(long = "web.external-url", default_value = "", value_name = "URL", hide_default_value = true)]
    pub external_url: String,
    /// Prefix for the internal routes of web endpoints. Defaults to the path of --web.external-url.
    #[arg(long = "web.route-prefix", value_name = "PATH")]
    pub route_prefix: Option<String>,
    /// Enable shutdown and reload via HTTP request.
    #[arg(long = "web.enable-lifecycle", action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_value = "false", default_missing_value = "true", hide_possible_values = true)]
    pub lifecycle_enabled: bool,
    /// Enable API endpoints for admin control actions.
    #[arg(long = "web.enable-admin-api", action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_value = "false", default_missing_value = "true", hide_possible_values = true)]
    pub admin_enabled: bool,
    /// Enable API endpoint accepting remote write requests.
    #[arg(long = "web.enable-remote-write-receiver", action = clap::ArgAction::Set, num_args = 0..=1,
          require_equals = true, default_value = "false", default_missing_value = "true", hide_possible_values = true)]
    pub remote_write_enabled: bool,
    /// List of the remote write protobuf messages to accept when receiving the remote writes.
    #[arg(long = "web.remote-write-receiver.accepted-protobuf-messages", default_value = "prometheus.WriteRequest,io.prometheus.write.v2.Request",
          value_delimiter = ',', value_parser = remote_write_message, value_name = "NAMES")]
    pub remote_write_messages: Vec<String>,
    /// Document title of the server's pages.
    #[arg(long = "web.page-title", default_value = "Firewatch", value_name = "TEXT")]
    pub page_title: String,
    /// Path to the console template directory, available at /consoles.
    #[arg(long = "web.console.templates", default_value = "consoles", value_name = "DIR")]
    pub console_templates: PathBuf,
    /// Path to the console library directory.
    #[arg(long = "web.console.libraries", default_value = "console_libraries", value_name = "DIR")]
    pub console_libraries: PathBuf,
    /// Regex for CORS origin. It is fully anchored. Example: 'https?://(domain1|domain2)\.com'
    #[arg(long = "web.cors.origin", default_value = ".*", value_name = "REGEX")]
    pub cors_origin: String,
    /// Base path for metrics storage.
    #[arg(long = "storage.tsdb.path", default_value = "data/", value_name = "FOLDER")]
    pub storage_path: PathBuf,
    /// How long to retain samples. Defaults to 15d when no size is given either.
    #[arg(long = "storage.tsdb.retention.time", value_parser = duration, value_name = "DURATION")]
    pub retention_time: Option<Duration>,
    /// Maximum number of bytes to keep, with a unit: B, KB, MB, GB, TB, PB, EB (powers of two).
    #[arg(long = "storage.tsdb.retention.size", value_parser = parse_size, value_name = "SIZE")]
    pub retention_bytes: Option<u64>,
    /// Memory that the process keeps within, with a unit, as 2GB: when it is near, new series are refused first, then queries.
    /// Defaults to 80% of the control group's or the machine's.
    #[arg(long = "memory.limit", value_parser = parse_size, value_name = "SIZE")]
    pub memory_limit: Option<u64>,
    /// Max time to tolerate an outage for restoring "for" state of alerts.
    #[arg(long = "rules.alert.for-outage-tolerance", default_value = "1h", value_parser = duration,
          value_name = "DURATION")]
    pub outage_tolerance: Duration,
    /// Minimum duration between alert and restored "for" state, for alerts whose "for" is longer than this.
    #[arg(long = "rules.alert.for-grace-period", default_value = "10m", value_parser = duration,
          value_name = "DURATION")]
    pub grace_period: Duration,
    /// Minimum amount of time to wait before resending an alert to Alertmanager.
    #[arg(long = "rules.alert.resend-delay", default_value = "1m", value_parser = duration, value_name = "DURATION")]
    pub resend_delay: Duration,
    /// Maximum number of rule groups that are evaluated at a time.
    #[arg(long = "rules.max-concurrent-evals", default_value_t = 4, value_name = "NUMBER")]
    pub evaluations_max: usize,
    /// How long a selector of a rule may match no series before the rule is marked as unmatched.
    #[arg(long = "rules.unmatched-after", default_value = "15m", value_parser = duration, value_name = "DURATION")]
    pub rules_unmatched_after: Duration,
    /// The capacity of the queue of pending notifications of each Alertmanager.
    #[arg(long = "alertmanager.notification-queue-capacity", default_value_t = 10_000, value_name = "NUMBER")]
    pub notification_queue: usize,
    /// The maximum number of notifications per batch to send to the Alertmanager.
    #[arg(long = "alertmanager.notification-batch-size", default_value_t = 256, value_name = "NUMBER")]
    pub notification_batch: usize,
    /// Send any outstanding notifications when shutting down.
    #[arg(long = "alertmanager.drain-notification-queue-on-shutdown", action = clap::ArgAction::Set, num_args = 0..=1,
          require_equals = true, default_value = "true", default_missing_value = "true", hide_possible_values = true)]
    pub drain_notifications: bool,
    /// The maximum lookback duration for retrieving metrics during expression evaluations and federation.
    #[arg(long = "query.lookback-delta", default_value = "5m", value_parser = duration, value_name = "DURATION")]
    pub lookback: Duration,
    /// Maximum time a query may take before being aborted.
    #[arg(long = "query.timeout", default_value = "2m", value_parser = duration, value_name = "DURATION")]
    pub query_timeout: Duration,
    /// Maximum number of queries executed concurrently.
    #[arg(long = "query.max-concurrency", default_value_t = 20, value_name = "NUMBER")]
    pub query_concurrency: usize,
    /// Maximum number of samples a single query can load into memory.
    #[arg(long = "query.max-samples", default_value_t = 50_000_000, value_name = "NUMBER")]
    pub query_samples: usize,
    /// Maximum memory a single query can take, by estimate.
    #[arg(long = "query.max-memory", default_value = "2GB", value_parser = parse_size, value_name = "SIZE")]
    pub query_memory: u64,
    /// Comma separated feature names to enable.
    #[arg(long = "enable-feature", value_delimiter = ',', value_name = "NAMES")]
    pub features: Vec<String>,
    /// Logging.
    #[command(flatten)]
    pub log: LogOptions,
    /// What `features` ask for.
    #[arg(skip)]
    pub enabled: EnabledFeatures,
    /// `cors_origin`, compiled; `None` allows none.
    #[arg(skip)]
    pub cors: Option<Regex>,
    /// All flags by name with their values, for `/status/flags`.
    #[arg(skip)]
    pub shown: Vec<(String, String)>,
}

impl Options {
    /// Reads the process's command line; ends the process with code 2 when it is wrong, and 0 after `--help` and
    /// `--version`.
    #[must_use]
    pub fn from_command_line() -> Self {
        match Self::read(std::env::args_os().collect()) {
            Ok(options) => options,
            Err(error) => error.exit(),
        }
    }

    /// Reads a command line, the program's name first.
    ///
    /// # Errors
    /// What to tell the user; also for `--help` and `--version`.
    pub fn read(arguments: Vec<OsString>) -> Result<Self, clap::Error> {
        let mut command = Self::command();
        let arguments = compat::translate(&mut command, arguments)?;
        let matches = command.try_get_matches_from_mut(arguments)?;
        let mut options = Self::from_arg_matches(&matches)?;
        options.enabled = parse_features(&options.features)
            .map_err(|message| command.error(clap::error::ErrorKind::InvalidValue, message))?;
        options.cors = Regex::new(&format!("^(?s:{})$", options.cors_origin)).map(Some).map_err(|error| {
            command.error(clap::error::ErrorKind::InvalidValue, format!("--web.cors.origin: {error}"))
        })?;
        options.shown = shown(&command, &matches);
        Ok(options)
    }
}

fn shown(command: &clap::Command, matches: &ArgMatches) -> Vec<(String, String)> {
    let mut shown: Vec<(String, String)> = command
        .get_arguments()
        .filter_map(|argument| {
            let name = argument.get_long()?;
            if matches!(name, "help" | "version") {
                return None;
            }
            let id = argument.get_id().as_str();
            let is_known = matches!(
                matches.value_source(id),
                Some(ValueSource::CommandLine | ValueSource::DefaultValue | ValueSource::EnvVariable)
            );
            let values = if is_known { matches.get_raw(id) } else { None };
            let texts = values.into_iter().flatten().map(|value| value.to_string_lossy().into_owned());
            Some((name.to_owned(), texts.collect::<Vec<_>>().join(",")))
        })
        .collect();
    shown.sort();
    shown
}

fn remote_write_message(name: &str) -> Result<String, String> {
    match name {
        "prometheus.WriteRequest" | "io.prometheus.write.v2.Request" => Ok(name.to_owned()),
        _ => Err("unknown remote write protobuf message".to_owned()),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
