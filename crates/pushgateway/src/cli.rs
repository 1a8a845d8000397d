//! Flags: the original's, and a few limits of our own.

use std::time::Duration;

use clap::Parser;
use daemon::logging::LogOptions;
use daemon::options::{VERSION, parse_listen_address};
use metrics_model::duration::{format_duration, parse_duration};

/// The flags of `firewatch-pushgateway`.
#[derive(Debug, Clone, Parser)]
#[command(name = "firewatch-pushgateway", version = VERSION, about = "The Firewatch pushgateway", args_override_self = true)]
pub struct Options {
    /// Address on which to expose metrics and web interface.
    #[arg(long = "web.listen-address", default_value = ":9091", value_parser = parse_listen_address, value_name = "ADDRESS")]
    pub listen_address: String,
    /// Path to configuration file that can enable TLS or authentication.
    #[arg(long = "web.config.file", default_value = "", hide_default_value = true, value_name = "FILE")]
    pub web_config_file: String,
    /// Path under which to expose metrics.
    #[arg(long = "web.telemetry-path", default_value = "/metrics", value_name = "PATH")]
    pub telemetry_path: String,
    /// The URL under which the pushgateway is externally reachable.
    #[arg(long = "web.external-url", default_value = "", value_name = "URL")]
    pub external_url: String,
    /// Prefix for the internal routes of web endpoints. Defaults to the path of --web.external-url.
    #[arg(long = "web.route-prefix", default_value = "", value_name = "PATH")]
    pub route_prefix: String,
    /// Enable shutdown via HTTP request.
    #[arg(long = "web.enable-lifecycle", overrides_with = "no_lifecycle")]
    pub enable_lifecycle: bool,
    #[arg(long = "no-web.enable-lifecycle", hide = true)]
    no_lifecycle: bool,
    /// Enable API endpoints for admin control actions.
    #[arg(long = "web.enable-admin-api", overrides_with = "no_admin_api")]
    pub enable_admin_api: bool,
    #[arg(long = "no-web.enable-admin-api", hide = true)]
    no_admin_api: bool,
    /// File to persist metrics. If empty, metrics are only kept in memory.
    #[arg(long = "persistence.file", default_value = "", value_name = "FILE")]
    pub persistence_file: String,
    /// The minimum interval at which to rewrite the persistence file; every push is on disk before it is answered anyway.
    #[arg(long = "persistence.interval", default_value = "5m", value_parser = duration, value_name = "DURATION")]
    pub persistence_interval: Duration,
    /// Do not check consistency of pushed metrics. DANGEROUS.
    #[arg(long = "push.disable-consistency-check", overrides_with = "no_disable_check")]
    pub disable_consistency_check: bool,
    #[arg(long = "no-push.disable-consistency-check", hide = true)]
    no_disable_check: bool,
    /// Allow UTF-8 characters in metric and label names.
    #[arg(long = "push.enable-utf8-names", overrides_with = "no_utf8_names")]
    pub enable_utf8_names: bool,
    #[arg(long = "no-push.enable-utf8-names", hide = true)]
    no_utf8_names: bool,
    /// How long a push without a ?ttl= of its own stays; 0 means until it is deleted.
    #[arg(long = "push.default-ttl", default_value = "0", value_parser = duration, value_name = "DURATION")]
    pub default_ttl: Duration,
    /// The most bytes that a push may have, decompressed.
    #[arg(long = "push.max-body-bytes", default_value_t = 16 << 20, value_name = "N")]
    pub body_bytes_max: u64,
    /// The most metrics that one push may hold.
    #[arg(long = "push.max-metrics", default_value_t = 100_000, value_name = "N")]
    pub push_metrics_max: usize,
    /// The most metrics in all groups together.
    #[arg(long = "push.max-total-metrics", default_value_t = 2_000_000, value_name = "N")]
    pub total_metrics_max: usize,
    /// The most labels that a metric may have, those of its group included.
    #[arg(long = "push.max-labels", default_value_t = 64, value_name = "N")]
    pub labels_max: usize,
    /// Logging.
    #[command(flatten)]
    pub log: LogOptions,
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|error| error.to_string())
}

impl Options {
    /// Reads the command line; ends the process on wrong flags, `--help` and `--version`, as clap does.
    #[must_use]
    pub fn from_command_line() -> Self {
        Self::parse()
    }

    /// The defaults.
    #[must_use]
    pub fn defaults() -> Self {
        Self::parse_from(["firewatch-pushgateway"])
    }

    /// The prefix of all routes: empty, or with a leading and without a trailing slash.
    #[must_use]
    pub fn prefix(&self) -> String {
        let path = if self.route_prefix.is_empty() {
            let after_scheme = self.external_url.split_once("://").map_or(self.external_url.as_str(), |(_, rest)| rest);
            after_scheme.split_once('/').map_or("", |(_, path)| path)
        } else {
            &self.route_prefix
        };
        let path = path.trim_matches('/');
        if path.is_empty() { String::new() } else { format!("/{path}") }
    }

    /// Flags and their values, as `/api/v1/status` shows them.
    #[must_use]
    pub fn shown(&self) -> Vec<(&'static str, String)> {
        vec![
            ("log.format", format!("{:?}", self.log.format).to_lowercase()),
            ("log.level", format!("{:?}", self.log.level).to_lowercase()),
            ("persistence.file", self.persistence_file.clone()),
            ("persistence.interval", format_duration(self.persistence_interval)),
            ("push.default-ttl", format_duration(self.default_ttl)),
            ("push.disable-consistency-check", self.disable_consistency_check.to_string()),
            ("push.enable-utf8-names", self.enable_utf8_names.to_string()),
            ("push.max-body-bytes", self.body_bytes_max.to_string()),
            ("push.max-labels", self.labels_max.to_string()),
            ("push.max-metrics", self.push_metrics_max.to_string()),
            ("push.max-total-metrics", self.total_metrics_max.to_string()),
            ("web.enable-admin-api", self.enable_admin_api.to_string()),
            ("web.enable-lifecycle", self.enable_lifecycle.to_string()),
            ("web.external-url", self.external_url.clone()),
            ("web.listen-address", self.listen_address.clone()),
            ("web.route-prefix", self.route_prefix.clone()),
            ("web.telemetry-path", self.telemetry_path.clone()),
        ]
    }
}
