//! `config routes`: the routing tree, and which way an alert takes through it.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use metrics_model::{Labels, MatchOp};

use super::Session;
use crate::matcher::parse_matcher;
use crate::route::{Route, RouteId, RouteTree};

#[derive(Debug, Args)]
pub(super) struct Routes {
    /// Configuration file to be tested.
    #[arg(long = "config.file", global = true, value_name = "FILE")]
    config_file: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<RoutesCommand>,
}

#[derive(Debug, Subcommand)]
enum RoutesCommand {
    /// Print the routing tree.
    Show,
    /// Print the receivers of an alert with the given labels.
    Test {
        /// Checks if specified receivers matches resolved receivers; the command fails if they do not.
        #[arg(long = "verify.receivers", default_value = "", value_name = "NAMES")]
        expected: String,
        /// Print out matching routes tree.
        #[arg(long)]
        tree: bool,
        /// List of labels to be tested against the configured routes.
        labels: Vec<String>,
    },
}

impl Routes {
    pub(super) async fn run(self, session: &mut Session<'_>) -> Result<ExitCode> {
        let tree = self.load(session).await?;
        match self.command {
            None | Some(RoutesCommand::Show) => {
                writeln!(session.out, "Routing tree:\n.")?;
                let show = |route: &Route| slug(route, true, true);
                print(session.out, &tree, tree.root(), "", true, &|_, _| true, &show)?;
                writeln!(session.out)?;
            }
            Some(RoutesCommand::Test { expected, tree: shows_tree, labels }) => {
                let labels = parse_labels(session, &labels)?;
                if shows_tree {
                    print_matching(session.out, &tree, &labels)?;
                }
                let receivers: Vec<&str> =
                    tree.matching(&labels).into_iter().map(|id| tree.get(id).options.receiver.as_str()).collect();
                let receivers = receivers.join(",");
                writeln!(session.out, "{receivers}")?;
                if !expected.is_empty() && expected != receivers {
                    writeln!(session.out, "WARNING: Expected receivers did not match resolved receivers.")?;
                    return Ok(ExitCode::FAILURE);
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// From the file, else from the running daemon.
    async fn load(&self, session: &Session<'_>) -> Result<RouteTree> {
        if let Some(file) = &self.config_file {
            if session.remote.is_some() {
                eprintln!("Warning: --config.file flag overrides the --alertmanager.url.");
            }
            return Ok(crate::config::load(file, session.syntax)?.routes);
        }
        let Some(remote) = &session.remote else {
            bail!("You have to specify one of --config.file or --alertmanager.url flags.");
        };
        let status = remote.get("status").await?;
        let text = status["config"]["original"].as_str().context("the daemon shows no configuration")?;
        Ok(crate::config::parse("running configuration".as_ref(), text, session.syntax)?.routes)
    }
}

/// `name=value` words as labels.
fn parse_labels(session: &Session<'_>, words: &[String]) -> Result<Labels> {
    let mut labels = Vec::new();
    for word in words {
        let matcher = parse_matcher(word, session.syntax).with_context(|| "Failed to parse labels")?;
        if matcher.op() != MatchOp::Equal {
            bail!("Labels must be specified as key=value pairs");
        }
        labels.push((matcher.name().to_owned(), matcher.value().to_owned()));
    }
    Ok(Labels::from_pairs(labels))
}

fn slug(route: &Route, shows_continue: bool, shows_receiver: bool) -> String {
    let mut slug = if route.matchers.is_empty() { "default-route".to_owned() } else { route.matchers.to_string() };
    if route.continue_matching && shows_continue {
        slug.push_str("  continue: true");
    }
    if shows_receiver {
        slug.push_str(&format!("  receiver: {}", route.options.receiver));
    }
    slug
}

/// The part of the tree that an alert passes; the receivers where it arrives.
fn print_matching(out: &mut (dyn Write + '_), tree: &RouteTree, labels: &Labels) -> Result<()> {
    let passes = |parent: RouteId, child: RouteId| {
        for (id, route) in tree.children(parent) {
            let matches = route.matchers.match_labels(labels);
            if id == child {
                return matches;
            }
            if matches && !route.continue_matching {
                return false;
            }
        }
        false
    };
    let show = |route: &Route| {
        let arrives = tree.iter().find(|(_, candidate)| candidate.id == route.id);
        let goes_on = arrives.is_some_and(|(id, _)| tree.children(id).any(|(child, _)| passes(id, child)));
        slug(route, false, !goes_on)
    };
    writeln!(out, "Matching routes:\n.")?;
    print(out, tree, tree.root(), "", true, &passes, &show)?;
    writeln!(out, "\n")?;
    Ok(())
}

/// Prints a route and those of its children that `wanted` chooses, with lines that show the tree.
fn print(
    out: &mut (dyn Write + '_),
    tree: &RouteTree,
    id: RouteId,
    indent: &str,
    is_last: bool,
    wanted: &dyn Fn(RouteId, RouteId) -> bool,
    show: &dyn Fn(&Route) -> String,
) -> Result<()> {
    let edge = if is_last { "└── " } else { "├── " };
    writeln!(out, "{indent}{edge}{}", show(tree.get(id)))?;
    let indent = format!("{indent}{}", if is_last { "    " } else { "│\u{a0}\u{a0} " });
    let children: Vec<RouteId> = tree.children(id).map(|(child, _)| child).filter(|child| wanted(id, *child)).collect();
    for (at, child) in children.iter().enumerate() {
        print(out, tree, *child, &indent, at + 1 == children.len(), wanted, show)?;
    }
    Ok(())
}
