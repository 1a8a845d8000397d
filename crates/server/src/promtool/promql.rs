//! `promql format` and `promql label-matchers`: queries read, changed and printed again.

use clap::{Subcommand, ValueEnum};
use metrics_model::Matcher;
use metrics_model::matcher::MatchOp;
use promql::Engine;

use super::{Outcome, failed};

#[derive(Debug, Subcommand)]
pub(super) enum PromqlCommand {
    /// Format PromQL query to pretty printed form.
    Format {
        /// PromQL query.
        query: String,
    },
    /// Edit label matchers contained within an existing PromQL query.
    #[command(subcommand, name = "label-matchers")]
    LabelMatchers(LabelMatchersCommand),
}

#[derive(Debug, Subcommand)]
pub(super) enum LabelMatchersCommand {
    /// Set a label matcher in the query.
    Set {
        /// Type of the label matcher to set.
        #[arg(short = 't', long = "type", default_value = "=", allow_hyphen_values = true, value_name = "TYPE")]
        op: Operator,
        /// PromQL query.
        query: String,
        /// Name of the label matcher to set.
        name: String,
        /// Value of the label matcher to set.
        value: String,
    },
    /// Delete a label from the query.
    Delete {
        /// PromQL query.
        query: String,
        /// Name of the label to delete.
        name: String,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Operator {
    #[value(name = "=")]
    Equal,
    #[value(name = "!=")]
    NotEqual,
    #[value(name = "=~")]
    Regex,
    #[value(name = "!~")]
    NotRegex,
}

impl From<Operator> for MatchOp {
    fn from(operator: Operator) -> Self {
        match operator {
            Operator::Equal => Self::Equal,
            Operator::NotEqual => Self::NotEqual,
            Operator::Regex => Self::Regex,
            Operator::NotRegex => Self::NotRegex,
        }
    }
}

pub(super) fn run(command: &PromqlCommand, engine: &Engine) -> Outcome {
    match command {
        PromqlCommand::Format { query } => edit(engine, query, |_| {}),
        PromqlCommand::LabelMatchers(LabelMatchersCommand::Set { op, query, name, value }) => {
            match Matcher::new(name, (*op).into(), value) {
                Ok(matcher) => edit(engine, query, |matchers| set(matchers, &matcher)),
                Err(error) => failed(daemon::run::chain(&error)),
            }
        }
        PromqlCommand::LabelMatchers(LabelMatchersCommand::Delete { query, name }) => {
            edit(engine, query, |matchers| matchers.retain(|matcher| matcher.name() != name))
        }
    }
}

/// Puts a matcher in the place of all of the same label, or at the end.
fn set(matchers: &mut Vec<Matcher>, matcher: &Matcher) {
    let mut is_new = true;
    for known in matchers.iter_mut().filter(|known| known.name() == matcher.name()) {
        *known = matcher.clone();
        is_new = false;
    }
    if is_new {
        matchers.push(matcher.clone());
    }
}

/// Prints a query with the matchers of all its selectors changed.
fn edit(engine: &Engine, query: &str, change: impl FnMut(&mut Vec<Matcher>)) -> Outcome {
    match engine.parse(query) {
        Ok(mut expr) => {
            expr.edit_matchers(change);
            println!("{}", expr.pretty());
            Outcome::Fine
        }
        Err(errors) => failed(errors),
    }
}
