//! The server: scrapes targets, stores samples, answers queries, evaluates rules, sends alerts.
//!
//! A library with thin programs around it: [`App::start`] brings a whole server up, in a process of its own or in a test.
//!
//! * [`cli`]: the command line
//! * [`config`]: the configuration file
//! * [`app`]: start, reload and stop, in that order and its reverse
//! * [`store`]: the storage and its administration
//! * `memory`: one budget for the process
//! * `queries`: admission of queries, the query log
//! * `json_log`: files with a line of JSON for each event
//! * `notifier`: alerts to Alertmanagers
//! * `remote`: samples from other servers
//! * `web`: API and own metrics
//! * `ui`: pages
//! * [`promtool`]: the other program

pub mod app;
pub mod cli;
pub mod config;
mod json_log;
mod memory;
mod notifier;
pub mod promtool;
mod queries;
mod remote;
pub mod store;
mod time;
mod ui;
mod web;

pub use app::{App, AppOptions};
pub use cli::Options;
