//! What shells and manuals want to know of the command line. Packages call these when they are made.

use std::io::Write as _;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::{Cli, Outcome, failed};

#[derive(Debug, Args)]
pub(super) struct CompletionsOptions {
    /// The shell.
    shell: Shell,
}

pub(super) fn completions(options: &CompletionsOptions) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Cli::command(), "firewatch-promtool", &mut script);
    print(&script)
}

pub(super) fn manual() -> Outcome {
    let mut page = Vec::new();
    match clap_mangen::Man::new(Cli::command().display_name("firewatch-promtool")).render(&mut page) {
        Ok(()) => print(&page),
        Err(error) => failed(format!("cannot make the manual page: {error}")),
    }
}

fn print(text: &[u8]) -> Outcome {
    match std::io::stdout().write_all(text) {
        Ok(()) => Outcome::Fine,
        Err(error) => failed(format!("cannot print: {error}")),
    }
}
