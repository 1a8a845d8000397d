//! Flags of the original whose features are not there. They are known, so that a unit file that sets them to what they
//! are anyway still works, and refused by name when they ask for something: to go on without it would hide that.

use clap::error::{Error, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

/// A flag, its environment variable, and the value that asks for nothing.
type Row = (&'static str, &'static str, Idle);

/// What a flag is when it asks for nothing.
#[derive(Clone, Copy)]
enum Idle {
    /// A switch that is off.
    Off,
    /// A text.
    Text(&'static str),
    /// Whatever it is: it only tunes another flag of this list.
    Any(&'static str),
}

use Idle::{Any, Off, Text};

const FLAGS: &[Row] = &[
    ("append-instance-role-label", "REDIS_EXPORTER_APPEND_INSTANCE_ROLE_LABEL", Off),
    ("basic-auth-hash-password", "REDIS_EXPORTER_BASIC_AUTH_HASH_PASSWORD", Text("")),
    ("basic-auth-password", "REDIS_EXPORTER_BASIC_AUTH_PASSWORD", Text("")),
    ("basic-auth-username", "REDIS_EXPORTER_BASIC_AUTH_USERNAME", Text("")),
    ("check-key-groups", "REDIS_EXPORTER_CHECK_KEY_GROUPS", Text("")),
    ("check-search-indexes", "REDIS_EXPORTER_CHECK_SEARCH_INDEXES", Any(".*")),
    ("cluster-discover-hostnames", "REDIS_EXPORTER_CLUSTER_DISCOVER_HOSTNAMES", Off),
    ("include-rdb-file-size-metric", "REDIS_EXPORTER_INCL_RDB_FILE_SIZE_METRIC", Off),
    ("include-search-indexes-metrics", "REDIS_EXPORTER_INCL_SEARCH_INDEXES_METRICS", Off),
    ("include-sentinel-peer-info", "REDIS_EXPORTER_INCL_SENTINEL_PEER_INFO", Off),
    ("is-cluster", "REDIS_EXPORTER_IS_CLUSTER", Off),
    ("is-tile38", "REDIS_EXPORTER_IS_TILE38", Off),
    ("lua-script-read-only", "REDIS_EXPORTER_LUA_SCRIPT_READ_ONLY", Off),
    ("max-distinct-key-groups", "REDIS_EXPORTER_MAX_DISTINCT_KEY_GROUPS", Any("100")),
    ("script", "REDIS_EXPORTER_SCRIPT", Text("")),
    ("tls-server-ca-cert-file", "REDIS_EXPORTER_TLS_SERVER_CA_CERT_FILE", Text("")),
    ("tls-server-cert-file", "REDIS_EXPORTER_TLS_SERVER_CERT_FILE", Text("")),
    ("tls-server-key-file", "REDIS_EXPORTER_TLS_SERVER_KEY_FILE", Text("")),
    ("tls-server-min-version", "REDIS_EXPORTER_TLS_SERVER_MIN_VERSION", Any("TLS1.2")),
];

/// Nothing: to have one means that no such flag was used.
#[derive(Debug, Clone)]
pub(super) struct Unbuilt;

impl Args for Unbuilt {
    fn augment_args(command: Command) -> Command {
        FLAGS.iter().fold(command, |command, row| command.arg(arg(*row)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Unbuilt {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let asks = |(name, _, idle): &&Row| match idle {
            Off => matches.get_one::<bool>(name) == Some(&true),
            Text(idle) => matches.get_one::<String>(name).is_some_and(|text| text != idle),
            Any(_) => false,
        };
        match FLAGS.iter().find(asks) {
            Some((name, ..)) => Err(Error::raw(ErrorKind::InvalidValue, format!("--{name} is not supported yet"))),
            None => Ok(Self),
        }
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        Self::from_arg_matches(matches).map(drop)
    }
}

fn arg((name, env, idle): Row) -> Arg {
    let arg = Arg::new(name).long(name).env(env).hide(true).action(ArgAction::Set);
    match idle {
        Off => arg
            .value_parser(super::truth)
            .num_args(0..=1)
            .default_value("false")
            .default_missing_value("true")
            .require_equals(true),
        Text(default) | Any(default) => arg.default_value(default).hide_env_values(true).allow_hyphen_values(true),
    }
}
