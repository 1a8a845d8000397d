//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use daemon::logging::LogOptions;

use crate::app::Options;
use crate::cluster;
use crate::config::values::GoDuration;
use crate::history::Limits as HistoryLimits;
use crate::matcher::Syntax;
use crate::notify::outbox::OutboxSettings;
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
    /// For how long a notification that cannot be delivered is tried again before it is listed as undelivered.
    #[arg(long = "outbox.max-age", default_value = "24h", value_parser = duration, value_name = "DURATION")]
    outbox_max_age: Duration,
    /// After how many failed attempts the fallback receiver is told too. If zero, it never is.
    #[arg(long = "outbox.fallback-after", default_value_t = 5, value_name = "N")]
    fallback_after: u32,
    /// The receiver that is told when another cannot be. A receiver's label `firewatch_fallback` names another one.
    #[arg(long = "outbox.fallback-receiver", default_value = "", value_name = "NAME")]
    fallback_receiver: String,
    /// How long to keep the history of alerts, notifications and silences. If zero, none is kept.
    #[arg(long = "history.retention", default_value = "720h", value_parser = duration, value_name = "DURATION")]
    history_retention: Duration,
    /// How large the history may be; the oldest part goes first.
    #[arg(long = "history.max-size-bytes", default_value_t = 1 << 30, value_name = "BYTES")]
    history_size_bytes: u64,
    /// Maximum number of silences, including expired silences. If negative or zero, no limit is set.
    #[arg(long = "silences.max-silences", default_value_t = 10_000, allow_negative_numbers = true, value_name = "N")]
    max_silences: i64,
    /// Maximum silence size in bytes. If negative or zero, no limit is set.
    #[arg(long = "silences.max-silence-size-bytes", default_value_t = 65_536, allow_negative_numbers = true)]
    max_silence_bytes: i64,
    /// Accept silences that would silence every alert, such as alertname=~".+".
    #[arg(long = "silences.allow-match-all")]
    allow_match_all: bool,
    /// Log every change of a silence.
    #[arg(long = "log.silences")]
    log_silences: bool,
    /// Interval between alert GC.
    #[arg(long = "alerts.gc-interval", default_value = "30m", value_parser = duration, value_name = "DURATION")]
    gc_interval: Duration,
    /// Maximum number of alerts per alertname. If zero, no limit is set.
    #[arg(long = "alerts.per-alertname-limit", default_value_t = 0, allow_negative_numbers = true, value_name = "N")]
    name_limit: i64,
    /// How much memory alerts may take, as counted by their texts. Further alerts are refused; those that are known go
    /// on. If zero, no limit is set.
    #[arg(long = "alerts.max-size-bytes", default_value_t = 1 << 30, value_name = "BYTES")]
    alert_bytes_max: u64,
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
    /// Timeout for HTTP requests. If negative or zero, no timeout is set.
    #[arg(long = "web.timeout", default_value = "1m", value_parser = duration, value_name = "DURATION")]
    timeout: Duration,
    /// Comma-separated experimental features: classic-mode, utf8-strict-mode.
    #[arg(long = "enable-feature", default_value = "", value_name = "NAMES")]
    features: String,
    #[command(flatten)]
    cluster: Cluster,
    #[command(flatten)]
    ignored: Ignored,
    /// Logging.
    #[command(flatten)]
    pub log: LogOptions,
}

/// Flags of the original that have no meaning here, so that its command lines keep working.
#[derive(Debug, clap::Args)]
struct Ignored {
    #[arg(long = "no-log.silences", hide = true)]
    no_log_silences: bool,
    #[arg(long = "no-web.systemd-socket", hide = true)]
    no_systemd_socket: bool,
    #[arg(long = "web.ui-path", hide = true)]
    ui_path: Option<String>,
    #[arg(long = "auto-gomemlimit.ratio", hide = true)]
    memory_ratio: Option<f64>,
    #[arg(long = "no-cluster.allow-insecure-public-advertise-address-discovery", hide = true)]
    no_public_address: bool,
}

