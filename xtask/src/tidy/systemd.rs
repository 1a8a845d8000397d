//! The units in `systemd/` pass `systemd-analyze verify`, where that program is at hand.

use std::process::Command;

use anyhow::{Context, Result};

use crate::exec;

pub(super) fn check() -> Result<Vec<String>> {
    if !exec::has_program("systemd-analyze") {
        println!("skipped: units are not verified, for there is no systemd-analyze here");
        return Ok(Vec::new());
    }
    let folder = exec::root().join("systemd");
    let mut findings = Vec::new();
    for entry in std::fs::read_dir(&folder).context("cannot read systemd/")? {
        let path = entry.context("cannot read systemd/")?.path();
        if path.extension().is_none_or(|extension| extension != "service") {
            continue;
        }
        let output = Command::new("systemd-analyze").arg("verify").arg(&path).output();
        let output = output.context("cannot run systemd-analyze")?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        // The binaries are not installed on the machine that checks.
        let complaints = text.lines().filter(|line| !line.contains("is not executable: No such file"));
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        findings.extend(complaints.filter(|line| line.contains(&name)).map(|line| format!("systemd/{name}: {line}")));
    }
    Ok(findings)
}
