//! `firewatch-promtool`: checks of configurations, rules and metrics, unit tests of rules, queries against a server.
//!
//! Grammar and exit codes are those of the original's tool: 0 when all is well, 1 when something failed, 3 when lints that
//! are fatal found something. What is missing of its grammar is refused by name.
//!
//! * `check`: `check config`, `check rules`, `check web-config`, `check metrics`, `check service-discovery`, `check healthy`, `check ready`
//! * `query`: `query instant`, `query range`, `query series`, `query labels`, `query analyze`
//! * `test`: `test rules`, `test promql`
//! * `promql`: `promql format`, `promql label-matchers set` and `delete`
//! * `push`: `push metrics`
//! * `debug`: `debug metrics`, `debug all`
//! * `tsdb`: `tsdb ...`
//! * `shell`: completions and the manual page
//! * `server`: the server that several of them talk to

mod check;
mod debug;
mod promql;
mod push;
mod query;
mod server;
mod shell;
mod test;
mod tsdb;

use std::ffi::OsString;
use std::process::ExitCode;

use ::promql::{Engine, EngineOptions};
use clap::{Args, Parser, Subcommand};

use crate::cli::parse_features;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    Fine,
    /// Lints that are fatal found something.
    Lint,
    Failed,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Fine => Self::SUCCESS,
            Outcome::Failed => Self::FAILURE,
            Outcome::Lint => Self::from(3),
        }
    }
}

/// Tooling for the Firewatch monitoring server.
#[derive(Debug, Parser)]
#[command(name = "firewatch-promtool", display_name = "firewatch-promtool,", version = daemon::options::VERSION)]
struct Cli {
    /// Enable experimental commands. All commands there are can be used without.
    #[arg(long, global = true)]
    experimental: bool,
    /// Comma separated feature names to enable.
    #[arg(long = "enable-feature", global = true, value_delimiter = ',', value_name = "NAMES")]
    features: Vec<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check the resources for validity.
    Check(check::CheckOptions),
    /// Run query against a server.
    #[command(subcommand)]
    Query(query::QueryCommand),
    /// Fetch debug information.
    #[command(subcommand)]
    Debug(debug::DebugCommand),
    /// Push to a server.
    #[command(subcommand)]
    Push(push::PushCommand),
    /// Unit testing.
    #[command(subcommand)]
    Test(test::TestCommand),
    /// PromQL formatting and editing.
    #[command(subcommand)]
    Promql(promql::PromqlCommand),
    /// Run tsdb commands.
    #[command(subcommand)]
    Tsdb(tsdb::TsdbCommand),
    /// Print a script that completes command lines: `bash`, `elvish`, `fish`, `powershell` or `zsh`.
    #[command(hide = true)]
    Completions(shell::CompletionsOptions),
    /// Print the manual page.
    #[command(hide = true)]
    Man,
}

/// Whatever follows a command that is not there.
#[derive(Debug, Args)]
struct Refused {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

/// Runs the tool with a command line, the program's name first.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no failures; a closed pipe is nobody to tell.
            drop(error.print());
            return if error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    let options = match parse_features(&cli.features) {
        Ok(enabled) => EngineOptions { features: enabled.promql, ..EngineOptions::default() },
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::FAILURE;
        }
    };
    run(cli.command, options).into()
}

fn run(command: Command, options: EngineOptions) -> Outcome {
    match command {
        Command::Check(check) => check::run(&check, &Engine::new(options)),
        Command::Query(query) => query::run(&query),
        Command::Debug(debug) => debug::run(&debug),
        Command::Push(push) => push::run(&push),
        Command::Test(test) => test::run(&test, &options),
        Command::Promql(promql) => promql::run(&promql, &Engine::new(options)),
        Command::Tsdb(tsdb) => tsdb::run(tsdb, &Engine::new(options)),
        Command::Completions(options) => shell::completions(&options),
        Command::Man => shell::manual(),
    }
}

fn refuse(command: &str) -> Outcome {
    failed(format!("{command}: not supported by firewatch-promtool yet"))
}

fn failed(message: impl std::fmt::Display) -> Outcome {
    eprintln!("{message}");
    Outcome::Failed
}
