//! Every Rust file opens with `//!`, stays readable in a sitting, and holds none of the words that mean "not done".

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::exec;

/// The most lines a file may have. Generated code is left out.
const LINES_MAX: usize = 600;

/// Words that mean "not done", split so that this file does not find itself.
const UNDONE: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X"), concat!("#[", "ignore")];

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["util", "utils", "common", "helpers", "misc"];

/// What may lie at the top, apart from hidden files.
const TOP: &[&str] = &[
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "clippy.toml",
    "crates",
    "data",
    "deny.toml",
    "deploy",
    "docs",
    "proto",
    "rustfmt.toml",
    "systemd",
    "target",
    "xtask",
];

pub(super) fn check() -> Result<Vec<String>> {
    let root = exec::root();
    let mut findings = Vec::new();
    for entry in std::fs::read_dir(&root).context("cannot read the repository")? {
        let name = entry.context("cannot read the repository")?.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') && !TOP.contains(&name.as_str()) {
            findings.push(format!("{name}: the top level holds only {}", TOP.join(", ")));
        }
    }
    let mut files = Vec::new();
    for folder in ["crates", "xtask"] {
        collect(&root.join(folder), &mut files)?;
    }
    for file in files {
        let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let shown = file.strip_prefix(&root).unwrap_or(&file).display().to_string();
        findings.extend(check_file(&shown, &file, &text));
    }
    Ok(findings)
}

fn check_file(shown: &str, file: &Path, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let lines = text.lines().count();
    if lines > LINES_MAX {
        findings.push(format!("{shown}: {lines} lines, more than the {LINES_MAX} that fit a sitting"));
    }
    if !text.trim_start().starts_with("//!") {
        findings.push(format!("{shown}: does not open with //! saying what it is"));
    }
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    if EMPTY_NAMES.contains(&&*stem) {
        findings.push(format!("{shown}: {stem} says nothing about what is inside"));
    }
    for (number, line) in text.lines().enumerate() {
        if let Some(word) = UNDONE.iter().find(|word| line.contains(**word)) {
            findings.push(format!("{shown}:{}: {word}", number + 1));
        }
    }
    findings
}

/// All Rust files below `folder`, but for generated ones and test data.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry.with_context(|| format!("cannot read {}", folder.display()))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !matches!(name.as_str(), "gen" | "target" | "fixtures" | "corpus" | "node_modules") {
                collect(&path, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}
