//! `debug`: what somebody who shall help wants to see of a server, in one archive.

use std::path::Path;

use clap::Subcommand;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::server::{self, HttpOptions};
use super::{Outcome, failed};

/// Where the archive goes.
const ARCHIVE: &str = "debug.tar.gz";

/// What an archive has: the path at the server and the name in the archive. All of these are free of secrets.
const METRICS: &[(&str, &str)] = &[("/metrics", "metrics.txt")];
const ALL: &[(&str, &str)] = &[
    ("/metrics", "metrics.txt"),
    ("/api/v1/status/buildinfo", "buildinfo.json"),
    ("/api/v1/status/runtimeinfo", "runtimeinfo.json"),
    ("/api/v1/status/flags", "flags.json"),
    ("/api/v1/status/config", "config.json"),
    ("/api/v1/status/tsdb", "tsdb.json"),
    ("/api/v1/targets", "targets.json"),
    ("/api/v1/rules", "rules.json"),
    ("/api/v1/alertmanagers", "alertmanagers.json"),
];

#[derive(Debug, Subcommand)]
pub(super) enum DebugCommand {
    /// Fetch metrics debug information.
    Metrics {
        /// Server to get metrics from.
        server: String,
    },
    /// Fetch all debug information: metrics, configuration, flags, state of the store, targets and rules.
    All {
        /// Server to get all debug information from.
        server: String,
    },
    /// Not there: profiles come from the runtime of another language.
    #[command(hide = true)]
    Pprof {
        /// Server to get pprof files from.
        server: String,
    },
}

pub(super) fn run(command: &DebugCommand) -> Outcome {
    let (server, wanted) = match command {
        DebugCommand::Metrics { server } => (server, METRICS),
        DebugCommand::All { server } => (server, ALL),
        DebugCommand::Pprof { .. } => {
            return failed(
                "debug pprof: a Firewatch server has no pprof profiles; use a profiler of the system, as perf",
            );
        }
    };
    match collect(server, wanted).and_then(|files| write(Path::new(ARCHIVE), &files)) {
        Ok(()) => {
            println!("Compiling debug information complete, all files written in {ARCHIVE:?}.");
            Outcome::Fine
        }
        Err(error) => failed(format!("error completing debug command: {error}")),
    }
}

fn collect(server: &str, wanted: &[(&str, &'static str)]) -> Result<Vec<(&'static str, Vec<u8>)>, String> {
    let mut files = Vec::with_capacity(wanted.len());
    for (path, name) in wanted {
        let answer = server::get(&HttpOptions::default(), server, path)?;
        if !answer.status.is_success() {
            return Err(format!("{path} answers {}", answer.status));
        }
        files.push((*name, answer.body.to_vec()));
    }
    Ok(files)
}

fn write(path: &Path, files: &[(&str, Vec<u8>)]) -> Result<(), String> {
    let cannot = |error: std::io::Error| format!("cannot write {}: {error}", path.display());
    let file = std::fs::File::create(path).map_err(cannot)?;
    let mut archive = tar::Builder::new(GzEncoder::new(file, Compression::default()));
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or(0));
        archive.append_data(&mut header, name, content.as_slice()).map_err(cannot)?;
    }
    let compressed = archive.into_inner().map_err(cannot)?;
    compressed.finish().map(drop).map_err(cannot)
}
