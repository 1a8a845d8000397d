//! Metrics of a Windows host, under the names that windows_exporter gives them.
//!
//! * [`cli`]: the command line
//! * [`app`]: the running exporter
//! * [`collector`]: one file for each subject, and the table of all
//! * [`source`]: what collectors ask of a host
//! * [`recorded`]: a host from a recording, on every system
//! * `win`: the host that this process runs on, and its service manager; on other systems `elsewhere` takes its place

pub mod app;
pub mod cli;
pub mod collector;
pub mod recorded;
pub mod source;

#[cfg(windows)]
#[expect(unsafe_code, reason = "calls into Windows; nothing else in the house may be unsafe")]
mod win;
#[cfg(windows)]
pub use win::perform;

#[cfg(not(windows))]
mod elsewhere;
#[cfg(not(windows))]
pub use elsewhere::perform;

pub use app::{App, Options};
