//! `firewatch-promtool`: checks of configurations, rules and metrics, queries against a server, tests of queries.
//!
//! Grammar and exit codes are those of the original's tool: 0 when all is well, 1 when something failed, 3 when lints that
//! are fatal found something. What is missing of its grammar is refused by name.
//!
//! * `check`: `check config`, `check rules`, `check web-config`, `check metrics`
//! * `files`: files that a configuration names
//! * `remote`: `check healthy`, `check ready`, `query ...`
//! * `test`: `test promql`

mod check;
mod files;
mod lint;
mod remote;
mod test;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use promql::{Engine, EngineOptions};

use crate::cli::parse_features;

use lint::LintOptions;
use remote::{QueryCommand, ServerUrl};

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
    #[command(subcommand)]
    Check(CheckCommand),
    /// Run query against a server.
    #[command(subcommand)]
    Query(QueryCommand),
    /// Unit testing.
    #[command(subcommand)]
    Test(TestCommand),
    /// PromQL formatting and editing.
    #[command(subcommand)]
    Promql(PromqlCommand),
    /// Not supported yet.
    #[command(hide = true)]
    Debug(Refused),
    /// Not supported yet.
    #[command(hide = true)]
    Push(Refused),
    /// Not supported yet.
    #[command(hide = true)]
    Tsdb(Refused),
}

/// Whatever follows a command that is not there.
#[derive(Debug, Args)]
struct Refused {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

#[derive(Debug, Subcommand)]
enum CheckCommand {
    /// Check if the config files are valid or not.
    Config {
        /// Only check the config file syntax, ignoring file and content validation referenced in the config.
        #[arg(long = "syntax-only")]
        syntax_only: bool,
        #[command(flatten)]
        lint: LintOptions,
        /// The config files to check.
        #[arg(required = true, value_name = "CONFIG-FILES")]
        files: Vec<PathBuf>,
    },
    /// Check if the rule files are valid or not.
    Rules {
        #[command(flatten)]
        lint: LintOptions,
        /// The rule files to check, default is read from standard input.
        #[arg(value_name = "RULE-FILES")]
        files: Vec<PathBuf>,
    },
    /// Pass metrics over stdin to lint them for consistency and correctness.
    Metrics {
        /// Print how many samples each family has.
        #[arg(long)]
        extended: bool,
        /// Linting checks to apply for metrics: all, none.
        #[arg(long, default_value = "all", value_name = "CHECKS", value_parser = ["all", "none"])]
        lint: String,
    },
    /// Check if the web config files are valid or not.
    #[command(name = "web-config")]
    WebConfig {
        /// The config files to check.
        #[arg(required = true, value_name = "WEB-CONFIG-FILES")]
        files: Vec<PathBuf>,
    },
    /// Check if the server is healthy.
    Healthy(ServerUrl),
    /// Check if the server is ready.
    Ready(ServerUrl),
    /// Not supported yet.
    #[command(hide = true, name = "service-discovery")]
    ServiceDiscovery(Refused),
}

#[derive(Debug, Subcommand)]
enum TestCommand {
    /// Run scripts in the language of the query engine's own tests.
    Promql {
        /// The scripts.
        #[arg(required = true, value_name = "FILES")]
        files: Vec<PathBuf>,
    },
    /// Not supported yet.
    #[command(hide = true)]
    Rules(Refused),
}

#[derive(Debug, Subcommand)]
enum PromqlCommand {
    /// Format PromQL query to pretty printed form.
    Format {
        /// PromQL query.
        query: String,
    },
    /// Not supported yet.
    #[command(hide = true, name = "label-matchers")]
    LabelMatchers(Refused),
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
    let engine = match parse_features(&cli.features) {
        Ok(enabled) => Engine::new(EngineOptions { features: enabled.promql, ..EngineOptions::default() }),
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::FAILURE;
        }
    };
    run(cli.command, &engine).into()
}

fn run(command: Command, engine: &Engine) -> Outcome {
    match command {
        Command::Check(CheckCommand::Config { syntax_only, lint, files }) => {
            check::configs(&files, syntax_only, &lint, engine)
        }
        Command::Check(CheckCommand::Rules { lint, files }) => check::rules(&files, &lint, engine),
        Command::Check(CheckCommand::Metrics { extended, lint }) => check::metrics(extended, lint == "all"),
        Command::Check(CheckCommand::Healthy(url)) => remote::check(&url, "healthy"),
        Command::Check(CheckCommand::Ready(url)) => remote::check(&url, "ready"),
        Command::Check(CheckCommand::ServiceDiscovery(_)) => refuse("check service-discovery"),
        Command::Check(CheckCommand::WebConfig { files }) => check::web_configs(&files),
        Command::Query(query) => remote::query(&query),
        Command::Test(TestCommand::Promql { files }) => test::promql(&files),
        Command::Test(TestCommand::Rules(_)) => refuse("test rules"),
        Command::Promql(PromqlCommand::Format { query }) => match engine.parse(&query) {
            Ok(expr) => {
                println!("{}", expr.pretty());
                Outcome::Fine
            }
            Err(errors) => failed(errors),
        },
        Command::Promql(PromqlCommand::LabelMatchers(_)) => refuse("promql label-matchers"),
        Command::Debug(_) => refuse("debug"),
        Command::Push(_) => refuse("push"),
        Command::Tsdb(_) => refuse("tsdb"),
    }
}

fn refuse(command: &str) -> Outcome {
    failed(format!("{command}: not supported by firewatch-promtool yet"))
}

fn failed(message: impl std::fmt::Display) -> Outcome {
    eprintln!("{message}");
    Outcome::Failed
}
