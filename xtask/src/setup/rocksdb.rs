//! Compiles RocksDB once: its 330 C++ files take 15 to 25 minutes on two cores, and cargo by itself would compile them
//! again for each profile and each build folder. The library lies in the cache folder under its version, and cargo is
//! told to link it (`ROCKSDB_LIB_DIR`).

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::exec;

const LIBRARY: &str = "librocksdb.a";

/// The folder with the compiled library; compiles it when it isn't there.
pub(crate) fn ensure() -> Result<PathBuf> {
    let folder = exec::cache_dir()?.join("rocksdb").join(version()?);
    if folder.join(LIBRARY).is_file() {
        return Ok(folder);
    }
    let build_dir = exec::cache_dir()?.join("rocksdb").join("build");
    println!("compiling RocksDB once for this machine (15 to 25 minutes on two cores)");
    // The store's own crate is built, so that RocksDB gets just the features that the workspace asks for.
    let mut cargo = exec::cargo();
    cargo.args(["build", "--release", "--package", "tsdb", "--target-dir"]).arg(&build_dir);
    let child = cargo.spawn().context("cannot run cargo")?;
    wait_with_progress(child, &build_dir)?;
    let library = find(&build_dir, LIBRARY).context("the build left no RocksDB library")?;
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    // Copied beside and renamed, so that a build that was cut off leaves no half library.
    let part = folder.join("part");
    std::fs::copy(&library, &part).with_context(|| format!("cannot copy {}", library.display()))?;
    std::fs::rename(&part, folder.join(LIBRARY)).context("cannot put the RocksDB library in place")?;
    std::fs::remove_dir_all(&build_dir).with_context(|| format!("cannot remove {}", build_dir.display()))?;
    Ok(folder)
}

/// What the library depends on: the bindings' version in `Cargo.lock` and the features in `Cargo.toml`.
fn version() -> Result<String> {
    let read =
        |name: &str| std::fs::read_to_string(exec::root().join(name)).with_context(|| format!("cannot read {name}"));
    let lock = read("Cargo.lock")?;
    let mut lines = lock.lines();
    let version = lines
        .find(|line| *line == "name = \"librocksdb-sys\"")
        .and_then(|_| lines.next())
        .and_then(|line| line.split('"').nth(1))
        .context("Cargo.lock names no librocksdb-sys")?;
    let manifest = read("Cargo.toml")?;
    let features = manifest
        .lines()
        .find(|line| line.starts_with("rocksdb = "))
        .and_then(|line| line.split("features = [").nth(1))
        .context("Cargo.toml names no features of rocksdb")?;
    let features: String = features.chars().filter(|c| c.is_ascii_alphanumeric() || *c == ',').collect();
    Ok(format!("{version}-{}-{}", features.replace(',', "-"), std::env::consts::ARCH))
}

/// Waits for the compiler; every few seconds says how many object files are done.
fn wait_with_progress(mut child: Child, build_dir: &Path) -> Result<()> {
    let start = Instant::now();
    let live = std::io::stdout().is_terminal();
    let pause = if live { Duration::from_secs(2) } else { Duration::from_secs(60) };
    let mut last_shown = Instant::now();
    loop {
        if let Some(status) = child.try_wait().context("cannot wait for cargo")? {
            if live {
                println!();
            }
            if !status.success() {
                bail!("compiling RocksDB ended with {status}");
            }
            return Ok(());
        }
        if last_shown.elapsed() >= pause {
            last_shown = Instant::now();
            let done = count_objects(build_dir);
            let minutes = start.elapsed().as_secs() / 60;
            let end = if live { "\r" } else { "\n" };
            print!("  RocksDB: {done} of about 330 files compiled, {minutes} min{end}");
            std::io::stdout().flush().context("cannot write to the terminal")?;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn count_objects(build_dir: &Path) -> usize {
    let Some(out) = rocksdb_out_dirs(build_dir).into_iter().next() else { return 0 };
    let mut pending = vec![out];
    let mut objects = 0;
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|extension| extension == "o") {
                objects += 1;
            }
        }
    }
    objects
}

fn find(build_dir: &Path, name: &str) -> Option<PathBuf> {
    rocksdb_out_dirs(build_dir).into_iter().map(|out| out.join(name)).find(|path| path.is_file())
}

/// The output folders of the bindings' build script.
fn rocksdb_out_dirs(build_dir: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(build_dir.join("release/build"))
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("librocksdb-sys-"))
        .map(|entry| entry.path().join("out"))
        .filter(|out| out.is_dir())
        .collect()
}
