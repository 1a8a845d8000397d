//! Systems that are not Windows: the program builds there, and says where it runs.

use std::process::ExitCode;

use crate::cli::Action;

/// Refuses whatever was asked for.
#[must_use]
pub fn perform(_: Action) -> ExitCode {
    tracing::error!("this program runs on Windows only; for this host there is firewatch-node-exporter");
    ExitCode::from(daemon::run::EXIT_FAILURE)
}
