//! The configuration: read, checked, and turned into what the daemon runs on.
//!
//! Two steps: [`raw`] mirrors the file, [`check`] finds everything that is wrong with it, with file, line, column and key.

pub(crate) mod check;
mod inhibit_rules;
pub(crate) mod raw;
mod receivers;
mod routes;
pub mod values;

use std::path::{Path, PathBuf};
use std::time::Duration;

use config_file::ConfigFileError;

use crate::alert::Pairs;
use crate::inhibit::Rule;
use crate::matcher::Syntax;
use crate::notify::settings::Settings;
use crate::route::RouteTree;
use crate::time_interval::TimeIntervals;

/// A configuration that the daemon can run on.
#[derive(Debug)]
pub struct Config {
    /// After which time an alert without an end counts as resolved.
    pub resolve_timeout: Duration,
    /// Who is told what.
    pub routes: RouteTree,
    /// How they are told, in the file's order. Names are unique; every route's receiver is here.
    pub receivers: Vec<Receiver>,
    /// Which alerts keep others quiet.
    pub inhibit_rules: Vec<Rule>,
    /// Named times in which routes are muted or active.
    pub time_intervals: TimeIntervals,
    /// Where templates are, as patterns that start from the folder of the configuration file.
    pub templates: Vec<PathBuf>,
    /// The whole configuration with its defaults and without its secrets, for people to see.
    pub shown: String,
    /// The bytes of the file, hashed: tells users whether two instances run on the same one.
    pub hash: u64,
}

/// Someone who is told of alerts, in one or several ways.
#[derive(Debug)]
pub struct Receiver {
    /// What routes call it.
    pub name: String,
    /// For finding it through the API.
    pub labels: Pairs,
    /// The ways.
    pub integrations: Vec<Integration>,
}

/// One way to tell a receiver.
#[derive(Debug)]
pub struct Integration {
    /// `slack`, `webhook`: the name in metrics and the notification log.
    pub kind: &'static str,
    /// The position among the receiver's integrations of this kind.
    pub index: usize,
    /// How it is done.
    pub settings: Box<dyn Settings>,
}

/// Reads and checks a configuration file.
///
/// # Errors
/// [`ConfigFileError`] about the first thing that is wrong, with its position.
pub fn load(file: &Path, syntax: Syntax) -> Result<Config, ConfigFileError> {
    let text = config_file::read(file)?;
    parse(file, &text, syntax)
}

/// Checks `text`, the content of `file`. Paths inside start from the folder of `file`; they are not opened.
///
/// # Errors
/// As for [`load`].
pub fn parse(file: &Path, text: &str, syntax: Syntax) -> Result<Config, ConfigFileError> {
    let raw: raw::RawConfig = config_file::parse(file, text)?;
    check::check(&check::Source { file, text, syntax }, raw)
}

#[cfg(test)]
mod tests;
