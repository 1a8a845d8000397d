//! Which volumes, disks, interfaces, services or processes a pair of flags keeps, and which parts of a collector run.

use exporter::{FlagError, Values};
use metrics_model::pattern::compile;
use regex::Regex;

/// Unlike in other exporters, include and exclude go together: a name must match the one, whole, and not the other.
#[derive(Debug)]
pub(super) struct Names {
    include: Regex,
    exclude: Option<Regex>,
}

impl Names {
    pub(super) fn from_flags(values: &Values, include: &str, exclude: &str) -> Result<Self, FlagError> {
        let regex = |flag: &str| {
            compile(values.text(flag)).map_err(|source| FlagError::Regex {
                flag: flag.to_owned(),
                value: values.text(flag).to_owned(),
                source,
            })
        };
        // An empty exclude leaves nothing out, not even what has no name.
        let exclude = if values.text(exclude).is_empty() { None } else { Some(regex(exclude)?) };
        Ok(Self { include: regex(include)?, exclude })
    }

    pub(super) fn keeps(&self, name: &str) -> bool {
        self.include.is_match(name) && !self.exclude.as_ref().is_some_and(|exclude| exclude.is_match(name))
    }
}

/// The parts of a collector that a flag such as `--collector.net.enabled` names, comma separated. An empty list stands for
/// those on by default: all that are there.
pub(super) fn parts(
    values: &Values,
    flag: &'static str,
    known: &[&'static str],
    not_built: &[&str],
) -> Result<Vec<&'static str>, FlagError> {
    let words = values.text(flag).split(',').map(str::trim).filter(|word| !word.is_empty());
    let find = |word: &str| match known.iter().find(|part| **part == word) {
        Some(part) => Ok(*part),
        None if not_built.contains(&word) => Err(FlagError::Unsupported { flag: format!("{flag}={word}") }),
        None => Err(FlagError::Word { flag: flag.to_owned(), value: word.to_owned(), known: known.join(", ") }),
    };
    let parts: Vec<_> = words.map(find).collect::<Result<_, _>>()?;
    Ok(if parts.is_empty() { known.to_vec() } else { parts })
}
