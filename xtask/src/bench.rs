//! `cargo xtask bench`: the criterion benches of the crates.

use anyhow::Result;

use crate::{exec, setup};

/// Flags of `cargo xtask bench`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only these packages.
    #[arg(short, long = "package", value_name = "PACKAGE")]
    packages: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let toolbox = setup::build()?;
    let mut cargo = toolbox.cargo();
    cargo.arg("bench");
    if options.packages.is_empty() {
        cargo.arg("--workspace");
    }
    cargo.args(options.packages.iter().flat_map(|package| ["--package", package])).args(["--bench", "*"]);
    exec::run(&mut cargo)
}
