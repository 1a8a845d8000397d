//! The HTTP side that all daemons share.

pub mod config;
pub mod config_file;
pub mod lifecycle;
pub mod listen;
mod rate_limit;
mod request_line;
mod tls;
mod users;

pub use config::{WebConfig, WebConfigError};
pub use config_file::WebConfigFile;
pub use lifecycle::Lifecycle;
pub use listen::{Limits, ListenError, Listener};
