//! `cargo xtask conformance [CORPUS...] [--dir DIR]`: runs test data, one folder a corpus, through the crates that
//! know it. The crates' `conformance` tests do the work; this calls them and adds up.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::{exec, setup};

/// Flags of `cargo xtask conformance`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The folders to run; all that are known when none is named.
    #[arg(value_name = "CORPUS")]
    corpora: Vec<String>,
    /// A folder that has these corpora as subfolders; by default `../shared/conformance` beside the repository.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// A corpus: its folder and the crate whose `conformance` tests run it; of some, each crate has its part.
const CORPORA: &[(&str, &str)] = &[
    ("config", "daemon"),
    ("exposition", "metrics-model"),
    ("relabel", "metrics-model"),
    ("promql", "promql"),
    ("promql-parser", "promql"),
    ("dashboards", "promql"),
    ("templates", "template"),
    ("alert-rules", "rules"),
    ("config", "server"),
    ("rules", "server"),
    ("alertmanager", "alertmanager"),
    ("pushgateway", "pushgateway"),
    ("redis-exporter", "redis-exporter"),
    ("node-exporter", "node-exporter"),
    ("windows-exporter", "windows-exporter"),
];

pub(crate) fn run(options: &Options) -> Result<()> {
    if let Some(unknown) = options.corpora.iter().find(|name| CORPORA.iter().all(|(corpus, _)| corpus != *name)) {
        let known: Vec<&str> = CORPORA.iter().map(|(corpus, _)| *corpus).collect();
        bail!("{unknown:?} is not a corpus: known are {}", known.join(", "));
    }
    let default = exec::root().join("..").join("shared").join("conformance");
    let dir = options.dir.clone().unwrap_or(default);
    if !dir.is_dir() {
        println!("skipped: there is no test data at {}", dir.display());
        println!("0 passed, 0 failed");
        return Ok(());
    }
    let dir = dir.canonicalize()?;
    let wanted = |corpus: &str| options.corpora.is_empty() || options.corpora.iter().any(|name| name == corpus);
    let mut packages: Vec<&str> =
        CORPORA.iter().filter(|(corpus, _)| wanted(corpus)).map(|(_, package)| *package).collect();
    packages.dedup();
    let toolbox = setup::build()?;
    let (mut passed, mut failed, mut broken) = (0, 0, Vec::new());
    for package in packages {
        let names: Vec<&str> = CORPORA
            .iter()
            .filter(|(corpus, owner)| *owner == package && wanted(corpus))
            .map(|(name, _)| *name)
            .collect();
        println!("{package}: {}", names.join(", "));
        let mut cargo = toolbox.cargo();
        cargo
            .args([
                "test",
                "--quiet",
                "--package",
                package,
                "--test",
                "conformance",
                "--",
                "--nocapture",
                "--test-threads=1",
            ])
            .env("FIREWATCH_CONFORMANCE_DIR", &dir)
            .env("FIREWATCH_CONFORMANCE_CORPORA", names.join(","));
        let output = cargo.output()?;
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            println!("  {line}");
        }
        let counts: Vec<(usize, usize)> = text.lines().filter_map(counts).collect();
        if counts.is_empty() {
            broken.push(package);
        }
        passed += counts.iter().map(|(passed, _)| passed).sum::<usize>();
        failed += counts.iter().map(|(_, failed)| failed).sum::<usize>();
    }
    println!("{passed} passed, {failed} failed");
    if !broken.is_empty() {
        bail!("no count came from {}", broken.join(", "));
    }
    if failed > 0 { bail!("{failed} cases failed") } else { Ok(()) }
}

/// Reads `N passed, M failed`, possibly after a word and a colon.
fn counts(line: &str) -> Option<(usize, usize)> {
    let line = line.rsplit_once(": ").map_or(line, |(_, rest)| rest).trim();
    let (passed, rest) = line.split_once(" passed, ")?;
    let failed = rest.split_once(" failed")?.0;
    Some((passed.parse().ok()?, failed.parse().ok()?))
}
