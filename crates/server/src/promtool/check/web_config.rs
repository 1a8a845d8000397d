//! `check web-config`: files for TLS, passwords and headers of listeners, as every daemon takes them.

use std::path::PathBuf;

use clap::Args;
use daemon::run::chain;
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
    for file in &options.files {
        match WebConfig::load(file) {
            Ok(config) => {
                for warning in config.warnings() {
                    eprintln!("{} WARNING: {warning}", file.display());
                }
                eprintln!("{} SUCCESS", file.display());
            }
            Err(error) => outcome = failed(format!("{} FAILED: {}", file.display(), chain(&error))),
        }
    }
    outcome
}
