//! The Alertmanager's process.

use std::process::ExitCode;

use alertmanager::app::App;
use alertmanager::cli::Cli;
use clap::Parser as _;

fn main() -> ExitCode {
    let cli = Cli::parse();
    cli.log.install();
    let options = match cli.options() {
        Ok(options) => options,
        Err(error) => {
            tracing::error!(error, "not started");
            return ExitCode::from(daemon::run::EXIT_FAILURE);
        }
    };
    daemon::run(None, || App::start(options))
}
