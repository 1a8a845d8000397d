//! `cargo xtask bench`: the criterion benches of the crates; `cargo xtask bench exporters`: the exporters beside their
//! originals.

use anyhow::{Result, bail};

use crate::{exec, setup};

/// Flags of `cargo xtask bench`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// What to measure instead of the criterion benches: `exporters` for their start, memory and time beside the
    /// originals.
    #[arg(value_name = "WHAT")]
    what: Option<String>,
    /// Only these packages' criterion benches.
    #[arg(short, long = "package", value_name = "PACKAGE")]
    packages: Vec<String>,
    /// How long the exporters are scraped.
    #[arg(long, value_name = "N", default_value_t = 300)]
    seconds: u64,
}

/// The daemons that `exporters` measures. The Windows exporter is built for its own system.
const EXPORTERS: &[&str] = &["node-exporter", "redis-exporter", "pushgateway"];

pub(crate) fn run(options: &Options) -> Result<()> {
    let toolbox = setup::build()?;
    match options.what.as_deref() {
        None => criterion(&toolbox, &options.packages),
        Some("exporters") => exporters(&toolbox, options.seconds),
        Some(other) => bail!("nothing to measure is named {other:?}: known is exporters"),
    }
}

fn criterion(toolbox: &setup::Toolbox, packages: &[String]) -> Result<()> {
    let mut cargo = toolbox.cargo();
    cargo.arg("bench");
    if packages.is_empty() {
        cargo.arg("--workspace");
    }
    cargo.args(packages.iter().flat_map(|package| ["--package", package])).args(["--bench", "*"]);
    exec::run(&mut cargo)
}

fn exporters(toolbox: &setup::Toolbox, seconds: u64) -> Result<()> {
    let mut build = toolbox.cargo();
    build.args(["build", "--release"]).args(EXPORTERS.iter().flat_map(|package| ["--package", package]));
    exec::run(&mut build)?;
    let mut measure = toolbox.cargo();
    measure.args(["run", "--release", "--package", "e2e", "--example", "exporters", "--", &seconds.to_string()]);
    exec::run(&mut measure)
}
