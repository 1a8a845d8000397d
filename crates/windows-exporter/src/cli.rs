//! The command line: windows_exporter's flags, and the commands that care for the Windows service. Flags of a single
//! collector are declared with it; see [`crate::collector`].

use std::ffi::{OsStr, OsString};

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, Args as _, Command, FromArgMatches as _};
use daemon::logging::LogOptions;
use exporter::{Flag, Values, WebOptions};

use crate::app::Options;
use crate::collector::{LEGACY, NOT_BUILT, TABLE};

/// Flags of the program as a whole, besides those for the web and the log.
const FLAGS: &[Flag] = &[
    Flag::text(
        ENABLED,
        DEFAULTS,
        "Comma-separated list of collectors to use. Use '[defaults]' as a placeholder for all the collectors enabled by \
         default.",
    ),
    Flag::text(DISABLED, "", "Comma-separated list of collectors to leave out, defaults included."),
    Flag::switch(PRINT, false, "Print the available collectors and exit."),
    Flag::switch(LEGACY, true, "Also show metrics under the names of old versions, and enable the collector cs."),
    Flag::text("collector.deadline", "5s", "How long a scrape waits for a collector."),
    Flag::text(TELEMETRY_PATH, "", "URL path for surfacing collected metrics (default: /metrics)."),
    Flag::text("config.file", "", "Configuration file (not supported yet: must be empty)."),
    Flag::text("log.file", "stderr", "Where to log (only stderr is supported yet)."),
    Flag::switch("debug.enabled", false, "Debug endpoints (not supported).").hidden(),
    Flag::text("scrape.timeout-margin", "0.5", "Seconds kept of a scrape's timeout (only 0.5 is supported yet)."),
    Flag::text("process.priority", "normal", "Priority of the process (only normal is supported yet)."),
    Flag::text("process.memory-limit", "", "Accepted so that old command lines work, and ignored.").hidden(),
];

/// Flags that are known but take only these values until there is more behind them.
const FIXED: &[(&str, &[&str])] = &[
    ("config.file", &[""]),
    ("log.file", &["stderr"]),
    ("debug.enabled", &["false"]),
    ("scrape.timeout-margin", &["0.5"]),
    ("process.priority", &["normal"]),
];

const ENABLED: &str = "collectors.enabled";
const DISABLED: &str = "collectors.disabled";
const PRINT: &str = "collectors.print";
const TELEMETRY_PATH: &str = "telemetry.path";
/// In a list of collectors: all that are on by default.
const DEFAULTS: &str = "[defaults]";

/// What a command line says.
#[derive(Debug)]
pub struct Parsed {
    /// How to log.
    pub log: LogOptions,
    /// What to do.
    pub action: Action,
}

/// What to do.
#[derive(Debug)]
pub enum Action {
    /// Serve metrics until a signal comes.
    Run(Box<Options>),
    /// Serve metrics on behalf of the service manager, which started this process.
    Serve(Box<Options>),
    /// Make this program a Windows service.
    Install {
        /// Whether the service starts a while after the others at boot.
        delayed: bool,
        /// The exporter's flags in the service.
        arguments: Vec<OsString>,
    },
    /// Stop the service and remove it.
    Uninstall,
    /// Start the service.
    Start,
    /// Stop the service.
    Stop,
    /// List the collectors.
    Print,
}

/// The command under which the service manager starts this program.
pub const SERVE: &str = "serve-as-service";

/// Reads a command line, the program's name first.
///
/// # Errors
/// clap's, which also stands for `--help` and `--version`.
pub fn parse<A: Into<OsString>>(arguments: impl IntoIterator<Item = A>) -> Result<Parsed, clap::Error> {
    let mut arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    let first = arguments.get(1).and_then(|argument| argument.to_str()).unwrap_or("").to_owned();
    let action = match first.as_str() {
        SERVE => {
            arguments.remove(1);
            let (log, options) = options(arguments)?;
            return Ok(Parsed { log, action: Action::Serve(Box::new(options)) });
        }
        "install" => install(arguments)?,
        "uninstall" | "start" | "stop" => {
            command().try_get_matches_from_mut(arguments)?;
            match first.as_str() {
                "uninstall" => Action::Uninstall,
                "start" => Action::Start,
                _ => Action::Stop,
            }
        }
        _ => {
            let (log, options) = options(arguments)?;
            let print = options.values.on(PRINT);
            return Ok(Parsed { log, action: if print { Action::Print } else { Action::Run(Box::new(options)) } });
        }
    };
    Ok(Parsed { log: LogOptions::default(), action })
}

/// All flags that are not clap's own structures.
pub fn flags() -> impl Iterator<Item = &'static Flag> + Clone {
    FLAGS.iter().chain(TABLE.iter().flat_map(|entry| entry.flags))
}

