//! `check web-config`: files for TLS, passwords and headers of listeners.

use std::path::PathBuf;

use clap::Args;
use daemon::web::WebConfig;

use crate::promtool::{Outcome, failed};

#[derive(Debug, Args)]
pub(super) struct WebConfigOptions {
    /// The config files to check.
    #[arg(required = true, value_name = "WEB-CONFIG-FILES")]
    files: Vec<PathBuf>,
}

pub(super) fn run(options: &WebConfigOptions) -> Outcome {
    let mut outcome = Outcome::Fine;
    for path in &options.files {
        match WebConfig::load(path) {
            Ok(config) => {
                for warning in config.warnings() {
                    eprintln!("{} WARNING: {warning}", path.display());
                }
                eprintln!("{} SUCCESS", path.display());
            }
            Err(error) => outcome = failed(format!("{} FAILED: {}", path.display(), daemon::run::chain(&error))),
        }
    }
    outcome
}
