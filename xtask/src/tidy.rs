//! `cargo xtask tidy`: house rules that a machine can check. Each prints what breaks it and where.

mod files;
mod layers;
mod licences;
mod systemd;

use anyhow::{Result, bail};

pub(crate) fn run() -> Result<()> {
    let metadata = crate::exec::metadata()?;
    let mut findings = layers::check(&metadata)?;
    findings.extend(files::check()?);
    findings.extend(licences::check()?);
    findings.extend(systemd::check()?);
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        bail!("{} things are not tidy", findings.len());
    }
    println!("tidy");
    Ok(())
}