/// The flags of high availability.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Cluster")]
struct Cluster {
    /// Listen address for cluster. Set to empty string to disable HA mode.
    #[arg(long = "cluster.listen-address", default_value = "0.0.0.0:9094", value_name = "ADDRESS")]
    listen_address: String,
    /// Explicit address to advertise in cluster.
    #[arg(long = "cluster.advertise-address", default_value = "", value_name = "ADDRESS")]
    advertise_address: String,
    /// Explicit name of the peer, rather than generating one. Members tell in the order of their names.
    #[arg(long = "cluster.peer-name", default_value = "", value_name = "NAME")]
    peer_name: String,
    /// Initial peers (may be repeated).
    #[arg(long = "cluster.peer", value_name = "ADDRESS")]
    peers: Vec<String>,
    /// Time to wait between peers to send notifications.
    #[arg(long = "cluster.peer-timeout", default_value = "15s", value_parser = duration, value_name = "DURATION")]
    peer_timeout: Duration,
    /// Time to resolve peers.
    #[arg(long = "cluster.peers-resolve-timeout", default_value = "15s", value_parser = duration, value_name = "DURATION")]
    peers_resolve_timeout: Duration,
    /// Interval between sending gossip messages.
    #[arg(long = "cluster.gossip-interval", default_value = "200ms", value_parser = duration, value_name = "DURATION")]
    gossip_interval: Duration,
    /// Interval for gossip state syncs.
    #[arg(long = "cluster.pushpull-interval", default_value = "1m", value_parser = duration, value_name = "DURATION")]
    pushpull_interval: Duration,
    /// Timeout for each step of a connection to another member.
    #[arg(long = "cluster.tcp-timeout", default_value = "10s", value_parser = duration, value_name = "DURATION")]
    tcp_timeout: Duration,
    /// Timeout to wait for an ack from a probed node before assuming it is unhealthy.
    #[arg(long = "cluster.probe-timeout", default_value = "500ms", value_parser = duration, value_name = "DURATION")]
    probe_timeout: Duration,
    /// Interval between random node probes.
    #[arg(long = "cluster.probe-interval", default_value = "1s", value_parser = duration, value_name = "DURATION")]
    probe_interval: Duration,
    /// Maximum time to wait for cluster connections to settle before evaluating notifications.
    #[arg(long = "cluster.settle-timeout", default_value = "1m", value_parser = duration, value_name = "DURATION")]
    settle_timeout: Duration,
    /// Interval between attempting to reconnect to lost peers.
    #[arg(long = "cluster.reconnect-interval", default_value = "10s", value_parser = duration, value_name = "DURATION")]
    reconnect_interval: Duration,
    /// Length of time to attempt to reconnect to a lost peer.
    #[arg(long = "cluster.reconnect-timeout", default_value = "6h", value_parser = duration, value_name = "DURATION")]
    reconnect_timeout: Duration,
    /// Path to a YAML file that enables mutual TLS between members.
    #[arg(long = "cluster.tls-config", default_value = "", value_name = "FILE")]
    tls_config: String,
    /// Allow to discover and advertise a public IP address.
    #[arg(long = "cluster.allow-insecure-public-advertise-address-discovery")]
    allow_public_address: bool,
    /// Keeps clusters apart that can reach each other: on every packet and connection.
    #[arg(long = "cluster.label", default_value = "", value_name = "LABEL")]
    label: String,
}

impl Cluster {
    /// `None` for an instance that stays alone.
    fn options(self) -> Result<Option<cluster::Options>, String> {
        if self.listen_address.is_empty() {
            return Ok(None);
        }
        let listen_address = daemon::options::parse_listen_address(&self.listen_address)
            .map_err(|error| format!("--cluster.listen-address: {error}"))?;
        Ok(Some(cluster::Options {
            listen_address,
            advertise_address: self.advertise_address,
            peer_name: self.peer_name,
            peers: self.peers,
            peer_timeout: self.peer_timeout,
            peers_resolve_timeout: self.peers_resolve_timeout,
            gossip_interval: self.gossip_interval,
            pushpull_interval: self.pushpull_interval,
            tcp_timeout: self.tcp_timeout,
            probe_timeout: self.probe_timeout,
            probe_interval: self.probe_interval,
            settle_timeout: self.settle_timeout,
            reconnect_interval: self.reconnect_interval,
            reconnect_timeout: self.reconnect_timeout,
            label: self.label,
            tls_config: Some(self.tls_config).filter(|file| !file.is_empty()).map(PathBuf::from),
            allow_public_address: self.allow_public_address,
        }))
    }
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
            outbox: OutboxSettings {
                max_age: self.outbox_max_age,
                fallback_after: self.fallback_after,
                fallback_receiver: self.fallback_receiver,
                retention: self.retention,
            },
            silence_limits: Limits {
                silences: limit(self.max_silences),
                silence_bytes: limit(self.max_silence_bytes),
                allow_match_all: self.allow_match_all,
            },
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
            cluster: self.cluster.options()?,
            history: HistoryLimits { retention: self.history_retention, size_bytes: self.history_size_bytes },
            alert_bytes_max: self.alert_bytes_max,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(flags: &[&str]) -> Result<Options, String> {
        let cli = Cli::try_parse_from([&["firewatch-alertmanager"], flags].concat());
        cli.map_err(|error| error.to_string())?.options()
    }

    #[test]
    fn flags_of_the_original_are_read() {
        let defaults = options(&[]).expect("no flag must be given");
        let cluster = defaults.cluster.expect("clustering is on unless turned off");
        assert_eq!((cluster.listen_address.as_str(), cluster.tls_config), ("0.0.0.0:9094", None));
        assert!(options(&["--cluster.listen-address="]).expect("flags").cluster.is_none());
        let many = options(&[
            "--cluster.listen-address=:9095",
            "--cluster.peer=a:9094",
            "--cluster.peer=b:9094",
            "--cluster.peer-timeout=5s",
            "--cluster.tls-config=tls.yml",
            "--no-log.silences",
            "--web.ui-path=/usr/share/ui",
            "--silences.max-silences=-1",
            "--data.retention=1h30m",
        ]);
        let many = many.expect("flags");
        assert_eq!(many.silence_limits.silences, 0, "no limit");
        let cluster = many.cluster.expect("on");
        assert_eq!(cluster.peers, ["a:9094", "b:9094"]);
        assert_eq!((cluster.listen_address.as_str(), cluster.peer_timeout), ("[::]:9095", Duration::from_secs(5)));
        assert_eq!(cluster.tls_config, Some(PathBuf::from("tls.yml")));
        for wrong in ["--cluster.listen-address=9094", "--data.retention=x", "--nonsense"] {
            assert!(options(&[wrong]).is_err(), "{wrong}");
        }
    }
}
