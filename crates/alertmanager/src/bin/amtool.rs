//! The Alertmanager's tool.

use std::path::PathBuf;
use std::process::ExitCode;

use alertmanager::amtool::{Cli, Settings, run};
use clap::Parser as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = match arguments() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    cli.install_logging();
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config/amtool/config.yml"));
    let files: Vec<PathBuf> = home.into_iter().chain([PathBuf::from("/etc/amtool/config.yml")]).collect();
    let user = std::env::var("USER").or_else(|_| std::env::var("USERNAME")).unwrap_or_default();
    let outcome = match Settings::load(&files, user) {
        Ok(settings) => run(cli, &settings, &mut std::io::stdout().lock()).await,
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("firewatch-amtool: error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The command line; without one, help. Whoever is told no by the original's tool finds the code 1 there, too.
fn arguments() -> Result<Cli, ExitCode> {
    let given: Vec<_> = std::env::args_os().collect();
    let given = if given.len() > 1 { given } else { vec!["firewatch-amtool".into(), "--help".into()] };
    Cli::try_parse_from(given).map_err(|error| {
        // Nothing is left to do where not even this can be printed.
        drop(error.print());
        if error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    })
}
