//! The configuration file: text to a [`Config`] that everything else can rely on.
//!
//! Two steps: `raw` mirrors the YAML and denies unknown fields; `checked` fills defaults in, compiles what can be
//! compiled, and reads the rule files. The owner of a feature owns its section; this only composes.
//!
//! * `raw`, `checked`, `alerting`, `storage`: the two steps, and the sections that are the server's own
//! * `refused`: sections of the original that Firewatch does not have yet
//! * `cell`: the configuration that runs, and how the last reload went

mod alerting;
mod cell;
mod checked;
mod raw;
mod refused;
mod storage;

use std::fmt;
use std::path::Path;

use config_file::ConfigFileError;
use promql::Engine;
use rules::RuleFileErrors;

pub(crate) use alerting::{Alerting, AlertmanagerConfig};
pub(crate) use cell::ConfigCell;
pub use cell::ReloadState;
pub use checked::Config;
pub use storage::StorageConfig;

/// Looks a variable of the process's environment up, for external labels.
pub type Environment = fn(&str) -> Option<String>;

/// What a configuration is loaded with.
#[derive(Clone, Copy)]
pub struct LoadOptions<'a> {
    /// Parses the expressions of rules.
    pub engine: &'a Engine,
    /// Where `$NAME` in external labels comes from.
    pub environment: Environment,
    /// What becomes of the rule files.
    pub rule_files: RuleFiles,
}

/// What becomes of the rule files that a configuration names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleFiles {
    /// They are read and checked; one that does not exist may come later.
    Loaded,
    /// They must exist. The caller reads them.
    Named,
    /// Nothing.
    Untouched,
}

impl fmt::Debug for LoadOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadOptions").field("rule_files", &self.rule_files).finish_non_exhaustive()
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Something is wrong with the file itself.
    #[error(transparent)]
    File(#[from] ConfigFileError),
    /// Something is wrong with rule files.
    #[error("{0}")]
    Rules(RuleFileErrors),
}

/// Reads, checks and composes the configuration in `file`.
///
/// # Errors
/// [`ConfigError`] with file, line, column and key.
pub fn load(file: &Path, options: &LoadOptions<'_>) -> Result<Config, ConfigError> {
    let text = config_file::read(file)?;
    let raw: raw::RawConfig = config_file::parse(file, &text)?;
    checked::check(file, &text, raw, options)
}
