//! System packages: installs what is missing where it may, else prints the one command that does.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::exec;

/// What the packages are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Compiling: a C++ compiler for RocksDB, libclang for its bindings.
    Build,
    /// The real parts that tests run against.
    Test,
}

/// One thing that must be there: how to see it, and the Debian package that brings it.
struct Part {
    need: Need,
    package: &'static str,
    is_there: fn() -> bool,
}

const PARTS: &[Part] = &[
    Part { need: Need::Build, package: "g++", is_there: || exec::has_program("c++") || exec::has_program("clang++") },
    Part { need: Need::Build, package: "libclang-dev", is_there: has_libclang },
    Part { need: Need::Test, package: "redis-server", is_there: || exec::has_program("redis-server") },
    Part { need: Need::Test, package: "python3-aiosmtpd", is_there: || has_python_module("aiosmtpd") },
];

/// Installs the missing packages for `need`.
pub(crate) fn ensure(need: Need) -> Result<()> {
    let missing: Vec<&str> =
        PARTS.iter().filter(|part| part.need == need && !(part.is_there)()).map(|part| part.package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let by_hand = format!("apt-get install -y --no-install-recommends {}", missing.join(" "));
    if !exec::has_program("apt-get") {
        bail!(
            "missing: {}. Install them with this system's package manager (on Debian: {by_hand})",
            missing.join(", ")
        );
    }
    let Some(mut prefix) = privilege() else {
        bail!("missing: {}. This command installs them: sudo {by_hand}", missing.join(", "));
    };
    println!("installing {}", missing.join(", "));
    prefix.push("apt-get");
    let apt = |arguments: &[&str]| {
        let mut command = Command::new(prefix[0]);
        command.args(&prefix[1..]).args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        exec::run(&mut command)
    };
    apt(&["update", "-qq"])?;
    let mut arguments = vec!["install", "-y", "-qq", "--no-install-recommends"];
    arguments.extend(&missing);
    apt(&arguments)
}

/// The words that make a command run as root: none for root itself, sudo where it asks no question.
fn privilege() -> Option<Vec<&'static str>> {
    if rustix::process::geteuid().is_root() {
        return Some(Vec::new());
    }
    let silent_sudo = Command::new("sudo").args(["-n", "true"]).output().is_ok_and(|output| output.status.success());
    silent_sudo.then(|| vec!["sudo", "-n"])
}

/// Whether the system's Python, which tests start, has a module.
fn has_python_module(name: &str) -> bool {
    let mut python = Command::new("/usr/bin/python3");
    python.args(["-c", &format!("import {name}")]).output().is_ok_and(|output| output.status.success())
}

fn has_libclang() -> bool {
    let in_folder = |folder: &Path| {
        std::fs::read_dir(folder)
            .is_ok_and(|entries| entries.flatten().any(|entry| is_libclang(&entry.file_name().to_string_lossy())))
    };
    let llvm = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let llvm = llvm.filter(|entry| entry.file_name().to_string_lossy().starts_with("llvm-"));
    let mut folders = llvm.map(|entry| entry.path().join("lib"));
    std::env::var_os("LIBCLANG_PATH").is_some()
        || folders.any(|folder| in_folder(&folder))
        || ["/usr/lib64", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"]
            .iter()
            .any(|f| in_folder(Path::new(f)))
}

/// Whether a file of this name is the library that the bindings' generator loads: `libclang.so`, `libclang.so.1`,
/// `libclang-14.so.1`. Its C++ sister `libclang-cpp.so.14` comes with LLVM alone and is of no use to it.
fn is_libclang(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("libclang") else { return false };
    let rest = rest.strip_prefix('-').map_or(rest, |version| version.trim_start_matches(|c: char| c.is_ascii_digit()));
    rest == ".so" || rest.starts_with(".so.") || (rest.starts_with('.') && rest.contains(".so"))
}

#[cfg(test)]
mod tests {
    use super::is_libclang;

    #[test]
    fn libclang_is_told_from_its_sister() {
        for name in ["libclang.so", "libclang.so.1", "libclang-14.so.1", "libclang-14.so", "libclang-14.0.6.so.1"] {
            assert!(is_libclang(name), "{name}");
        }
        for name in ["libclang-cpp.so.14", "libclang-cpp.so", "libclang.a", "libclangAST.a", "libLLVM-14.so"] {
            assert!(!is_libclang(name), "{name}");
        }
    }
}
