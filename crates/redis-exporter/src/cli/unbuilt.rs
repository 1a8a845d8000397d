//! Flags of the original whose features are not there. They are known, so that a unit file that sets them to what they
//! are anyway still works, and refused by name when they ask for something: to go on without it would hide that.

use clap::error::{Error, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

/// A flag, its environment variable, and the value that asks for nothing.
type Row = (&'static str, &'static str, Idle);

/// What a flag is when it asks for nothing.
#[derive(Clone, Copy)]
enum Idle {
    /// A text.
    Text(&'static str),
    /// Whatever it is: it only tunes another flag of this list.
    Any(&'static str),
}

use Idle::{Any, Text};

const FLAGS: &[Row] = &[
    ("basic-auth-hash-password", "REDIS_EXPORTER_BASIC_AUTH_HASH_PASSWORD", Text("")),
    ("basic-auth-password", "REDIS_EXPORTER_BASIC_AUTH_PASSWORD", Text("")),
    ("basic-auth-username", "REDIS_EXPORTER_BASIC_AUTH_USERNAME", Text("")),
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
    let (Text(default) | Any(default)) = idle;
    let arg = Arg::new(name).long(name).env(env).hide(true).action(ArgAction::Set);
    arg.default_value(default).hide_env_values(true).allow_hyphen_values(true)
}
