//! `cargo xtask compare WHAT`: the original and ours on the same input. The comparisons are tests named `twin` in the
//! crates; they skip, and say so, where the originals are not at hand.

use anyhow::{Result, bail};

use crate::{exec, setup};

/// Flags of `cargo xtask compare`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// What to compare.
    #[arg(value_name = "WHAT")]
    what: String,
    /// How long a comparison over time runs.
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<u64>,
}

/// A comparison: its name, the crate with the `twin` test, and what the names of its tests have in common.
const TWINS: &[(&str, &str, &str)] = &[
    ("alertmanager", "alertmanager", ""),
    ("chain", "e2e", ""),
    ("exposition", "metrics-model", ""),
    ("node-exporter", "node-exporter", ""),
    ("promql", "promql", ""),
    ("pushgateway", "pushgateway", ""),
    ("redis-exporter", "redis-exporter", ""),
    ("rules", "e2e", "rules_"),
    ("server", "server", ""),
];

pub(crate) fn run(options: &Options) -> Result<()> {
    let Some((_, package, tests)) = TWINS.iter().find(|(name, ..)| *name == options.what) else {
        let known: Vec<&str> = TWINS.iter().map(|(name, ..)| *name).collect();
        bail!("nothing to compare is named {:?}: known are {}", options.what, known.join(", "));
    };
    let toolbox = setup::build()?;
    exec::run(toolbox.cargo().args(["build", "--workspace", "--bins"]))?;
    let mut cargo = toolbox.cargo();
    cargo
        .args(["test", "--package", package, "--test", "twin", "--", "--nocapture", tests])
        .env("FIREWATCH_COMPARE", "1");
    if let Some(seconds) = options.seconds {
        cargo.env("FIREWATCH_COMPARE_SECONDS", seconds.to_string());
    }
    exec::run(&mut cargo)
}
