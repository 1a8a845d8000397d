//! `test promql` and `test rules`.

mod junit;
mod promql;
mod rules;

use std::path::PathBuf;

use ::promql::EngineOptions;
use clap::Subcommand;

use super::Outcome;

#[derive(Debug, Subcommand)]
pub(super) enum TestCommand {
    /// Run scripts in the language of the query engine's own tests.
    Promql {
        /// The scripts.
        #[arg(required = true, value_name = "FILES")]
        files: Vec<PathBuf>,
    },
    /// Unit tests for rules.
    Rules(rules::RulesOptions),
}

pub(super) fn run(command: &TestCommand, engine: &EngineOptions) -> Outcome {
    match command {
        TestCommand::Promql { files } => promql::run(files),
        TestCommand::Rules(options) => rules::run(options, engine),
    }
}
