//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use daemon::logging::LogOptions;

use crate::app::Options;
use crate::config::values::GoDuration;
use crate::matcher::Syntax;
use crate::silence::Limits;

/// The Alertmanager of Firewatch: groups alerts and tells people about them.
#[derive(Debug, Parser)]
#[command(name = "firewatch-alertmanager", version = daemon::options::VERSION)]
pub struct Cli {
    /// Alertmanager configuration file name.
    #[arg(long = "config.file", default_value = "alertmanager.yml", value_name = "FILE")]
    config_file: PathBuf,
    /// Base path for data storage.
    #[arg(long = "storage.path", default_value = "data/", value_name = "FOLDER")]
    storage_path: PathBuf,
    /// How long to keep data for.
    #[arg(long = "data.retention", default_value = "120h", value_parser = duration, value_name = "DURATION")]
    retention: Duration,
    /// Interval between garbage collection and rewriting of the files of silences and notification log.
    #[arg(long = "data.maintenance-interval", default_value = "15m", value_parser = duration, value_name = "DURATION")]
    maintenance_interval: Duration,
    /// Maximum number of silences, including expired silences. If zero, no limit is set.
    #[arg(long = "silences.max-silences", default_value_t = 0, allow_negative_numbers = true, value_name = "N")]
    max_silences: i64,
    /// Maximum silence size in bytes. If zero, no limit is set.
    #[arg(long = "silences.max-silence-size-bytes", default_value_t = 0, allow_negative_numbers = true)]
    max_silence_bytes: i64,
    /// Log every change of a silence.
    #[arg(long = "log.silences")]
    log_silences: bool,
    /// Interval between alert GC.
    #[arg(long = "alerts.gc-interval", default_value = "30m", value_parser = duration, value_name = "DURATION")]
    gc_interval: Duration,
    /// Maximum number of alerts per alertname. If zero, no limit is set.
    #[arg(long = "alerts.per-alertname-limit", default_value_t = 0, allow_negative_numbers = true, value_name = "N")]
    name_limit: i64,
    /// Accepted for compatibility: groups that are over are removed at once.
    #[arg(long = "dispatch.maintenance-interval", default_value = "30s", value_parser = duration, hide = true)]
    dispatch_maintenance_interval: Duration,
    /// Minimum amount of time to wait before dispatching alerts. Should be as long as Prometheus'
    /// --rules.alert.resend-delay.
    #[arg(long = "dispatch.start-delay", default_value = "0s", value_parser = duration, value_name = "DURATION")]
    start_delay: Duration,
    /// Address to listen on for the web interface and API.
    #[arg(long = "web.listen-address", default_value = ":9093", value_name = "ADDRESS")]
    listen_addresses: Vec<String>,
    /// Path to configuration file that can enable TLS or authentication.
    #[arg(long = "web.config.file", default_value = "", hide_default_value = true, value_name = "FILE")]
    web_config_file: String,
    /// The URL under which the Alertmanager is externally reachable, for links in notifications. A path in it also
    /// prefixes all HTTP endpoints.
    #[arg(long = "web.external-url", default_value = "", value_name = "URL")]
    external_url: String,
    /// Prefix for the routes of web endpoints. Defaults to the path of --web.external-url.
    #[arg(long = "web.route-prefix", default_value = "", value_name = "PATH")]
    route_prefix: String,
    /// Maximum number of GET requests processed concurrently. If zero, it is the number of processors or 8, whichever
    /// is larger.
    #[arg(long = "web.get-concurrency", default_value_t = 0, allow_negative_numbers = true, value_name = "N")]
    get_concurrency: i64,
    /// Timeout for HTTP requests. If zero, no timeout is set.
    #[arg(long = "web.timeout", default_value = "0", value_parser = duration, value_name = "DURATION")]
    timeout: Duration,
    /// Comma-separated experimental features: classic-mode, utf8-strict-mode.
    #[arg(long = "enable-feature", default_value = "", value_name = "NAMES")]
    features: String,
    #[command(flatten)]
    cluster: Cluster,
    /// Logging.
    #[command(flatten)]
    pub log: LogOptions,
}

