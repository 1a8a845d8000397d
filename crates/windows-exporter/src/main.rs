//! `firewatch-windows-exporter`: flags in, exit code out.

use std::process::ExitCode;

use windows_exporter::cli;

fn main() -> ExitCode {
    match cli::parse(std::env::args_os()) {
        Ok(cli::Parsed { log, action }) => {
            log.install();
            windows_exporter::perform(action)
        }
        Err(error) => {
            // Also the way of `--help` and `--version`, which end well.
            let code = u8::try_from(error.exit_code()).unwrap_or(daemon::run::EXIT_FAILURE);
            drop(error.print());
            ExitCode::from(code)
        }
    }
}
