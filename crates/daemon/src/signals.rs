//! Signals, one file for each family of systems.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::Signals;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use windows::Signals;

/// What the system asks of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// End cleanly: SIGTERM, SIGINT, Ctrl-C.
    Terminate,
    /// Load the configuration again: SIGHUP.
    Reload,
}
