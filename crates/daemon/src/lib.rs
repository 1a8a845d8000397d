//! What every process of the house needs, so that a daemon's `main` is a few lines.
//!
//! * [`mod@run`]: runtime, signals, exit codes around an [`App`]
//! * [`options`]: the flags that all daemons share, and `--version`
//! * [`logging`]: `--log.level`, `--log.format`
//! * [`signals`]: terminate and reload
//! * [`tasks`]: every spawned task has a name, is cancelled and joined
//! * [`web`]: the HTTP listener and the routes that all daemons share

pub mod logging;
pub mod options;
pub mod run;
pub mod signals;
pub mod tasks;
pub mod web;

pub use run::{App, StartError, run};
pub use tasks::Tasks;