fn options(arguments: Vec<OsString>) -> Result<(LogOptions, Options), clap::Error> {
    let mut command = command();
    if let Some(name) = arguments.iter().find_map(|argument| not_built(argument)) {
        return Err(command.error(ErrorKind::InvalidValue, no_collector(name)));
    }
    let matches = command.try_get_matches_from_mut(arguments)?;
    let values = Values::from_matches(flags(), &matches);
    for (flag, known) in FIXED {
        if !known.contains(&values.text(flag)) {
            let text = format!("--{flag}: {:?} is not supported yet", values.text(flag));
            return Err(command.error(ErrorKind::InvalidValue, text));
        }
    }
    let mut web = WebOptions::from_arg_matches(&matches)?;
    if values.given(TELEMETRY_PATH) {
        values.text(TELEMETRY_PATH).clone_into(&mut web.telemetry_path);
    }
    let log = LogOptions::from_arg_matches(&matches)?;
    let enabled = enabled(&values).map_err(|text| command.error(ErrorKind::InvalidValue, text))?;
    Ok((log, Options { web, enabled, values }))
}

/// The service's flags are checked now: at boot nobody would see what is wrong with them.
fn install(arguments: Vec<OsString>) -> Result<Action, clap::Error> {
    let program = arguments.first().cloned().unwrap_or_default();
    let matches = command().try_get_matches_from_mut(arguments)?;
    let install = matches.subcommand_matches("install");
    let delayed = install.is_some_and(|install| install.get_flag("delayed"));
    let given = install.and_then(|install| install.get_many::<OsString>("flags"));
    let arguments: Vec<_> = given.into_iter().flatten().cloned().collect();
    options(std::iter::once(program).chain(arguments.iter().cloned()).collect())?;
    Ok(Action::Install { delayed, arguments })
}

/// The collectors that are on, in the table's order.
fn enabled(values: &Values) -> Result<Vec<&'static str>, String> {
    let defaults = || {
        let on = TABLE.iter().filter(|entry| entry.default_on && (entry.name != "cs" || values.on(LEGACY)));
        on.map(|entry| entry.name)
    };
    let mut on = Vec::new();
    for name in names(values.text(ENABLED)) {
        if name == DEFAULTS {
            on.extend(defaults());
        } else {
            on.push(known(ENABLED, name)?);
        }
    }
    for name in names(values.text(DISABLED)) {
        // To leave out what is not there is fine.
        on.retain(|other| *other != name);
        if !NOT_BUILT.contains(&name) {
            known(DISABLED, name)?;
        }
    }
    Ok(TABLE.iter().map(|entry| entry.name).filter(|name| on.contains(name)).collect())
}

fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty())
}

fn known(flag: &str, name: &str) -> Result<&'static str, String> {
    if NOT_BUILT.contains(&name) {
        return Err(format!("--{flag}: {}", no_collector(name)));
    }
    let entry = TABLE.iter().find(|entry| entry.name == name);
    entry.map(|entry| entry.name).ok_or_else(|| format!("--{flag}: unknown collector {name:?}"))
}

fn no_collector(name: &str) -> String {
    format!("this exporter does not have the collector {name} yet")
}

fn command() -> Command {
    let command = Command::new("firewatch-windows-exporter")
        .about("Metrics of a Windows host")
        .version(daemon::options::VERSION)
        .args_override_self(true)
        .args_conflicts_with_subcommands(true);
    let command = LogOptions::augment_args(WebOptions::augment_args(command));
    let delayed = Arg::new("delayed").long("delayed").action(ArgAction::SetTrue);
    let install = Command::new("install").about("Make this program a Windows service that starts at boot").args([
        delayed.help("Start a while after the services that start first"),
        Arg::new("flags")
            .help("Flags of the exporter in the service")
            .num_args(0..)
            .trailing_var_arg(true)
            .allow_hyphen_values(true)
            .value_parser(clap::value_parser!(OsString)),
    ]);
    let command = command.subcommands([
        install,
        Command::new("uninstall").about("Stop the Windows service and remove it"),
        Command::new("start").about("Start the Windows service"),
        Command::new("stop").about("Stop the Windows service"),
    ]);
    flags().fold(command, |command, flag| flag.add_to(command))
}

/// The collector whose flag an argument is, although the collector is not there.
fn not_built(argument: &OsStr) -> Option<&'static str> {
    let flag = argument.to_str()?;
    // The second form is that of old versions.
    let flag = flag.strip_prefix("--collector.").or_else(|| flag.strip_prefix("--collectors."))?;
    let name = flag.split(['.', '=']).next()?;
    NOT_BUILT.iter().copied().find(|absent| *absent == name)
}

#[cfg(test)]
mod tests;
