//! Runs an [`App`] from start to a clean stop. Called by every `main.rs`, and by nothing else.

use std::error::Error;
use std::future::Future;
use std::process::ExitCode;

use crate::signals::{Signal, Signals};

/// Exit code for a configuration that cannot be used (`EX_CONFIG` of sysexits.h).
pub const EXIT_CONFIG: u8 = 78;
/// Exit code for everything else that keeps a daemon from starting.
pub const EXIT_FAILURE: u8 = 1;

/// Why a daemon did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration cannot be used: exit code [`EXIT_CONFIG`].
    #[error("cannot load the configuration")]
    Config(#[source] Box<dyn Error + Send + Sync>),
    /// Anything else: exit code [`EXIT_FAILURE`].
    #[error("cannot {attempted}")]
    Other {
        /// What was attempted, as "listen on :9090".
        attempted: String,
        /// The cause.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl StartError {
    /// A [`StartError::Config`] from its cause.
    pub fn config(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Config(source.into())
    }

    /// A [`StartError::Other`] from what was attempted and its cause.
    pub fn other(attempted: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Other { attempted: attempted.into(), source: source.into() }
    }
}

/// A daemon that runs: made by its crate's `App::start(options)`.
pub trait App: Sized + Send {
    /// Loads and checks the configuration anew and swaps it in; on an error the old one stays whole.
    fn reload(&self) -> impl Future<Output = Result<(), Box<dyn Error + Send + Sync>>> + Send;

    /// Completes when the daemon itself wants to end (a quit request over HTTP).
    fn quit_requested(&self) -> impl Future<Output = ()> + Send;

    /// Stops everything in reverse order of its start and waits for it.
    fn stop(self) -> impl Future<Output = ()> + Send;
}

/// Starts the daemon, serves signals until it shall end, and stops it. Errors go to the log, causes included.
pub fn run<A, F>(worker_threads: Option<usize>, start: impl FnOnce() -> F) -> ExitCode
where
    A: App,
    F: Future<Output = Result<A, StartError>>,
{
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = worker_threads {
        builder.worker_threads(threads);
    }
    let runtime = match builder.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "cannot start the runtime");
            return ExitCode::from(EXIT_FAILURE);
        }
    };
    runtime.block_on(async {
        match serve(start).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                tracing::error!(error = %chain(&error), "not started");
                match error {
                    StartError::Config(_) => ExitCode::from(EXIT_CONFIG),
                    StartError::Other { .. } => ExitCode::from(EXIT_FAILURE),
                }
            }
        }
    })
}

async fn serve<A, F>(start: impl FnOnce() -> F) -> Result<(), StartError>
where
    A: App,
    F: Future<Output = Result<A, StartError>>,
{
    let mut signals = Signals::install().map_err(|error| StartError::other("install signal handlers", error))?;
    let app = tokio::select! {
        app = start() => app?,
        Signal::Terminate = signals.next() => return Ok(()),
    };
    loop {
        tokio::select! {
            signal = signals.next() => match signal {
                Signal::Terminate => break,
                Signal::Reload => match app.reload().await {
                    Ok(()) => tracing::info!("configuration reloaded"),
                    Err(error) => tracing::error!(error = %chain(&*error), "configuration not reloaded, the old one stays"),
                },
            },
            () = app.quit_requested() => {
                tracing::info!("quit requested");
                break;
            }
        }
    }
    tracing::info!("stopping");
    app.stop().await;
    tracing::info!("stopped");
    Ok(())
}

/// An error and all its causes in one line.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
