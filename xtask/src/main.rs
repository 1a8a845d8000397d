//! All automation of this repository: `cargo xtask COMMAND`. No loose scripts.
//!
//! * [`up`]: sets up, builds and runs the whole stack on this machine
//! * [`tests`]: sets up and runs every test
//! * [`ci`]: what continuous integration runs
//! * [`tidy`]: house rules that a machine can check
//! * [`conformance`]: runs shared test data against the crates
//! * [`compare`]: runs the originals beside ours
//! * [`mod@bench`]: criterion benches of the crates
//! * [`setup`]: system packages and the one compilation of RocksDB, used by all of the above

mod bench;
mod ci;
mod compare;
mod conformance;
mod exec;
mod setup;
mod tests;
mod tidy;
mod up;
mod windows;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// All automation of this repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Command {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Set up, build and run the stack on this machine; Ctrl-C stops it.
    Up(up::Options),
    /// Set up and run every test.
    Test(tests::Options),
    /// Run everything that continuous integration runs.
    Ci,
    /// Check the house rules: layers, files, words.
    Tidy,
    /// Run test data against the crates: `N passed, N failed`.
    Conformance(conformance::Options),
    /// Run the originals beside ours on the same input.
    Compare(compare::Options),
    /// Run the criterion benches.
    Bench(bench::Options),
    /// Build the web interface.
    Ui,
    /// Install what building and testing need, and compile RocksDB once.
    Setup,
}

fn main() -> ExitCode {
    let outcome = match Command::parse().task {
        Task::Up(options) => up::run(&options),
        Task::Test(options) => tests::run(&options),
        Task::Ci => ci::run(),
        Task::Tidy => tidy::run(),
        Task::Conformance(options) => conformance::run(&options),
        Task::Compare(options) => compare::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Ui => ui(),
        Task::Setup => setup::everything().map(drop),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The pages are plain files that the binaries embed as they are: there is nothing to build yet.
fn ui() -> anyhow::Result<()> {
    println!("the pages of today are plain files inside the binaries: nothing to build");
    Ok(())
}