/// The flags of high availability. They are read so that command lines keep working; several instances are not.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Cluster (accepted; this version runs alone)")]
struct Cluster {
    /// Listen address for cluster.
    #[arg(long = "cluster.listen-address", default_value = "0.0.0.0:9094", value_name = "ADDRESS")]
    listen_address: String,
    /// Explicit address to advertise in cluster.
    #[arg(long = "cluster.advertise-address", default_value = "", value_name = "ADDRESS")]
    advertise_address: String,
    /// Explicit name of the peer.
    #[arg(long = "cluster.peer-name", default_value = "", value_name = "NAME")]
    peer_name: String,
    /// Initial peers (may be repeated): refused, this version runs alone.
    #[arg(long = "cluster.peer", value_name = "ADDRESS")]
    peers: Vec<String>,
    #[arg(long = "cluster.peer-timeout", default_value = "15s", value_parser = duration, hide = true)]
    peer_timeout: Duration,
    #[arg(long = "cluster.peers-resolve-timeout", default_value = "15s", value_parser = duration, hide = true)]
    peers_resolve_timeout: Duration,
    #[arg(long = "cluster.gossip-interval", default_value = "200ms", value_parser = duration, hide = true)]
    gossip_interval: Duration,
    #[arg(long = "cluster.pushpull-interval", default_value = "1m", value_parser = duration, hide = true)]
    pushpull_interval: Duration,
    #[arg(long = "cluster.tcp-timeout", default_value = "10s", value_parser = duration, hide = true)]
    tcp_timeout: Duration,
    #[arg(long = "cluster.probe-timeout", default_value = "500ms", value_parser = duration, hide = true)]
    probe_timeout: Duration,
    #[arg(long = "cluster.probe-interval", default_value = "1s", value_parser = duration, hide = true)]
    probe_interval: Duration,
    #[arg(long = "cluster.settle-timeout", default_value = "1m", value_parser = duration, hide = true)]
    settle_timeout: Duration,
    #[arg(long = "cluster.reconnect-interval", default_value = "10s", value_parser = duration, hide = true)]
    reconnect_interval: Duration,
    #[arg(long = "cluster.reconnect-timeout", default_value = "6h", value_parser = duration, hide = true)]
    reconnect_timeout: Duration,
    #[arg(long = "cluster.tls-config", default_value = "", hide = true)]
    tls_config: String,
    #[arg(long = "cluster.allow-insecure-public-advertise-address-discovery", hide = true)]
    allow_insecure: bool,
    #[arg(long = "cluster.label", default_value = "", hide = true)]
    label: String,
}

fn duration(text: &str) -> Result<Duration, String> {
    GoDuration::parse(text).map(|duration| duration.0)
}

impl Cli {
    /// What the daemon is started with.
    ///
    /// # Errors
    /// A sentence about a flag that this version does not support, or whose value is wrong.
    pub fn options(self) -> Result<Options, String> {
        if let Some(peer) = self.cluster.peers.first() {
            return Err(format!(
                "--cluster.peer={peer}: clustering is not supported by this version, run a single instance without \
                 peers"
            ));
        }
        let mut syntax = Syntax::Both;
        for feature in self.features.split(',').map(str::trim).filter(|feature| !feature.is_empty()) {
            match feature {
                "classic-mode" => syntax = Syntax::Classic,
                "utf8-strict-mode" => syntax = Syntax::Utf8,
                other => return Err(format!("--enable-feature: unknown feature {other:?}")),
            }
        }
        let [listen_address] = &self.listen_addresses[..] else {
            return Err("--web.listen-address: this version listens on one address".to_owned());
        };
        // Negative limits mean none, as zero does.
        let limit = |value: i64| usize::try_from(value).unwrap_or(0);
        Ok(Options {
            config_file: self.config_file,
            storage_path: self.storage_path,
            retention: self.retention,
            maintenance_interval: self.maintenance_interval,
            silence_limits: Limits { silences: limit(self.max_silences), silence_bytes: limit(self.max_silence_bytes) },
            gc_interval: self.gc_interval,
            name_limit: limit(self.name_limit),
            start_delay: self.start_delay,
            listen_address: daemon::options::parse_listen_address(listen_address)
                .map_err(|error| format!("--web.listen-address: {error}"))?,
            web_config_file: self.web_config_file,
            external_url: self.external_url,
            route_prefix: self.route_prefix,
            get_concurrency: limit(self.get_concurrency),
            timeout: self.timeout,
            syntax,
        })
    }
}
