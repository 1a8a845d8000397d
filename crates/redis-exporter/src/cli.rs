//! Flags and environment variables: the original's, and an allow list of our own. Long flags may stand behind one dash.

mod unbuilt;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::time::Duration;

use clap::{ArgAction, CommandFactory, FromArgMatches, Parser};
use daemon::logging::{LogFormat, LogLevel, LogOptions};
use daemon::options::VERSION;
use exporter::WebOptions;
use http_client::{Secret, TlsConfig};
use metrics_model::duration::parse_duration;
use regex::Regex;

/// The flags of `firewatch-redis-exporter`.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "firewatch-redis-exporter",
    version = VERSION,
    about = "The Firewatch redis exporter",
    args_override_self = true
)]
pub struct Options {
    /// Address of the Redis instance to scrape.
    #[arg(long = "redis.addr", env = "REDIS_ADDR", default_value = "redis://localhost:6379", value_name = "ADDRESS")]
    pub address: String,
    /// User name to use for authentication (ACL, Redis 6.0 and newer).
    #[arg(long = "redis.user", env = "REDIS_USER", default_value = "", value_name = "NAME")]
    pub user: String,
    /// Password of the Redis instances to scrape: the configured one, and those that --target.allow lets through.
    #[arg(long = "redis.password", env = "REDIS_PASSWORD", default_value = "", hide_env_values = true, allow_hyphen_values = true, value_name = "PASSWORD", value_parser = secret)]
    pub password: Secret,
    /// JSON file that maps addresses to passwords.
    #[arg(long = "redis.password-file", env = "REDIS_PASSWORD_FILE", default_value = "", value_name = "FILE")]
    pub password_file: String,
    /// Which servers /scrape may ask: networks (10.0.0.0/8), addresses, host names (`*` stands for any part), each with a
    /// port if it matters, or unix:///path. Repeatable. Without it: this machine and private networks.
    #[arg(long = "target.allow", env = "REDIS_EXPORTER_TARGET_ALLOW", value_delimiter = ',', value_name = "RULE")]
    pub allow: Vec<String>,
    /// Namespace for metrics.
    #[arg(long, env = "REDIS_EXPORTER_NAMESPACE", default_value = "redis", value_name = "NAME")]
    pub namespace: String,
    /// Comma separated list of key patterns whose value and size are exported, searched with SCAN.
    #[arg(long, env = "REDIS_EXPORTER_CHECK_KEYS", default_value = "", value_name = "LIST")]
    pub check_keys: String,
    /// Comma separated list of single keys whose value and size are exported.
    #[arg(long, env = "REDIS_EXPORTER_CHECK_SINGLE_KEYS", default_value = "", value_name = "LIST")]
    pub check_single_keys: String,
    /// Comma separated list of stream patterns, searched with SCAN.
    #[arg(long, env = "REDIS_EXPORTER_CHECK_STREAMS", default_value = "", value_name = "LIST")]
    pub check_streams: String,
    /// Comma separated list of single streams.
    #[arg(long, env = "REDIS_EXPORTER_CHECK_SINGLE_STREAMS", default_value = "", value_name = "LIST")]
    pub check_single_streams: String,
    /// No metrics for each consumer of a stream.
    #[arg(long, env = "REDIS_EXPORTER_STREAMS_EXCLUDE_CONSUMER_METRICS", value_parser = truth, action = ArgAction::Set, num_args = 0..=1, default_value = "false", default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub streams_exclude_consumer_metrics: bool,
    /// Comma separated list of patterns to count, as db0=production_*,db3=sessions:*.
    #[arg(long, env = "REDIS_EXPORTER_COUNT_KEYS", default_value = "", value_name = "LIST")]
    pub count_keys: String,
    /// Comma separated list of Lua patterns that sort keys into groups; quotes hold a comma.
    #[arg(long, env = "REDIS_EXPORTER_CHECK_KEY_GROUPS", default_value = "", value_name = "LIST")]
    pub check_key_groups: String,
    /// The most groups of keys that a database shows: those with the most memory. The others are added up as "overflow".
    #[arg(long, env = "REDIS_EXPORTER_MAX_DISTINCT_KEY_GROUPS", default_value_t = 100, value_name = "N")]
    pub max_distinct_key_groups: usize,
    /// Comma separated list of Lua scripts that the server runs; they return names and numbers in turn.
    #[arg(long, env = "REDIS_EXPORTER_SCRIPT", default_value = "", value_name = "FILES")]
    pub script: String,
    /// Run the scripts by EVAL_RO, which lets them change nothing.
    #[arg(long, env = "REDIS_EXPORTER_LUA_SCRIPT_READ_ONLY", value_parser = truth, action = ArgAction::Set, num_args = 0..=1, default_value = "false", default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub lua_script_read_only: bool,
    /// About how many keys one SCAN looks at.
    #[arg(long, env = "REDIS_EXPORTER_CHECK_KEYS_BATCH_SIZE", default_value_t = 1000, value_name = "N")]
    pub check_keys_batch_size: u64,
    /// The most keys that one scrape looks at for all patterns together.
    #[arg(long = "scan.max-keys", env = "REDIS_EXPORTER_SCAN_MAX_KEYS", default_value_t = 1_000_000, value_name = "N")]
    pub scan_keys_max: u64,
    /// The command for CONFIG, where it was renamed; "-" skips it.
    #[arg(
        long,
        env = "REDIS_EXPORTER_CONFIG_COMMAND",
        default_value = "CONFIG",
        allow_hyphen_values = true,
        value_name = "NAME"
    )]
    pub config_command: String,
    /// How long one scrape of a server may take, connecting included.
    #[arg(long, env = "REDIS_EXPORTER_CONNECTION_TIMEOUT", default_value = "15s", value_parser = duration, value_name = "DURATION")]
    pub connection_timeout: Duration,
    /// Client key, for servers that want one.
    #[arg(long, env = "REDIS_EXPORTER_TLS_CLIENT_KEY_FILE", default_value = "", value_name = "FILE")]
    pub tls_client_key_file: String,
    /// Client certificate, for servers that want one.
    #[arg(long, env = "REDIS_EXPORTER_TLS_CLIENT_CERT_FILE", default_value = "", value_name = "FILE")]
    pub tls_client_cert_file: String,
    /// Certificate authorities that servers are checked against; without it the system's.
    #[arg(long, env = "REDIS_EXPORTER_TLS_CA_CERT_FILE", default_value = "", value_name = "FILE")]
    pub tls_ca_cert_file: String,
    /// The name that the server's certificate must be for.
    #[arg(long, env = "REDIS_EXPORTER_TLS_SERVER_NAME", default_value = "", value_name = "NAME")]
    pub tls_server_name: String,
    /// Take any certificate.
    #[arg(long, env = "REDIS_EXPORTER_SKIP_TLS_VERIFICATION", value_parser = truth, action = ArgAction::Set, num_args = 0..=1, default_value = "false", default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub skip_tls_verification: bool,
    /// Tell the server this client's name.
    #[arg(long, env = "REDIS_EXPORTER_SET_CLIENT_NAME", value_parser = truth, action = ArgAction::Set, num_args = 0..=1, default_value = "true", default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub set_client_name: bool,
    /// The server is a Tile38.
    #[arg(long, env = "REDIS_EXPORTER_IS_TILE38", value_parser = truth, action = ArgAction::Set, num_args = 0..=1, default_value = "false", default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub is_tile38: bool,
    /// The server belongs to a cluster: look for keys on all its masters, and serve /discover-cluster-nodes.
    #[arg(long, env = "REDIS_EXPORTER_IS_CLUSTER", value_parser = truth, action = ArgAction::Set, num_args = 0..=1, default_value = "false", default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub is_cluster: bool,
    /// /discover-cluster-nodes gives host names where nodes announce them.
    #[arg(long, env = "REDIS_EXPORTER_CLUSTER_DISCOVER_HOSTNAMES", value_parser = truth, action = ArgAction::Set, num_args = 0..=1, default_value = "false", default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub cluster_discover_hostnames: bool,
    /// Metrics for each connected client.
    #[arg(long, env = "REDIS_EXPORTER_EXPORT_CLIENT_LIST", value_parser = truth, action = ArgAction::Set, num_args = 0..=1, default_value = "false", default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub export_client_list: bool,
    /// The client's port among the labels of its metrics.
    #[arg(long, env = "REDIS_EXPORTER_EXPORT_CLIENT_PORT", value_parser = truth, action = ArgAction::Set, num_args = 0..=1, default_value = "false", default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub export_client_port: bool,
    /// Only Redis' metrics, none of the exporter's own process.
    #[arg(long, env = "REDIS_EXPORTER_REDIS_ONLY_METRICS", value_parser = truth, action = ArgAction::Set, num_args = 0..=1, default_value = "false", default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub redis_only_metrics: bool,
    /// Ping the server after connecting and export how long that took.
    #[arg(long, env = "REDIS_EXPORTER_PING_ON_CONNECT", value_parser = truth, action = ArgAction::Set, num_args = 0..=1, default_value = "false", default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub ping_on_connect: bool,
    /// All settings of CONFIG as metrics.
    #[arg(long, env = "REDIS_EXPORTER_INCL_CONFIG_METRICS", value_parser = truth, action = ArgAction::Set, num_args = 0..=1, default_value = "false", default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub include_config_metrics: bool,
    /// Leave out settings that hold passwords.
    #[arg(long, env = "REDIS_EXPORTER_REDACT_CONFIG_METRICS", value_parser = truth, action = ArgAction::Set, num_args = 0..=1, default_value = "true", default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub redact_config_metrics: bool,
    /// Loaded modules as metrics.
    #[arg(long, env = "REDIS_EXPORTER_INCL_MODULES_METRICS", value_parser = truth, action = ArgAction::Set, num_args = 0..=1, default_value = "false", default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub include_modules_metrics: bool,
    /// Metrics of the search module's indexes.
    #[arg(long, env = "REDIS_EXPORTER_INCL_SEARCH_INDEXES_METRICS", value_parser = truth, action = ArgAction::Set, num_args = 0..=1, default_value = "false", default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub include_search_indexes_metrics: bool,
    /// Regular expression of the indexes to show.
    #[arg(long, env = "REDIS_EXPORTER_CHECK_SEARCH_INDEXES", default_value = ".*", value_name = "REGEX")]
    pub check_search_indexes: Regex,
    /// The other sentinels of each master, for a server that is a sentinel.
    #[arg(long, env = "REDIS_EXPORTER_INCL_SENTINEL_PEER_INFO", value_parser = truth, action = ArgAction::Set, num_args = 0..=1, default_value = "false", default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub include_sentinel_peer_info: bool,
    /// Size of the server's dump file, for a server on the exporter's own machine.
    #[arg(long, env = "REDIS_EXPORTER_INCL_RDB_FILE_SIZE_METRIC", value_parser = truth, action = ArgAction::Set, num_args = 0..=1, default_value = "false", default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub include_rdb_file_size_metric: bool,
    /// Give all of a server's metrics the label instance_role.
    #[arg(long, env = "REDIS_EXPORTER_APPEND_INSTANCE_ROLE_LABEL", value_parser = truth, action = ArgAction::Set, num_args = 0..=1, default_value = "false", default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub append_instance_role_label: bool,
    /// Never show values of keys.
    #[arg(long, env = "REDIS_EXPORTER_DISABLE_EXPORTING_KEY_VALUES", value_parser = truth, action = ArgAction::Set, num_args = 0..=1, default_value = "false", default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub disable_exporting_key_values: bool,
    /// No latency histograms.
    #[arg(long, env = "REDIS_EXPORTER_EXCLUDE_LATENCY_HISTOGRAM_METRICS", value_parser = truth, action = ArgAction::Set, num_args = 0..=1, default_value = "false", default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub exclude_latency_histogram_metrics: bool,
    /// Metrics of the server's machine, as its memory.
    #[arg(long, env = "REDIS_EXPORTER_INCL_SYSTEM_METRICS", value_parser = truth, action = ArgAction::Set, num_args = 0..=1, default_value = "false", default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub include_system_metrics: bool,
    /// Metrics of databases without keys.
    #[arg(long, env = "REDIS_EXPORTER_INCL_METRICS_FOR_EMPTY_DATABASES", value_parser = truth, action = ArgAction::Set, num_args = 0..=1, default_value = "true", default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub include_metrics_for_empty_databases: bool,
    /// No key checks on servers that are masters.
    #[arg(long, env = "REDIS_EXPORTER_SKIP_CHECKKEYS_FOR_ROLE_MASTER", value_parser = truth, action = ArgAction::Set, num_args = 0..=1, default_value = "false", default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub skip_checkkeys_for_role_master: bool,
    /// Turn /scrape off.
    #[arg(long, env = "REDIS_EXPORTER_DISABLE_SCRAPE_ENDPOINT", value_parser = truth, action = ArgAction::Set, num_args = 0..=1, default_value = "false", default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub disable_scrape_endpoint: bool,
    /// Verbose logging.
    #[arg(long, env = "REDIS_EXPORTER_DEBUG", value_parser = truth, action = ArgAction::Set, num_args = 0..=1, default_value = "false", default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub debug: bool,
    /// Go's runtime is not in here: changes nothing.
    #[arg(long, env = "REDIS_EXPORTER_INCLUDE_GO_RUNTIME_METRICS", value_parser = truth, action = ArgAction::Set, num_args = 0..=1, default_value = "false", default_missing_value = "true", require_equals = true, hide = true)]
    pub include_go_runtime_metrics: bool,
    /// Log level.
    #[arg(
        long,
        env = "REDIS_EXPORTER_LOG_LEVEL",
        default_value = "INFO",
        ignore_case = true,
        value_enum,
        value_name = "LEVEL"
    )]
    pub log_level: LogLevel,
    /// Log format: txt or json.
    #[arg(long, env = "REDIS_EXPORTER_LOG_FORMAT", default_value = "txt", value_parser = log_format, value_name = "FORMAT")]
    pub log_format: LogFormat,
    /// Where and how to serve.
    #[command(flatten)]
    pub web: WebOptions,
    #[command(flatten)]
    unbuilt: unbuilt::Unbuilt,
}

fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text.to_owned()))
}

/// Go's and Prometheus' durations agree on what people write here: `15s`, `500ms`, `1m30s`.
fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|error| error.to_string())
}

fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "txt" | "logfmt" => Ok(LogFormat::Logfmt),
        "json" => Ok(LogFormat::Json),
        _ => Err("want txt or json".to_owned()),
    }
}

impl Options {
    /// Reads the command line; ends the process on wrong flags, `--help` and `--version`, as clap does.
    #[must_use]
    pub fn from_command_line() -> Self {
        Self::from_flags(std::env::args_os()).unwrap_or_else(|error| error.exit())
    }

    /// Reads flags from a list, the program's name first.
    ///
    /// # Errors
    /// Clap's error for flags that are wrong.
    pub fn from_flags<I: IntoIterator<Item = S>, S: Into<OsString>>(flags: I) -> Result<Self, clap::Error> {
        let mut command = Self::command()
            .mut_arg("listen_addresses", |arg| arg.env("REDIS_EXPORTER_WEB_LISTEN_ADDRESS"))
            .mut_arg("telemetry_path", |arg| arg.env("REDIS_EXPORTER_WEB_TELEMETRY_PATH"));
        let known: BTreeSet<String> = command
            .get_arguments()
            .filter_map(|arg| arg.get_long())
            .chain(["help", "version"])
            .map(String::from)
            .collect();
        let flags = flags.into_iter().map(|flag| two_dashes(flag.into(), &known));
        let matches = command.try_get_matches_from_mut(flags)?;
        Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    }

