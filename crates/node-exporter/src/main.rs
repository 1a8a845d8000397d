//! `firewatch-node-exporter`: flags in, exit code out.

use std::process::ExitCode;

use node_exporter::{App, cli};

/// One heap for all threads. The system's allocator has one for each, and what the collectors' threads free stays there: a
/// fifth of the resident memory of a process this small.
#[cfg(target_os = "linux")]
#[global_allocator]
static HEAP: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

/// Scrapes are short and rare: one thread serves them, and collectors have their own.
const WORKER_THREADS: usize = 1;

fn main() -> ExitCode {
    let (log, options) = match cli::parse(std::env::args_os()) {
        Ok(cli::Parsed { log, options }) => (log, options),
        Err(error) => {
            // Also the way of `--help` and `--version`, which end well.
            let code = u8::try_from(error.exit_code()).unwrap_or(daemon::run::EXIT_FAILURE);
            drop(error.print());
            return ExitCode::from(code);
        }
    };
    log.install();
    daemon::run(Some(WORKER_THREADS), || App::start(options))
}
