//! Windows itself: the host that this process runs on, and the service manager.

use std::process::ExitCode;
use std::sync::Arc;

use crate::app::{App, Options};
use crate::cli::Action;
use crate::collector::TABLE;
use crate::source::SourceError;

mod buffer;
mod host;
mod network;
mod pdh;
mod processes;
mod registry;
mod service;
mod services;
mod volumes;

/// Scrapes are short and rare: one thread serves them, and collectors have their own.
const WORKER_THREADS: usize = 1;

/// Does what the command line says.
#[must_use]
pub fn perform(action: Action) -> ExitCode {
    let done = match action {
        Action::Run(options) => {
            return daemon::run(Some(WORKER_THREADS), || App::start(*options, Arc::new(host::Host::new())));
        }
        Action::Serve(_) => service::serve(),
        Action::Install { delayed, arguments } => service::install(delayed, &arguments),
        Action::Uninstall => service::uninstall(),
        Action::Start => service::start(),
        Action::Stop => service::stop(),
        Action::Print => {
            TABLE.iter().for_each(|entry| println!(" - {}", entry.name));
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = %daemon::run::chain(&error), "not done");
            ExitCode::from(daemon::run::EXIT_FAILURE)
        }
    }
}

async fn start(options: Options) -> Result<App, daemon::StartError> {
    App::start(options, Arc::new(host::Host::new())).await
}

/// An error of the system.
fn failed(attempted: &'static str, error: windows::core::Error) -> SourceError {
    SourceError::Failed { attempted, source: Box::new(error) }
}

/// An error of the system by its code.
fn failed_with(attempted: &'static str, code: u32) -> SourceError {
    failed(attempted, windows::Win32::Foundation::WIN32_ERROR(code).to_hresult().into())
}

/// Units of 100 nanoseconds in a second.
const UNITS_PER_SECOND: f64 = 1e7;
/// Windows counts time from 1601, Unix from 1970.
const EPOCH_SECONDS: f64 = 11_644_473_600.0;

/// Unix time of a Windows time.
fn unix_time(units: i64) -> f64 {
    units as f64 / UNITS_PER_SECOND - EPOCH_SECONDS
}
