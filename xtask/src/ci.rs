//! `cargo xtask ci`: what continuous integration runs, cheapest first.

use anyhow::Result;

use crate::{exec, setup, tests, tidy, windows};

/// Links that lead nowhere are denied; those to private items are how module pages tell what is inside.
const BROKEN_LINKS: &str = "-D rustdoc::broken_intra_doc_links -A rustdoc::private_intra_doc_links";

pub(crate) fn run() -> Result<()> {
    step("formatting", || exec::run(exec::cargo().args(["fmt", "--all", "--check"])))?;
    step("house rules", tidy::run)?;
    let toolbox = setup::everything()?;
    step("lints", || {
        exec::run(toolbox.cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
    })?;
    step("documentation", || {
        let mut cargo = toolbox.cargo();
        cargo.args(["doc", "--workspace", "--no-deps", "--document-private-items"]).env("RUSTDOCFLAGS", BROKEN_LINKS);
        exec::run(&mut cargo)
    })?;
    step("Windows target", windows::check)?;
    step("advisories", advisories)?;
    step("tests", || tests::run(&tests::Options::default()))
}

/// Known faults of dependencies, by the database that `cargo audit` brings along.
fn advisories() -> Result<()> {
    if !exec::has_program("cargo-audit") {
        println!("skipped: needs `cargo install cargo-audit`");
        return Ok(());
    }
    exec::run(exec::cargo().arg("audit"))
}

fn step(name: &str, task: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("==> {name}");
    let start = std::time::Instant::now();
    task()?;
    println!("==> {name}: done in {:.0?}", start.elapsed());
    Ok(())
}
