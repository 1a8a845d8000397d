//! Defaults of flags, from configuration files.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, anyhow};
use config_file::ConfigFileError;

use crate::config::values::GoDuration;

/// Values by flag.
#[derive(Debug, Default)]
pub struct Settings {
    values: BTreeMap<String, String>,
    /// Who runs the tool.
    pub(super) user: String,
}

impl Settings {
    /// Reads those of `files` that are there; earlier ones win.
    ///
    /// # Errors
    /// What is wrong with a file.
    pub fn load(files: &[PathBuf], user: String) -> Result<Self, ConfigFileError> {
        let mut values = BTreeMap::new();
        for file in files.iter().filter(|file| file.is_file()) {
            let text = config_file::read(file)?;
            let read: BTreeMap<String, String> = config_file::parse(file, &text)?;
            for (name, value) in &read {
                // The older name gives way to the newer one.
                let name = if name == "comment_required" { "require-comment" } else { name };
                if name == "require-comment" && read.contains_key(name) && read[name] != *value {
                    continue;
                }
                values.entry(name.to_owned()).or_insert_with(|| value.clone());
            }
        }
        Ok(Self { values, user })
    }

    /// The value for a flag.
    pub(super) fn get(&self, flag: &str) -> Option<&str> {
        self.values.get(flag).map(String::as_str)
    }

    /// A duration: the flag if it was given, else the file's value.
    pub(super) fn duration(&self, flag: &str, given: Option<Duration>) -> Result<Option<Duration>> {
        match (given, self.get(flag)) {
            (Some(given), _) => Ok(Some(given)),
            (None, None) => Ok(None),
            (None, Some(text)) => {
                GoDuration::parse(text).map(|duration| Some(duration.0)).map_err(|error| anyhow!("{flag}: {error}"))
            }
        }
    }
}
