//! `cargo xtask up`: builds the daemons, runs them from `deploy/quickstart/`, and shows a live table that it gets by
//! PromQL from the server it started. `--check` does the same without a terminal, asserts each step and stops.

mod check;
mod stack;
mod table;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::{exec, setup};
use stack::Stack;

/// Flags of `cargo xtask up`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Move every port by this much, for a machine where the usual ones are taken.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) port_offset: u16,
    /// Where data and logs go.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Assert each step, stop everything, and say how it went.
    #[arg(long)]
    check: bool,
    /// Build quickly instead of well: for work on Firewatch itself.
    #[arg(long)]
    dev: bool,
}

/// How often the table is drawn again.
const REFRESH: Duration = Duration::from_secs(2);
/// How long the daemons may take to be ready.
const READY_WITHIN: Duration = Duration::from_secs(60);

pub(crate) fn run(options: &Options) -> Result<()> {
    let binaries = build(options.dev)?;
    let stop = Arc::new(AtomicBool::new(false));
    let on_signal = Arc::clone(&stop);
    ctrlc::set_handler(move || on_signal.store(true, Ordering::SeqCst)).context("cannot install the Ctrl-C handler")?;
    if options.check {
        return check::run(&binaries, options, &stop);
    }
    let data = options.data.clone().unwrap_or_else(|| exec::root().join("data"));
    let mut stack = Stack::start(&binaries, &data, options.port_offset)?;
    let outcome = wait_until_ready(&mut stack, &stop).and_then(|()| {
        println!("\n{}", stack.addresses());
        println!("data and logs: {}    Ctrl-C stops everything\n", data.display());
        watch(&mut stack, &stop)
    });
    println!("\nstopping");
    let stopped = stack.stop();
    outcome.and(stopped)
}

/// Builds all daemons and says where they lie.
fn build(dev: bool) -> Result<PathBuf> {
    let toolbox = setup::build()?;
    println!("building the daemons{}", if dev { "" } else { " (some minutes the first time)" });
    let mut cargo = toolbox.cargo();
    // Only the daemons: linking the tools beside them with all optimisations would take as long again.
    cargo.arg("build").args(stack::packages().flat_map(|package| ["--package", package]));
    cargo.args(stack::packages().flat_map(|package| ["--bin".to_owned(), format!("firewatch-{package}")]));
    if !dev {
        cargo.arg("--release");
    }
    exec::run(&mut cargo)?;
    Ok(exec::target_dir()?.join(if dev { "debug" } else { "release" }))
}

fn wait_until_ready(stack: &mut Stack, stop: &AtomicBool) -> Result<()> {
    let start = Instant::now();
    println!("waiting for the daemons");
    while !stop.load(Ordering::SeqCst) {
        stack.check_alive()?;
        let waiting = stack.not_ready();
        if waiting.is_empty() {
            return Ok(());
        }
        if start.elapsed() > READY_WITHIN {
            bail!("not ready within {READY_WITHIN:?}: {}; see their logs", waiting.join(", "));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    bail!("interrupted before the daemons were ready")
}

fn watch(stack: &mut Stack, stop: &AtomicBool) -> Result<()> {
    let mut screen = table::Screen::new();
    while !stop.load(Ordering::SeqCst) {
        stack.check_alive()?;
        screen.draw(&table::rows(&stack.server_url()))?;
        let drawn = Instant::now();
        while drawn.elapsed() < screen.pause(REFRESH) && !stop.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    Ok(())
}