    /// How to log.
    #[must_use]
    pub fn log(&self) -> LogOptions {
        let level = if self.debug { LogLevel::Debug } else { self.log_level };
        LogOptions { level, format: self.log_format }
    }

    /// How to check servers' certificates, and which one to show. For what name they must be is [`crate::session`]'s:
    /// requests may bring their own.
    #[must_use]
    pub fn tls(&self) -> TlsConfig {
        let file = |text: &String| (!text.is_empty()).then(|| text.into());
        TlsConfig {
            ca_file: file(&self.tls_ca_cert_file),
            cert_file: file(&self.tls_client_cert_file),
            key_file: file(&self.tls_client_key_file),
            insecure_skip_verify: self.skip_tls_verification,
            ..TlsConfig::default()
        }
    }
}

/// `-web.listen-address` as `--web.listen-address`: the original takes both, and its users write the first. Whatever is
/// no flag's name stays as it is: it may be a password that begins with a dash.
fn two_dashes(flag: OsString, known: &BTreeSet<String>) -> OsString {
    let name = flag.to_str().and_then(|text| text.strip_prefix('-')).map(|text| text.split('=').next().unwrap_or(text));
    match (name, flag.to_str()) {
        (Some(name), Some(text)) if known.contains(name) => OsString::from(format!("-{text}")),
        _ => flag,
    }
}

