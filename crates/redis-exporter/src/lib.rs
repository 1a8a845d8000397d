//! Metrics of Redis and Valkey servers: one that is configured, or any that a scrape names and an allow list lets through.
//!
//! * [`cli`]: flags and environment
//! * [`target`]: which server, and whether it may be asked
//! * [`credentials`]: which password goes to which server, and to no other
//! * [`session`]: one connection, every answer bounded in time and size
//! * [`reply`]: what a server may answer, taken apart without trust
//! * [`info`]: the INFO text
//! * [`collector`]: one file for each subject
//! * [`probe`]: asks one server everything
//! * [`app`]: the daemon

pub mod app;
pub mod cli;
pub mod collector;
pub mod credentials;
pub mod info;
pub mod probe;
pub mod reply;
pub mod session;
pub mod target;

mod fields;
mod stream;

pub use app::App;
pub use cli::Options;
