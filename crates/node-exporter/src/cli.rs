//! The command line: node_exporter's flags. Those of a single collector are declared with it; see [`crate::collector`].

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args as _, Command, FromArgMatches as _};
use daemon::logging::LogOptions;
use exporter::{Flag, Values, WebOptions};
use jiff::tz::TimeZone;

use crate::app::Options;
use crate::collector::{NOT_BUILT, TABLE};
use crate::roots::Roots;

/// Flags of the program as a whole, besides those for the web and the log.
const FLAGS: &[Flag] = &[
    Flag::text("path.procfs", "/proc", "procfs mountpoint."),
    Flag::text("path.sysfs", "/sys", "sysfs mountpoint."),
    Flag::text("path.rootfs", "/", "rootfs mountpoint."),
    Flag::text("path.udev.data", "/run/udev/data", "udev data path."),
    Flag::switch(DISABLE_DEFAULTS, false, "Set all collectors to disabled by default."),
    Flag::text("collector.deadline", "5s", "How long a scrape waits for a collector."),
    Flag::text("runtime.gomaxprocs", "1", "Accepted so that old command lines work, and ignored.").hidden(),
];

/// Where every program looks for the address of the system's message bus.
const SYSTEM_BUS_ADDRESS: &str = "DBUS_SYSTEM_BUS_ADDRESS";

/// Where the bus is when nobody says otherwise.
const SYSTEM_BUS: &str = "/run/dbus/system_bus_socket";

const DISABLE_DEFAULTS: &str = "collector.disable-defaults";

/// What a command line says.
#[derive(Debug)]
pub struct Parsed {
    /// How to log.
    pub log: LogOptions,
    /// What to run.
    pub options: Options,
}

/// Reads a command line, the program's name first.
///
/// # Errors
/// clap's, which also stands for `--help` and `--version`.
pub fn parse<A: Into<OsString>>(arguments: impl IntoIterator<Item = A>) -> Result<Parsed, clap::Error> {
    let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    let mut command = command();
    if let Some(name) = arguments.iter().find_map(|argument| not_built(argument)) {
        let text = format!("--collector.{name}: this exporter does not have the collector {name} yet");
        return Err(command.error(ErrorKind::InvalidValue, text));
    }
    let matches = command.try_get_matches_from_mut(arguments)?;
    let values = Values::from_matches(flags(), &matches);
    let path = |flag: &str| PathBuf::from(values.text(flag));
    let roots = Roots {
        proc: path("path.procfs"),
        sys: path("path.sysfs"),
        root: path("path.rootfs"),
        udev: path("path.udev.data"),
    };
    let web = WebOptions::from_arg_matches(&matches)?;
    let log = LogOptions::from_arg_matches(&matches)?;
    let enabled = enabled(&values);
    let system_bus = system_bus(std::env::var(SYSTEM_BUS_ADDRESS).ok().as_deref());
    let time_zone = TimeZone::system();
    Ok(Parsed { log, options: Options { web, roots, enabled, values, time_zone, system_bus } })
}

/// All flags that are not clap's own structures.
pub fn flags() -> impl Iterator<Item = &'static Flag> + Clone {
    let own = TABLE.iter().flat_map(|entry| std::iter::once(&entry.switch).chain(entry.flags));
    let absent = NOT_BUILT.iter().map(|absent| &absent.switch);
    FLAGS.iter().chain(own).chain(absent)
}

/// The collectors that are on: those that were asked for, and those on by default that were not refused.
#[must_use]
pub fn enabled(values: &Values) -> Vec<&'static str> {
    let defaults = !values.on(DISABLE_DEFAULTS);
    let is_on = |switch: &Flag, default_on: bool| {
        if values.given(switch.name) { values.on(switch.name) } else { default_on && defaults }
    };
    TABLE.iter().filter(|entry| is_on(&entry.switch, entry.default_on)).map(|entry| entry.name).collect()
}

/// The socket in an address such as `unix:path=/run/dbus/system_bus_socket`, the first of several, or the usual one.
fn system_bus(address: Option<&str>) -> PathBuf {
    let socket = |address: &str| {
        let parts = address.strip_prefix("unix:")?.split(',');
        parts.filter_map(|part| part.strip_prefix("path=")).map(PathBuf::from).next()
    };
    address.and_then(|address| address.split(';').find_map(socket)).unwrap_or_else(|| PathBuf::from(SYSTEM_BUS))
}

fn command() -> Command {
    let command = Command::new("firewatch-node-exporter")
        .about("Metrics of a Linux host")
        .version(daemon::options::VERSION)
        .args_override_self(true);
    let command = LogOptions::augment_args(WebOptions::augment_args(command));
    flags().fold(command, |command, flag| flag.add_to(command))
}

/// The collector that an argument asks for although it is not there: by its switch, or by a flag of its own.
/// `--no-collector.<name>` asks for nothing and is fine; `--no-collector.<name>.<part>` asks for a collector in part.
fn not_built(argument: &OsStr) -> Option<&'static str> {
    let argument = argument.to_str()?;
    let in_part = || argument.strip_prefix("--no-collector.").filter(|flag| flag.contains('.'));
    let flag = argument.strip_prefix("--collector.").or_else(in_part)?;
    let name = flag.split(['.', '=']).next()?;
    NOT_BUILT.iter().map(|absent| absent.name).find(|absent| *absent == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Options, String> {
        let arguments = std::iter::once("firewatch-node-exporter").chain(arguments.iter().copied());
        parse(arguments).map(|parsed| parsed.options).map_err(|error| error.to_string())
    }

    #[test]
    fn collectors_are_switched_by_their_flags() {
        let enabled = |arguments: &[&str]| parsed(arguments).unwrap().enabled;
        let defaults = enabled(&[]);
        assert!(defaults.contains(&"cpu") && defaults.contains(&"filesystem"));
        let without = enabled(&["--no-collector.cpu"]);
        assert_eq!(without.len() + 1, defaults.len());
        assert_eq!(enabled(&["--collector.disable-defaults", "--collector.cpu"]), ["cpu"]);
        assert_eq!(enabled(&["--no-collector.cpu", "--collector.cpu"]), defaults);
    }

    #[test]
    fn a_collector_that_is_not_there_is_refused() {
        for argument in ["--collector.perf", "--collector.perf.cpus=1", "--no-collector.perf.disable-cache-profilers"] {
            let error = parsed(&[argument]).unwrap_err();
            assert!(error.contains("does not have the collector perf yet"), "{error}");
        }
        assert!(parsed(&["--no-collector.perf"]).is_ok());
        assert!(parsed(&["--collector.unheard-of"]).unwrap_err().contains("unexpected argument"));
    }

    #[test]
    fn the_bus_may_be_elsewhere() {
        for (address, expected) in [
            (None, SYSTEM_BUS),
            (Some("unix:path=/a/b,guid=1"), "/a/b"),
            (Some("tcp:host=x;unix:guid=1,path=/c"), "/c"),
            (Some("odd"), SYSTEM_BUS),
        ] {
            assert_eq!(system_bus(address), PathBuf::from(expected), "{address:?}");
        }
    }

    #[test]
    fn paths_and_values_arrive() {
        let options =
            parsed(&["--path.procfs=/host/proc", "--collector.vmstat.fields", "^x", "--web.listen-address=:1"]);
        let options = options.unwrap();
        assert_eq!(options.roots.proc, PathBuf::from("/host/proc"));
        assert_eq!(options.values.text("collector.vmstat.fields"), "^x");
        assert_eq!(options.web.listen_addresses, [":1"]);
    }

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }
}
