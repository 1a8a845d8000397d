//! The pushgateway: jobs that end before anyone scrapes them push their metrics here, and the server scrapes this page.
//!
//! A push names a group by labels in its path, replaces the group's metrics (PUT) or its families of the same names
//! (POST), and is on disk before it is answered.
//!
//! * [`cli`]: the flags
//! * [`path`]: the labels in a push's path
//! * [`decode`]: a request's body to metric families, under limits
//! * [`group`]: groups and their keys
//! * [`store`]: all groups, consistent with each other and with the gateway's own metrics
//! * [`persist`]: the log that makes a push survive
//! * [`page`]: what `/metrics` shows
//! * [`api`]: the HTTP side
//! * [`app`]: the daemon

pub mod api;
pub mod app;
pub mod cli;
pub mod decode;
pub mod group;
pub mod page;
pub mod path;
pub mod persist;
pub mod store;

pub use app::App;
pub use cli::Options;
