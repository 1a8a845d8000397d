//! The Windows exporter checked for Windows, with the first toolchain that has the target. None has it on a machine that
//! only builds for Linux: the step then says how to get it.

use std::path::Path;

use anyhow::Result;

use crate::exec;

const TARGET: &str = "x86_64-pc-windows-gnu";
/// Compiles the C parts of the TLS library for the target.
const C_COMPILER: &str = "x86_64-w64-mingw32-gcc";

pub(crate) fn check() -> Result<()> {
    let toolchain = ["", "+nightly"].into_iter().find(|toolchain| has_target(toolchain));
    let Some(toolchain) = toolchain.filter(|_| exec::has_program(C_COMPILER)) else {
        println!("skipped: needs `rustup target add {TARGET}` and the package gcc-mingw-w64-x86-64");
        return Ok(());
    };
    let mut cargo = match toolchain {
        "" => exec::cargo(),
        other => exec::cargo_of(other),
    };
    exec::run(cargo.args(["check", "--target", TARGET, "--package", "windows-exporter", "--bins"]))
}

/// Whether the toolchain has the standard library for the target.
fn has_target(toolchain: &str) -> bool {
    let mut rustc = exec::rustc_of(toolchain);
    let Ok(folder) = exec::output(rustc.args(["--print", "target-libdir", "--target", TARGET])) else { return false };
    std::fs::read_dir(Path::new(folder.trim()))
        .is_ok_and(|entries| entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-")))
}
