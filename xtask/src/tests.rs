//! `cargo xtask test`: sets up what the tests need, builds the binaries that they run, and runs all of them.

use anyhow::Result;

use crate::{exec, setup};

/// Flags of `cargo xtask test`.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Options {
    /// Only these packages; all when none is named.
    #[arg(short, long = "package", value_name = "PACKAGE")]
    packages: Vec<String>,
    /// Passed on to the test programs, after `--`.
    #[arg(last = true)]
    rest: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let toolbox = setup::everything()?;
    // Tests with real processes start the binaries that lie beside them.
    exec::run(toolbox.cargo().args(["build", "--workspace", "--bins"]))?;
    let mut cargo = toolbox.cargo();
    cargo.arg("test");
    if options.packages.is_empty() {
        cargo.arg("--workspace");
    } else {
        cargo.args(options.packages.iter().flat_map(|package| ["--package", package]));
    }
    // One failing crate must not hide what the others say.
    cargo.arg("--no-fail-fast").arg("--").args(&options.rest);
    exec::run(&mut cargo)
}