/// What Go takes for a truth value: users have these in environment variables.
fn truth(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("want true or false".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::Options;

    fn read(flags: &[&str]) -> Result<Options, String> {
        let flags = std::iter::once("exporter").chain(flags.iter().copied());
        Options::from_flags(flags).map_err(|error| error.to_string())
    }

    #[test]
    fn long_flags_may_stand_behind_one_dash() {
        let options = read(&["-web.listen-address", ":9121", "-redis.password", "test1234"]).expect("flags");
        assert_eq!(options.web.listen_addresses, [":9121"]);
        assert_eq!(options.redis_password(), "test1234");
        let options = read(&["-redis.password=-p", "-debug", "-set-client-name=false"]).expect("flags");
        assert_eq!((options.redis_password(), options.debug, options.set_client_name), ("-p", true, false));
        assert_eq!(read(&["--redis.password", "-secret"]).expect("flags").redis_password(), "-secret");
    }

    #[test]
    fn what_is_not_built_is_refused_by_name() {
        for flags in [&["-tls-server-key-file", "a.pem"][..], &["--basic-auth-username=me"]] {
            let error = read(flags).expect_err("refused");
            assert!(error.contains("is not supported yet") && error.contains("--"), "{error}");
        }
        read(&["--basic-auth-password="]).expect("what is off asks for nothing");
    }

    impl Options {
        fn redis_password(&self) -> &str {
            self.password.expose()
        }
    }
}
