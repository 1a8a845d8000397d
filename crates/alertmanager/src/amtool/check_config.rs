//! `check-config`: whether configuration files and their templates can be used.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::Session;
use crate::config::{self, Config};
use crate::engine;
use crate::templates::Templates;
use crate::time::Clock;
use crate::trial::{self, FailingText};

pub(super) fn run(session: &mut Session<'_>, files: &[PathBuf]) -> Result<()> {
    let standard_input = [PathBuf::from("/dev/stdin")];
    let files = if files.is_empty() { &standard_input[..] } else { files };
    let mut failed = 0;
    for file in files {
        if !check(session, file)? {
            failed += 1;
        }
        writeln!(session.out)?;
    }
    if failed > 0 {
        bail!("failed to validate {failed} file(s)");
    }
    Ok(())
}

/// Whether one file can be used, after saying so.
fn check(session: &mut Session<'_>, file: &Path) -> Result<bool> {
    write!(session.out, "Checking '{}'", file.display())?;
    let config = match config::load(file, session.syntax) {
        Ok(config) => config,
        Err(error) => {
            writeln!(session.out, "  FAILED: {error}")?;
            return Ok(false);
        }
    };
    writeln!(session.out, "  SUCCESS")?;
    writeln!(session.out, "Found:\n - global config\n - route")?;
    writeln!(session.out, " - {} inhibit rules", config.inhibit_rules.len())?;
    writeln!(session.out, " - {} receivers", config.receivers.len())?;
    writeln!(session.out, " - {} templates", config.templates.len())?;
    match check_templates(&config) {
        Err(error) => {
            writeln!(session.out, "  FAILED: {error}")?;
            Ok(false)
        }
        Ok(warnings) => {
            for warning in warnings {
                writeln!(session.out, "  WARNING: {warning}")?;
            }
            if !config.templates.is_empty() {
                writeln!(session.out, "  SUCCESS")?;
            }
            Ok(true)
        }
    }
}

/// Whether the template files, and the texts in the configuration itself, are templates. Gives those of the texts that
/// fail for a sample alert.
fn check_templates(config: &Config) -> Result<Vec<FailingText>, String> {
    let templates = Templates::load(&config.templates, "", Clock::machine());
    let templates = templates.map_err(|error| daemon::run::chain(&error))?;
    engine::check_texts(config, &templates).map_err(|error| daemon::run::chain(&error))?;
    Ok(trial::failing_texts(config, &templates, Clock::machine().now()))
}
